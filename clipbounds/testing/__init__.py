"""For other projects' tests: hypothesis strategies, a property suite for clipping operators, and one for noise laws."""

from .noise_claims import Broken, check_noise, failing_claims
from .properties import Failure, check_clip_operator, failing_properties
from .strategies import batches, clip_operators, gradient_pairs, gradients

__all__ = [
    "Broken",
    "Failure",
    "batches",
    "check_clip_operator",
    "check_noise",
    "clip_operators",
    "failing_claims",
    "failing_properties",
    "gradient_pairs",
    "gradients",
]
