"""Ramp-valley, with and without an exponential wall: the problems on which the upper bounds of SPIDER are nearly tight.

Theory page variance-reduction, section 5. The ramp keeps the gradient at 2 eps over the whole decrease, and the valley
forces stochastic gradient descent to a step size of order eps². The ramp depends on eps, as in every lower bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import NON_NEGATIVE, POSITIVE, integer, parameter
from . import ramp_kernels
from .shapes import _LeastAtOrigin

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness


class RampValley(_LeastAtOrigin):
    """F(x, y) = r(x) + (H0/2)‖y‖², F* = 0 at the origin; r has the slope s = 2 eps outside its quadratic end.

    r(x) = (H0/2)x² for |x| <= s/H0 and s|x| - s²/(2 H0) outside. The start is (x0, 0) with r(x0) = gap, which makes
    the ramp l = (gap - s²/(2 H0))/s long and ‖grad F‖ = 2 eps along it.

    Smoothness (Hessian form): (H0, 0), hence (H0, H1) for every H1; `rate` is the H1 that `smoothness` reports.

    Parameters
    ----------
    target : float eps in (0, inf), the accuracy that the slope 2 eps belongs to
    gap : float F0 in (0, inf), at least s²/(2 H0)
    curvature : float H0 in (0, inf)
    rate : float H1 in [0, inf)
    valley : int >= 0, coordinates of the valley
    """

    target: float = parameter(POSITIVE, "the accuracy eps; the ramp has slope 2 eps")
    gap_at_start: float = parameter(POSITIVE, "F(x0) - F*", default=1.0)
    curvature: float = parameter(POSITIVE, "H0", default=1.0)
    rate: float = parameter(NON_NEGATIVE, "H1", default=1.0)
    valley: int = integer(0, default=8)

    gradient_kernel = ramp_kernels.ramp_valley
    certificate = Certificate(
        "proved", "closed form, theory page variance-reduction; re-derived on a grid by the tests"
    )
    convex = True

    def validate(self) -> None:
        lowest = self.slope**2 / (2 * self.curvature)
        if self.gap_at_start < lowest:
            raise ValueError(
                f"{type(self).__name__}: gap_at_start must be at least s²/(2 H0) = {lowest:g} with s = 2 target, so that the"
                f" start lies on the ramp, but {self.gap_at_start:g} was given; lower target"
            )

    @property
    def slope(self) -> float:
        """s = 2 eps."""
        return 2 * self.target

    @property
    def ramp_length(self) -> float:
        """l = (gap - s²/(2 H0))/s, the way to the quadratic end."""
        return (self.gap_at_start - self.slope**2 / (2 * self.curvature)) / self.slope

    @property
    def ramp_end(self) -> float:
        """The point x = l + s/H0 where r has the value `gap_at_start`."""
        return self.ramp_length + self.slope / self.curvature

    @property
    def x0(self) -> FloatArray:
        start = np.zeros(1 + self.valley)
        start[0] = self.ramp_end
        return start

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.curvature, self.slope, self.rate, math.inf, 0.0])

    def _ramp(self, size: float) -> float:
        knee = self.slope / self.curvature
        return 0.5 * self.curvature * np.square(np.minimum(size, knee)) + self.slope * np.maximum(size - knee, 0.0)

    def value(self, x: ArrayLike) -> FloatOrArray:
        x = np.asarray(x, dtype=np.float64)
        return self._ramp(np.abs(x[..., 0])) + 0.5 * self.curvature * np.sum(np.square(x[..., 1:]), axis=-1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.curvature, self.rate)

    @property
    def lipschitz(self) -> float | None:
        return self.curvature


class RampWall(RampValley):
    """`RampValley` behind an exponential wall: the start is up on the wall, where ‖grad F‖ = M.

    r'' = H0 + H1|r'| for |x| beyond the end x0 of the ramp, so |r'| = (s + H0/H1)e^{H1(|x|-x0)} - H0/H1 there. The slope M
    is reached z = ln((M + H0/H1)/(s + H0/H1))/H1 beyond x0, at the value gap + (s + H0/H1)(e^{H1 z}-1)/H1 - H0 z/H1.

    Smoothness (Hessian form): (H0, H1), attained on the wall.

    Parameters
    ----------
    steepness : float M >= 2 target, the gradient norm at the start
    The others are those of `RampValley`; rate must be positive.
    """

    steepness: float = parameter(POSITIVE, "the gradient norm M at the start", kw_only=True)

    def validate(self) -> None:
        super().validate()
        if not self.rate > 0:
            raise ValueError("RampWall: rate must be in (0, inf), the exponent of the wall, but 0 was given")
        if self.steepness < self.slope:
            raise ValueError(
                f"RampWall: steepness must be at least the ramp's slope {self.slope:g}, but {self.steepness:g} was given"
            )

    @property
    def _amplitude(self) -> float:
        return self.slope + self.curvature / self.rate

    @property
    def climb(self) -> float:
        """z, how far beyond the ramp's end the start lies."""
        return math.log((self.steepness + self.curvature / self.rate) / self._amplitude) / self.rate

    @property
    def x0(self) -> FloatArray:
        start = np.zeros(1 + self.valley)
        start[0] = self.ramp_end + self.climb
        return start

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.curvature, self.slope, self.rate, self.ramp_end, self._amplitude])

    def _ramp(self, size: FloatOrArray) -> FloatOrArray:
        beyond = np.maximum(size - self.ramp_end, 0.0)
        with np.errstate(over="ignore"):
            # the linear part s·beyond is in the ramp itself
            wall = self._amplitude * (np.expm1(self.rate * beyond) / self.rate - beyond)
        return super()._ramp(size) + wall

    @property
    def lipschitz(self) -> float | None:
        return None
