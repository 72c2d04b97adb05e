"""Exact analysis without sampling: worst-case drift, bias floor, moment problems, stationary gradients and laws."""

from .adversary import Adversary, adversary
from .bias_floor import bounded_noise_floor, floor, floor_noise, supporting_line, two_point_fixed_point
from .clipped_drift import drift, drift_atoms
from .expected_excess import clipping_bias
from .mean_step import gaussian_drift, mean_clipped_step
from .moment_lp import MomentProblem, moment_floor, moment_problem
from .one_step import OneStepLaw, one_step, one_step_law
from .stationary_chain import StationaryLaw, stationary_law
from .stationary_point import stationary_gradient, stationary_vector
from .stationary_rows import stationary_rows

__all__ = [
    "Adversary",
    "MomentProblem",
    "OneStepLaw",
    "StationaryLaw",
    "adversary",
    "bounded_noise_floor",
    "clipping_bias",
    "drift",
    "drift_atoms",
    "floor",
    "floor_noise",
    "gaussian_drift",
    "mean_clipped_step",
    "moment_floor",
    "moment_problem",
    "one_step",
    "one_step_law",
    "stationary_gradient",
    "stationary_law",
    "stationary_rows",
    "stationary_vector",
    "supporting_line",
    "two_point_fixed_point",
]
