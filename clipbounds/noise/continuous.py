"""Gaussian, Student t and the Pareto laws: densities with certified moments.

Moments: theory page problems, compared with quadrature by the tests.
"""

import math

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, Interval, inf, parameter
from . import kernels
from .base import Noise, positive_power


class _Standardised(Noise):
    """xi = scale·Z for a law Z from scipy.special; subclasses define `_cdf`, `_pdf`, `_quantile` of Z."""

    def cdf(self, x):
        """P(xi <= x)."""
        return self._cdf(np.asarray(x, dtype=np.float64) / self.scale)

    def pdf(self, x):
        """Density of xi."""
        return self._pdf(np.asarray(x, dtype=np.float64) / self.scale) / self.scale

    def quantile(self, u):
        """Smallest x with cdf(x) >= u."""
        return self.scale * self._quantile(np.asarray(u, dtype=np.float64))

    def sf(self, x):
        """P(xi > x), accurate in the upper tail."""
        return self._sf(np.asarray(x, dtype=np.float64) / self.scale)


class Gaussian(_Standardised):
    """xi ~ N(0, scale²).

    Parameters
    ----------
    scale : float in (0, inf), the standard deviation
    """

    scale: float = parameter(POSITIVE)

    fill = kernels.gaussian
    symmetric = True

    def moment(self, p):
        """scale^p 2^{p/2} Gamma((p+1)/2)/sqrt(pi), exact."""
        p = positive_power(p)
        return Moment(self.scale**p * 2 ** (p / 2) * math.gamma((p + 1) / 2) / math.sqrt(math.pi))

    def _cdf(self, z):
        from scipy.special import ndtr

        return ndtr(z)

    def _sf(self, z):
        return self._cdf(-z)

    def _pdf(self, z):
        return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    def _quantile(self, u):
        from scipy.special import ndtri

        return ndtri(u)


class StudentT(_Standardised):
    """xi = scale·T, T Student with `dof` degrees of freedom.

    Parameters
    ----------
    dof : float nu in [0.1, inf); E|xi|^p is finite for p < nu only, and the mean exists for nu > 1 only
    scale : float in (0, inf)
    """

    dof: float = parameter(Interval(0.1, inf, closed_low=True), "below 0.1 draws leave the range of floats")
    scale: float = parameter(POSITIVE)

    fill = kernels.student
    symmetric = True

    def moment(self, p):
        """Exact for p < nu, inf for p >= nu."""
        p = positive_power(p)
        nu = self.dof
        if p >= nu:
            return Moment(inf)
        logarithm = math.lgamma((p + 1) / 2) + math.lgamma((nu - p) / 2) - math.lgamma(nu / 2)
        return Moment(self.scale**p * nu ** (p / 2) * math.exp(logarithm) / math.sqrt(math.pi))

    def _cdf(self, z):
        from scipy.special import stdtr

        return stdtr(self.dof, z)

    def _sf(self, z):
        return self._cdf(-z)

    def _pdf(self, z):
        nu = self.dof
        constant = math.exp(math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2)) / math.sqrt(nu * math.pi)
        return constant * (1 + z * z / nu) ** (-(nu + 1) / 2)

    def _quantile(self, u):
        from scipy.special import stdtrit

        return stdtrit(self.dof, u)


class Pareto(_Standardised):
    """xi = scale (X - alpha/(alpha-1)), P(X > x) = x^{-alpha} on [1, inf): one heavy tail, centred.

    Parameters
    ----------
    tail_index : float alpha in (1, inf), so that the mean exists
    scale : float in (0, inf)
    """

    tail_index: float = parameter(Interval(1, inf), "the mean exists for alpha > 1 only")
    scale: float = parameter(POSITIVE)

    fill = kernels.pareto

    @property
    def _mean(self):
        return self.tail_index / (self.tail_index - 1)

    def moment(self, p):
        """alpha mu^{p-alpha} (B(p+1, alpha-p) + J) scale^p, exact for p < alpha; inf for p >= alpha.

        J = alpha^{-p-1}/(p+1) 2F1(p+1, alpha+1; p+2; 1/alpha) is the part below the mean.
        """
        p = positive_power(p)
        from scipy.special import beta, hyp2f1

        alpha = self.tail_index
        if p >= alpha:
            return Moment(inf)
        below = alpha ** (-p - 1) / (p + 1) * hyp2f1(p + 1, alpha + 1, p + 2, 1 / alpha)
        return Moment(self.scale**p * alpha * self._mean ** (p - alpha) * (beta(p + 1, alpha - p) + below))

    def _sf(self, z):
        return np.maximum(z + self._mean, 1.0) ** -self.tail_index

    def _cdf(self, z):
        return 1 - self._sf(z)

    def _pdf(self, z):
        x = z + self._mean
        return np.where(x >= 1, self.tail_index * np.maximum(x, 1.0) ** (-self.tail_index - 1), 0.0)

    def _quantile(self, u):
        return (1 - u) ** (-1 / self.tail_index) - self._mean


class SymmetricPareto(_Standardised):
    """xi = ±scale X with equal probability, P(X > x) = x^{-alpha} on [1, inf).

    Parameters
    ----------
    tail_index : float alpha in [0.1, inf); E|xi|^p is finite for p < alpha only, and the mean exists for alpha > 1 only
    scale : float in (0, inf)
    """

    tail_index: float = parameter(Interval(0.1, inf, closed_low=True), "below 0.1 draws leave the range of floats")
    scale: float = parameter(POSITIVE)

    fill = kernels.symmetric_pareto
    symmetric = True

    def moment(self, p):
        """scale^p alpha/(alpha-p), exact for p < alpha; inf for p >= alpha."""
        p = positive_power(p)
        alpha = self.tail_index
        return Moment(self.scale**p * alpha / (alpha - p) if p < alpha else inf)

    def _sf(self, z):
        tail = 0.5 * np.maximum(np.abs(z), 1.0) ** -self.tail_index
        return np.where(z >= 0, tail, 1 - tail)

    def _cdf(self, z):
        return self._sf(-z)

    def _pdf(self, z):
        size = np.maximum(np.abs(z), 1.0)
        return np.where(np.abs(z) >= 1, 0.5 * self.tail_index * size ** (-self.tail_index - 1), 0.0)

    def _quantile(self, u):
        return np.where(u < 0.5, -1.0, 1.0) * (2 * np.minimum(u, 1 - u)) ** (-1 / self.tail_index)
