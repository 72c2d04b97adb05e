"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .sgd import SGD, ClippedSGD
from .spider import MiniBatch, Spider
from .steps import ClippedStep, ConstantStep, RuleH, RuleN, RuleP, StepRule

__all__ = [
    "ADVANCE",
    "SGD",
    "ClippedSGD",
    "ClippedStep",
    "ConstantStep",
    "Method",
    "MiniBatch",
    "RuleH",
    "RuleN",
    "RuleP",
    "Setting",
    "Spider",
    "StepRule",
]
