"""Gaussian, Student t and the Pareto laws: densities with certified moments.

Moments: theory page problems, compared with quadrature by the tests.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, Interval, inf, parameter
from . import kernels
from .base import positive_power
from .gamma_ratios import gamma, log_gamma_quotient, power_times
from .standardised import _SignedLaw, _Standardised

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray

FAR = 1e8  # where 1 + FAR² is FAR²: a power tail is exact to rounding
LARGE = 1e6  # degrees of freedom from which four terms of an expansion about the normal law are exact to rounding


def _standard_normal(p: float) -> tuple[float, float]:
    """E|N|^p = 2^{p/2} Gamma((p+1)/2)/sqrt(pi), inf beyond the range of floats, and its logarithm."""
    value = math.exp2(min(p / 2, 1000.0)) * gamma((p + 1) / 2) / math.sqrt(math.pi)
    return value, 0.5 * p * math.log(2) + math.lgamma((p + 1) / 2) - 0.5 * math.log(math.pi)


class Gaussian(_Standardised):
    """xi ~ N(0, scale²).

    Parameters
    ----------
    scale : float in (0, inf), the standard deviation
    """

    scale: float = parameter(POSITIVE)

    fill = kernels.gaussian
    symmetric = True

    def moment(self, p: float) -> Moment:
        """scale^p 2^{p/2} Gamma((p+1)/2)/sqrt(pi), exact."""
        p = positive_power(p)
        return Moment(power_times(self.scale, p, *_standard_normal(p)))

    def _cdf(self, z: ArrayLike) -> FloatOrArray:
        from scipy.special import ndtr

        return ndtr(z)

    def _sf(self, z: FloatOrArray) -> FloatOrArray:
        return self._cdf(-z)

    def _pdf(self, z: FloatArray) -> FloatArray:
        return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    def _quantile(self, u: FloatArray) -> FloatArray:
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

    def moment(self, p: float) -> Moment:
        """Exact for p < nu, inf for p >= nu."""
        p = positive_power(p)
        nu = self.dof
        if p >= nu:
            return Moment(inf)
        # nu^{p/2} Gamma((nu-p)/2)/Gamma(nu/2) = 2^{p/2} exp(quotient): the normal moment times what the tails add
        quotient = log_gamma_quotient(nu / 2, -p / 2)
        rest, log_rest = _standard_normal(p)
        return Moment(power_times(self.scale, p, rest * math.exp(quotient), log_rest + quotient))

    @property
    def _log_density(self) -> float:
        """ln of the density of T at 0: Gamma((nu+1)/2)/(Gamma(nu/2) sqrt(nu pi))."""
        return log_gamma_quotient(self.dof / 2, 0.5) - 0.5 * math.log(2 * math.pi)

    def _log_tail(self, log_ratio: float) -> float:
        """ln P(T > t) for t/sqrt(nu) = exp(log_ratio) >= FAR, where the density is a pure power."""
        return self._log_density - 0.5 * math.log(self.dof) - self.dof * log_ratio

    def _cdf(self, z: float) -> FloatOrArray:
        from scipy.special import stdtr

        if self.dof == 1:  # the library loses half of the digits near 0 there
            return np.arctan2(1.0, -z) / math.pi
        ratio = np.abs(z) / math.sqrt(self.dof)
        tail = np.exp(self._log_tail(np.log(np.maximum(ratio, FAR))))
        return np.where(ratio > FAR, np.where(z < 0, tail, 1 - tail), stdtr(self.dof, z))

    def _sf(self, z: FloatOrArray) -> FloatOrArray:
        return self._cdf(-z)

    def _pdf(self, z: FloatOrArray) -> FloatOrArray:
        nu = self.dof
        ratio = np.abs(z) / math.sqrt(nu)
        near = np.log1p(np.square(np.minimum(ratio, FAR)))
        growth = np.where(ratio > FAR, 2 * np.log(np.maximum(ratio, FAR)), near)
        return np.exp(self._log_density - 0.5 * (nu + 1) * growth)

    def _quantile(self, u: FloatArray) -> FloatOrArray:
        from scipy.special import stdtrit

        nu = self.dof
        if nu >= LARGE:
            return self._nearly_normal(u)
        # the power tail; the library's inverse stops at the smallest float of its own variable
        log_ratio = (self._log_density - 0.5 * math.log(nu) - np.log(np.minimum(u, 1 - u))) / nu
        size = np.where(log_ratio > math.log(FAR), math.sqrt(nu) * np.exp(log_ratio), np.abs(stdtrit(nu, u)))
        share = np.abs(u - 0.5)
        central = share < 0.25
        size = np.where(central, self._central(np.where(central, share, 0.1), np.where(central, size, 1.0)), size)
        return np.where(u < 0.5, -size, size)

    def _nearly_normal(self, u: FloatArray) -> FloatArray:
        """Four terms of the expansion in 1/nu about the normal quantile (Abramowitz and Stegun 26.7.5).

        The next term is below 1e-17 of it for nu >= 1e6 and all floats u. SciPy leaves out all of them from 1e9 or so on.
        """
        from scipy.special import ndtri

        nu, z = self.dof, ndtri(u)
        square = z * z
        first = (square + 1) / 4
        second = ((5 * square + 16) * square + 3) / 96
        third = (((3 * square + 19) * square + 17) * square - 15) / 384
        fourth = ((((79 * square + 776) * square + 1482) * square - 1920) * square - 945) / 92160
        return z * (1 + (first + (second + (third + fourth / nu) / nu) / nu) / nu)

    def _central(self, share: FloatArray, size: FloatArray) -> FloatArray:
        """z with P(0 < T < z) = share <= 1/4, from a start that has few digits near 0: two steps of Newton's method."""
        from scipy.special import betainc

        size = np.where(size > 0.01, size, share / math.exp(self._log_density))
        for _ in range(2):
            square = size * size / self.dof
            wrong = 0.5 * betainc(0.5, self.dof / 2, square / (1 + square)) - share
            size = size - wrong / self._pdf(size)
        return size


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
    def _shift(self) -> float:
        """alpha/(alpha-1) - 1, the mean above the smallest value; small for large alpha, so kept apart from the 1."""
        return 1 / (self.tail_index - 1)

    def moment(self, p: float) -> Moment:
        """alpha mu^{p-alpha} (B(p+1, alpha-p) + J) scale^p, mu the mean; exact for p < alpha, inf for p >= alpha.

        J = alpha^{-p-1}/(p+1) 2F1(p+1, alpha+1; p+2; 1/alpha) is the part below the mean. It is a series of positive
        terms, or for alpha < 2, where that converges slowly, (1 - 1/alpha)^{-alpha} 2F1(1, p+1-alpha; p+2; 1/alpha).
        """
        p = positive_power(p)
        alpha = self.tail_index
        if p >= alpha:
            return Moment(inf)
        quotient = log_gamma_quotient(alpha, -p)  # alpha B(p+1, alpha-p) = Gamma(p+1) alpha^{-p} exp(quotient)
        if alpha < 2:
            from scipy.special import hyp2f1

            above = gamma(p + 1) * math.exp(quotient + (alpha - p) * math.log1p(-1 / alpha))
            # (mu/alpha)^p = (alpha-1)^{-p}
            below = (alpha / (alpha - 1)) ** p / (p + 1) * hyp2f1(1, p + 1 - alpha, p + 2, 1 / alpha)
            rest = float(above + below)
            return Moment(power_times(self.scale / alpha, p, rest, math.log(rest)))
        term = total = 1.0  # of 2F1 = sum (p+1)/(p+1+n) prod_{k<=n} (alpha+k)/(alpha k)
        n = 0
        while term > 2**-60 * total:
            n += 1
            term *= (1 + n / alpha) / n * ((p + n) / (p + 1 + n))
            total += term
        weight = (alpha - p) * math.log1p(-1 / alpha)  # mu^{p-alpha}
        rest = (gamma(p + 1) * math.exp(quotient) + total / (p + 1)) * math.exp(weight)
        log_rest = weight + np.logaddexp(math.lgamma(p + 1) + quotient, math.log(total / (p + 1)))
        return Moment(power_times(self.scale / alpha, p, rest, log_rest))

    def _log(self, z: FloatOrArray) -> FloatOrArray:
        """ln of the Pareto variable at z, 0 below its range."""
        return np.log1p(np.maximum(z + self._shift, 0.0))

    def _sf(self, z: ArrayLike) -> FloatOrArray:
        return np.exp(-self.tail_index * self._log(z))

    def _cdf(self, z: ArrayLike) -> FloatOrArray:
        return -np.expm1(-self.tail_index * self._log(z))

    def _pdf(self, z: FloatOrArray) -> FloatArray:
        inside = self.tail_index * np.exp((-self.tail_index - 1) * self._log(z))
        return np.where(z + self._shift >= 0, inside, 0.0)

    def _quantile(self, u: FloatArray) -> FloatOrArray:
        return np.expm1(-np.log1p(-u) / self.tail_index) - self._shift


