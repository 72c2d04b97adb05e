"""Moments of a capped length, E min(‖xi‖, a)^p: bounds by the moments of the noise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..noise.base import Noise

ORDERS = (1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # of the moments
LOWER_ORDERS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0, *ORDERS)


@functools.lru_cache(maxsize=256)
def _moments(noise: Noise, dim: int) -> dict[float, float]:
    return {0.0: 1.0, **{r: float(noise.vector_moment(r, dim)) for r in LOWER_ORDERS[1:]}}


def capped_moment(noise: Noise, dim: int, cap: float, p: float) -> float:
    """A bound of E min(‖xi‖, cap)^p."""
    moments = _moments(noise, dim)
    if not np.isfinite(cap):
        return moments[p]
    with np.errstate(over="ignore"):
        return min(np.float64(cap) ** (p - r) * m for r, m in moments.items() if r <= p and np.isfinite(m))
