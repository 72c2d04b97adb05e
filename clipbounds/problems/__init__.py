"""Objectives with certified constants."""

from .adapters import coordinatewise, per_trajectory
from .base import GRADIENT, Problem
from .certify import Certification, certify
from .client_logistic import ClientLogistic
from .client_quadratics import ClientQuadratics, divergence_example
from .clients import CLIENT_GRADIENT, ClientProblem
from .convex import Cosh, Huber, Power, Quadratic
from .coupled import LogSumExp, PhaseRetrieval
from .extremal import Extremal, Quartic
from .fixed_step import FixedStepRamp, FixedStepWall
from .linear_model import LinearModel
from .logistic import Logistic
from .nonconvex import DoubleWell, Sombrero
from .profile import Profile
from .ramp import RampValley, RampWall
from .regression import LeastSquares, RobustRegression
from .separable import CoshCosine, Exponential, GemanMcClure, SineQuadratic, Softplus
from .softmax import Softmax
from .unsmooth import NegativeLog, Reciprocal, ScalarFactorisation, SquaredExponential
from .zero_chain import ZeroChain

__all__ = [
    "CLIENT_GRADIENT",
    "GRADIENT",
    "Certification",
    "ClientLogistic",
    "ClientProblem",
    "ClientQuadratics",
    "Cosh",
    "CoshCosine",
    "DoubleWell",
    "Exponential",
    "Extremal",
    "FixedStepRamp",
    "FixedStepWall",
    "GemanMcClure",
    "Huber",
    "LeastSquares",
    "LinearModel",
    "LogSumExp",
    "Logistic",
    "NegativeLog",
    "PhaseRetrieval",
    "Power",
    "Problem",
    "Profile",
    "Quadratic",
    "Quartic",
    "RampValley",
    "RampWall",
    "Reciprocal",
    "RobustRegression",
    "ScalarFactorisation",
    "SineQuadratic",
    "Softmax",
    "Softplus",
    "Sombrero",
    "SquaredExponential",
    "ZeroChain",
    "certify",
    "coordinatewise",
    "divergence_example",
    "per_trajectory",
]
