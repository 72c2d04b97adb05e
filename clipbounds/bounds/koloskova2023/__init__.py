"""Revisiting Gradient Clipping: Stochastic bias and tight convergence guarantees (Koloskova, Hendrikx, Stich, 2023).

Bounds of clipped (S)GD, x <- x - eta clip_c(g), with explicit constants: deterministic (D1 non-convex, D2 convex, D3 strongly
convex), stochastic (S0-S3, the bias floor), lower bounds with the settings that attain them, and the paper's statements
as they are recalled.
"""

from .average import ConvexAverage
from .convex import D2LastIterate, D2WeightedAverage
from .deterministic import D1Hessian, D1Iterations, D1Mean, D1Min, D1Phi, D1Refined, iterations
from .horizon import S0Finite
from .joint import S0Star
from .last_iterate import D2B, D2G, D2Exact1D
from .lower import (
    D1LowerBound,
    D2LowerBound,
    FiniteLowerBound,
    best_skew,
    hardest_convex_huber,
    hardest_gap,
    hardest_huber,
    hardest_slope,
    huber_setting,
    least_iterations,
    two_point_setting,
)
from .recalled import RecalledConvex, RecalledFloor, RecalledNonConvex, RecalledStochastic
from .scheduled import WeightedS0Star
from .scheduled_deterministic import ScheduledD1Mean, ScheduledD1Min, ScheduledD2
from .sharp import S0
from .stochastic import S1, S2, S3, StochasticFloor
from .strongly_convex import D3, D3ClosedForm
from .worst_noise import AdversaryLowerBound

__all__ = [
    "D2B", "D2G", "D3", "S0", "S1", "S2", "S3",
    "AdversaryLowerBound", "ConvexAverage", "D1Hessian", "D1Iterations", "D1LowerBound", "D1Mean", "D1Min", "D1Phi", "D1Refined",
    "D2Exact1D", "D2LastIterate", "D2LowerBound", "D2WeightedAverage", "D3ClosedForm", "FiniteLowerBound",
    "RecalledConvex", "RecalledFloor", "RecalledNonConvex", "RecalledStochastic", "S0Finite", "S0Star",
    "ScheduledD1Mean", "ScheduledD1Min", "ScheduledD2", "StochasticFloor",
    "WeightedS0Star",
    "best_skew", "hardest_convex_huber", "hardest_gap", "hardest_huber", "hardest_slope", "huber_setting",
    "iterations", "least_iterations", "two_point_setting",
]  # fmt: skip
