"""The largest gradient norm at which the mean clipped step can vanish: no step size gets below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..noise import TwoPoint
from ..specs import NON_NEGATIVE, POSITIVE, Interval
from .domain import EXPONENT, real, reals

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..noise.base import Noise

COARSE, FINE, ZOOMS = 256, 32, 6
# at q = 1 and c < sigma/2 a whole interval is stationary: the worst law stays clear of it
LARGEST_SKEW = 0.98


def _heavy_floor(c: FloatArray, sigma: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sigma times the maximum over 0 < r <= 1 of G(r) - k r, k = c/sigma, and its r; 1-D arrays, sigma > 0.

    G(r) = r ((1+r)/(r^p + r))^{1/p}. A critical point in (0, 1) has k = e G/r, where the elasticity e of G is at least
    (1 - 1/p)/2 and G >= r^{1-1/p} 2^{-1/p}; so it lies above ((p-1)/(2pk))^p/2. From there to 1 the search runs on
    a grid in log r, then zooms in on the best point (G is concave, as a test checks).
    """
    k, p = (c / sigma)[:, np.newaxis], p[:, np.newaxis]

    def objective(s: FloatArray) -> FloatArray:
        r = np.exp(s)
        return np.exp(s * (1 - 1 / p)) * ((1 + r) / (1 + np.exp(s * (p - 1)))) ** (1 / p) - k * r

    low = np.minimum(p * np.log((p - 1) / (2 * p * k)) - np.log(2.0), -1.0)
    high = np.zeros_like(low)
    for count in [COARSE] + [FINE] * ZOOMS:
        s = low + (high - low) * np.linspace(0, 1, count + 1)
        best = np.argmax(objective(s), axis=1)[:, np.newaxis]
        low = np.take_along_axis(s, np.maximum(best - 1, 0), axis=1)
        high = np.take_along_axis(s, np.minimum(best + 1, count), axis=1)
    s = np.take_along_axis(s, best, axis=1)
    return sigma * objective(s)[:, 0], np.exp(s)[:, 0]


def floor(threshold: ArrayLike, sigma: ArrayLike, p: ArrayLike = 2.0) -> FloatOrArray:
    r"""Bias floor u*(c, sigma), or u*_p(c, sigma_p) for noise with a p-th moment only.

    **Theorem** (p = 2). The largest ‖grad f‖ at which E clip_c(g) = 0 can hold with E‖g - grad f‖² <= sigma² is
    u* = sigma²/(4c) for c >= sigma/2 and sigma - c for c <= sigma/2; (3/4) min(sigma, sigma²/4c) <= u* <= min(sigma, sigma²/4c).

    **Proof.** u* is the zero of the increasing function m of `drift`. Regime I: c + u = S, so 4cu = sigma², and
    S = c + u <= 2c means c >= sigma/2. Regime II: u + c = sigma. It is attained by the law of `drift_atoms`.

    **Heavy tails** (1 < p < 2), E‖g - grad f‖^p <= sigma^p, every dimension: the largest ‖grad f‖ at which E clip_c(g) = 0 can
    hold is u*_p = max(0, max_{0<r<=1} r[b(r) - c]), b(r) = sigma((1+r)/(r^p + r))^{1/p}; for c <= sigma/2 it is sigma - c.

    **Proof.** *Attained.* The law with the atoms -r b, of probability 1/(1+r), and b, of probability r/(1+r), is centred and has the
    p-th moment sigma^p. At u = r(b - c) >= 0 the lower atom gives u - r b = -r c, the upper one is clipped to c: the mean is 0.
    *Not exceeded.* E clip_c(g) = 0 needs m_p(u) <= 0 (`drift`, any dimension). Let u <= c. m_p(u) >= u - beta1(c - u) gives
    u <= beta1(c - u), and beta1(s) = (b - s) r/(1+r) for the r of its worst law (`clipping_bias`); so u <= r(b - c). Let u > c.
    (u - y)_+ >= ((u+c)/(2c))(c - clip_c(y)) for all y: equality at y = -c, and both sides are affine on [-c, c] with the left one
    above at c. With E(u - Y)_+ = E|Y-u|/2 <= sigma/2 this is m_p(u) >= c(u + c - sigma)/(u + c), so u <= sigma - c, which is the
    member r = 1 of the maximum. For c <= sigma/2 every u <= c is below it too.

    For large c it falls like ((p-1)^{p-1}/p^p) sigma^p/c^{p-1}.

    Parameters
    ----------
    threshold : array_like, c in (0, inf)
    sigma : array_like, in [0, inf)
        sigma_p for p < 2: E‖g - grad f‖^p <= sigma_p^p.
    p : array_like in (1, 2]

    Returns
    -------
    ndarray or float64
        Of the broadcast shape.

    Raises
    ------
    ValueError
        If an argument leaves its domain.

    Notes
    -----
    Source: proved here (theory pages stochastic-bias, section 3, and finite-time, section 1).
    """
    c = reals("floor", "threshold", threshold, POSITIVE)
    sigma = reals("floor", "sigma", sigma, NON_NEGATIVE)
    p = reals("floor", "p", p, EXPONENT)
    c, sigma, p = np.broadcast_arrays(c, sigma, p)
    square = (p == 2) | (sigma == 0)
    # sigma/c is computed where it is at most 2 only
    value = np.where(sigma <= 2 * c, sigma / np.maximum(c, sigma / 2) * (sigma / 4), sigma - c)
    if not np.all(square):
        value[~square] = _heavy_floor(c[~square], sigma[~square], p[~square])[0]
    return value[()]


