"""Theorem 1: bias, variance and mean squared error of the per-sample clipped mean.

Setting of all statements here: X_1, ..., X_n independent in a Hilbert space, mean g, G = ‖g‖, E‖X_k - g‖^p <= sigma^p
with 1 < p <= 2; the estimator is ghat = (1/n) sum_k clip_{tau_k}(X_k).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent, tail_constant

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray


def growing_thresholds(alpha: float, beta: float, n: int) -> FloatArray:
    """tau_k = alpha k^{1/beta}, k = 1..n: the paper's schedule; inf, no clipping, where that leaves the range of floats."""
    with np.errstate(over="ignore"):
        return alpha * np.arange(1, n + 1) ** (1 / beta)


def constant_thresholds(level: float, n: int) -> FloatArray:
    """tau_k = level."""
    return np.full(n, float(level))


def bias_profile(margin: FloatArray, sigma: float, p: float) -> FloatArray:
    """b_p(s): sigma - s for s <= sigma (p-1)/p, else c_p sigma^p s^{1-p}.

    **Bias.** ‖E clip_tau(X) - g‖ <= b_p(tau - G).                                            [proved]

    Proof. ‖clip_tau(x) - x‖ = (‖x‖ - tau)_+, so the left side is at most E(‖X‖ - tau)_+ <= E(u - s)_+ with u = ‖X - g‖
    and s = tau - G. In w = u^p the function (w^{1/p} - s)_+ has the concave envelope c_p s^{1-p} w up to
    w* = (p s/(p-1))^p (the tangent from the origin) and w^{1/p} - s beyond; Jensen with E w <= sigma^p. b_p is
    nonincreasing and convex in s, as a supremum of functions E(u - s)_+ that are.
    """
    p = check_exponent("bias_profile", p)
    margin = np.asarray(margin, dtype=np.float64)
    knee = sigma * (p - 1) / p
    if sigma == 0:
        return np.maximum(-margin, 0.0)
    far = tail_constant(p) * sigma**p * np.maximum(margin, knee) ** (1 - p)
    return np.where(margin <= knee, sigma - margin, far)


def variance_profile(threshold: FloatArray, gradient_norm: FloatOrArray, sigma: float, p: float) -> FloatArray:
    """v(tau, G) = min{ M^{2-p} min(sigma, M)^p, tau² }, M = tau + min(G, tau).

    **Variance.** E‖clip_tau(X) - E clip_tau(X)‖² <= v(tau, G).                               [proved]

    Proof. The variance is at most E‖clip_tau(X) - a‖² for any a. With a = clip_tau(g): clipping is 1-Lipschitz, so the
    distance is at most u = ‖X - g‖, and it is at most M; E min(u, M)² <= M^{2-p} E min(u, M)^p <= M^{2-p} min(sigma, M)^p.
    With a = 0 it is at most tau². v is nondecreasing in tau and in G.
    """
    p = check_exponent("variance_profile", p)
    threshold = np.asarray(threshold, dtype=np.float64)
    reach = threshold + np.minimum(gradient_norm, threshold)
    return np.minimum(reach ** (2 - p) * np.minimum(sigma, reach) ** p, threshold**2)


def _checked(
    owner: str, thresholds: ArrayLike, gradient_norm: FloatOrArray, sigma: float
) -> tuple[FloatArray, FloatArray]:
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if thresholds.ndim != 1 or not np.all((thresholds > 0) & (thresholds < np.inf)):
        raise ValueError(f"{owner}: thresholds must be a vector with entries in (0, inf), one a sample")
    gradient_norm = np.asarray(gradient_norm, dtype=np.float64)
    if not np.all((gradient_norm >= 0) & (gradient_norm < np.inf)):
        raise ValueError(f"{owner}: gradient_norm must be in [0, inf), but {gradient_norm!r} was given")
    if not 0 <= sigma < np.inf:
        raise ValueError(f"{owner}: sigma = (E‖xi‖^p)^(1/p) must be in [0, inf), but {sigma!r} was given")
    return thresholds, gradient_norm


def bias_bound(thresholds: ArrayLike, gradient_norm: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """B(G) = (1/n) sum_k b_p(tau_k - G) >= ‖E ghat - g‖.

    Parameters
    ----------
    thresholds : array_like, (n,), gradient units, in (0, inf)
    gradient_norm : float or array_like G in [0, inf)
    sigma : float, (E‖xi‖^p)^{1/p}
    p : float in (1, 2]
    """
    thresholds, norm = _checked("bias_bound", thresholds, gradient_norm, sigma)
    return bias_profile(thresholds - norm[..., np.newaxis], sigma, p).mean(axis=-1)


def variance_bound(thresholds: ArrayLike, gradient_norm: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """V(G) = (1/n²) sum_k v(tau_k, G) >= E‖ghat - E ghat‖²; arguments as in `bias_bound`."""
    thresholds, norm = _checked("variance_bound", thresholds, gradient_norm, sigma)
    return variance_profile(thresholds, norm[..., np.newaxis], sigma, p).mean(axis=-1) / thresholds.size


def mse_bound(thresholds: ArrayLike, gradient_norm: float, sigma: float, p: float) -> float:
    """**Theorem 1.** E‖ghat - g‖² <= B(G)² + V(G), and E‖ghat - g‖^r <= (B² + V)^{r/2} for 0 < r <= 2.     [proved]

    Proof. Bias and variance: the error is E ghat - g, at most B by the triangle inequality, plus a centred sum of
    independent terms, whose second moment is the sum of theirs. Jensen for r < 2. Arguments as in `bias_bound`.
    """
    return bias_bound(thresholds, gradient_norm, sigma, p) ** 2 + variance_bound(thresholds, gradient_norm, sigma, p)


def mse_constant(p: float, scale: float, n: int, schedule: str = "growing") -> float:
    """Theorem 1 at G = 0 in closed form: MSE <= value·sigma² n^{-2(p-1)/p}.                  [proved]

    For tau_k = scale sigma k^{1/p} ("growing", the paper's) B <= ((p-1)/p)^{p-1} scale^{1-p} and
    V <= scale^{2-p} (p/2 + 1/(2n)) in these units; for tau = scale sigma n^{1/p} ("constant") c_p scale^{1-p} and
    scale^{2-p}. Proof: sum k^{-(p-1)/p} <= p n^{1/p}, and sum k^{(2-p)/p} <= (p/2) n^{2/p} + n^{(2-p)/p}/2 by the
    trapezoid rule for a concave function.
    """
    p = check_exponent("mse_constant", p)
    if schedule == "growing":
        return ((p - 1) / p) ** (2 * p - 2) * scale ** (2 - 2 * p) + scale ** (2 - p) * (p / 2 + 1 / (2 * n))
    return (tail_constant(p) * scale ** (1 - p)) ** 2 + scale ** (2 - p)
