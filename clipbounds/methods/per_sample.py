"""Per-sample clipping (PS-Clip-SGD): every sample is clipped before the batch is averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clipping import Clip
from ..specs import POSITIVE, Interval, Part, integer, parameter
from .schedules import Schedule
from .sgd import SampleMethod, check_operator, sgd_parameters

if TYPE_CHECKING:
    from ..array_types import FloatArray


class PerSampleClippedSGD(SampleMethod):
    """x <- x - eta (1/n) sum_{k=1..n} clip_k(g_k).

    With ``clip=GrowingClip(alpha, beta)`` the threshold of the k-th sample of each batch is alpha k^{1/beta}
    (Nobile and Grohs 2026, arXiv 2605.02701; they suggest alpha = sigma, beta = p); with ``clip=NormClip(tau)`` all
    thresholds are tau. The batch streams: memory does not grow with n.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    clip : Clip
    batch_size : int n >= 1
    momentum : float in [0, 1), heavy ball on the clipped estimate: v <- momentum v + e, x <- x - eta v
    threshold : Schedule or None, replaces the operator's first parameter (tau or alpha) in every step
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    clip: Clip
    batch_size: int = integer(1)
    momentum: float = parameter(Interval(0, 1, closed_low=True), default=0.0)
    threshold: Schedule | None = None

    def validate(self) -> None:
        check_operator(self)
        super().validate()

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, groups=self.batch_size)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    @property
    def operator_calls_per_step(self) -> int:
        return self.batch_size

    def step_bound(self, dim: int) -> float:
        return self.longest_step(dim, self.operator_calls_per_step) / (1 - self.momentum)
