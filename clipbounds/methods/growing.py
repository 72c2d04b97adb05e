"""Distributed SGD with a growing clipping threshold: no feedback, no momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..specs import POSITIVE, Interval
from . import distributed_kernels as kernels
from .distributed import UNUSED, DistributedMethod, unit_operator
from .networks import Network
from .schedules import PowerSchedule, Schedule, checked_schedule

if TYPE_CHECKING:
    from typing import Any

    from ..clipping.base import Clip


class GrowingSmoothClip(DistributedMethod):
    """x <- x - alpha_t sum_i w_i C_T(g_i), T = T_t, C_T(y) = T psi(y/T), psi(z) = z/sqrt(1 + z²).

    What is left of SClip-EF without feedback and momentum. Source: theory page error-feedback-2, section 0.

    Parameters
    ----------
    step_size : Schedule alpha_t in (0, inf), or a number for a constant
    threshold : Schedule T_t in (0, inf)
    joint : bool, psi acts on the norm instead of the components
    smooth : bool; False replaces C_T by the hard clip of the same threshold
    network : Network or None for a server
    """

    step_size: Schedule | float
    threshold: Schedule | float
    joint: bool = False
    smooth: bool = True
    network: Network | None = None

    def validate(self) -> None:
        name = type(self).__name__
        self._check_step_and_network()
        self._normalise(threshold=checked_schedule(name, "threshold", self.threshold, POSITIVE))
        for field in ("joint", "smooth"):
            if getattr(self, field) not in (True, False):
                raise ValueError(f"{name}: {field} must be True or False, but {getattr(self, field)!r} was given")

    @classmethod
    def standard(
        cls, theta: float, threshold: float, power: float, delay: float = 0.0, **options: Any
    ) -> GrowingSmoothClip:
        """alpha = theta/(s + delay), T = threshold·s^power, s = t + 1.

        Parameters
        ----------
        theta, threshold : float in (0, inf)
        power : float q in (0, 1)
        delay : float in [0, inf)
        """
        if not Interval(0, 1).contains(power):
            raise ValueError(f"{cls.__name__}: power, the q of T = T0 s^q, must be in (0, 1), but {power!r} was given")
        return cls(PowerSchedule(theta, -1.0, 1.0 + delay), PowerSchedule(threshold, power), **options)

    @property
    def theta(self) -> float | None:
        """theta of a step theta/(t + shift), or None for another schedule."""
        step = self.step_size
        return step.factor if isinstance(step, PowerSchedule) and step.power == -1 else None

    @property
    def operator(self) -> Clip:
        return unit_operator(self.smooth, self.joint)

    @property
    def form(self) -> int:
        return kernels.GROWING if self.smooth else kernels.SCHEDULED

    @property
    def schedules(self) -> tuple[Any, ...]:
        return (self.step_size, self.threshold, UNUSED, UNUSED)
