"""Theorem 2*: the error of one batch with high probability, from exact exponential moments; replaces Theorem 2."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...worst_case import clipping_bias
from .constants import check_exponent
from .deviation import check_probability
from .estimator import _checked
from .exponential import centred_constant, hilbert_factor, line_constant
from .search import lowest_point

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...array_types import ArrayLike, FloatArray, FloatOrArray, RealArray

CHOOSING = 128  # different thresholds by which theta is chosen
LEAST, MOST = 1e-5, 300.0  # theta tau: beyond it e^{theta (tau + G)} overflows


def _log_arccosh_bound(log_mean: FloatArray, delta: float) -> FloatArray:
    """arccosh(e^{log_mean}/delta), from logarithms."""
    size = log_mean - np.log(delta)
    return size + np.log1p(np.sqrt(-np.expm1(-2 * size)))


def _thinned(levels: FloatArray, weights: RealArray) -> tuple[FloatArray, RealArray]:
    """A few of many thresholds, each for its neighbours: enough to choose theta by, no bound."""
    if levels.size <= CHOOSING:
        return levels, weights
    starts = np.unique(np.linspace(0, levels.size - 1, CHOOSING).astype(int))
    return levels[starts], np.add.reduceat(weights, starts)


def _hilbert(levels: FloatArray, weights: RealArray, norm: float, sigma: float, p: float, delta: float) -> float:
    """inf over theta of arccosh(prod m_k/delta)/(n theta); every theta gives a valid bound."""

    def radius_for(levels: FloatArray, weights: RealArray) -> Callable[[FloatOrArray], FloatArray]:
        n, bias = weights.sum(), clipping_bias(levels - norm, sigma, p)

        def radius(theta: FloatOrArray) -> FloatArray:
            theta = np.atleast_1d(theta)[:, np.newaxis]
            if norm == 0:
                parts = np.log1p(sigma**p * centred_constant(theta, levels, p))
            else:
                parts = np.log(hilbert_factor(theta, levels, norm, sigma, p, bias))
            return _log_arccosh_bound(parts @ weights, delta) / (n * theta[:, 0])

        return radius

    chosen = radius_for(*_thinned(levels, weights))
    best = lowest_point(chosen, LEAST / levels[-1], MOST / levels[-1], count=33, rounds=4)
    return float(radius_for(levels, weights)(best)[0])


def _line(levels: FloatArray, weights: RealArray, norm: float, sigma: float, p: float, delta: float) -> float:
    """The smallest r with inf_theta e^{-n theta r} prod(1 + sigma^p C1) on the upper side plus the same on the lower <= delta."""
    n, few = weights.sum(), _thinned(levels, weights)

    def tables(grids: list[FloatArray], levels: FloatArray, weights: RealArray) -> list[FloatArray]:
        sides = (
            (levels + norm, levels - norm),
            (levels - norm, levels + norm),
        )  # (down, up) for h along g, and against
        return [
            np.log1p(sigma**p * line_constant(theta[:, np.newaxis], down, up, p)) @ weights
            for theta, (down, up) in zip(grids, sides, strict=True)
        ]

    def smallest(grids: list[FloatArray], levels: FloatArray, weights: RealArray) -> tuple[float, list[int]]:
        logs = tables(grids, levels, weights)

        def fails(r: float) -> bool:
            exponents = [np.min(log - n * theta * r) for theta, log in zip(grids, logs, strict=True)]
            return np.logaddexp(*exponents) > np.log(delta)

        low, high = 0.0, float(levels[-1] + norm)
        while fails(high):
            low, high = high, 2 * high
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if fails(middle) else (low, middle)
        chosen = [int(np.argmin(log - n * theta * high)) for theta, log in zip(grids, logs, strict=True)]
        return high, chosen

    grids = [np.geomspace(LEAST / levels[-1], MOST / levels[-1], 100)] * 2
    for _ in range(2):
        _, chosen = smallest(grids, *few)
        grids = [
            np.geomspace(g[max(k - 1, 0)], g[min(k + 1, g.size - 1)], 25) for g, k in zip(grids, chosen, strict=True)
        ]
    return smallest([g[::4] for g in grids] if few[0].size < levels.size else grids, levels, weights)[0]


def deviation_star(
    thresholds: ArrayLike,
    gradient_norm: float,
    sigma: float,
    p: float,
    failure_probability: float,
    *,
    dim: int | None = None,
) -> float:
    """**Theorem 2*.** With probability at least 1 - delta, ‖ghat - g‖ <= the value returned.                 [proved]

    X_1, ..., X_n independent in a Hilbert space, mean g, G = ‖g‖ <= min tau_k, E‖X_k - g‖^p <= sigma^p, 1 < p <= 2, and
    ghat = (1/n) sum clip_{tau_k}(X_k). For every theta > 0, in three forms:

    (a) G = 0: arccosh(prod_k (1 + sigma^p C0(theta, tau_k))/delta)/(n theta), `exponential.centred_constant`;
    (b) any G <= min tau_k: the same with the factors of `exponential.hilbert_factor`;
    (c) one dimension, G < min tau_k: the r at which e^{-n theta r} prod(1 + sigma^p C1(theta; tau_k + G, tau_k - G)) and
        e^{-n theta' r} prod(1 + sigma^p C1(theta'; tau_k - G, tau_k + G)) add up to delta, `exponential.line_constant`.

    Proof. (a), (b): with S_k the partial sums of clip(X_k) - g, E cosh(theta‖S_n‖) <= prod m_k one sample after another;
    Markov. (c): the same for exp(theta (S_n)) and exp(-theta' S_n), and a union. theta is chosen on a grid; the value is
    valid whatever it is.

    Parameters
    ----------
    thresholds : array_like, (n,), gradient units, in (0, inf)
    gradient_norm : float G in [0, min tau_k]
    sigma : float in [0, inf), (E‖xi‖^p)^{1/p}
    p : float in (1, 2]
    failure_probability : float delta in (0, 1)
    dim : int >= 1, optional
        dim=1 adds form (c); the smaller bound is returned.

    Returns
    -------
    float, gradient units

    Raises
    ------
    ValueError
        If an argument leaves its domain; in particular for G > min tau_k, which `deviation_bound` covers.

    Notes
    -----
    At G = 0 a small threshold has a small error whatever it estimates: choose thresholds by the bound at a G > 0.
    """
    owner = "deviation_star"
    p, delta = check_exponent(owner, p), check_probability(owner, "failure_probability", failure_probability)
    thresholds, norm = _checked(owner, thresholds, gradient_norm, sigma)
    if norm.ndim:
        raise ValueError(f"{owner}: gradient_norm must be one number, but an array of shape {norm.shape} was given")
    if dim is not None and not (isinstance(dim, (int, np.integer)) and dim >= 1):
        raise ValueError(f"{owner}: dim must be an integer >= 1, but {dim!r} was given")
    norm, sigma = float(norm), float(sigma)
    levels, weights = np.unique(thresholds, return_counts=True)
    if norm > levels[0]:
        raise ValueError(
            f"{owner}: Theorem 2* needs gradient_norm <= min(thresholds), but {norm:g} > {levels[0]:g} was given;"
            " deviation_bound (Theorem 2) covers every gradient norm"
        )
    if sigma == 0:
        return 0.0
    found = _hilbert(levels, weights, norm, sigma, p, delta)
    if dim == 1 and 0 < norm < levels[0]:
        found = min(found, _line(levels, weights, norm, sigma, p, delta))
    return found


@lru_cache(maxsize=256)
def deviation_constant(p: float) -> tuple[float, float]:
    """(U, lam): ‖ghat‖ <= U sigma (Lg/n)^{(p-1)/p} with probability 1 - delta at g = 0, for every n and delta.  [proved]

    The threshold is lam sigma (n/Lg)^{1/p}, Lg = ln(2/delta). U(p) = inf_y (p/(p-1)) ((p-1) C(y))^{1/p}/y with C(y) =
    max{kappa(y), c_p y^p (1 - e^{-y})^{1-p} if p(1 - e^{-y}) >= (p-1) y}, and lam = ((p-1) C(y))^{1/p}.

    Proof. In Theorem 2* (a) arccosh x <= ln 2x and log(1 + x) <= x: the error is at most (Lg + n sigma^p C0)/(n theta). With
    y = theta tau, C0 = tau^{-p} C(y); the best lam balances the two terms. Every y gives a valid pair.

    Parameters
    ----------
    p : float in (1, 2]
    """
    p = check_exponent("deviation_constant", p)

    def scale(y: FloatOrArray) -> FloatOrArray:
        return ((p - 1) * centred_constant(y, 1.0, p)) ** (1 / p)

    def constant(y: FloatOrArray) -> FloatOrArray:
        return p / (p - 1) * scale(y) / y

    y = lowest_point(constant, 1e-3, 20.0, count=201, rounds=5)
    return float(constant(y)), float(scale(y))


def best_deviation_star(
    n: int,
    sigma: float,
    p: float,
    failure_probability: float,
    gradient_norm: float,
    schedule: str = "constant",
    *,
    dim: int | None = None,
) -> tuple[float, float]:
    """(value, scale): the smallest Theorem 2* bound over the scale lam of a schedule at this gradient norm G > 0.

    "growing": tau_k = lam sigma k^{1/p}; "constant": tau = lam sigma n^{1/p}. Scales with min tau_k < G are left out. The
    scale is approximate, the bound valid. Arguments as in `deviation_star`.
    """
    ranks = np.arange(1, n + 1) ** (1 / p) if schedule == "growing" else np.full(n, n ** (1 / p))
    least = gradient_norm / (sigma * ranks[0]) * (1 + 1e-9)

    def value(scales: FloatArray | list[float]) -> FloatArray:
        return np.array([
            deviation_star(lam * sigma * ranks, gradient_norm, sigma, p, failure_probability, dim=dim) for lam in scales
        ])  # fmt: skip

    scale = float(lowest_point(value, max(0.01, least), max(4.0, 4 * least), count=9, rounds=5))
    return float(value([scale])[0]), scale
