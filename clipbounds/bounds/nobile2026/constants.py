"""c_p, K_p and the check of p: what depends on the tail exponent alone."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .search import certified_supremum

if TYPE_CHECKING:
    from ...array_types import FloatArray


def check_exponent(owner: str, p: float) -> float:
    """p as a float in (1, 2], or one clear sentence."""
    try:
        value = float(p)
    except (TypeError, ValueError):
        value = np.nan
    if not 1 < value <= 2:
        raise ValueError(
            f"{owner}: the tail exponent p must be in (1, 2] (E‖xi‖^p is finite), but {p!r} was given;"
            " p > 2 is covered by p = 2"
        )
    return value


def check_positive(owner: str, name: str, value: float) -> float:
    """`value` as a float in (0, inf), or one clear sentence."""
    value = float(value)
    if not 0 < value < np.inf:
        raise ValueError(f"{owner}: {name} must be in (0, inf), but {value!r} was given")
    return value


def tail_constant(p: float) -> float:
    """c_p = (p-1)^{p-1}/p^p, the maximum of (u-1) u^{-p} over u >= 1: 1/4 at p = 2, 1 as p -> 1."""
    p = check_exponent("tail_constant", p)
    return (p - 1) ** (p - 1) / p**p


@lru_cache(maxsize=256)
def moment_growth(p: float) -> float:
    """K_p = sup_{t>=2} ((t-1)^p - 1 + p t)/t^p in [1, 2^{2-p}], rounded up by at most 1e-5 of it.

    For independent centred X_k in a Hilbert space with E‖X_k‖^p <= sigma^p, 1 < p <= 2,

        E‖X_1 + ... + X_m‖^p <= sigma^p (1 + K_p (m-1)).                                     [proved]

    Proof. Claim: ‖a+b‖^p <= ‖a‖^p + p‖a‖^{p-2}<a,b> + K_p‖b‖^p (middle term 0 for a = 0, where K_p >= 1 suffices).
    Let ‖a‖ = 1, ‖b‖ = t, and c the cosine of their angle. F(c) = (1+2tc+t²)^{p/2} - 1 - p t c is concave in c, with the
    stationary point c = -t/2. If t <= 2 it lies in [-1, 1], so F <= p t²/2 and F/t^p <= (p/2) t^{2-p}, which is largest
    at t = 2, where it is the value of the supremum's argument at t = 2. If t >= 2, F is largest at c = -1:
    (t-1)^p - 1 + p t. Take a = X_1 + ... + X_{k-1}, b = X_k and expectations: the middle term vanishes.

    With s = 1/t the argument is (1-s)^p - s^p + p s^{p-1}, s in (0, 1/2]: two decreasing terms and an increasing one.
    """
    p = check_exponent("moment_growth", p)

    def cell(a: FloatArray, b: FloatArray) -> FloatArray:
        return (1 - a) ** p - a**p + p * b ** (p - 1)

    edges = np.concatenate([[0.0], np.geomspace(1e-12, 0.5, 200)])
    return min(certified_supremum(cell, edges, relative=1e-5), 2 ** (2 - p))


def group_sigma(sigma: float, p: float, size: int) -> float:
    """sigma_m of the mean of m independent samples: sigma_m^p = sigma^p m^{-p} (1 + K_p (m-1)).     [proved]

    With (n, sigma) -> (M, sigma_m) every theorem for per-sample clipping holds for clipping the means of M groups.
    """
    p = check_exponent("group_sigma", p)
    return sigma * (1 + moment_growth(p) * (size - 1)) ** (1 / p) / size
