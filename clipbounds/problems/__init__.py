"""Objectives with certified constants."""

from .base import GRADIENT, Problem
from .client_logistic import ClientLogistic
from .client_quadratics import ClientQuadratics, divergence_example
from .clients import CLIENT_GRADIENT, ClientProblem
from .convex import Cosh, Huber, Power, Quadratic
from .nonconvex import DoubleWell, Sombrero

__all__ = [
    "CLIENT_GRADIENT",
    "GRADIENT",
    "ClientLogistic",
    "ClientProblem",
    "ClientQuadratics",
    "Cosh",
    "DoubleWell",
    "Huber",
    "Power",
    "Problem",
    "Quadratic",
    "Sombrero",
    "divergence_example",
]
