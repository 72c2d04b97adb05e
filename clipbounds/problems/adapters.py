"""Gradients from plain functions; use as decorators of `gradient_kernel` in the body of a `Problem`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lanes.adapters import adapt
from .base import GRADIENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..lanes.compile import Kernel

COORDINATEWISE = """
def generated(x, g, dim, params):
{load}    for i in range(dim * LANES):
        g[i] = user(x[i]{extra})
"""

PER_TRAJECTORY = """
def generated(x, g, dim, params):
    point, slope = np.empty(dim), np.empty(dim)
    for l in range(LANES):
        for k in range(dim):
            point[k] = x[k * LANES + l]
        user(point, slope, params)
        for k in range(dim):
            g[k * LANES + l] = slope[k]
"""


def coordinatewise(function: Callable[..., Any]) -> Kernel:
    """The gradient of a sum over coordinates, from the derivative of one term: f(x, first parameter, ...) -> float.

    The parameters are the problem's real fields in the order of declaration. The loop over lanes vectorises if the
    function has no branches and calls nothing but arithmetic, min, max, abs, math.sqrt, math.copysign and the
    functions of `clipbounds.lanes.elementary` (math.exp and its like are correct and slower).

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, GRADIENT, COORDINATEWISE, 1, "f(x, *real parameters) -> derivative")


def per_trajectory(function: Callable[..., Any]) -> Kernel:
    """A gradient from a function of one trajectory: f(x, g, params) writes the gradient at x, shape (dim,), into g.

    params is the problem's parameter vector (all real and vector fields but x0). Slower than `coordinatewise`, and
    free of form: loops, branches and arrays are allowed.

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, GRADIENT, PER_TRAJECTORY, 3, "f(x, g, params), which writes g")
