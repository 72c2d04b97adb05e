"""SClip-EF: smoothed clipping of differences, with error feedback, and its ablations."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from ..problems.client_quadratics import divergence_example
from ..specs import POSITIVE, Interval
from . import distributed_kernels as kernels
from .distributed import DistributedMethod, unit_operator
from .networks import Network
from .schedules import PowerSchedule, Schedule, checked_schedule

if TYPE_CHECKING:
    from typing import Any, Self

    from ..clipping.base import Clip
    from .base import Setting

# On `divergence_example` the component-wise method diverges beyond it: the fold of .3 r = (theta/3)(2 psi(r) - psi(3r)),
# psi(r) = r/sqrt(r² + 1); bounds/yu2023/divergence.py computes it from there, and a test compares.
DIVERGENCE_THRESHOLD = 1.88479520514


class SClipEF(DistributedMethod):
    """m_i <- beta_t m_i + (1 - beta_t) Psi_t(g_i - m_i), m_i = 0 at the start; x <- x - eta_t sum_i w_i m_i.

    Psi_t(y) = phi_t y/sqrt(y² + eps_t) on each component, or with ``joint`` on the norm. Source: yu2023
    (arXiv 2310.16920); the default powers phi_t = c_phi s^{-1/2}, eps_t = tau s^{3/5}, beta_t = beta s^{-1/2},
    eta_t = a s^{-1/5}, s = t + 1, are those of a public implementation.

    Parameters
    ----------
    step_size : Schedule eta_t in (0, inf), or a number for a constant
    level : Schedule phi_t in (0, inf)
    smoothing : Schedule eps_t in (0, inf)
    averaging : Schedule beta_t in [0, 1)
    joint : bool, the operator acts on the norm instead of the components
    smooth : bool; False replaces Psi_t by the hard operator of the same slope and level (ablation)
    error_feedback : bool; False clips g_i instead of g_i - m_i (ablation)
    network : Network or None for a server

    Warns
    -----
    UserWarning
        When a setting is built whose theta times the largest client smoothness exceeds what the component-wise method
        bears on `divergence_example`.
    """

    step_size: Schedule | float
    level: Schedule | float = PowerSchedule(1.0, -0.5)
    smoothing: Schedule | float = PowerSchedule(400.0, 0.6)
    averaging: Schedule | float = PowerSchedule(0.5, -0.5)
    joint: bool = False
    smooth: bool = True
    error_feedback: bool = True
    network: Network | None = None

    def validate(self) -> None:
        name = type(self).__name__
        self._check_step_and_network()
        domains = {"level": POSITIVE, "smoothing": POSITIVE, "averaging": Interval(0, 1, closed_low=True)}
        self._normalise(**{k: checked_schedule(name, k, getattr(self, k), domain) for k, domain in domains.items()})
        for field in ("joint", "smooth", "error_feedback"):
            if getattr(self, field) not in (True, False):
                raise ValueError(f"{name}: {field} must be True or False, but {getattr(self, field)!r} was given")

    @classmethod
    def standard(
        cls, theta: float, level: float = 1.0, smoothing: float = 400.0, averaging: float = 0.5, **options: Any
    ) -> Self:
        """The standard powers with eta_t phi_t/sqrt(eps_t) = theta/s, that is a = theta sqrt(tau)/c_phi."""
        return cls(
            PowerSchedule(theta * math.sqrt(smoothing) / level, -0.2), PowerSchedule(level, -0.5),
            PowerSchedule(smoothing, 0.6), PowerSchedule(averaging, -0.5), **options,
        )  # fmt: skip

    @property
    def theta(self) -> float | None:
        """eta_t phi_t/sqrt(eps_t)·(t + 1), or None if the schedules do not make it a constant."""
        parts: tuple[Any, ...] = (self.step_size, self.level, self.smoothing)
        if not all(isinstance(s, PowerSchedule) and (s.shift == 1 or s.power == 0) for s in parts):
            return None
        eta, phi, eps = parts
        if abs(eta.power + phi.power - 0.5 * eps.power + 1) > 1e-12:
            return None
        return eta.factor * phi.factor / math.sqrt(eps.factor)

    @property
    def operator(self) -> Clip:
        return unit_operator(self.smooth, self.joint)

    @property
    def form(self) -> int:
        return kernels.SMOOTH if self.smooth else kernels.HARD

    @property
    def feedback(self) -> bool:
        return self.error_feedback

    @property
    def schedules(self) -> tuple[Any, ...]:
        return (self.step_size, self.level, self.smoothing, self.averaging)

    def check(self, setting: Setting) -> None:
        super().check(setting)
        theta, problem = self.theta, setting.problem
        if self.joint or theta is None or problem.dim == 1:
            return
        largest = float(problem.client_lipschitz.max())
        allowed = DIVERGENCE_THRESHOLD * float(divergence_example(1.0).client_lipschitz.max()) / largest
        if theta > allowed:
            warnings.warn(
                f"SClipEF: theta = {theta:.6g} is beyond {allowed:.6g}: with clients of smoothness {largest:.4g} the"
                " component-wise method diverges like t^{3/10} on problems.divergence_example (rescaled to this"
                " smoothness); take a smaller theta, or joint=True",
                stacklevel=5,
            )
