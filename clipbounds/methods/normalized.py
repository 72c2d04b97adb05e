"""Normalised SGD: steps of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clipping import Normalize
from ..specs import POSITIVE, Part, integer, parameter
from .schedules import Schedule
from .sgd import SampleMethod, sgd_parameters

if TYPE_CHECKING:
    from ..array_types import FloatArray


class NormalizedSGD(SampleMethod):
    """x <- x - eta gbar/‖gbar‖, gbar the mean of the batch; no step where gbar = 0.

    Parameters
    ----------
    step_size : float eta in (0, inf), the length of every step, or a Schedule
    batch_size : int >= 1
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    batch_size: int = integer(1, default=1)

    operator = Normalize()
    momentum = 0.0

    @property
    def parameters(self) -> FloatArray:
        return sgd_parameters(self, groups=1)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    def step_bound(self, dim: int) -> float:
        return self.longest_step(dim, 1)
