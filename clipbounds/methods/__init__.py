"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .micro_batch import MicroBatchClippedSGD
from .normalized import NormalizedSGD
from .per_sample import PerSampleClippedSGD
from .sgd import SGD, ClippedSGD

__all__ = [
    "ADVANCE",
    "SGD",
    "ClippedSGD",
    "Method",
    "MicroBatchClippedSGD",
    "NormalizedSGD",
    "PerSampleClippedSGD",
    "Setting",
]
