"""Variance-reduced clipping, (L0,L1)-SPIDER: Reisizadeh, Li, Das, Jadbabaie, arXiv 2303.00883 (2023)."""

from .baselines import ClippedSGD, GradientDescent, MiniBatchClipping
from .lower import FiniteSumLower, FixedStepFloor, VarianceLower, VarianceReducedLower, ZeroChainFloor
from .plans import Plan, plan
from .recursion import mean_error
from .spider import SpiderH, SpiderN, SpiderP

__all__ = [
    "ClippedSGD",
    "FiniteSumLower",
    "FixedStepFloor",
    "GradientDescent",
    "MiniBatchClipping",
    "Plan",
    "SpiderH",
    "SpiderN",
    "SpiderP",
    "VarianceLower",
    "VarianceReducedLower",
    "ZeroChainFloor",
    "mean_error",
    "plan",
]
