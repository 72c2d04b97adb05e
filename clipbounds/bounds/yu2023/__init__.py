"""Bounds and exact results about SClip-EF (yu2023, arXiv 2310.16920)."""

from .averaged import AveragedPath, averaged_path
from .divergence import divergence_radii, divergence_threshold, theta_of_radius
from .drift import repulsion
from .exponent import Exponents, best_power, exponents, largest_theta
from .fixed_points import (
    noiseless_error_limit,
    optimum,
    smooth_bias_limit,
    smooth_fixed_point,
    vanilla_fixed_points,
)
from .growth import EstimatorSize, Growth
from .law import NearOptimumLaw, tail_index
from .moments import MomentRecursion
from .rate import Rate, smoothing_constant
from .rays import Ray, concave_ray_example, convex_ray_example
from .strong_rate import StrongRate

__all__ = [
    "AveragedPath",
    "EstimatorSize",
    "Exponents",
    "Growth",
    "MomentRecursion",
    "NearOptimumLaw",
    "Rate",
    "Ray",
    "StrongRate",
    "averaged_path",
    "best_power",
    "concave_ray_example",
    "convex_ray_example",
    "divergence_radii",
    "divergence_threshold",
    "exponents",
    "largest_theta",
    "noiseless_error_limit",
    "optimum",
    "repulsion",
    "smooth_bias_limit",
    "smooth_fixed_point",
    "smoothing_constant",
    "tail_index",
    "theta_of_radius",
    "vanilla_fixed_points",
]
