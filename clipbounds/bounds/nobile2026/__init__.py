"""Per-sample clipping (Nobile and Grohs 2026, arXiv 2605.02701): this project's theorems for the paper's estimator.

The estimator (`mse_bound`, `joint_constant`, `deviation_bound`, `mean_estimation_lower_bound`, ...) is described by
functions of thresholds, gradient norm, sigma and p; the method by `Bound` objects. Everything here is proved, in the
docstrings; the paper's own constants are not available.
"""

from .constants import group_sigma, moment_growth, tail_constant
from .descent import Descent
from .deviation import best_deviation, deviation_bound, tuned_constant_bound
from .estimator import (
    bias_bound,
    bias_profile,
    constant_thresholds,
    growing_thresholds,
    mse_bound,
    mse_constant,
    variance_bound,
    variance_profile,
)
from .exact import FiniteLaw, error_tail, moments
from .expectation import Corollary3, Split, Theorem3, best_split
from .joint import SCHEDULES, best_scale, joint_constant, worst_size
from .lower import mean_estimation_lower_bound, minimax_error
from .normalized import NormalizedSGDBound
from .one_batch import best_deviation_star, deviation_constant, deviation_star
from .probability import Theorem4, Theorem5, Theorem5Gap
from .sharp_bias import sharp_bias_bound
from .sharp_expectation import SharpDescent, Theorem3Star
from .theorem6 import Theorem6, Theorem6Gap
from .theorem7 import Theorem7, Theorem7Gap
from .units import sample_sigma, units_of
from .worst_mse import WorstError, exact_mse

__all__ = [
    "SCHEDULES",
    "Corollary3",
    "Descent",
    "FiniteLaw",
    "NormalizedSGDBound",
    "SharpDescent",
    "Split",
    "Theorem3",
    "Theorem3Star",
    "Theorem4",
    "Theorem5",
    "Theorem5Gap",
    "Theorem6",
    "Theorem6Gap",
    "Theorem7",
    "Theorem7Gap",
    "WorstError",
    "best_deviation",
    "best_deviation_star",
    "best_scale",
    "best_split",
    "bias_bound",
    "bias_profile",
    "constant_thresholds",
    "deviation_bound",
    "deviation_constant",
    "deviation_star",
    "error_tail",
    "exact_mse",
    "group_sigma",
    "growing_thresholds",
    "joint_constant",
    "mean_estimation_lower_bound",
    "minimax_error",
    "moment_growth",
    "moments",
    "mse_bound",
    "mse_constant",
    "sample_sigma",
    "sharp_bias_bound",
    "tail_constant",
    "tuned_constant_bound",
    "units_of",
    "variance_bound",
    "variance_profile",
    "worst_size",
]
