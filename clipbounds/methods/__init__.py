"""Algorithms, one file each."""

from .adaptive import AdaGradNorm, Adam, QuantileClippedSGD
from .base import ADVANCE, Method, Setting
from .distributed import Clip21SGD, DistributedClippedSGD, DistributedSGD
from .error_feedback import SClipEF
from .growing import GrowingSmoothClip
from .micro_batch import MicroBatchClippedSGD
from .momentum import ClippedMomentumSGD, MixedClippedSGD, NormalizedMomentumSGD
from .networks import Complete, ExponentialNetwork, Mixing, Network, Ring, Torus
from .normalized import NormalizedSGD
from .per_sample import PerSampleClippedSGD
from .schedule_kernels import SCHEDULE
from .schedules import CosineSchedule, ListSchedule, PiecewiseSchedule, PowerSchedule, Schedule
from .sgd import SGD, ClippedSGD
from .spider import MiniBatch, Spider
from .steps import ClippedStep, ConstantStep, RuleH, RuleN, RuleP, StepRule

__all__ = [
    "ADVANCE",
    "SCHEDULE",
    "SGD",
    "AdaGradNorm",
    "Adam",
    "Clip21SGD",
    "ClippedMomentumSGD",
    "ClippedSGD",
    "ClippedStep",
    "Complete",
    "ConstantStep",
    "CosineSchedule",
    "DistributedClippedSGD",
    "DistributedSGD",
    "ExponentialNetwork",
    "GrowingSmoothClip",
    "ListSchedule",
    "Method",
    "MicroBatchClippedSGD",
    "MiniBatch",
    "MixedClippedSGD",
    "Mixing",
    "Network",
    "NormalizedMomentumSGD",
    "NormalizedSGD",
    "PerSampleClippedSGD",
    "PiecewiseSchedule",
    "PowerSchedule",
    "QuantileClippedSGD",
    "Ring",
    "RuleH",
    "RuleN",
    "RuleP",
    "SClipEF",
    "Schedule",
    "Setting",
    "Spider",
    "StepRule",
    "Torus",
]