def two_point_fixed_point(threshold: ArrayLike, sigma: ArrayLike, skew: ArrayLike) -> FloatOrArray:
    """Stationary gradient u_q = max(0, sigma q - c q²) of the noise TwoPoint(sigma, q).

    E clip_c(u + xi) = (u - u_q)/(1 + q²) where |u - sigma q| <= c <= u + sigma/q, which holds at u_q for q <= sigma/c.
    For q > sigma/c neither atom is clipped at u = 0, and the mean step vanishes there. E clip_c(u + xi) does not decrease
    in u, so the zero is unique where the slope is positive: for all q < 1.

    Parameters
    ----------
    threshold : array_like, c in (0, inf)
    sigma : array_like, in (0, inf)
    skew : array_like, q in (0, 1]
        At q = 1 and c < sigma all of [c - sigma, sigma - c] is stationary; its upper end is returned.

    Returns
    -------
    ndarray or float64
    """
    name = "two_point_fixed_point"
    c = reals(name, "threshold", threshold, POSITIVE)
    sigma = reals(name, "sigma", sigma, POSITIVE)
    q = reals(name, "skew", skew, Interval(0, 1, closed_high=True))
    return np.maximum(q * (sigma - c * q), 0.0)[()]


def floor_noise(threshold: float, sigma: float, p: float = 2.0) -> Noise:
    """The two-point noise whose stationary gradient is the floor: TwoPoint(sigma, q), q = min(sigma/(2c), 0.98).

    For p < 2 the law with E|xi|^p = sigma^p of `floor`: q = min(sqrt r, 0.98) for the maximising r, and the standard
    deviation q b, b = sigma((1+q²)/(q^{2p} + q²))^{1/p}.

    It attains u* for sigma/(2c) <= 0.98. For smaller c the floor is approached as q -> 1; at 0.98 the stationary
    gradient is still at least 0.98 u*; `two_point_fixed_point` has the exact value.

    Parameters
    ----------
    threshold : float c in (0, inf)
    sigma : float in (0, inf)
    p : float in (1, 2]

    Returns
    -------
    TwoPoint
    """
    c = real("floor_noise", "threshold", threshold, POSITIVE)
    sigma = real("floor_noise", "sigma", sigma, POSITIVE)
    p = real("floor_noise", "p", p, EXPONENT)
    if p == 2:
        return TwoPoint(sigma, skew=min(sigma / (2 * c), LARGEST_SKEW))
    _, ratio = _heavy_floor(np.array([c]), np.array([sigma]), np.array([p]))
    q = min(float(np.sqrt(ratio[0])), LARGEST_SKEW)
    b = sigma * ((1 + q * q) / (q ** (2 * p) + q * q)) ** (1 / p)
    return TwoPoint(q * b, skew=q)


