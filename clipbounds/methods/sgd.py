"""Clipped SGD, SGD and, without noise, their deterministic forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Clip, GrowingClip, Identity
from ..clipping.norm import ball
from ..oracles.base import STATE_ROWS
from ..specs import POSITIVE, Interval, integer, parameter
from . import kernels, oracle_kernels, row_kernels
from .base import Method

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray


def check_operator(method: Any) -> None:
    """Raise ValueError unless the method's `clip` is an operator."""
    if not isinstance(method.clip, Clip):
        raise ValueError(
            f"{type(method).__name__}: clip must be an operator such as NormClip(threshold), but {method.clip!r} was given"
        )


def mean_output_bound(clip: Clip, count: int, dim: int) -> float:
    """Largest norm of the mean of `count` clipped vectors; thresholds that grow with the position are averaged."""
    if isinstance(clip, GrowingClip):
        return sum(clip.threshold_at(k) for k in range(count)) / count
    return clip.bound(dim)


def sgd_parameters(method: Any, groups: int) -> FloatArray:
    """Parameter vector of `kernels.sgd`: step size, groups a batch, samples a group, momentum, radius, growth.

    The mean of each group is clipped. The radius of the ball that group k = 1, 2, ... is projected on is
    radius·k^growth; 0 for operators that do something else.
    """
    radius, growth = ball(method.operator)
    numbers = [method.step_size, groups, method.batch_size // groups, method.momentum, radius, growth]
    return np.array(numbers, dtype=np.float64)


class SampleMethod(Method):
    """Base of the methods whose step is a mean of clipped groups of samples: of additive noise, or of an oracle."""

    advance = kernels.sgd
    row_advance = row_kernels.sgd
    oracle_advance = oracle_kernels.sgd
    vector_rows = 5

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
    step_size : float eta in (0, inf)
    clip : Clip
    batch_size : int >= 1
    momentum : float in [0, 1)
    per_sample : bool, clip each sample before averaging
    """

    step_size: float = parameter(POSITIVE)
    clip: Clip
    batch_size: int = integer(1, default=1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)
    per_sample: bool = False

    def validate(self) -> None:
        check_operator(self)
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
        return self.step_size * mean_output_bound(self.clip, self.operator_calls_per_step, dim) / (1 - self.momentum)


class SGD(SampleMethod):
    """x <- x - eta · mean of the batch: no clipping. With `NoNoise` this is gradient descent.

    Parameters
    ----------
    step_size : float eta in (0, inf)
    batch_size : int >= 1
    momentum : float in [0, 1)
    """

    step_size: float = parameter(POSITIVE)
    batch_size: int = integer(1, default=1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)

    operator = Identity()

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, groups=1)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size
