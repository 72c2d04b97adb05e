"""The smallest mean of a clipped stochastic gradient along the true gradient, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .domain import EXPONENT, drift_arguments, reals
from .one_step import lower_drift

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray


def _touches_the_line(u: FloatArray, c: FloatArray, sigma: FloatArray) -> FloatOrArray:
    """Regime I, sigma² <= (3c - u)(c + u), in a form that neither over- nor underflows."""
    return (u <= 3 * c) & (sigma <= np.sqrt(np.maximum(3 * c - u, 0.0)) * np.sqrt(c + u))


def _square_drift(u: FloatArray, c: FloatArray, sigma: FloatArray) -> FloatArray:
    """m(u) for p = 2, in closed form; arrays of one shape."""
    # regime I as (4cu - sigma²)/(2(c + u + S)), the numerator as a product: c + u - S cancels when u or c is small
    root = 2 * np.sqrt(c) * np.sqrt(u)
    line = (root - sigma) * (0.5 * ((root + sigma) / (c + u + np.hypot(c - u, sigma))))
    top = np.maximum(u + c, sigma)
    t, s = (u + c) / top, sigma / top
    flat = c * ((t - s) * (t + s) / (t * t + s * s))
    return np.where(_touches_the_line(u, c, sigma), line, flat)


def drift(gradient_norm: ArrayLike, threshold: ArrayLike, sigma: ArrayLike, p: ArrayLike = 2.0) -> FloatOrArray:
    r"""Worst-case drift m_p(u) = min <h/u, E clip_c(g)> over E g = h, ‖h‖ = u, E‖g - h‖^p <= sigma^p.

    **Theorem** (p = 2, any dimension; for u = 0 any unit vector stands for h/u). With S = sqrt((c-u)² + sigma²),

    * regime I, sigma² <= (3c-u)(c+u): m(u) = (c + u - S)/2;
    * regime II, otherwise: m(u) = c((u+c)² - sigma²)/((u+c)² + sigma²),

    and both are attained, see `drift_atoms`. m increases, is 1-Lipschitz, m(inf) = c, and is C¹ for sigma > 0.

    **Proof.** Let Q(y) = c - k(y - b)². If Q <= clip_c on the line, then E clip_c(g) >= E Q(g) >= c - k((u-b)² + sigma²).
    Regime I: b = c + S, k = 1/(4S). Q has the value c at its vertex b and touches the line y at c - S, which is >= -c
    exactly in this regime. It is below c everywhere, below its tangent y on [-c, c], and below -c left of -c, because
    it increases there and Q(-c) <= -c. The mean of Q is (c + u - S)/2.
    Regime II: b = w - c, k = 2c/w², w = ((u+c)² + sigma²)/(u+c). Q(-c) = -c, and the slope 4c/w there is at most 1
    exactly in this regime, so again Q <= clip_c; its mean is the value above.
    In R^d take c - k‖g - b h/u‖²: on a sphere ‖g‖ = rho both it and <h/u, clip_c(g)> are affine in the cosine between
    g and h, so the comparison at cosine ±1, which is the one on the line, decides.

    **Heavy tails** (1 < p < 2). The line decides here too: u m_p(u) is `one_step` at kappa = 0, and its proof holds for any unit
    vector e in place of h/u. m_p does not decrease (shift the law), and m_p(u) >= u - beta1(c - u), beta1 = `clipping_bias`,
    because clip_c(y) >= min(y, c) = y - (y - c)_+. The value is the dual one, rounded down.

    Parameters
    ----------
    gradient_norm : array_like, u in [0, inf)
    threshold : array_like, c in (0, inf)
    sigma : array_like, in [0, inf)
        sqrt of the bound of the variance; sigma_p for p < 2.
    p : array_like in (1, 2]
        The four broadcast.

    Returns
    -------
    ndarray or float64
        m_p(u) in (-c, c], of the broadcast shape. p = 2: the absolute error is a few units of rounding of
        min(c, max(u, |m|)). p < 2: at most m_p(u); measured within 1e-11 c for p >= 1.05.

    Raises
    ------
    ValueError
        If an argument leaves its domain.

    Notes
    -----
    Source: proved here (theory page stochastic-bias, section 3).
    """
    u, c, sigma = drift_arguments("drift", gradient_norm, threshold, sigma)
    p = reals("drift", "p", p, EXPONENT)
    u, c, sigma, p = np.broadcast_arrays(u, c, sigma, p)
    value = _square_drift(u, c, sigma)
    heavy = (p < 2) & (sigma > 0)
    if np.any(heavy):
        value[heavy] = lower_drift(u[heavy], c[heavy], sigma[heavy], p[heavy])
    ceiling = np.minimum(u, c)  # of m, and its value without noise
    return np.where(sigma == 0, ceiling, np.minimum(value, ceiling))[()]


def drift_atoms(gradient_norm: ArrayLike, threshold: ArrayLike, sigma: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The two-point law of <h/u, g> that attains `drift`: mean u, variance sigma², on the line of h.

    * regime I: c - S and c + S with S = sqrt((c-u)² + sigma²), P(c + S) = (1 - (c-u)/S)/2;
    * regime II: -c and -c + w with w = ((u+c)² + sigma²)/(u+c), P(-c + w) = (u+c)²/((u+c)² + sigma²).

    Parameters
    ----------
    gradient_norm, threshold, sigma : array_like
        As for `drift`.

    Returns
    -------
    atoms, probabilities : ndarray
        Of the broadcast shape with a last axis of length 2, the lower atom first.

    Raises
    ------
    ValueError
        If an argument leaves its domain.
    """
    u, c, sigma = drift_arguments("drift_atoms", gradient_norm, threshold, sigma)
    distance = np.hypot(c - u, sigma)
    safe = np.where(distance > 0, distance, 1.0)
    # the smaller of (1 ± (c-u)/S)/2, written as sigma²/(2 S (S + |c-u|))
    rare = np.where(distance > 0, 0.5 * (sigma / safe) * (sigma / (safe + np.abs(c - u))), 0.5)
    upper = np.where(c >= u, rare, 1 - rare)
    lower = np.where(c >= u, 1 - rare, rare)
    t = u + c
    rest = sigma * (sigma / t)  # w - t
    top = np.maximum(t, sigma)
    squares = (t / top) ** 2 + (sigma / top) ** 2
    regime = _touches_the_line(u, c, sigma)
    atoms = np.stack([np.where(regime, c - distance, -c), np.where(regime, c + distance, u + rest)], axis=-1)
    weights = np.stack(
        [
            np.where(regime, lower, (sigma / top) ** 2 / squares),
            np.where(regime, upper, (t / top) ** 2 / squares),
        ],
        axis=-1,
    )
    return atoms, weights
