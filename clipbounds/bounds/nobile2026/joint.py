"""Theorem 1': the sharp constant of the mean squared error at g = 0."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent, check_positive
from .search import certified_supremum, lowest_point

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...array_types import FloatArray

SCHEDULES = ("growing", "constant")


def _growing_cells(p: float, lam: float, extra: float) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Cell bounds of the growing schedule's function, terms bounded one by one; cells do not cross z = lam."""

    def cell(a: FloatArray, b: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.minimum(a / lam, 1.0) ** p
            below = b * b * lam ** (-2 * p) / (p + 1) ** 2 + b ** (2 - p) * (1 - 2 * share / (p + 2) + extra)
            excess = np.maximum(b - lam * p / (p + 1), 0.0)
            above = a**-p * (a**-p * excess**2 + lam**2 * (p / (p + 2) + extra))
        return np.where(b <= lam, below, above)

    return cell


def _constant_cells(p: float, lam: float) -> Callable[[FloatArray, FloatArray], FloatArray]:
    def cell(a: FloatArray, b: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            above = a**-p * (a**-p * (b - lam) ** 2 + lam**2)
        return np.where(b <= lam, b ** (2 - p), above)

    return cell


@lru_cache(maxsize=4096)
def joint_constant(p: float, scale: float, n: float = np.inf, schedule: str = "growing") -> float:
    """C_n(p, lam): **Theorem 1'**, n^{2(p-1)/p} E‖ghat‖²/sigma² <= C_n(p, lam) at g = 0.       [proved]

    C_n = sup_{z>0} { h(z) + min(z, lam)² z^{-p}/n } for the growing schedule tau_k = lam sigma k^{1/p}, with

        z <= lam:  h = z² lam^{-2p}/(p+1)² + z^{2-p} (1 - 2 (z/lam)^p/(p+2))
        z >= lam:  h = (z^{1-p} - lam p z^{-p}/(p+1))² + lam² p z^{-p}/(p+2),

    for *identically distributed* X_k; and C = sup_z { ((z-lam)_+ z^{-p})² + min(z, lam)² z^{-p} } for the constant
    threshold lam sigma n^{1/p}, where independence is enough. It is sharp as n grows.

    Proof. In units of sigma n^{1/p} let u = ‖X‖, so E u^p <= 1/n, and phi(z) = (1/n) sum (z - t_k)_+, psi(z) = (1/n) sum
    min(z, t_k)² with the thresholds t_k. As E X = 0, ‖E ghat‖ <= E phi(u), and the variance is at most (1/n) E psi(u):
    scaled, MSE <= (n E phi)² + n E psi. It is a convex function of the law of u on the measures with
    int z^p dmu <= 1/n (dropping that the mass is at most one), so its supremum is attained at the extreme points,
    single atoms z of mass z^{-p}/n: (phi z^{-p})² + psi z^{-p}. With t_k = lam (k/n)^{1/p} both sums are right Riemann
    sums: of a decreasing function, at most its integral; of an increasing one, at most its integral plus its last value
    min(z, lam)² over n. The integrals are h. For a constant threshold the laws may differ: phi is then the same for
    every k, and (1/n) sum of the laws is one admissible measure. Two-point noise of size z* sigma n^{1/p} with
    probability z*^{-p}/n, and the mirror image of its mean spread over the rest, attains it as n -> inf.

    Parameters
    ----------
    p : float in (1, 2]
    scale : float lam in (0, inf)
    n : int or inf
    schedule : "growing" or "constant"

    Returns
    -------
    float, an upper bound of the supremum, at most 1e-6 (relative) above it

    Notes
    -----
    For z beyond the stationary point of z^{-p}(z - A) every term decreases; the search ends there.
    """
    p, lam = check_exponent("joint_constant", p), check_positive("joint_constant", "scale", scale)
    if schedule not in SCHEDULES:
        raise ValueError(f"joint_constant: schedule must be one of {SCHEDULES}, but {schedule!r} was given")
    if not n >= 1:
        raise ValueError(f"joint_constant: n must be at least 1, but {n!r} was given")
    growing = schedule == "growing"
    pivot = lam * p / (p + 1) if growing else lam
    end = 1.01 * max(lam, pivot * p / (p - 1))
    edges = np.concatenate([[0.0], np.geomspace(1e-9 * lam, lam, 120), np.geomspace(lam, end, 120)[1:]])
    return certified_supremum(
        _growing_cells(p, lam, 1 / n) if growing else _constant_cells(p, lam), edges, relative=1e-6
    )


def worst_size(p: float, scale: float, schedule: str = "growing") -> float:
    """z*, where the supremum of C_inf is attained (a point, found on a grid): the worst two-point law's size."""
    p, lam = check_exponent("worst_size", p), check_positive("worst_size", "scale", scale)
    cell = _growing_cells(p, lam, 0.0) if schedule == "growing" else _constant_cells(p, lam)
    end = 1.01 * lam * p / (p - 1)
    return float(lowest_point(lambda z: -cell(z, z), 1e-3 * lam, end, count=400))


@lru_cache(maxsize=256)
def best_scale(p: float, schedule: str = "growing", n: float = np.inf) -> tuple[float, float]:
    """The lam that minimises C_n(p, lam), and that constant: (lam, C_n). The lam is approximate, its constant certified."""
    p = check_exponent("best_scale", p)

    def sketch(scales: FloatArray) -> FloatArray:
        values = []
        for lam in scales:
            z = np.append(np.geomspace(0.01 * lam, 1.01 * lam * p / (p - 1), 1500), lam)  # a kink is at lam
            cell = _growing_cells(p, lam, 1 / n) if schedule == "growing" else _constant_cells(p, lam)
            values.append(cell(z, z).max())
        return np.array(values)

    lam = float(lowest_point(sketch, 0.02, 5.0, count=13, rounds=6))
    return lam, joint_constant(p, lam, n, schedule)
