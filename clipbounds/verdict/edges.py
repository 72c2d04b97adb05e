"""Where the slope of a convex function on the line reaches a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..problems.base import Problem


def edge(problem: Problem, level: float, sign: float) -> float:
    """sup{s: sign·f'(sign·s) <= level} for convex f on the line and level >= 0, rounded up; inf if it is not found."""

    def slope(s: float) -> float:
        return sign * float(problem.gradient(np.array([sign * s]))[0])

    start = sign * float(problem.x0[0])
    limit = 1e12 * (1 + abs(start))
    right, width = start, 1.0
    while not slope(right) > level:
        right, width = right + width, 2 * width
        if width > limit:
            return np.inf
    left, width = right, 1.0
    while slope(left) > level:
        left, width = left - width, 2 * width
        if width > limit:
            return right
    for _ in range(200):
        middle = 0.5 * (left + right)
        if middle in (left, right):
            break
        left, right = (left, middle) if slope(middle) > level else (middle, right)
    return right
