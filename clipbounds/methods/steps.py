"""Step rules: how long a step along an estimate v of the gradient is.

Each rule certifies a quantity, a function of ‖grad F‖ that its bound speaks about: min(u/(1 + ratio u), cap).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..specs import NON_NEGATIVE, POSITIVE, Spec, inf, parameter
from . import spider_kernels as kernels

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray


class StepRule(Spec):
    """Base of the rules: eta(‖v‖), with no step at v = 0."""

    code: ClassVar[int]
    if TYPE_CHECKING:

        @property
        def ratio(self) -> float: ...
        @property
        def cap(self) -> float: ...
        def _eta(self, t: FloatArray) -> FloatArray: ...

    else:
        ratio = 0.0
        cap = inf
    certified: ClassVar[str] = "‖grad F‖"

    @property
    def numbers(self) -> tuple[float, ...]:
        """Three numbers for the kernel."""
        raise NotImplementedError

    def eta(self, norm: ArrayLike) -> FloatArray:
        """The step size at ‖v‖ = norm, of the norm's shape."""
        norm = np.asarray(norm, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(norm > 0, self._eta(norm), 0.0)

    def certify(self, norm: ArrayLike) -> FloatOrArray:
        """The certified quantity as a function of ‖grad F‖ in [0, inf]: concave and non-decreasing."""
        norm = np.asarray(norm, dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.minimum(1 / (1 / norm + self.ratio), self.cap)


class _Scaled(StepRule):
    step_scale: float = parameter(POSITIVE, "delta: ‖x_{k+1} - x_k‖ <= delta/L0")
    L0: float = parameter(POSITIVE, "first-order smoothness")
    L1: float = parameter(NON_NEGATIVE, "first-order smoothness", default=0.0)

    @property
    def tau(self) -> float:
        """L1 delta/L0."""
        return self.L1 * self.step_scale / self.L0

    @property
    def radius(self) -> float:
        """delta/L0, the longest step."""
        return self.step_scale / self.L0

    @property
    def numbers(self) -> tuple[float, float, float]:
        return self.step_scale, self.L0, self.L1


class RuleH(_Scaled):
    """eta = delta/((L0 + L1‖v‖)‖v‖); certifies psi(‖grad F‖), psi(t) = t/(1 + L1 t/L0).

    Parameters
    ----------
    step_scale : float delta in (0, inf)
    L0 : float in (0, inf), L1 : float in [0, inf)
    """

    code = kernels.RULE_H
    certified = "psi(‖grad F‖)"

    @property
    def ratio(self) -> float:
        return self.L1 / self.L0

    def _eta(self, t: FloatArray) -> FloatArray:
        return self.step_scale / ((self.L0 + self.L1 * t) * t)


class RuleP(_Scaled):
    """The paper's rule, eta = min{1/(2 L0), delta/(L0‖v‖), delta/(L1‖v‖²)}; certifies min{‖grad F‖, L0/L1}.

    The last term is dropped when L1 = 0. Parameters as for `RuleH`.
    """

    code = kernels.RULE_P
    certified = "min(‖grad F‖, L0/L1)"

    @property
    def cap(self) -> float:
        return self.L0 / self.L1 if self.L1 > 0 else inf

    def _eta(self, t: FloatArray) -> FloatArray:
        return np.minimum(
            0.5 / self.L0, np.minimum(self.step_scale / (self.L0 * t), self.step_scale / (self.L1 * t * t))
        )


class RuleN(_Scaled):
    """Normalised: eta = delta/(L0‖v‖), every step has the length delta/L0; certifies ‖grad F‖. Parameters as for `RuleH`."""

    code = kernels.RULE_N

    def _eta(self, t: FloatArray) -> FloatArray:
        return self.step_scale / (self.L0 * t)


class ClippedStep(StepRule):
    """eta = min{step_size, reach/‖v‖}: norm clipping at the threshold reach/step_size; certifies ‖grad F‖.

    Parameters
    ----------
    step_size : float in (0, inf)
    reach : float gamma in (0, inf), the longest step
    """

    step_size: float = parameter(POSITIVE)
    reach: float = parameter(POSITIVE, "gamma, the longest step")

    code = kernels.RULE_CLIP

    @property
    def numbers(self) -> tuple[float, float, float]:
        return self.step_size, self.reach, 0.0

    def _eta(self, t: FloatArray) -> FloatArray:
        return np.minimum(self.step_size, self.reach / t)


class ConstantStep(StepRule):
    """eta = step_size: no clipping; certifies ‖grad F‖.

    Parameters
    ----------
    step_size : float in (0, inf)
    """

    step_size: float = parameter(POSITIVE)

    code = kernels.RULE_CONSTANT

    @property
    def numbers(self) -> tuple[float, float, float]:
        return self.step_size, 0.0, 0.0

    def _eta(self, t: FloatArray) -> FloatArray:
        return self.step_size + 0 * t
