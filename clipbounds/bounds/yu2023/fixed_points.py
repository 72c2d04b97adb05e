"""Where clipping with a constant threshold stops: exact biased fixed points of the baselines, d = 1, no noise.

Source: theory page error-feedback, section 4; the tests compare with simulated limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray


def _two(name: str, values: ArrayLike) -> FloatArray:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (2,):
        raise ValueError(f"vanilla_fixed_points: {name} needs two numbers, one a client, but {values!r} was given")
    return values


def vanilla_fixed_points(
    curvatures: FloatOrArray, minimisers: FloatOrArray, threshold: float, weights: FloatOrArray = (0.5, 0.5)
) -> tuple[float, float]:
    """Fixed points of x <- x - gamma sum_i w_i clip_c(a_i (x - b_i)), two clients.

    Parameters
    ----------
    curvatures : (2,), each in (0, inf), the a_i
    minimisers : (2,), the b_i, b_1 < b_2
    threshold : float c in (0, inf)
    weights : (2,), each in (0, inf)

    Returns
    -------
    (low, high) : floats
        The ends of the interval of fixed points, equal where there is one.

    Notes
    -----
    Equal weights: with g* = a_1 a_2 (b_2 - b_1)/(a_1 + a_2), c >= g* leaves x* alone, and for c < g* both clients are
    clipped to opposite vectors on [b_1 + c/a_1, b_2 - c/a_2]. w_1 > w_2: client 1 is never clipped at a fixed point, so
    that w_1 a_1 (x - b_1) = w_2 min(c, |g_2*|); w_1 < w_2 is the mirror image.
    """
    (a1, a2), (b1, b2), (w1, w2) = (
        _two("curvatures", curvatures),
        _two("minimisers", minimisers),
        _two("weights", weights),
    )
    if not (min(a1, a2, w1, w2, threshold) > 0 and b1 < b2):
        raise ValueError(
            "vanilla_fixed_points: curvatures, weights and the threshold must be in (0, inf) and b_1 < b_2, but"
            f" {curvatures}, {weights}, {threshold} and {minimisers} were given"
        )
    optimum = (w1 * a1 * b1 + w2 * a2 * b2) / (w1 * a1 + w2 * a2)
    if w1 == w2:
        if threshold >= a1 * (optimum - b1):
            return optimum, optimum
        return b1 + threshold / a1, b2 - threshold / a2
    if w1 > w2:
        point = b1 + w2 / w1 * min(threshold, a2 * (b2 - optimum)) / a1
    else:
        point = b2 - w1 / w2 * min(threshold, a1 * (optimum - b1)) / a2
    return point, point


def optimum(curvatures: ArrayLike, minimisers: ArrayLike, weights: ArrayLike | None = None) -> float:
    """x* = sum w_i a_i b_i/sum w_i a_i of one-dimensional clients."""
    a, b = np.asarray(curvatures, dtype=np.float64), np.asarray(minimisers, dtype=np.float64)
    w = np.full(a.size, 1 / a.size) if weights is None else np.asarray(weights, dtype=np.float64)
    return float(np.sum(w * a * b) / np.sum(w * a))


def smooth_fixed_point(
    curvatures: tuple[float, float, float],
    minimisers: tuple[float, float, float],
    smoothing: float,
    weights: ArrayLike | None = None,
) -> float:
    """The root of sum_i w_i Psi(a_i (x - b_i)) with a fixed eps = `smoothing`: where smooth clipping stops."""
    from scipy.optimize import brentq

    a, b = np.asarray(curvatures, dtype=np.float64), np.asarray(minimisers, dtype=np.float64)
    w = np.full(a.size, 1 / a.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if b.min() == b.max():
        return float(b[0])

    def pull(x: float) -> float:
        return np.sum(w * a * (x - b) / np.hypot(a * (x - b), np.sqrt(smoothing)))

    return float(brentq(pull, b.min(), b.max(), xtol=1e-15, rtol=8.9e-16))


def smooth_bias_limit(
    curvatures: tuple[float, float, float], minimisers: tuple[float, float, float], weights: ArrayLike | None = None
) -> float:
    """B, the limit of eps·(smooth_fixed_point - x*) as eps grows: sum w_i g_i*³/(2 sum w_i a_i)."""
    a, b = np.asarray(curvatures, dtype=np.float64), np.asarray(minimisers, dtype=np.float64)
    w = np.full(a.size, 1 / a.size) if weights is None else np.asarray(weights, dtype=np.float64)
    g = a * (optimum(a, b, w) - b)
    return float(np.sum(w * g**3) / (2 * np.sum(w * a)))


def noiseless_error_limit(
    curvatures: tuple[float, float, float],
    minimisers: tuple[float, float, float],
    theta: float,
    smoothing: float = 400.0,
) -> float:
    """Limit of (x_t - x*) (t+1)^{3/5} of SClip-EF without noise, beta = 0, equal weights; theta·mean(a_i) > 3/5.

    Raises
    ------
    ValueError
        If theta·mean(a_i) <= 3/5, where the start is not forgotten.
    """
    rate = theta * float(np.mean(curvatures))
    if not rate > 0.6:
        raise ValueError(
            f"noiseless_error_limit: theta times the mean curvature must exceed 3/5, or the start is not forgotten, but"
            f" it is {rate:.6g}"
        )
    return rate * smooth_bias_limit(curvatures, minimisers) / (smoothing * (rate - 0.6))
