"""Stochastic oracles: gradients of random components, which may be evaluated at several points."""

from .adaptive import Adaptive
from .additive import Additive, Exact, RademacherNoise, ZeroChainOracle
from .base import ORACLE, AveragedSmoothness, Oracle, constants_of_mean
from .components import EquispacedPhases, ScaledComponents, ShiftedCosh
from .landing import Policy
from .phase import GaussianPhase
from .rows import RowSampling, Shuffled
from .worst_drift import WorstDrift

__all__ = [
    "ORACLE",
    "Adaptive",
    "Additive",
    "AveragedSmoothness",
    "EquispacedPhases",
    "Exact",
    "GaussianPhase",
    "Oracle",
    "Policy",
    "RademacherNoise",
    "RowSampling",
    "ScaledComponents",
    "ShiftedCosh",
    "Shuffled",
    "WorstDrift",
    "ZeroChainOracle",
    "constants_of_mean",
]
