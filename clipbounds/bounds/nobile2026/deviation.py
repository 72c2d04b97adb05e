"""Theorem 2: with probability 1 - delta, free of the dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent, tail_constant
from .estimator import bias_bound, bias_profile, variance_profile
from .search import lowest_point

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray, RealArray

FORMS = ("chernoff", "bernstein")


def check_probability(owner: str, name: str, value: float, high: float = 1.0) -> float:
    """`value` as a float in (0, high), or one clear sentence."""
    value = float(value)
    if not 0 < value < high:
        raise ValueError(f"{owner}: {name} must be in (0, {high:g}), but {value!r} was given")
    return value


def _excess(x: FloatArray) -> FloatArray:
    """e^x - 1 - x for x >= 0, without cancellation."""
    series = x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x / 720))))
    return np.where(x < 0.02, series, np.expm1(x) - x)


def _chernoff(sizes: FloatArray, variances: FloatArray, weights: RealArray, log_term: float) -> float:
    """inf_{t>0} [sum_k w_k v_k psi_t(a_k) + Lg]/t; every t gives a valid bound, so the best t may be approximate."""
    top = sizes.max()

    def total(t: FloatOrArray) -> FloatArray:
        exponents = np.multiply.outer(np.atleast_1d(t), sizes)
        return (_excess(exponents) @ (weights * variances / sizes**2) + log_term) / np.atleast_1d(t)

    t = lowest_point(total, 1e-6 / top, 600 / top, count=25, rounds=4)
    return float(total(t)[0])


def deviation_bound(
    thresholds: ArrayLike, gradient_norm: float, sigma: float, p: float, delta: float, form: str = "chernoff"
) -> float:
    """**Theorem 2.** With probability at least 1 - delta, ‖ghat - g‖ <= the value returned.       [proved]

    With v_k = v(tau_k, G), a_k = tau_k + min(tau_k, G + b_p(tau_k - G)), psi_t(a) = (e^{ta} - 1 - ta)/a², Lg = ln(2/delta):

        "chernoff":   B(G) + inf_{t>0} [sum_k v_k psi_t(a_k) + Lg]/(n t)
        "bernstein":  B(G) + a Lg/(3n) + sqrt((a Lg/(3n))² + 2 V(G) Lg),  a = max a_k.

    Proof. Z_k = clip(X_k) - E clip(X_k) is independent and centred with ‖Z_k‖ <= a_k, because ‖E clip(X_k)‖ is at most
    tau_k and at most G + b_p; E‖Z_k‖² <= v_k. In a Hilbert space E cosh(t‖sum Z_k‖) <= prod E(e^{t‖Z_k‖} - t‖Z_k‖)
    (I. Pinelis, Ann. Probab. 22 (1994), the proof of Theorem 3.2 for independent terms), and (e^{tz} - 1 - tz)/z² increases
    in z, so each factor is at most 1 + v_k psi_t(a_k). Markov for cosh >= e^x/2 gives P(‖sum Z_k‖ >= r) <=
    2 exp(sum v_k psi_t(a_k) - t r). For "bernstein" use psi_t(a_k) <= (t²/2)/(1 - ta/3) and invert.

    Parameters
    ----------
    thresholds : array_like, (n,)
    gradient_norm : float G in [0, inf)
    sigma, p : as in `estimator.bias_bound`
    delta : float in (0, 1)
    form : "chernoff" (never larger) or "bernstein"
    """
    p, delta = check_exponent("deviation_bound", p), check_probability("deviation_bound", "delta", delta)
    if form not in FORMS:
        raise ValueError(f"deviation_bound: form must be one of {FORMS}, but {form!r} was given")
    norm, thresholds = float(gradient_norm), np.asarray(thresholds, dtype=np.float64)
    bias = float(bias_bound(thresholds, norm, sigma, p))
    n = np.size(thresholds)
    levels, weights = np.unique(thresholds, return_counts=True)
    variances = variance_profile(levels, norm, sigma, p)
    sizes = levels + np.minimum(levels, norm + bias_profile(levels - norm, sigma, p))
    log_term = np.log(2 / delta)
    if form == "chernoff":
        return bias + _chernoff(sizes, variances, weights, log_term) / n
    range_term = sizes.max() * log_term / (3 * n)
    return bias + range_term + np.sqrt(range_term**2 + 2 * (weights @ variances) / n**2 * log_term)


def tuned_constant_bound(n: int, sigma: float, p: float, delta: float, scale: float) -> float:
    """sigma (Lg/n)^{(p-1)/p} [c_p lam^{1-p} + sqrt2 lam^{(2-p)/2} + (4/3) lam] at G = 0, Lg = ln(2/delta).     [proved]

    The constant threshold tau = lam sigma (n/Lg)^{1/p} in Theorem 2 (Bernstein, a <= 2 tau, V <= tau^{2-p} sigma^p/n).
    """
    p, delta = check_exponent("tuned_constant_bound", p), check_probability("tuned_constant_bound", "delta", delta)
    log_term = np.log(2 / delta)
    shape = tail_constant(p) * scale ** (1 - p) + np.sqrt(2) * scale ** ((2 - p) / 2) + 4 / 3 * scale
    return sigma * (log_term / n) ** ((p - 1) / p) * shape


def best_deviation(
    n: int, sigma: float, p: float, delta: float, schedule: str = "constant", form: str = "chernoff"
) -> tuple[float, float]:
    """(value, scale): the smallest Theorem 2 bound at G = 0 over the schedule's scale lam.

    "growing": tau_k = lam sigma k^{1/p}; "constant": tau = lam sigma n^{1/p}. The scale is approximate, the bound valid.
    """
    ranks = np.arange(1, n + 1) ** (1 / p) if schedule == "growing" else np.full(n, n ** (1 / p))

    def value(scales: FloatArray | list[float]) -> FloatArray:
        return np.array([deviation_bound(lam * sigma * ranks, 0.0, sigma, p, delta, form) for lam in scales])

    scale = float(lowest_point(value, 0.01, 4.0, count=9, rounds=5))
    return float(value([scale])[0]), scale
