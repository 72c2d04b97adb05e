"""Quadratic, Huber, cosh and power: convex objectives with certified constants.

Constants are derived on the theory page "problems": the frontier L0*(L1) = sup_x(‖hess‖ - L1‖grad‖).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import NON_NEGATIVE, POSITIVE, Interval, Vector, inf, parameter, vector
from . import kernels
from .profile import FAR, Profile
from .shapes import _LeastAtOrigin, _OnFrontier

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness
    from .enclosure import _Series

CLOSED_FORM = Certificate("proved", "closed form, theory page problems; re-derived on a grid by the tests")


class Quadratic(_LeastAtOrigin):
    """f(x) = sum_k lambda_k x_k²/2, minimised at 0 with f* = 0.

    Parameters
    ----------
    eigenvalues : array_like, (dim,), each in [0, inf)
    x0 : array_like, (dim,); a scalar is repeated

    Smoothness (Hessian form): (max lambda, 0). Strong convexity: min lambda.
    """

    eigenvalues: Vector = vector(NON_NEGATIVE, "curvatures of a convex quadratic")
    x0: Vector = vector()

    gradient_kernel = kernels.quadratic
    certificate = CLOSED_FORM
    convex = True

    def validate(self) -> None:
        if self.x0.size == 1 and self.eigenvalues.size > 1:
            self._normalise(x0=np.repeat(self.x0, self.eigenvalues.size))
        if self.eigenvalues.size == 1 and self.x0.size > 1:
            self._normalise(eigenvalues=np.repeat(self.eigenvalues, self.x0.size))
        if self.x0.size != self.eigenvalues.size:
            raise ValueError(
                f"Quadratic: x0 needs {self.eigenvalues.size} entries, one an eigenvalue, but {self.x0.size} were given"
            )
        if not self.eigenvalues.max() > 0:
            raise ValueError("Quadratic: at least one eigenvalue must be positive, but all are 0")

    def value(self, x: ArrayLike) -> FloatOrArray:
        return 0.5 * np.sum(self.eigenvalues * np.square(x), axis=-1)

    def distance(self, x: ArrayLike) -> FloatOrArray:
        """Distance to the set of minimisers: coordinates of eigenvalue 0 do not count."""
        return np.linalg.norm(np.where(self.eigenvalues > 0, x, 0.0), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(float(self.eigenvalues.max()), 0.0)

    def hessian(self, x: ArrayLike) -> FloatArray:
        return np.broadcast_to(np.diag(self.eigenvalues), (*np.shape(x), self.dim)).copy()

    @property
    def strong_convexity(self) -> float:
        return float(self.eigenvalues.min())


class _Separable(_LeastAtOrigin):
    """Sum over coordinates of one profile with its minimum at 0."""

    certificate = CLOSED_FORM
    separable = True
    convex = True


class Huber(_Separable):
    """f(x) = sum_k h(x_k), h = L x²/2 for |x| <= G/L and G|x| - G²/(2L) outside.

    Parameters
    ----------
    curvature : float, L in (0, inf)
    slope : float, G in (0, inf)
    x0 : array_like, (dim,)
    """

    curvature: float = parameter(POSITIVE)
    slope: float = parameter(POSITIVE)
    x0: Vector = vector()

    gradient_kernel = kernels.huber

    def value(self, x: ArrayLike) -> FloatOrArray:
        size = np.abs(x)
        knee = self.slope / self.curvature
        inner = 0.5 * self.curvature * np.square(np.minimum(size, knee))
        return np.sum(inner + self.slope * np.maximum(size - knee, 0.0), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.curvature, 0.0)

    def steepest(self, distance: ArrayLike) -> FloatArray:
        """G sqrt(dim)."""
        return np.full(np.shape(distance), self.slope * math.sqrt(self.dim))

    def hessian(self, x: ArrayLike) -> FloatArray:
        inner = np.abs(x) <= self.slope / self.curvature
        return np.where(inner, self.curvature, 0.0)[..., :, None] * np.eye(self.dim)


class Cosh(_Separable):
    """f(x) = A sum_k cosh(a x_k), f* = A dim at 0; (L0, L1) = (A a², a) in Hessian form, none for L1 < a.

    Parameters
    ----------
    amplitude : float, A in (0, inf)
    rate : float, a in (0, inf)
    x0 : array_like, (dim,)
    """

    amplitude: float = parameter(POSITIVE)
    rate: float = parameter(POSITIVE)
    x0: Vector = vector()

    gradient_kernel = kernels.cosh

    @property
    def f_star(self) -> float:
        return self.amplitude * self.dim

    def gap(self, x: ArrayLike) -> FloatOrArray:
        """f(x) - f* = 2 A sum sinh²(a x/2), without cancellation."""
        with np.errstate(over="ignore"):
            return 2 * self.amplitude * np.sum(np.square(np.sinh(0.5 * self.rate * np.asarray(x))), axis=-1)

    def value(self, x: ArrayLike) -> FloatOrArray:
        return self.gap(x) + self.f_star

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.amplitude * self.rate**2, self.rate)

    @property
    def strong_convexity(self) -> float:
        return self.amplitude * self.rate**2

    def profile(self, L1: float) -> Profile | None:
        amplitude, rate = self.amplitude, self.rate
        reach = 1.0 if rate <= L1 else FAR
        return Profile(
            value=lambda x, m: amplitude * m.cosh(rate * x),
            slope=lambda x, m: amplitude * rate * m.sinh(rate * x),
            curvature=lambda x, m: amplitude * rate**2 * m.cosh(rate * x),
            low=-reach / rate,
            high=reach / rate,
            tail=amplitude * rate**2 * math.exp(-1.0) if rate <= L1 else inf,
            reason="D <= A a² (cosh z - sinh z) = A a² e^{-z}, z = a|x|, for L1 >= a",
            least_outside=amplitude,
        )


class Power(_LeastAtOrigin, _OnFrontier):
    """f(x) = ‖x‖^p/p, p > 2, f* = 0 at 0.

    Frontier (Hessian form): L0 = ((p-2)/L1)^{p-2} for any L1 > 0; `reference_L1` chooses the default pair.

    Parameters
    ----------
    exponent : float, p in (2, inf)
    x0 : array_like, (dim,)
    reference_L1 : float in (0, inf), default 1
    """

    exponent: float = parameter(Interval(2, inf), "for p < 2 the Hessian is unbounded at 0; p = 2 is Quadratic")
    x0: Vector = vector()
    reference_L1: float = parameter(POSITIVE, default=1.0)

    gradient_kernel = kernels.power
    certificate = CLOSED_FORM
    convex = True

    def value(self, x: ArrayLike) -> FloatOrArray:
        return np.linalg.norm(x, axis=-1) ** self.exponent / self.exponent

    def frontier(self, L1: float) -> float:
        return ((self.exponent - 2) / L1) ** (self.exponent - 2)

    def profile(self, L1: float) -> Profile | None:
        p = self.exponent
        L0 = ((p - 2) / L1) ** (p - 2)
        low, high = (L0 / (2 * (p - 1))) ** (1 / (p - 2)), (p - 1) / L1

        def power(r: Any, exponent: float, m: ModuleType | _Series) -> Any:
            return m.exp(exponent * m.log(r))

        return Profile(
            value=lambda r, m: power(r, p, m) / p,
            slope=lambda r, m: power(r, p - 1, m),
            curvature=lambda r, m: (p - 1) * power(r, p - 2, m),
            low=low,
            high=high,
            tail=L0 / 2,
            reason="D = r^{p-2} (p - 1 - L1 r) is at most (p-1) r^{p-2} near 0 and negative for r > (p-1)/L1;"
            " phi'/r <= phi''",
        )
