"""Newton's method for the minimum of a smooth convex mean of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from .linear_model import LinearModel

NEWTON_STEPS, POLISHING_STEPS = 200, 50
EPS = float(np.finfo(np.float64).eps)


def minimum(problem: LinearModel) -> FloatArray:
    """The minimiser, as well as the gradient can tell it, by damped steps from 0."""
    w = np.zeros(problem.dim)
    for _ in range(NEWTON_STEPS):
        gradient = problem.plain_gradient(w)
        step = problem.newton_step(w, gradient)
        decrease = float(gradient @ step)
        size, here = 1.0, float(problem.value(w))
        while size > 1e-10 and float(problem.value(w - size * step)) > here - 0.25 * size * decrease:
            size *= 0.5
        if decrease <= 4 * EPS * here or size <= 1e-10:  # what is left to gain is below the rounding of the loss
            break
        w = w - size * step
    return _polished(problem, w)


def _polished(problem: LinearModel, w: FloatArray) -> FloatArray:
    """Full steps of Newton's method from near the minimum, for as long as they halve the gradient.

    There the loss cannot tell one point from the next, and the gradient still can: what remains is its rounding.
    """
    gradient = problem.plain_gradient(w)
    for _ in range(POLISHING_STEPS):
        nearer = w - problem.newton_step(w, gradient)
        then = problem.plain_gradient(nearer)
        if not np.linalg.norm(then) < 0.5 * np.linalg.norm(gradient):
            break
        w, gradient = nearer, then
    return w
