"""Objectives with certified constants."""

from .base import GRADIENT, Problem
from .convex import Cosh, Huber, Power, Quadratic
from .nonconvex import DoubleWell, Sombrero

__all__ = ["GRADIENT", "Cosh", "DoubleWell", "Huber", "Power", "Problem", "Quadratic", "Sombrero"]
