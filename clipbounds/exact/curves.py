"""Means over the noise at some steps, each within its error."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray

QUANTITIES = ("gradient_norm", "gap", "mean_gradient_norm")  # of every setting on a line


@dataclasses.dataclass(frozen=True, eq=False)
class MeanCurves:
    """Means over the noise at some steps, each within its error.

    Attributes
    ----------
    checkpoints : ndarray of int
    values : dict of ndarray, by the name that the quantity has in a run: `clipbounds.exact.quantities` says which
    errors : dict of ndarray, by the same names: half the width of the enclosure
    nodes : int, of the largest grid; 0 where none was needed
    """

    checkpoints: np.ndarray
    values: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    nodes: int

    @property
    def gradient_norm(self) -> FloatArray:
        """E|f'(x_t)|."""
        return self._of("gradient_norm")

    @property
    def gap(self) -> FloatArray:
        """E f(x_t) - f*."""
        return self._of("gap")

    @property
    def mean_gradient_norm(self) -> FloatArray:
        """The average of E|f'(x_s)| over s < t."""
        return self._of("mean_gradient_norm")

    def _of(self, quantity: str) -> FloatArray:
        if quantity not in self.values:
            raise AttributeError(f"there is no enclosure of {quantity} here, but of {', '.join(self.values)}")
        return self.values[quantity]

    def enclosure(self, quantity: str) -> tuple[FloatArray, FloatArray]:
        """Lower and upper values of a quantity."""
        value, error = self._of(quantity), self.errors[quantity]
        return value - error, value + error


def averaged(first: float, curve: FloatArray, last: float, at: IntArray) -> FloatArray:
    """The averages over s < t of a sequence that is `first`, then `curve`, then `last` for ever; t from `at`."""
    count = curve.size
    sums = np.concatenate([[first], first + np.cumsum(curve)])
    return (sums[np.minimum(at - 1, count)] + np.maximum(at - 1 - count, 0) * last) / at


def picked(curve: FloatArray, last: float, at: IntArray) -> FloatArray:
    """The terms number 1, 2, .. of `curve`, and `last` beyond its end."""
    return np.where(at <= curve.size, curve[np.minimum(at, curve.size) - 1], last)
