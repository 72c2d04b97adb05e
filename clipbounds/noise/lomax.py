"""Symmetric Lomax noise of any tail index: a Pareto tail from 0 on, not even a first moment for alpha <= 1."""

import math

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, inf, parameter
from . import heavy_kernels
from .base import positive_power
from .continuous import _Standardised


class SymmetricLomax(_Standardised):
    """xi = ±scale X with equal probability, P(X > x) = (1 + x)^{-alpha} on [0, inf): symmetric, with or without a mean.

    For operators that are bounded, which need no moment of the noise. Bounds that need one see `moment` return inf.

    Parameters
    ----------
    tail_index : float alpha in (0, inf)
    scale : float in (0, inf)
    """

    tail_index: float = parameter(POSITIVE, "a tail index")
    scale: float = parameter(POSITIVE)

    fill = heavy_kernels.symmetric_lomax
    symmetric = True

    def moment(self, p):
        """scale^p Gamma(p+1) Gamma(alpha-p)/Gamma(alpha), exact for p < alpha; inf for p >= alpha."""
        p = positive_power(p)
        alpha = self.tail_index
        if p >= alpha:
            return Moment(inf)
        return Moment(self.scale**p * math.exp(math.lgamma(p + 1) + math.lgamma(alpha - p) - math.lgamma(alpha)))

    def _sf(self, z):
        tail = 0.5 * (1 + np.abs(z)) ** -self.tail_index
        return np.where(z >= 0, tail, 1 - tail)

    def _cdf(self, z):
        return self._sf(-z)

    def _pdf(self, z):
        return 0.5 * self.tail_index * (1 + np.abs(z)) ** (-self.tail_index - 1)

    def _quantile(self, u):
        with np.errstate(divide="ignore"):
            size = np.expm1(-np.log(2 * np.minimum(u, 1 - u)) / self.tail_index)
        return np.where(u < 0.5, -1.0, 1.0) * size
