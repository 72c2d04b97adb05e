"""Micro-batch clipping: clip between single samples and the whole batch, as gradient accumulation allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clipping import Clip
from ..specs import POSITIVE, Interval, Part, integer, parameter
from .schedules import Schedule
from .sgd import SampleMethod, check_operator, sgd_parameters

if TYPE_CHECKING:
    from ..array_types import FloatArray


class MicroBatchClippedSGD(SampleMethod):
    """x <- x - eta (1/M) sum_{j=1..M} clip_j(mean of the j-th m samples), n = M m.

    M = n is per-sample clipping, M = 1 is clipping once after accumulation. The operator sees the number of the
    group, so thresholds of `GrowingClip` grow with j. Settings that differ in M alone see the same samples.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    clip : Clip
    batch_size : int n >= 1
    groups : int M >= 1, a divisor of n
    momentum : float in [0, 1)
    threshold : Schedule or None, replaces the operator's first parameter (its threshold) in every step
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    clip: Clip
    batch_size: int = integer(1)
    groups: int = integer(1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)
    threshold: Schedule | None = None

    def validate(self) -> None:
        check_operator(self)
        super().validate()
        if self.batch_size % self.groups:
            raise ValueError(
                f"MicroBatchClippedSGD: groups must divide batch_size, but {self.groups} groups were given for"
                f" {self.batch_size} samples; choose one of {_divisors(self.batch_size)}"
            )

    @property
    def group_size(self) -> int:
        """Samples m that are averaged before clipping."""
        return self.batch_size // self.groups

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, self.groups)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    @property
    def operator_calls_per_step(self) -> int:
        return self.groups

    def step_bound(self, dim: int) -> float:
        return self.longest_step(dim, self.operator_calls_per_step) / (1 - self.momentum)


def _divisors(n: int) -> str:
    found = [k for k in range(1, n + 1) if n % k == 0]
    return ", ".join(map(str, found if len(found) < 9 else [*found[:4], "...", *found[-4:]]))
