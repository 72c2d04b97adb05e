"""Where the slope of a convex function on the line reaches a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import BoolArray, FloatArray
    from ..problems.base import Problem

POINTS = 64  # slopes at so many points take as long as at one: they are a block


def edge(problem: Problem, level: float, sign: float) -> float:
    """sup{s: sign·f'(sign·s) <= level} for convex f on the line and level >= 0, rounded up, up to the rounding of f'; inf if it is not found."""

    def beyond(s: FloatArray) -> BoolArray:
        return sign * problem.gradient(sign * s[:, np.newaxis])[:, 0] > level

    start = sign * float(problem.x0[0])
    ways = np.exp2(np.arange(POINTS)) - 1
    ways = ways[ways <= 1e12 * (1 + abs(start))]
    found = beyond(start + ways)
    if not found.any():
        return np.inf
    k = int(np.argmax(found))
    right, left = start + ways[k], start + ways[k - 1]
    if k == 0:
        below = ~beyond(start - ways)
        if not below.any():
            return right
        k = int(np.argmax(below))
        right, left = start - ways[k - 1], start - ways[k]
    while True:
        inner = np.linspace(left, right, POINTS + 2)[1:-1]
        inner = inner[(inner > left) & (inner < right)]
        if not inner.size:
            return float(right)
        found = beyond(inner)
        k = int(np.argmax(found)) if found.any() else inner.size
        left, right = inner[k - 1] if k > 0 else left, inner[k] if k < inner.size else right
