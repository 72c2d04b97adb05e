"""Suprema of functions of one variable that stay upper bounds: cells are bounded, not sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...array_types import FloatArray

ROUNDING = 1e-12  # relative; covers the rounding of the few operations in a cell bound


def certified_supremum(
    cell_bound: Callable[[FloatArray, FloatArray], FloatArray],
    edges: FloatArray,
    relative: float = 1e-7,
    scale: float = 0.0,
    largest: int = 200_000,
) -> float:
    """A number >= sup of a function on [edges[0], edges[-1]], at most about `relative` too large.

    Parameters
    ----------
    cell_bound : callable
        cell_bound(a, b), vectorised, is an upper bound of the function on [a, b], and its value for a = b. Cells are
        halved until the bound of each is below the best value seen plus the tolerance: what is discarded is proved
        to be no larger. If there are more than `largest` cells the largest cell bound is returned, which is valid too.
    edges : array_like, increasing
    relative : float, tolerance relative to the result or to `scale`, whichever is larger
    """
    edges = np.asarray(edges, dtype=np.float64)
    low, high = edges[:-1], edges[1:]
    best = float(np.max(cell_bound(edges, edges)))
    while True:
        upper = cell_bound(low, high)
        target = best + relative * max(abs(best), scale)
        keep = upper > target
        middle = 0.5 * (low[keep] + high[keep])
        exhausted = middle.size * 2 > largest or np.any((middle <= low[keep]) | (middle >= high[keep]))
        if exhausted or not keep.any():
            found = max(target, float(np.max(upper)) if exhausted else target)
            return found + ROUNDING * max(abs(found), scale)
        best = max(best, float(np.max(cell_bound(middle, middle))))
        low, high = np.concatenate([low[keep], middle]), np.concatenate([middle, high[keep]])


def lowest_point(
    function: Callable[[FloatArray], FloatArray], low: float, high: float, count: int = 61, rounds: int = 4
) -> float:
    """An approximate minimiser of a vectorised function on [low, high] in (0, inf), by refining a logarithmic grid.

    The result is a point, not a bound: use it only where every point gives a valid bound.
    """
    for _ in range(rounds):
        grid = np.geomspace(low, high, count)
        values = function(grid)
        k = int(np.argmin(values))
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, count - 1)]
    return grid[k]
