"""Symmetric Lomax noise of any tail index: a Pareto tail from 0 on, not even a first moment for alpha <= 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, inf, parameter
from . import heavy_kernels
from .base import positive_power
from .gamma_ratios import gamma, log_gamma_quotient, power_times
from .standardised import _SignedLaw

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray


class SymmetricLomax(_SignedLaw):
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

    def moment(self, p: float) -> Moment:
        """scale^p Gamma(p+1) Gamma(alpha-p)/Gamma(alpha), exact for p < alpha; inf for p >= alpha."""
        p = positive_power(p)
        alpha = self.tail_index
        if p >= alpha:
            return Moment(inf)
        quotient = log_gamma_quotient(alpha, -p)
        rest = gamma(p + 1) * math.exp(quotient)
        return Moment(power_times(self.scale / alpha, p, rest, math.lgamma(p + 1) + quotient))

    def _beyond(self, size: FloatArray) -> FloatArray:
        return np.exp(-self.tail_index * np.log1p(size))

    def _pdf(self, z: ArrayLike) -> FloatOrArray:
        return 0.5 * self.tail_index * np.exp((-self.tail_index - 1) * np.log1p(np.abs(z)))

    def _size(self, share: FloatArray) -> FloatArray:
        return np.expm1(-np.log(share) / self.tail_index)
