"""Objectives with certified constants."""

from .base import GRADIENT, Problem
from .convex import Cosh, Huber, Power, Quadratic
from .fixed_step import FixedStepRamp, FixedStepWall
from .nonconvex import DoubleWell, Sombrero
from .ramp import RampValley, RampWall
from .zero_chain import ZeroChain

__all__ = [
    "GRADIENT",
    "Cosh",
    "DoubleWell",
    "FixedStepRamp",
    "FixedStepWall",
    "Huber",
    "Power",
    "Problem",
    "Quadratic",
    "RampValley",
    "RampWall",
    "Sombrero",
    "ZeroChain",
]
