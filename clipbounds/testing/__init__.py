"""For other projects' tests: hypothesis strategies and a property suite for clipping operators.

Needs hypothesis (the extra `test`).
"""

from .properties import Failure, check_clip_operator, failing_properties
from .strategies import clip_operators, gradient_pairs, gradients

__all__ = [
    "Failure",
    "check_clip_operator",
    "clip_operators",
    "failing_properties",
    "gradient_pairs",
    "gradients",
]
