"""Sums over coordinates of one profile: e^x, softplus, and three non-convex ones.

A separable sum keeps the constants of its profile: the norm of its Hessian is the largest |phi''(x_k)|, and its
gradient is at least as long as any component. Its minimum is dim times that of the profile.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..facts import HessianSmoothness
from ..specs import Interval, Vector, inf, parameter, vector
from . import profile_kernels as kernels
from .base import Problem
from .convex import CLOSED_FORM
from .profile import FAR, NO_ARGUMENT, Profile
from .shapes import _LeastAtOrigin

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness
    from .enclosure import _Series


class _Sum(Problem):
    certificate = CLOSED_FORM
    separable = True


class Exponential(_Sum):
    """f(x) = sum_k e^{x_k}; (L0, L1) = (0, 1) in Hessian form; f* = 0, not attained.

    Parameters
    ----------
    x0 : array_like, (dim,)
    """

    x0: Vector = vector()

    gradient_kernel = kernels.exponential
    convex = True
    f_star = 0.0

    def value(self, x: ArrayLike) -> FloatOrArray:
        with np.errstate(over="ignore"):
            return np.sum(np.exp(x), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(0.0, 1.0)

    def profile(self, L1: float) -> Profile | None:
        def growth(x: ArrayLike, m: ModuleType | _Series) -> Any:
            return m.exp(x)

        if L1 < 1:
            return Profile(growth, growth, growth, -4.0, FAR, inf, NO_ARGUMENT)
        return Profile(growth, growth, growth, -4.0, 4.0, 0.0, "|phi''| - L1|phi'| = (1 - L1) e^x <= 0 for L1 >= 1")


class Softplus(_Sum):
    """f(x) = sum_k ln(1 + e^{x_k}); frontier ((1 - L1)²/4, L1) for L1 in [0, 1], 0 beyond; f* = 0, not attained.

    Parameters
    ----------
    x0 : array_like, (dim,)
    reference_L1 : float in [0, 1], default 0: the pair that `smoothness` gives
    """

    x0: Vector = vector()
    reference_L1: float = parameter(Interval(0, 1, closed_low=True, closed_high=True), default=0.0)

    gradient_kernel = kernels.softplus
    convex = True
    f_star = 0.0

    def value(self, x: ArrayLike) -> FloatOrArray:
        return np.sum(np.logaddexp(0.0, x), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return self.smoothness_at(self.reference_L1)

    def smoothness_at(self, L1: float) -> HessianSmoothness | FirstOrderSmoothness:
        L1 = _at_least(self, L1, 0.0)
        return HessianSmoothness(max(1 - L1, 0.0) ** 2 / 4, L1)

    def profile(self, L1: float) -> Profile | None:
        def sigmoid(x: FloatOrArray, m: ModuleType | _Series) -> Any:
            return 1 / (1 + m.exp(-x))

        return Profile(
            value=lambda x, m: m.log(1 + m.exp(x)),
            slope=sigmoid,
            curvature=lambda x, m: sigmoid(x, m) * sigmoid(-x, m),
            low=-30.0,
            high=30.0,
            tail=math.exp(-30.0),
            reason="phi'' = s(x) s(-x) <= e^{-|x|}",
        )


class SineQuadratic(_LeastAtOrigin, _Sum):
    """f(x) = sum_k x_k² + 3 sin² x_k: not convex, one stationary point and minimiser 0, f* = 0; (L0, L1) = (8, 0).

    Parameters
    ----------
    x0 : array_like, (dim,)
    """

    x0: Vector = vector()

    gradient_kernel = kernels.sine_quadratic

    def value(self, x: ArrayLike) -> FloatOrArray:
        return np.sum(np.square(x) + 3 * np.square(np.sin(x)), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(8.0, 0.0)

    def profile(self, L1: float) -> Profile | None:
        return Profile(
            value=lambda x, m: x * x + 3 * m.sin(x) * m.sin(x),
            slope=lambda x, m: 2 * x + 3 * m.sin(2 * x),
            curvature=lambda x, m: 2 + 6 * m.cos(2 * x),
            low=-2.0,
            high=2.0,
            tail=8.0,
            reason="|phi''| = |2 + 6 cos 2x| <= 8",
        )


class GemanMcClure(_LeastAtOrigin, _Sum):
    """f(x) = sum_k x_k²/(1 + x_k²): bounded, not convex, minimiser 0, f* = 0; (L0, L1) = (2, 0).

    Parameters
    ----------
    x0 : array_like, (dim,)
    """

    x0: Vector = vector()

    gradient_kernel = kernels.geman_mcclure

    def value(self, x: ArrayLike) -> FloatOrArray:
        with np.errstate(over="ignore"):
            return np.sum(1 - 1 / (1 + np.square(x)), axis=-1)

    def gap(self, x: ArrayLike) -> FloatOrArray:
        """f itself, without cancellation near 0."""
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(over="ignore"):
            return np.sum(np.square(x / np.hypot(1.0, x)), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(2.0, 0.0)

    def profile(self, L1: float) -> Profile | None:
        return Profile(
            value=lambda x, m: x * x / (1 + x * x),
            slope=lambda x, m: 2 * x / (1 + x * x) ** 2,
            curvature=lambda x, m: 2 * (1 - 3 * x * x) / (1 + x * x) ** 3,
            low=-3.0,
            high=3.0,
            tail=0.06,
            reason="|phi''| <= 6/(1+x²)² for every x, and 6/100 at |x| = 3",
        )


class CoshCosine(_Sum):
    """f(x) = sum_k cosh x_k + 2 cos x_k: not convex; frontier for L1 >= 1 only.

    f* = dim·(cosh z + 2 cos z) at components ±z, the positive root of sinh z = 2 sin z. For x > z the defect
    D = |f''| - L1|f'| has its maximum where sinh x + 2 sin x = L1 (cosh x - 2 cos x), or at z if D decreases there.

    Parameters
    ----------
    x0 : array_like, (dim,)
    reference_L1 : float in [1, inf), default 1
    """

    x0: Vector = vector()
    reference_L1: float = parameter(Interval(1, inf, closed_low=True), "no pair exists for L1 < 1", default=1.0)

    gradient_kernel = kernels.cosh_cosine
    f_star_attained = True

    @property
    def f_star(self) -> float:
        return self.dim * cosh_cosine_minimum()[1]

    @property
    def minimiser(self) -> FloatArray | None:
        return np.full(self.dim, cosh_cosine_minimum()[0])

    def distance(self, x: ArrayLike) -> FloatOrArray:
        """Distance to the nearest of the minimisers (±z, ..., ±z)."""
        return np.linalg.norm(np.abs(x) - cosh_cosine_minimum()[0], axis=-1)

    def value(self, x: ArrayLike) -> FloatOrArray:
        with np.errstate(over="ignore"):
            return np.sum(np.cosh(x) + 2 * np.cos(x), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return self.smoothness_at(self.reference_L1)

    def smoothness_at(self, L1: float) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(_cosh_cosine_frontier(_at_least(self, L1, 1.0)), float(L1))

    def profile(self, L1: float) -> Profile | None:
        high = 4.0 if L1 >= 1 else FAR
        falling = 0.5 * ((1 - L1) * math.exp(high) + (1 + L1) * math.exp(-high))
        return Profile(
            value=lambda x, m: m.cosh(x) + 2 * m.cos(x),
            slope=lambda x, m: m.sinh(x) - 2 * m.sin(x),
            curvature=lambda x, m: m.cosh(x) - 2 * m.cos(x),
            low=-high,
            high=high,
            tail=falling + 2 * math.hypot(1, L1) if L1 >= 1 else inf,
            reason="D <= cosh x - L1 sinh x + 2 sqrt(1 + L1²) for x >= 4, decreasing for L1 >= 1; even",
            least_outside=math.cosh(high) - 2,
        )


def _at_least(problem: Problem, L1: float, low: float) -> float:
    if not low <= L1:
        raise ValueError(f"{type(problem).__name__}: L1 must be in [{low:g}, inf), but {L1!r} was given")
    return float(L1)


@lru_cache(maxsize=1)
def cosh_cosine_minimum() -> tuple[float, float]:
    """z > 0 with sinh z = 2 sin z, and the value there, rounded down by two ulps."""
    from scipy.optimize import brentq

    z = brentq(lambda x: math.sinh(x) - 2 * math.sin(x), 1.0, 2.0, xtol=1e-15, rtol=1e-15)
    return z, (math.cosh(z) + 2 * math.cos(z)) * (1 - 4e-16)


@lru_cache(maxsize=64)
def _cosh_cosine_frontier(L1: float) -> float:
    from scipy.optimize import brentq

    def bend(x: float) -> float:
        return math.sinh(x) + 2 * math.sin(x) - L1 * (math.cosh(x) - 2 * math.cos(x))

    z = cosh_cosine_minimum()[0]
    x = brentq(bend, z, math.pi, xtol=1e-14) if bend(z) > 0 else z
    defect = math.cosh(x) - 2 * math.cos(x) - L1 * abs(math.sinh(x) - 2 * math.sin(x))
    return defect * (1 + 1e-14)
