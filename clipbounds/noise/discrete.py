"""NoNoise, Rademacher, two-point and three-point noise: laws with finitely many atoms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, Interval, inf, parameter
from . import kernels
from .base import NONE, Noise, positive_power
from .gamma_ratios import power_times

if TYPE_CHECKING:
    from ..array_types import FloatArray


class _Discrete(Noise):
    if TYPE_CHECKING:

        def atoms(self) -> tuple[FloatArray, FloatArray]: ...

    @property
    def bound(self) -> float:
        return float(np.abs(self.atoms()[0]).max())

    def moment(self, p: float) -> Moment:
        """E|xi|^p, exact: a finite sum."""
        p = positive_power(p)
        support, weights = self.atoms()
        with np.errstate(over="ignore"):
            return Moment(np.sum(weights * np.abs(support) ** p))


class NoNoise(_Discrete):
    """xi = 0: deterministic gradients."""

    fill = kernels.zero
    symmetric = True

    @property
    def layout(self) -> int:
        return NONE

    def atoms(self) -> tuple[FloatArray, FloatArray]:
        return np.zeros(1), np.ones(1)


class Rademacher(_Discrete):
    """xi = ±sigma with probability 1/2 each.

    Parameters
    ----------
    sigma : float in (0, inf)
    """

    sigma: float = parameter(POSITIVE)

    fill = kernels.rademacher
    symmetric = True

    def atoms(self) -> tuple[FloatArray, FloatArray]:
        return np.array([-self.sigma, self.sigma]), np.full(2, 0.5)


def _two_point_moment(p: float, q: float) -> tuple[float, float]:
    """(q^p + q^{2-p})/(1 + q²), inf where it overflows, and its logarithm."""
    try:
        value = (q**p + q ** (2 - p)) / (1 + q * q)
    except OverflowError:
        value = inf
    # the larger of the two powers has the larger logarithm
    return value, float(np.logaddexp(p * math.log(q), (2 - p) * math.log(q)) - math.log1p(q * q))


class TwoPoint(_Discrete):
    """xi = -sigma q with probability 1/(1+q²), sigma/q with probability q²/(1+q²): mean 0, variance sigma².

    Parameters
    ----------
    sigma : float in (0, inf)
    skew : float q in (0, 1]; 1 is Rademacher noise
    """

    sigma: float = parameter(POSITIVE)
    skew: float = parameter(Interval(0, 1, closed_high=True), "q = 1 is symmetric; exchange signs for q > 1")

    fill = kernels.two_point

    @property
    def symmetric(self) -> bool:
        return self.skew == 1.0

    def moment(self, p: float) -> Moment:
        """sigma^p (q^p + q^{2-p})/(1 + q²), exact."""
        p = positive_power(p)
        return Moment(power_times(self.sigma, p, *_two_point_moment(p, self.skew)))

    def atoms(self) -> tuple[FloatArray, FloatArray]:
        q = self.skew
        return np.array([-self.sigma * q, self.sigma / q]), np.array([1.0, q * q]) / (1 + q * q)


class ThreePoint(_Discrete):
    """xi = 0 with probability 1 - r, otherwise two-point noise of variance sigma²/r: mean 0, variance sigma².

    With a small rate it is the rare large error that bounds from p-th moments have to face: E|xi|^p falls as r^{1 - p/2}.

    Parameters
    ----------
    sigma : float in (0, inf)
    skew : float q in (0, 1] of the two points, as in `TwoPoint`
    rate : float r in (0, 1]; 1 is `TwoPoint`
    """

    sigma: float = parameter(POSITIVE)
    skew: float = parameter(Interval(0, 1, closed_high=True), "q = 1 is symmetric; exchange signs for q > 1")
    rate: float = parameter(Interval(0, 1, closed_high=True), "the probability of a nonzero error")

    fill = kernels.three_point

    @property
    def symmetric(self) -> bool:
        return self.skew == 1.0

    def moment(self, p: float) -> Moment:
        """r^{1 - p/2} sigma^p (q^p + q^{2-p})/(1 + q²), exact."""
        p = positive_power(p)
        share = 1 - p / 2
        rest, log_rest = _two_point_moment(p, self.skew)
        try:
            rest *= self.rate**share
        except OverflowError:
            rest = inf
        return Moment(power_times(self.sigma, p, rest, log_rest + share * math.log(self.rate)))

    def atoms(self) -> tuple[FloatArray, FloatArray]:
        q, r = self.skew, self.rate
        root = math.sqrt(r)
        places = np.array([-self.sigma * q / root, 0.0, self.sigma / (q * root)])
        return places, np.array([r, (1 - r) * (1 + q * q), r * q * q]) / (1 + q * q)
