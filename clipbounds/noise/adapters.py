"""Samplers from plain functions; use as decorators of `fill` in the body of a `Noise`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lanes.adapters import adapt
from .base import FILL

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..lanes.compile import Kernel

QUANTILE = """
def generated(out, first, count, params, seed, stream, trajectory):
{load}    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = user(uniform(a){extra})
            odd[l] = user(uniform(b){extra})
"""

UNIFORMS = """
def generated(out, first, count, params, seed, stream, trajectory):
{load}    for i in range(count):
        draw = np.uint64(first + i)
        values = row(out, i)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            values[l] = user(uniform(a), uniform(b){extra})
"""


def from_quantile(function: Callable[..., Any]) -> Kernel:
    """A sampler from the quantile function: f(u, first parameter, ...) -> float, u uniform on (0, 1).

    The parameters are the law's real fields in the order of declaration. u is the midpoint of one of 2^52 equal
    cells, so it is never 0 or 1. Vectorises on the terms of `clipbounds.problems.coordinatewise`.

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, FILL, QUANTILE, 1, "f(u, *real parameters) -> draw")


def from_uniforms(function: Callable[..., Any]) -> Kernel:
    """A sampler from a transform of two uniforms: f(u, v, first parameter, ...) -> float.

    Raises
    ------
    ValueError
        If it is not such a function.
    """
    return adapt(function, FILL, UNIFORMS, 2, "f(u, v, *real parameters) -> draw")
