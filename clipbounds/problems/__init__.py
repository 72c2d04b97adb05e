"""Objectives with certified constants."""

from .adapters import coordinatewise, per_trajectory
from .base import GRADIENT, Problem
from .certify import Certification, certify
from .convex import Cosh, Huber, Power, Quadratic
from .coupled import LogSumExp, PhaseRetrieval
from .extremal import Extremal, Quartic
from .logistic import Logistic
from .nonconvex import DoubleWell, Sombrero
from .profile import Profile
from .separable import CoshCosine, Exponential, GemanMcClure, SineQuadratic, Softplus
from .unsmooth import NegativeLog, Reciprocal, ScalarFactorisation, SquaredExponential

__all__ = [
    "GRADIENT",
    "Certification",
    "Cosh",
    "CoshCosine",
    "DoubleWell",
    "Exponential",
    "Extremal",
    "GemanMcClure",
    "Huber",
    "LogSumExp",
    "Logistic",
    "NegativeLog",
    "PhaseRetrieval",
    "Power",
    "Problem",
    "Profile",
    "Quadratic",
    "Quartic",
    "Reciprocal",
    "ScalarFactorisation",
    "SineQuadratic",
    "Softplus",
    "Sombrero",
    "SquaredExponential",
    "certify",
    "coordinatewise",
    "per_trajectory",
]
