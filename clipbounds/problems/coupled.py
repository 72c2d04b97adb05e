"""Log-sum-exp and population phase retrieval: objectives whose coordinates do not separate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..facts import HessianSmoothness
from ..specs import POSITIVE, Vector, inf, parameter, vector
from . import profile_kernels as kernels
from .base import Problem
from .convex import CLOSED_FORM
from .nonconvex import well_frontier
from .shapes import _OnFrontier

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness


class LogSumExp(Problem):
    """f(x) = ln sum_k e^{x_k}, d >= 2: convex, (L0, L1) = (1/2, 0), unbounded below (f* = -inf).

    Parameters
    ----------
    x0 : array_like, (dim,), dim >= 2
    """

    x0: Vector = vector()

    gradient_kernel = kernels.log_sum_exp
    certificate = CLOSED_FORM
    convex = True
    f_star = -inf

    def validate(self) -> None:
        if self.dim < 2:
            raise ValueError(f"LogSumExp needs dimension >= 2, but x0 has {self.dim} entry; ln e^x is linear")

    def value(self, x: ArrayLike) -> FloatOrArray:
        return np.logaddexp.reduce(np.asarray(x, dtype=np.float64), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(0.5, 0.0)

    def hessian(self, x: ArrayLike) -> FloatArray:
        weights = self.gradient(x)
        return weights[..., :, None] * np.eye(self.dim) - weights[..., :, None] * weights[..., None, :]


class PhaseRetrieval(_OnFrontier):
    """f(x) = (3‖x‖⁴ + 3 - 2‖x‖² - 4<x,u>²)/4, ‖u‖ = 1: not convex, f* = 0 at ±u.

    The population loss (1/4) E((<a,x>² - <a,u>²)²) of phase retrieval with Gaussian a. Frontier (Hessian form): three
    times that of the double well, attained along u.

    Parameters
    ----------
    signal : array_like, (dim,), a unit vector u
    x0 : array_like, (dim,)
    reference_L1 : float in (0, inf), default 3
    """

    signal: Vector = vector()
    x0: Vector = vector()
    reference_L1: float = parameter(POSITIVE, default=3.0)

    gradient_kernel = kernels.phase_retrieval
    certificate = CLOSED_FORM
    f_star = 0.0
    f_star_attained = True

    def validate(self) -> None:
        if self.signal.size != self.x0.size:
            raise ValueError(
                f"PhaseRetrieval: x0 needs {self.signal.size} entries, as many as signal, but {self.x0.size} were given"
            )
        length = np.linalg.norm(self.signal)
        if not abs(length - 1) < 1e-9:
            raise ValueError(f"PhaseRetrieval: signal must be a unit vector, but its norm is {length:.6g}")

    def value(self, x: ArrayLike) -> FloatOrArray:
        square = np.sum(np.square(x), axis=-1)
        inner = np.asarray(x) @ self.signal
        # a sum of non-negative terms: 3(‖x‖²-1)²/4 + (‖x‖² - <x,u>²)
        across = np.sum(np.square(np.asarray(x) - inner[..., None] * self.signal), axis=-1)
        return 0.75 * np.square(square - 1) + across

    @property
    def minimiser(self) -> FloatArray | None:
        return self.signal

    def distance(self, x: ArrayLike) -> FloatOrArray:
        """Distance to the nearer of u and -u."""
        x = np.asarray(x, dtype=np.float64)
        return np.minimum(np.linalg.norm(x - self.signal, axis=-1), np.linalg.norm(x + self.signal, axis=-1))

    def frontier(self, L1: float) -> float:
        return 3 * well_frontier(L1)

    def hessian(self, x: ArrayLike) -> FloatArray:
        x = np.asarray(x, dtype=np.float64)
        square = np.sum(np.square(x), axis=-1)[..., None, None]
        outer = x[..., :, None] * x[..., None, :]
        return (3 * square - 1) * np.eye(self.dim) + 6 * outer - 2 * np.outer(self.signal, self.signal)
