"""exp and its kin for gradients: inf, with its sign, where the result leaves the range of the lanes' own functions."""

import math

from ..lanes.compile import scalar
from ..lanes.elementary import exp, expm1

RANGE = 700.0  # e^700 = 1e304: beyond it a trajectory has diverged, and is flagged


@scalar
def exp_or_inf(x):
    """e^x; inf for x > 700, e^{-700} below -700."""
    inside = exp(max(min(x, RANGE), -RANGE))
    return inside if x <= RANGE else math.inf


@scalar
def expm1_or_inf(x):
    """e^x - 1 for x >= 0; inf beyond 700."""
    inside = expm1(min(x, RANGE))
    return inside if x <= RANGE else math.inf


@scalar
def sinh_or_inf(x):
    """sinh x = m (1 + 1/(1 + m))/2 with m = e^|x| - 1, odd in x; ±inf beyond ±700."""
    m = expm1(min(abs(x), RANGE))
    inside = 0.5 * m * (1.0 + 1.0 / (1.0 + m))
    return math.copysign(inside if abs(x) <= RANGE else math.inf, x)


@scalar
def logistic(x):
    """1/(1 + e^{-x})"""
    return 1.0 / (1.0 + exp(max(min(-x, RANGE), -RANGE)))
