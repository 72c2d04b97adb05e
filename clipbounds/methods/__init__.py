"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .distributed import Clip21SGD, DistributedClippedSGD, DistributedSGD
from .error_feedback import SClipEF
from .micro_batch import MicroBatchClippedSGD
from .networks import Complete, ExponentialNetwork, Mixing, Network, Ring, Torus
from .normalized import NormalizedSGD
from .per_sample import PerSampleClippedSGD
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
    "MicroBatchClippedSGD",
    "Mixing",
    "Network",
    "NormalizedSGD",
    "PerSampleClippedSGD",
    "PowerSchedule",
    "Ring",
    "SClipEF",
    "Schedule",
    "Setting",
    "Torus",
]