def bounded_noise_floor(threshold: ArrayLike, bound: ArrayLike) -> FloatOrArray:
    """Bias floor max(0, sigma - c) for noise with ‖xi‖ <= sigma almost surely.

    **Proof** (any dimension). Let u > max(0, sigma - c), y = <h/u, g>. If u > sigma, then y > 0 always. Otherwise
    ‖g‖² <= A + 2uy with A = sigma² - u² >= 0, so <h/u, clip_c(g)> >= k(y), k(y) = y for y < 0 and
    y min(1, c/sqrt(A + 2uy)) for y >= 0. k is concave (the second derivative of y(A + By)^{-1/2} has the sign of
    -2A - By/2), so its mean over a law on [u - sigma, u + sigma] with mean u is least for the two ends:
    E k >= (u - sigma + min(c, u + sigma))/2 > 0. At u = sigma - c > 0 the noise ±sigma along h has the mean step 0.

    Parameters
    ----------
    threshold : array_like, c in (0, inf)
    bound : array_like, sigma in [0, inf)

    Returns
    -------
    ndarray or float64
    """
    c = reals("bounded_noise_floor", "threshold", threshold, POSITIVE)
    return np.maximum(reals("bounded_noise_floor", "bound", bound, NON_NEGATIVE) - c, 0.0)[()]


def supporting_line(
    threshold: ArrayLike, sigma: ArrayLike, v: ArrayLike | None = None
) -> tuple[FloatOrArray, FloatOrArray]:
    """The line below u m(u): u m(u) >= slope·u + intercept for all u >= 0, slope = c v/(c+v), intercept = -slope·v.

    **Theorem**: u m(u) >= (c v/(c+v))(u - v) for all u >= 0 and v >= u*(c, sigma).

    **Proof.** m decreases in sigma, so let v = u*(c, s), s >= sigma, and prove it for s.
    (a) v <= c, s² = 4cv: m(u) >= (c + u - S)/2 for all u, the exact minimum of E min(g, c) <= E clip_c(g). This is
    2c(u-v)/(c+u+S), S² = (c-u)² + 4cv. The ratio (c+u+S)/u decreases in u (as a function of z = 1/u its derivative is
    c + (Az-c)/sqrt(Az²-2cz+1), A = c²+4cv, which is >= 0), and is 2(c+v)/v at u = v. So 2u/(c+u+S) - v/(c+v) has the
    sign of u - v.
    (b) v > c, s = c + v > 2c: regime II for all u. With t = u + c the claim is that u(t+s)/(t²+s²) - v/s has the sign
    of u - v = t - s; multiplied by s(t²+s²) it is (t-s)(s² + ct).

    Parameters
    ----------
    threshold : array_like, c in (0, inf)
    sigma : array_like, in [0, inf)
    v : array_like in [u*, inf), optional
        u* by default.

    Returns
    -------
    slope, intercept : ndarray or float64

    Raises
    ------
    ValueError
        If an argument leaves its domain, or v is below the floor.
    """
    c = reals("supporting_line", "threshold", threshold, POSITIVE)
    sigma = reals("supporting_line", "sigma", sigma, NON_NEGATIVE)
    least = floor(c, sigma)
    v = least if v is None else reals("supporting_line", "v", v, NON_NEGATIVE)
    if np.any(v < least * (1 - 1e-12)):
        raise ValueError(
            f"supporting_line: v must be at least the floor u* = {np.max(least):.6g}, but {np.min(v):.6g} was given;"
            " take v = floor(threshold, sigma) or more"
        )
    slope = v / (1 + v / c)
    return np.asarray(slope)[()], np.asarray(-slope * v)[()]
