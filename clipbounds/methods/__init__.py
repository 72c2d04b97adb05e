"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .distributed import Clip21SGD, DistributedClippedSGD, DistributedSGD
from .error_feedback import SClipEF
from .networks import Complete, ExponentialNetwork, Mixing, Network, Ring, Torus
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
    "ExponentialNetwork",
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
