"""Log-tailed noise: a first moment and nothing beyond."""

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, inf, parameter
from . import heavy_kernels
from .base import Noise, positive_power
from .gamma_ratios import power_times


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

    def moment(self, p):
        """scale at p = 1, inf for p > 1; below 1 by quadrature, exact to about 1e-10 relative.

        With x = e^s - 1, E|X|^p = int_0^inf p (e^s-1)^{p-1}/(1+s)² ds, and below s = 1 with s = t^{1/p}.
        """
        p = positive_power(p)
        if p >= 1:
            return Moment(self.scale if p == 1 else inf)
        from scipy.integrate import quad

        def per_t(t):
            v = t ** (1 / p)
            quotient = -np.expm1(-v) / v if v > 0 else 1.0
            return np.exp((p - 1) * v) * quotient ** (p - 1) / (1 + v) ** 2

        def per_s(s):
            return p * np.exp((p - 1) * s) * (-np.expm1(-s)) ** (p - 1) / (1 + s) ** 2

        near = quad(per_t, 0, 1, epsabs=0, epsrel=1e-12)
        far = quad(per_s, 1, inf, epsabs=0, epsrel=1e-12, limit=200)
        rest = near[0] + far[0]
        return Moment(power_times(self.scale, p, rest, np.log(rest)))

    def _tail(self, size):
        """P(|X| > size) for size >= 0."""
        return 1 / ((1 + size) * np.square(1 + np.log1p(size)))

    def sf(self, x):
        """P(xi > x), accurate in the upper tail."""
        z = np.asarray(x, dtype=np.float64) / self.scale
        tail = 0.5 * self._tail(np.abs(z))
        return np.where(z >= 0, tail, 1 - tail)

    def cdf(self, x):
        """P(xi <= x)."""
        return self.sf(-np.asarray(x, dtype=np.float64))

    def pdf(self, x):
        """Density of xi."""
        size = np.abs(np.asarray(x, dtype=np.float64)) / self.scale
        v = 1 + np.log1p(size)
        return 0.5 * (v + 2) / (np.square(1 + size) * v**3) / self.scale

    def quantile(self, u):
        """Smallest x with cdf(x) >= u."""
        from scipy.special import lambertw

        u = np.asarray(u, dtype=np.float64)
        tail = 2 * np.minimum(u, 1 - u)
        with np.errstate(divide="ignore"):
            size = np.expm1(2 * lambertw(np.exp(0.5) / (2 * np.sqrt(tail))).real - 1)
        return self.scale * np.where(u < 0.5, -1.0, 1.0) * size
