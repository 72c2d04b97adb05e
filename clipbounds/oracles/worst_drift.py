"""Noise that depends on the point: at each the law under which the mean clipped step is shortest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..lanes.blocks import LANES
from ..lanes.compile import kernel
from ..lanes.norms import lane_norms
from ..lanes.random import NOISE, threefry, uniform
from ..lanes.views import row
from ..problems import Problem
from ..specs import POSITIVE, REAL, Part, inf, parameter
from .base import ORACLE, Oracle

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods.base import Setting


@kernel(ORACLE)
def worst_drift(x, v, state, params, dim, batch, step, words):
    """params: threshold, sigma, growth. The two atoms of `worst_case.drift_atoms` for u = ‖grad f(x)‖, along the gradient."""
    if batch > 0:
        for l in range(LANES):
            word, _ = threefry(words[0], NOISE, np.uint64(step), words[1] + np.uint64(l))
            state[l] = uniform(word)
        return
    c, sigma = params[0] * (step + 1.0) ** params[2], params[1]
    norms = row(state, 1)
    lane_norms(v, norms, dim)
    for l in range(LANES):
        u = norms[l]
        if sigma * sigma <= (3.0 * c - u) * (c + u):
            distance = math.sqrt((c - u) * (c - u) + sigma * sigma)
            lower, upper, weight = c - distance, c + distance, 0.5 * (1.0 - (c - u) / distance)
        else:
            square = (u + c) * (u + c)
            lower, upper, weight = -c, (square + sigma * sigma) / (u + c) - c, square / (square + sigma * sigma)
        atom = upper if state[l] < weight else lower
        if u == 0.0:  # any direction serves
            v[l] = atom
        else:
            for k in range(dim):
                v[k * LANES + l] *= atom / u


class WorstDrift(Oracle):
    """At every point the two-point law that attains `worst_case.drift` there: E g = grad f, E‖g - grad f‖² = sigma² exactly.

    It knows the point and nothing else, so it goes with any step size, schedules too, where the adversary of
    `worst_case.adversary` needs constants. Its stationary points have ‖grad f‖ = u*(c, sigma).

    Parameters
    ----------
    problem : Problem
    threshold : float c in (0, inf), of the clipping that it works against
    sigma : float in (0, inf)
    growth : float a, for a threshold c (t+1)^a at step t = 0, 1, ...
    """

    problem: Part[Problem]
    threshold: float = parameter(POSITIVE)
    sigma: float = parameter(POSITIVE)
    growth: float = parameter(REAL, default=0.0)

    fill = worst_drift

    @property
    def variance(self) -> float:
        return self.sigma**2

    def vector_moment(self, p: float, dim: int) -> Moment:
        """E‖xi‖^p <= sigma^p for p <= 2 (Jensen); inf beyond, for want of a bound."""
        if p > 2:
            return Moment(inf, True, "the worst law of a step keeps the second moment only")
        return Moment(self.sigma**p, True)

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.threshold, self.sigma, self.growth])

    def check(self, setting: Setting) -> None:
        if setting.method.samples_per_step != 1:
            raise ValueError(
                f"Setting: WorstDrift is a law of one sample a step, but {setting.method.samples_per_step} were asked for; use"
                " batch_size=1"
            )
