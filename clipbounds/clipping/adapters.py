"""Operators from plain functions; use as decorators of `kernel` in the body of a `Clip`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lanes.adapters import adapt
from .base import CLIP

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..lanes.compile import Kernel

COORDINATEWISE = """
def generated(v, lanes, dim, index, params):
{load}    engaged, changed = lanes[:LANES], lanes[LANES:]
    for l in range(LANES):
        changed[l] = 0.0
    for k in range(dim):
        component = row(v, k)
        for l in range(LANES):
            before = component[l]
            after = user(before{extra})
            changed[l] = changed[l] if after == before else 1.0
            component[l] = after
    for l in range(LANES):
        engaged[l] += changed[l]
"""

PER_TRAJECTORY = """
def generated(v, lanes, dim, index, params):
    gradient = np.empty(dim)
    for l in range(LANES):
        for k in range(dim):
            gradient[k] = v[k * LANES + l]
        user(gradient, index, params)
        changed = 0.0
        for k in range(dim):
            changed = changed if gradient[k] == v[k * LANES + l] else 1.0
            v[k * LANES + l] = gradient[k]
        lanes[l] += changed
"""


def coordinatewise(function: Callable[..., Any]) -> Kernel:
    """An operator on each component: f(y, first parameter, ...) -> float.

    The parameters are the operator's real fields in the order of declaration. Vectorises on the terms of
    `clipbounds.problems.coordinatewise`.

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, CLIP, COORDINATEWISE, 1, "f(y, *real parameters) -> clipped component")


def per_trajectory(function: Callable[..., Any]) -> Kernel:
    """An operator from a function of one gradient: f(v, index, params) changes v, shape (dim,), in place.

    index = 0, 1, ... is the position of the sample in its batch.

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, CLIP, PER_TRAJECTORY, 3, "f(v, index, params), which changes v in place")
