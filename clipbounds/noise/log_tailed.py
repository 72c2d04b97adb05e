"""Log-tailed noise: a first moment and nothing beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, inf, parameter
from . import heavy_kernels
from .base import Noise, positive_power
from .gamma_ratios import power_times

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatOrArray


class LogTailed(Noise):
    """xi = scale·X, X symmetric with P(|X| > x) = 1/((1+x)(1+ln(1+x))²): E|X| = 1, E|X|^p = inf for every p > 1.

    Source: theory page error-feedback, section 5; sampler |X| = min(1/U - 1, exp(1/sqrt(V) - 1) - 1)
    with independent uniform U and V, the quantile by Lambert's function.

    Parameters
    ----------
    scale : float in (0, inf), the first absolute moment
    """

    scale: float = parameter(POSITIVE)

    fill = heavy_kernels.log_tailed
    symmetric = True

    def moment(self, p: float) -> Moment:
        """scale at p = 1, inf for p > 1; below 1 by quadrature, to about 1e-13 relative.

        With x = e^s - 1, E|X|^p = int_0^inf p (e^s-1)^{p-1}/(1+s)² ds = 1 + int_0^1 p s^{p-1} (g(s) - 1) ds
        + p (e^h E_2(2h)/2 + int_1^inf e^{-hs} ((1-e^{-s})^{-h} - 1)/(1+s)² ds), where g(s) = (s/(e^s-1))^h/(1+s)²,
        h = 1 - p and E_2 is the exponential integral: no part of it is steep for p near 0, or slow for p near 1.
        """
        p = positive_power(p)
        if p >= 1:
            return Moment(self.scale if p == 1 else inf)
        from scipy.integrate import quad
        from scipy.special import expn

        h = 1 - p

        def near(s: float) -> float:
            return p * s**-h * np.expm1(-h * np.log(np.expm1(s) / s) - 2 * np.log1p(s))

        def far(s: float) -> float:
            return np.exp(-h * s) * np.expm1(-h * np.log1p(-np.exp(-s))) / (1 + s) ** 2

        parts = [
            quad(part, *ends, epsabs=1e-15, epsrel=1e-13, limit=200)[0]
            for part, ends in ((near, (0, 1)), (far, (1, 60)))
        ]
        rest = 1 + parts[0] + p * (np.exp(h) * expn(2, 2 * h) / 2 + parts[1])
        return Moment(power_times(self.scale, p, rest, np.log(rest)))

    def _tail(self, size: FloatOrArray) -> FloatOrArray:
        """P(|X| > size) for size >= 0."""
        return 1 / ((1 + size) * np.square(1 + np.log1p(size)))

    def sf(self, x: ArrayLike) -> FloatOrArray:
        """P(xi > x), accurate in the upper tail."""
        with np.errstate(over="ignore"):
            z = np.asarray(x, dtype=np.float64) / self.scale
            tail = 0.5 * self._tail(np.abs(z))
        return np.where(z >= 0, tail, 1 - tail)

    def cdf(self, x: ArrayLike) -> FloatOrArray:
        """P(xi <= x)."""
        return self.sf(-np.asarray(x, dtype=np.float64))

    def pdf(self, x: ArrayLike) -> FloatOrArray:
        """Density of xi."""
        with np.errstate(over="ignore"):
            size = np.abs(np.asarray(x, dtype=np.float64)) / self.scale
            v = 1 + np.log1p(size)
            return 0.5 * (1 + 2 / v) / np.square((1 + size) * v) / self.scale

    def quantile(self, u: ArrayLike) -> FloatOrArray:
        """Smallest x with cdf(x) >= u."""
        from scipy.special import lambertw

        u = np.asarray(u, dtype=np.float64)
        tail = 2 * np.minimum(u, 1 - u)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            logarithm = 2 * lambertw(np.exp(0.5) / (2 * np.sqrt(tail))).real - 1  # ln(1 + size), without digits near 0
            for _ in range(2):  # Newton's method for v + 2 ln(1+v) = -ln tail
                wrong = logarithm + 2 * np.log1p(logarithm) + np.log(tail)
                logarithm = logarithm - wrong / (1 + 2 / (1 + logarithm))
            size = np.where(tail > 0, np.expm1(logarithm), inf)
            return self.scale * np.where(u < 0.5, -1.0, 1.0) * size
