"""Radial convex objectives: the extremal function of (L0, L1)-smoothness, and ‖x‖⁴."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..facts import HessianSmoothness
from ..specs import POSITIVE, Vector, inf, parameter, vector
from . import kernels
from .convex import CLOSED_FORM
from .profile import FAR, Profile
from .shapes import _LeastAtOrigin, _OnFrontier

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatOrArray
    from ..facts import FirstOrderSmoothness


class Extremal(_LeastAtOrigin):
    """f(x) = (L0/L1²)(e^{L1 r} - L1 r - 1), r = ‖x‖: ‖hess f‖ = L0 + L1‖grad f‖ everywhere; f* = 0 at 0.

    Parameters
    ----------
    L0, L1 : float in (0, inf)
    x0 : array_like, (dim,)
    """

    L0: float = parameter(POSITIVE)
    L1: float = parameter(POSITIVE, "L1 = 0 is Quadratic")
    x0: Vector = vector()

    gradient_kernel = kernels.extremal
    certificate = CLOSED_FORM
    convex = True

    def value(self, x: ArrayLike) -> FloatOrArray:
        z = self.L1 * np.linalg.norm(x, axis=-1)
        with np.errstate(over="ignore"):
            # below 1e-2 the three terms cancel, and the series is exact to rounding
            series = z * z * (0.5 + z * (1 / 6 + z * (1 / 24 + z * (1 / 120 + z * (1 / 720 + z / 5040)))))
            return self.L0 / self.L1**2 * np.where(z < 1e-2, series, np.expm1(z) - z)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.L0, self.L1)

    @property
    def strong_convexity(self) -> float:
        return self.L0

    def profile(self, L1: float) -> Profile | None:
        own0, own1 = self.L0, self.L1
        return Profile(
            value=lambda r, m: own0 / own1**2 * (m.exp(own1 * r) - own1 * r - 1),
            slope=lambda r, m: own0 / own1 * (m.exp(own1 * r) - 1),
            curvature=lambda r, m: own0 * m.exp(own1 * r),
            low=0.0,
            high=(2.0 if own1 <= L1 else FAR) / own1,
            tail=own0 if own1 <= L1 else inf,
            reason="phi''' - L1 phi'' <= 0 for L1 at least the problem's own, so D falls from D(0);"
            " phi'/r <= phi'' since phi' is convex and 0 at 0",
        )


class Quartic(_LeastAtOrigin, _OnFrontier):
    """f(x) = ‖x‖⁴; frontier L0 = 16/L1² for any L1 > 0 (Hessian form); f* = 0 at 0.

    Parameters
    ----------
    x0 : array_like, (dim,)
    reference_L1 : float in (0, inf), default 1
    """

    x0: Vector = vector()
    reference_L1: float = parameter(POSITIVE, default=1.0)

    gradient_kernel = kernels.quartic
    certificate = CLOSED_FORM
    convex = True

    def value(self, x: ArrayLike) -> FloatOrArray:
        with np.errstate(over="ignore"):
            return np.square(np.sum(np.square(x), axis=-1))

    def frontier(self, L1: float) -> float:
        return 16 / L1**2

    def profile(self, L1: float) -> Profile | None:
        return Profile(
            value=lambda r, m: r**4,
            slope=lambda r, m: 4 * r**3,
            curvature=lambda r, m: 12 * r**2,
            low=0.0,
            high=3 / L1,
            tail=0.0,
            reason="12 r² - 4 L1 r³ <= 0 for r >= 3/L1; phi'/r <= phi''",
        )
