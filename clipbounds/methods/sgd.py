"""Clipped SGD, SGD and, without noise, their deterministic forms."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..clipping import Clip, GrowingClip, Identity
from ..clipping.norm import ball
from ..lanes.blocks import LANES
from ..oracles.base import STATE_ROWS
from ..specs import POSITIVE, Interval, Part, integer, parameter
from . import kernels, oracle_kernels, row_kernels
from .base import WEIGHTED, WEIGHTS, Method
from .schedules import Schedule, check_schedule

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from .base import Setting
    from .blocks import Block


WEIGHTED_NAME = "weighted_mean_gradient_norm"
WEIGHTED_MEAN = (
    "mean of ‖grad f(x_s)‖ over s < t with the weights eta_s (over s = 0 at t = 0): that of a step drawn like eta_s"
)


def check_operator(method: Any) -> None:
    """Raise ValueError unless the method's `clip` is an operator."""
    if not isinstance(method.clip, Clip):
        raise ValueError(
            f"{type(method).__name__}: clip must be an operator such as NormClip(threshold), but {method.clip!r} was given"
        )


def sgd_parameters(method: Any, groups: int) -> FloatArray:
    """Parameter vector of `kernels.sgd`: step size, groups a batch, samples a group, momentum, radius, growth.

    The mean of each group is clipped. The radius of the ball that group k = 1, 2, ... is projected on is
    radius·k^growth; 0 for operators that do something else. Then how many parameters the schedules of step size and
    threshold have, 0 for a constant, and these parameters.
    """
    radius, growth = ball(method.operator)
    step_size, threshold = (method.varying.get(name) for name in ("step_size", "threshold"))
    tables = [[] if s is None else s.parameters for s in (step_size, threshold)]
    eta = method.step_size if step_size is None else 0.0
    head = [eta, groups, method.batch_size // groups, method.momentum, radius, growth, *map(len, tables)]
    return np.concatenate([head, *tables])


class SampleMethod(Method):
    """Base of the methods whose step is a mean of clipped groups of samples: of additive noise, or of an oracle.

    ``step_size`` is a number or a schedule. ``threshold``, where a subclass has it, is a schedule that replaces the
    operator's first parameter (its threshold) in every step, or None.
    """

    advance = kernels.sgd
    row_advance: ClassVar[Any] = row_kernels.sgd
    oracle_advance = oracle_kernels.sgd
    vector_rows = 5

    @property
    def varying(self) -> dict[str, Any]:
        """The schedules among step size and threshold, a dict by name."""
        found = {name: getattr(self, name, None) for name in ("step_size", "threshold")}
        return {name: value for name, value in found.items() if isinstance(value, Schedule)}

    @property
    def extra_measured(self) -> dict[str, str]:
        return {WEIGHTED_NAME: WEIGHTED_MEAN} if self.scheduled else {}

    def observe(self, setting: Setting, block: Block) -> list[FloatArray]:
        if WEIGHTED_NAME not in self.extra_measured:  # a subclass may measure quantities of its own instead
            return super().observe(setting, block)
        total = block.row(WEIGHTS)[0]
        return [block.row(WEIGHTED) / total if block.step else self._norms_at_start(setting)]

    @staticmethod
    def _norms_at_start(setting: Setting) -> FloatArray:
        problem = setting.problem
        return np.full(LANES, np.linalg.norm(problem.gradient(problem.x0)))

    def check_horizon(self, owner: str, steps: float) -> None:
        for name, schedule in self.varying.items():
            check_schedule(owner, name, schedule, POSITIVE, steps)

    def extra_addresses(self, problem: Any) -> list[int]:
        found = self.varying
        pairs = (found[name].addresses if name in found else [0, 0] for name in ("step_size", "threshold"))
        return [address for pair in pairs for address in pair]

    def validate(self) -> None:
        for name, schedule in self.varying.items():
            check_schedule(type(self).__name__, name, schedule, POSITIVE, 1)
        threshold = getattr(self, "threshold", None)
        if threshold is not None and not isinstance(threshold, Schedule):
            raise ValueError(
                f"{type(self).__name__}: threshold must be a schedule such as PowerSchedule(1.0, 0.25), or None, but"
                f" {threshold!r} was given; for a constant one write NormClip(threshold)"
            )
        if threshold is not None and not any(
            f.metadata.get("kind") == "real" for f in dataclasses.fields(self.operator)
        ):
            raise ValueError(
                f"{type(self).__name__}: {type(self.operator).__name__} has no threshold that a schedule could set; use"
                " NormClip(1.0)"
            )

    @property
    def largest_step_size(self) -> float:
        """An upper bound of the step sizes at all steps; inf where none is known."""
        return self.step_size.supremum if isinstance(self.step_size, Schedule) else self.step_size

    def longest_step(self, dim: int, groups: int) -> float:
        """eta times the largest norm of the mean of `groups` clipped vectors, at all steps; inf where none is known."""
        clip, threshold, eta = self.operator, getattr(self, "threshold", None), self.largest_step_size
        if threshold is not None and not ball(clip)[0]:
            return np.inf
        stretch = 1.0 if threshold is None else threshold.supremum / clip.parameters[0]
        if isinstance(clip, GrowingClip):  # thresholds that grow with the position are averaged
            return eta * stretch * sum(clip.threshold_at(k) for k in range(groups)) / groups
        return eta * stretch * clip.bound(dim)

    def extra_rows(self, noise: Any, dim: int) -> int:
        if noise.additive:
            return 0
        if noise.row_kernel is None:
            return STATE_ROWS * dim
        return row_kernels.rows_behind(dim, self.samples_per_step, noise)


class ClippedSGD(SampleMethod):
    """x <- x - eta clip(mean of the batch), or with per_sample=True x <- x - eta mean of clip(sample).

    With momentum m > 0 the clipped estimate e enters v <- m v + e, x <- x - eta v. With `NoNoise` this is clipped GD.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    clip : Clip
    batch_size : int >= 1
    momentum : float in [0, 1)
    per_sample : bool, clip each sample before averaging
    threshold : Schedule or None
        If given, it replaces the operator's first parameter (its threshold) in every step.
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    clip: Clip
    batch_size: int = integer(1, default=1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)
    per_sample: bool = False
    threshold: Schedule | None = None

    def validate(self) -> None:
        check_operator(self)
        super().validate()
        if self.per_sample not in (True, False):
            raise ValueError(f"ClippedSGD: per_sample must be True or False, but {self.per_sample!r} was given")
        self._normalise(per_sample=bool(self.per_sample))  # 1 and numpy's True: equal, so one digest

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, self.operator_calls_per_step)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    @property
    def operator_calls_per_step(self) -> int:
        return self.batch_size if self.per_sample else 1

    def step_bound(self, dim: int) -> float:
        return self.longest_step(dim, self.operator_calls_per_step) / (1 - self.momentum)


class SGD(SampleMethod):
    """x <- x - eta · mean of the batch: no clipping. With `NoNoise` this is gradient descent.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    batch_size : int >= 1
    momentum : float in [0, 1)
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    batch_size: int = integer(1, default=1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)

    operator = Identity()

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, groups=1)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size
