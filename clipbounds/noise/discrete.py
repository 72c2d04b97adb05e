"""NoNoise, Rademacher and two-point noise: laws with finitely many atoms."""

import math

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, Interval, inf, parameter
from . import kernels
from .base import NONE, Noise, positive_power
from .gamma_ratios import power_times


class _Discrete(Noise):
    @property
    def bound(self):
        return float(np.abs(self.atoms()[0]).max())

    def moment(self, p):
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
    def layout(self):
        return NONE

    def atoms(self):
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

    def atoms(self):
        return np.array([-self.sigma, self.sigma]), np.full(2, 0.5)


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
    def symmetric(self):
        return self.skew == 1.0

    def moment(self, p):
        """sigma^p (q^p + q^{2-p})/(1 + q²), exact."""
        p, q = positive_power(p), self.skew
        try:
            rest = (q**p + q ** (2 - p)) / (1 + q * q)
        except OverflowError:
            rest = inf
        # the larger of the two powers has the larger logarithm
        log_rest = float(np.logaddexp(p * math.log(q), (2 - p) * math.log(q)) - math.log1p(q * q))
        return Moment(power_times(self.sigma, p, rest, log_rest))

    def atoms(self):
        q = self.skew
        return np.array([-self.sigma * q, self.sigma / q]), np.array([1.0, q * q]) / (1 + q * q)
