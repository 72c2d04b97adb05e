"""Four objectives that are (L0, L1)-smooth for no pair; `certify` refutes any pair at a point on `escape`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..facts import Certificate, NotSmooth
from ..specs import Interval, Vector, inf, vector
from . import profile_kernels as kernels
from .base import Problem

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness, HessianSmoothness

NOT_SMOOTH = Certificate("proved", "no pair (L0, L1) exists: ‖hess‖/‖grad‖ or ‖hess‖ at stationary points is unbounded")
AHEAD = Interval(0, inf)


class _Unsmooth(Problem):
    certificate = NOT_SMOOTH

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        raise NotSmooth(
            f"{type(self).__name__} is not (L0, L1)-smooth for any pair; certify(problem, HessianSmoothness(L0, L1))"
            " shows a point that refutes a given one"
        )

    def smoothness_at(self, L1: float) -> HessianSmoothness | FirstOrderSmoothness:
        return self.smoothness

    def escape(self, t: float) -> FloatArray:
        """Points, shape (..., dim), along which every pair fails as t -> inf."""
        raise NotImplementedError

    def defect(self, t: FloatArray, L0: float, L1: float) -> FloatArray:
        """A positive multiple of ‖hess‖ - L1‖grad‖ - L0 at escape(t), free of overflow."""
        raise NotImplementedError


class _OnTheLine(_Unsmooth):
    convex = True

    def validate(self) -> None:
        if self.dim != 1:
            raise ValueError(
                f"{type(self).__name__} is one-dimensional, but x0 has {self.dim} entries; give a single one"
            )


class Reciprocal(_OnTheLine):
    """f(x) = 1/x on x > 0; f* = 0, not attained. hess/|grad| = 2/x -> inf as x -> 0.

    Parameters
    ----------
    x0 : float in (0, inf)
    """

    x0: Vector = vector(AHEAD, "the domain of 1/x")

    gradient_kernel = kernels.reciprocal
    f_star = 0.0

    def value(self, x: ArrayLike) -> FloatOrArray:
        return 1 / np.asarray(x)[..., 0]

    def escape(self, t: float) -> FloatArray:
        return 1 / np.asarray(t)[..., None]

    def defect(self, t: FloatArray, L0: float, L1: float) -> FloatArray:
        return 2 - L1 / t - L0 / t**3


class NegativeLog(_OnTheLine):
    """f(x) = -ln x on x > 0; unbounded below. hess/|grad| = 1/x -> inf as x -> 0.

    Parameters
    ----------
    x0 : float in (0, inf)
    """

    x0: Vector = vector(AHEAD, "the domain of ln x")

    gradient_kernel = kernels.negative_log
    f_star = -inf

    def value(self, x: ArrayLike) -> FloatOrArray:
        return -np.log(np.asarray(x)[..., 0])

    def escape(self, t: float) -> FloatArray:
        return 1 / np.asarray(t)[..., None]

    def defect(self, t: FloatArray, L0: float, L1: float) -> FloatArray:
        return 1 - L1 / t - L0 / t**2


class SquaredExponential(_OnTheLine):
    """f(x) = e^{x²}; f* = 1 at 0. hess/|grad| = 2x + 1/x -> inf as x -> inf.

    Parameters
    ----------
    x0 : float
    """

    x0: Vector = vector()

    gradient_kernel = kernels.squared_exponential
    f_star = 1.0
    f_star_attained = True

    @property
    def minimiser(self) -> FloatArray | None:
        return np.zeros(1)

    def value(self, x: ArrayLike) -> FloatOrArray:
        return self.gap(x) + 1

    def gap(self, x: ArrayLike) -> FloatOrArray:
        with np.errstate(over="ignore"):
            return np.expm1(np.square(np.asarray(x)[..., 0]))

    def escape(self, t: float) -> FloatArray:
        return np.asarray(t)[..., None]

    def defect(self, t: FloatArray, L0: float, L1: float) -> FloatArray:
        return 2 + 4 * t**2 - 2 * L1 * t - L0 * np.exp(-np.square(t))


class ScalarFactorisation(_Unsmooth):
    """f(u, v) = (uv - 1)²/2; f* = 0 on uv = 1. At the minimisers (t, 1/t) the Hessian's norm t² + 1/t² is unbounded.

    Parameters
    ----------
    x0 : array_like, (2,)
    """

    x0: Vector = vector()

    gradient_kernel = kernels.factorisation
    f_star = 0.0
    f_star_attained = True

    def validate(self) -> None:
        if self.dim != 2:
            raise ValueError(f"ScalarFactorisation has the coordinates (u, v), but x0 has {self.dim} entries")

    def value(self, x: FloatOrArray) -> FloatOrArray:
        return 0.5 * np.square(np.prod(x, axis=-1) - 1)

    @property
    def minimiser(self) -> FloatArray | None:
        return np.ones(2)

    def distance(self, x: ArrayLike) -> FloatOrArray:
        """Not known in closed form: the nearest point of a hyperbola."""
        return None

    def escape(self, t: float) -> FloatArray:
        t = np.asarray(t, dtype=np.float64)
        return np.stack([t, 1 / t], axis=-1)

    def defect(self, t: FloatArray, L0: float, L1: float) -> FloatArray:
        return t**2 + t**-2 - L0
