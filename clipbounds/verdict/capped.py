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


def capped_moments(noise: Noise, dim: int, cap: float) -> dict[float, float]:
    """Bounds of E min(‖xi‖, cap)^p for p = 1 and all of `ORDERS`: the least cap^(p - r) E‖xi‖^r over r <= p."""
    moments = _moments(noise, dim)
    if not np.isfinite(cap):
        return moments
    orders, sizes = np.array(list(moments)), np.array(list(moments.values()))
    wanted = np.array([1.0, *ORDERS])
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.power(cap, wanted[:, np.newaxis] - orders) * sizes
    usable = (orders <= wanted[:, np.newaxis]) & np.isfinite(sizes)
    return dict(zip(wanted.tolist(), np.where(usable, table, np.inf).min(axis=1).tolist(), strict=True))
