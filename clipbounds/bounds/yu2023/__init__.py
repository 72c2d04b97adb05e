"""Bounds and exact results about SClip-EF (yu2023, arXiv 2310.16920)."""

from .divergence import divergence_radii, divergence_threshold, theta_of_radius
from .fixed_points import (
    noiseless_error_limit,
    optimum,
    smooth_bias_limit,
    smooth_fixed_point,
    vanilla_fixed_points,
)
from .growth import EstimatorSize, Growth
from .law import NearOptimumLaw, tail_index
from .rate import Rate, smoothing_constant

__all__ = [
    "EstimatorSize",
    "Growth",
    "NearOptimumLaw",
    "Rate",
    "divergence_radii",
    "divergence_threshold",
    "noiseless_error_limit",
    "optimum",
    "smooth_bias_limit",
    "smooth_fixed_point",
    "smoothing_constant",
    "tail_index",
    "theta_of_radius",
    "vanilla_fixed_points",
]
