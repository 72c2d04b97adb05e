"""Laws that are a scale times a law without parameters of its own, and those of them that are ± one on [0, inf)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .base import Noise

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray


class _Standardised(Noise):
    """xi = scale·Z for a law Z from scipy.special; subclasses define `_cdf`, `_pdf`, `_quantile` of Z."""

    if TYPE_CHECKING:

        @property
        def scale(self) -> float: ...
        def _cdf(self, z: FloatOrArray) -> FloatOrArray: ...
        def _sf(self, z: FloatOrArray) -> FloatOrArray: ...
        def _pdf(self, z: FloatOrArray) -> FloatOrArray: ...
        def _quantile(self, u: FloatOrArray) -> FloatOrArray: ...

    def _standardised(self, x: ArrayLike) -> FloatArray:
        return np.asarray(x, dtype=np.float64) / self.scale

    def cdf(self, x: FloatOrArray) -> FloatOrArray:
        """P(xi <= x)."""
        with np.errstate(over="ignore"):
            return self._cdf(self._standardised(x))

    def pdf(self, x: FloatOrArray) -> FloatOrArray:
        """Density of xi."""
        with np.errstate(over="ignore"):
            return self._pdf(self._standardised(x)) / self.scale

    def quantile(self, u: ArrayLike) -> FloatOrArray:
        """Smallest x with cdf(x) >= u."""
        with np.errstate(over="ignore", divide="ignore"):
            return self.scale * self._quantile(np.asarray(u, dtype=np.float64))

    def sf(self, x: FloatOrArray) -> FloatOrArray:
        """P(xi > x), accurate in the upper tail."""
        with np.errstate(over="ignore"):
            return self._sf(self._standardised(x))


class _SignedLaw(_Standardised):
    """Z = ±X with equal probability; subclasses define P(X > size) as `_beyond`, and its inverse `_size`."""

    symmetric = True

    def _beyond(self, size: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _size(self, share: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _sf(self, z: FloatOrArray) -> FloatArray:
        tail = 0.5 * self._beyond(np.abs(z))
        return np.where(z >= 0, tail, 1 - tail)

    def _cdf(self, z: FloatOrArray) -> FloatArray:
        return self._sf(-z)

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.where(u < 0.5, -1.0, 1.0) * self._size(2 * np.minimum(u, 1 - u))
