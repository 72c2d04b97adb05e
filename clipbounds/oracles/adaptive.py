"""Noise that knows the point and the step: the recorded policy of an adversary."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..lanes.blocks import LANES
from ..lanes.compile import kernel
from ..lanes.random import NOISE, threefry, uniform
from ..problems import Problem
from ..specs import Part, inf
from .base import ORACLE, Oracle
from .landing import Policy
from .landing_kernels import ATOMS

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods.base import Setting

HEAD = 8  # numbers before the tables: horizon, first point, spacing, points, stages, c


@kernel(ORACLE)
def adaptive(x, v, state, params, dim, batch, step, words):  # type: ignore[no-untyped-def]
    """params: the head, the beginnings of the stages in steps to go, then atoms and weights (8 numbers) for each point of each."""
    if batch > 0:
        for l in range(LANES):
            a, _ = threefry(words[0], NOISE, np.uint64(step), words[1] + np.uint64(l))
            state[l] = uniform(a)
        return
    horizon, first, spacing = params[0], params[1], params[2]
    count, stages, c = int(params[3]), int(params[4]), params[5]
    to_go = horizon - 1.0 - step  # after this step
    stage = 0
    while stage + 1 < stages and params[HEAD + stage + 1] <= to_go:
        stage += 1
    table = HEAD + stages + stage * count * 2 * ATOMS
    for l in range(LANES):
        place = np.floor((x[l] - first) / spacing + 0.5)
        if 0.0 <= place < count and step < horizon:  # elsewhere the gradient is exact
            at = table + int(place) * 2 * ATOMS
            left = state[l]
            k = 0
            while k + 1 < ATOMS and left >= params[at + ATOMS + k]:
                left -= params[at + ATOMS + k]
                k += 1
            # an atom of weight 0 is reached by rounding only
            while k > 0 and params[at + ATOMS + k] == 0.0:
                k -= 1
            v[l] = c * params[at + k]


class Adaptive(Oracle):
    """The law of an adversary: at the point x and the step t it draws the stochastic gradient that its policy prescribes.

    E g = f'(x) and E|g - f'(x)|^p <= sigma^p at every point and step (up to rounding); the law depends on both. Beyond the grid of the
    policy, and after its horizon, the gradient is exact.

    Parameters
    ----------
    policy : Policy, such as ``clipbounds.worst_case.adversary(...).policy``
    """

    problem: Part[Problem] = dataclasses.field(default=None, kw_only=True)  # type: ignore[arg-type]
    policy: Policy

    fill = adaptive

    def __post_init__(self) -> None:
        if not isinstance(self.policy, Policy):
            raise ValueError(
                f"Adaptive: policy must be a Policy such as clipbounds.worst_case.adversary(...).policy, but {self.policy!r} was given"
            )
        if self.problem is not None and self.problem != self.policy.problem:
            raise ValueError(
                f"Adaptive: the policy was made for {self.policy.problem!r}, but problem={self.problem!r} was given; leave it out"
            )
        object.__setattr__(self, "problem", self.policy.problem)
        super().__post_init__()

    def check(self, setting: Setting) -> None:
        method, policy = setting.method, self.policy
        clip = getattr(method, "clip", None)
        given = (getattr(method, "step_size", None), getattr(clip, "threshold", None), method.samples_per_step)
        if given != (policy.step_size, policy.threshold, 1) or method.scheduled:
            raise ValueError(
                f"Setting: the policy was made for ClippedSGD(step_size={policy.step_size:g}, NormClip({policy.threshold:g})) with one"
                f" sample a step, but {method!r} was given"
            )

    @property
    def variance(self) -> float:
        return self.policy.sigma**2 if self.policy.p == 2 else inf

    def vector_moment(self, p: float, dim: int) -> Moment:
        """E|xi|^p <= sigma^p for p up to the policy's exponent (Jensen); inf beyond it, for want of a bound."""
        if p > self.policy.p:
            return Moment(inf, True, f"the adversary keeps the moment of order {self.policy.p:g} only")
        return Moment(self.policy.sigma**p, True)

    @property
    def parameters(self) -> FloatArray:
        policy, tables = self.policy, self.policy.tables
        head = np.zeros(HEAD)
        head[:6] = (policy.steps, tables.first, tables.spacing, tables.count, len(tables.stages), policy.threshold)
        rows = [stage.reshape(tables.count, -1)[:, : 2 * ATOMS].ravel() for stage in tables.stages]
        return np.concatenate([head, tables.begins, *rows])
