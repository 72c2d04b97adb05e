"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .distributed import Clip21SGD, DistributedClippedSGD, DistributedSGD
from .error_feedback import SClipEF
from .networks import Complete, Exponential, Mixing, Network, Ring, Torus
from .schedules import SCHEDULE, PowerSchedule, Schedule
from .sgd import SGD, ClippedSGD

__all__ = [
    "ADVANCE",
    "SCHEDULE",
    "SGD",
    "Clip21SGD",
    "ClippedSGD",
    "Complete",
    "DistributedClippedSGD",
    "DistributedSGD",
    "Exponential",
    "Method",
    "Mixing",
    "Network",
    "PowerSchedule",
    "Ring",
    "SClipEF",
    "Schedule",
    "Setting",
    "Torus",
]
