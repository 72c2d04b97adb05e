"""The largest mean excess of a centred variable over a level: the largest bias that clipping can cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import NON_NEGATIVE, REAL
from .domain import EXPONENT, reals

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray

NEWTON_STEPS = 6
EPS = np.finfo(float).eps


def _ratio(x: FloatArray, p: FloatArray) -> FloatArray:
    """t = -log r of the worst law, whose standardised level s(t) is e^x: Newton's method for log s(t) = x.

    With r = e^{-t} and R = r^{p-1}: s(t) = z (p-1)(1-r^p)/(p(1+R)), z = ((1+r)/(r(1+R)))^{1/p}. The unknown is
    w = log(e^{t/p} - 1), in which log s is almost linear: s/((p-1) e^w) lies between 1/(2p) and 1 for all t.
    """
    w = x - np.log(p - 1)
    constant = np.log((p - 1) / p) - x
    for _ in range(NEWTON_STEPS):
        softplus = np.logaddexp(0.0, w)
        t = p * softplus
        r, R = np.exp(-t), np.exp(-(p - 1) * t)
        far = -np.expm1(-p * t)
        residual = constant + (np.log1p(r) + t) / p - (1 + 1 / p) * np.log1p(R) + np.log(far)
        slope = 1 / (p * (1 + r)) + (1 + 1 / p) * (p - 1) * R / (1 + R) + p * r * R / far
        w = w - residual / (slope * p * np.exp(w - softplus))
    return p * np.logaddexp(0.0, w)


def _standard_excess(x: FloatArray, p: FloatArray) -> FloatArray:
    """beta1(e^x) for sigma = 1 and 1 < p < 2, rounded up: nu + mu of the docstring of `clipping_bias` at one r."""
    t = _ratio(x, p)
    R = np.exp(-(p - 1) * t)
    log_z = x + np.log(p * (1 + R) / (p - 1)) - np.log(-np.expm1(-p * t))
    log_mu = (1 - p) * log_z - np.log(p * (1 + R))
    value = np.exp(log_mu) + (p - 1) * np.exp(log_mu + p * (log_z - t))
    return np.minimum(value * (1 + EPS * (32 + 8 * (np.abs(x) + np.abs(log_z) + t))), 0.5)


def clipping_bias(distance: ArrayLike, sigma: ArrayLike, p: ArrayLike = 2.0) -> FloatOrArray:
    r"""beta1(s) = sup { E(W - s)_+ : E W = 0, E|W|^p <= sigma^p }, rounded up.

    With s = c - ‖h‖ it is the largest bias of a clipped gradient: ‖E clip_c(g) - h‖ <= beta1(c - ‖h‖) in every Hilbert
    space if E g = h, ‖h‖ <= c and E‖g - h‖^p <= sigma^p.

    **Theorem.** p = 2: beta1(s) = (sqrt(s² + sigma²) - s)/2. For s >= 0 and sigma = 1: with R = r^{p-1},
    z = s p(1+R)/((p-1)(1-r^p)) and mu = z^{1-p}/(p(1+R)), every r in (0, 1) gives an upper bound mu(1 + (p-1)(r z)^p), and
    the best r gives equality. beta1(0) = 1/2 for every p, beta1(-s) = s + beta1(s), and beta1 is homogeneous of degree 1 in
    (s, sigma).

    **Proof.** Q(t) = nu + alpha t + mu|t|^p with y = r z, alpha = R/(1+R), mu p z^{p-1} = 1/(1+R), nu = (p-1) mu y^p. Then
    Q(-y) = Q'(-y) = 0 and Q'(z) = 1, and Q(z) = z - s is the displayed relation between z and s. Q is convex and tangent
    to the lines 0 and t - s, so Q(t) >= (t - s)_+ and E(W - s)_+ <= nu + mu E|W|^p <= nu + mu. The law with the atoms z, of
    probability r/(1+r), and -y is centred; its p-th moment runs through all positive values as r varies at fixed s (z
    grows from sp/(p-1) at r = 0, where the moment tends to 0, to infinity at r = 1), and where it is 1 the bound is attained. At
    s = 0, E W_+ = E|W|/2 <= 1/2, attained by ±1. Finally (W + s)_+ = W + s + (-W - s)_+.

    Parameters
    ----------
    distance : array_like, s in (-inf, inf)
    sigma : array_like, in [0, inf)
        sigma_p: E|W|^p <= sigma^p.
    p : array_like in (1, 2]
        The three broadcast.

    Returns
    -------
    ndarray or float64
        At least beta1(s), because r is found by Newton's method, every r gives an upper bound, and the rounding of the
        last evaluation is added. How far it is above is measured, not proved: less than 1e-12 of the value for p >= 1.01.

    Raises
    ------
    ValueError
        If an argument leaves its domain.

    Notes
    -----
    Source: proved here (theory page per-sample-2, section 1). `moment_problem` is an independent oracle.
    """
    s = reals("clipping_bias", "distance", distance, REAL)
    sigma = reals("clipping_bias", "sigma", sigma, NON_NEGATIVE)
    p = reals("clipping_bias", "p", p, EXPONENT)
    s, sigma, p = np.broadcast_arrays(s, sigma, p)
    far = np.abs(s)
    value = np.where(sigma > 0, 0.5 * sigma, 0.0)  # at s = 0
    square = (p == 2) & (far > 0) & (sigma > 0)
    if np.any(square):
        a, b = far[square], sigma[square]
        value[square] = 0.5 * b * np.minimum(b / (a + np.hypot(a, b)) * (1 + 8 * EPS), 1.0)
    heavy = (p < 2) & (far > 0) & (sigma > 0)
    if np.any(heavy):
        x = np.log(far[heavy]) - np.log(sigma[heavy])
        value[heavy] = sigma[heavy] * _standard_excess(x, p[heavy])
    return (np.maximum(-s, 0.0) + value)[()]
