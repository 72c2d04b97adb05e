"""For other projects' tests: hypothesis strategies, a property suite for clipping operators, one for noise laws, and one for problems."""

from .noise_claims import Broken, check_noise, failing_claims
from .problem_claims import Refuted, check_problem, refuted_claims
from .properties import Failure, check_clip_operator, failing_properties
from .strategies import batches, clip_operators, gradient_pairs, gradients

__all__ = [
    "Broken",
    "Failure",
    "Refuted",
    "batches",
    "check_clip_operator",
    "check_noise",
    "check_problem",
    "clip_operators",
    "failing_claims",
    "failing_properties",
    "gradient_pairs",
    "gradients",
    "refuted_claims",
]
