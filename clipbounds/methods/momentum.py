"""Momentum with clipping: clip the average or average the clipped, mix both, or normalise the average.

All buffers are zero at the start. With gbar_t the mean of the batch, the averaging form is m <- beta m + (1 - beta) gbar, and the heavy
ball m <- beta m + gbar; they differ by the factor 1 - beta in m, thus in the step size where the buffer is not clipped, and in the
threshold where it is: clip_c(m/(1 - beta)) = clip_{c(1 - beta)}(m)/(1 - beta).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Clip, Normalize
from ..oracles.base import STATE_ROWS
from ..oracles.row_kernels import SHUFFLED
from ..specs import POSITIVE, Interval, Part, integer, parameter, switch
from . import momentum_kernels as kernels
from .schedules import Schedule
from .sgd import SampleMethod, check_operator, sgd_parameters

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..lanes.compile import Kernel
    from .base import Setting

MEMORY = Interval(0, 1, closed_low=True)
ORDERS = ("after", "before")


def momentum_parameters(method: Any, gain: float, mix: float, first: bool) -> FloatArray:
    """Parameter vector of the kernels: that of `sgd_parameters`, then gain, nu, and 1 where clipping comes before the buffer."""
    return np.concatenate([sgd_parameters(method, groups=1), [gain, mix, float(first)]])


class MomentumMethod(SampleMethod):
    """Base of the methods whose clipping sees the momentum buffer. A subclass has ``gain``, ``nu`` and ``first`` (see the kernels)."""

    if TYPE_CHECKING:

        @property
        def momentum(self) -> float: ...
        @property
        def batch_size(self) -> int: ...

    advance = kernels.additive
    row_advance = None  # a buffer wants the estimate itself; rows of a dataset are an oracle like others
    oracle_advance = kernels.on_oracle

    @property
    def gain(self) -> float:
        """What a new estimate counts in the buffer."""
        return 1.0 - self.momentum

    @property
    def nu(self) -> float:
        """The step is nu clip(m) + (1 - nu) clip(gbar)."""
        return 1.0

    @property
    def first(self) -> bool:
        """Whether the estimate is clipped on its way into the buffer, and the buffer not."""
        return False

    @property
    def parameters(self) -> FloatArray:
        return momentum_parameters(self, self.gain, self.nu, self.first)

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    def kernel_for(self, noise: Any) -> Kernel | None:
        return self.advance if noise.additive else self.oracle_advance

    def extra_rows(self, noise: Any, dim: int) -> int:
        return 0 if noise.additive else STATE_ROWS * dim

    def step_bound(self, dim: int) -> float:
        return self.longest_step(dim, 1)

    def check(self, setting: Setting) -> None:
        if getattr(setting.noise, "kind", None) == SHUFFLED:
            raise ValueError(
                f"Setting: {type(self).__name__} asks an oracle for independent batches, and Shuffled keeps one order of rows;"
                " use RowSampling"
            )


class ClippedMomentumSGD(MomentumMethod):
    """m <- beta m + (1 - beta) gbar, x <- x - eta clip(m) (order "after"); or m <- beta m + (1 - beta) clip(gbar), x <- x - eta m ("before").

    With ``heavy_ball=True`` the new estimate counts 1 instead of 1 - beta. Order "before" with the heavy ball is the momentum of
    `ClippedSGD`; "after" clips the buffer, so that no step is longer than eta c whatever beta is, and a single outlier
    stays in the buffer for 1/(1 - beta) steps.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    clip : Clip
    momentum : float beta in [0, 1)
    batch_size : int >= 1
    order : "after" or "before"
        Whether clipping comes after the averaging over steps, or before it.
    heavy_ball : bool
    threshold : Schedule or None, replaces the operator's first parameter (its threshold) in every step
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    clip: Clip
    momentum: float = parameter(MEMORY, "at 1 the buffer never forgets")
    batch_size: int = integer(1, default=1)
    order: str = "after"
    heavy_ball: bool = switch("the heavy ball instead of the average", default=False)
    threshold: Schedule | None = None

    def validate(self) -> None:
        check_operator(self)
        super().validate()
        if self.order not in ORDERS:
            raise ValueError(
                f"ClippedMomentumSGD: order must be 'after' or 'before', clipping after or before the buffer, but {self.order!r}"
                " was given"
            )

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def gain(self) -> float:
        return 1.0 if self.heavy_ball else 1.0 - self.momentum

    @property
    def first(self) -> bool:
        return self.order == "before"

    def step_bound(self, dim: int) -> float:
        stretch = 1.0 / (1.0 - self.momentum) if self.first and self.heavy_ball else 1.0
        return self.longest_step(dim, 1) * stretch


class MixedClippedSGD(MomentumMethod):
    """m <- beta m + (1 - beta) gbar, x <- x - eta (nu clip(m) + (1 - nu) clip(gbar)).

    The mixed clipping of B. Zhang, Jin, Fang and Wang 2020 (arXiv 2010.02519), whose min(eta, gamma/‖m‖) m is eta clip_c(m) with c = gamma/eta.
    nu = 1 is `ClippedMomentumSGD`, nu = 0 is `ClippedSGD`. No bound is claimed for it here: those of the paper have constants
    that no source at hand states in full.

    Parameters
    ----------
    step_size : float eta in (0, inf), or a Schedule
    clip : Clip
    momentum : float beta in [0, 1)
    mix : float nu in [0, 1]
    batch_size : int >= 1
    threshold : Schedule or None, replaces the operator's first parameter (its threshold) in every step
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    clip: Clip
    momentum: float = parameter(MEMORY, "at 1 the buffer never forgets")
    mix: float = parameter(Interval(0, 1, closed_low=True, closed_high=True), "a share of two steps")
    batch_size: int = integer(1, default=1)
    threshold: Schedule | None = None

    def validate(self) -> None:
        check_operator(self)
        super().validate()

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def nu(self) -> float:
        return self.mix

    @property
    def operator_calls_per_step(self) -> int:
        return int(self.mix > 0) + int(self.mix < 1)


class NormalizedMomentumSGD(MomentumMethod):
    """NSGD-M: m <- beta m + (1 - beta) gbar, x <- x - eta m/‖m‖; no step where m = 0.

    Cutkosky and Mehta 2020 (arXiv 2002.03305). The factor 1 - beta does not matter, nor that the buffer is zero at the start: m/‖m‖ is
    the direction of the weighted mean of all gbar_s, s <= t. `bounds.cutkosky2020.NormalizedMomentumMean` bounds its gradient norms.

    Parameters
    ----------
    step_size : float eta in (0, inf), the length of every step, or a Schedule
    momentum : float beta in [0, 1)
    batch_size : int >= 1
    """

    step_size: Part[float | Schedule] = parameter(POSITIVE, also=Schedule)
    momentum: float = parameter(MEMORY, "at 1 the buffer never forgets")
    batch_size: int = integer(1, default=1)

    operator = Normalize()