class SymmetricPareto(_SignedLaw):
    """xi = ±scale X with equal probability, P(X > x) = x^{-alpha} on [1, inf).

    Parameters
    ----------
    tail_index : float alpha in [0.1, inf); E|xi|^p is finite for p < alpha only, and the mean exists for alpha > 1 only
    scale : float in (0, inf)
    """

    tail_index: float = parameter(Interval(0.1, inf, closed_low=True), "below 0.1 draws leave the range of floats")
    scale: float = parameter(POSITIVE)

    fill = kernels.symmetric_pareto

    def moment(self, p: float) -> Moment:
        """scale^p alpha/(alpha-p), exact for p < alpha; inf for p >= alpha."""
        p = positive_power(p)
        alpha = self.tail_index
        if p >= alpha:
            return Moment(inf)
        rest = alpha / (alpha - p)
        return Moment(power_times(self.scale, p, rest, math.log(rest)))

    def _beyond(self, size: FloatArray) -> FloatArray:
        return np.maximum(size, 1.0) ** -self.tail_index

    def _pdf(self, z: ArrayLike) -> FloatArray:
        size = np.maximum(np.abs(z), 1.0)
        return np.where(np.abs(z) >= 1, 0.5 * self.tail_index * size ** (-self.tail_index - 1), 0.0)

    def _size(self, share: FloatArray) -> FloatArray:
        return share ** (-1 / self.tail_index)
