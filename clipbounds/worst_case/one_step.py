"""The worst law of one clipped step: its drift and its second moment together, exactly, for every p in (1, 2]."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..specs import NON_NEGATIVE, POSITIVE
from .domain import EXPONENT, real, reals
from .one_step_kernels import ATOMS, EPS, WIDTH
from .one_step_kernels import one_step as solve

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, FloatOrArray

LEAST_MOMENT = 1e-250  # (sigma/c)^p below which the law is a point up to a Lipschitz constant
LARGEST = 1e120  # ratios u/c and (sigma/c)^p beyond which nothing is searched for


def _solved(
    u: FloatArray, slope: FloatArray, c: FloatArray, sigma: FloatArray, kappa: FloatArray, p: FloatArray
) -> FloatArray:
    """Solutions of flat arrays of problems, one row each, in units of c: dual value, primal value, atoms, weights."""
    with np.errstate(over="ignore", under="ignore"):
        moment = (sigma / c) ** p
    problems = np.stack([u / c, slope, moment, kappa, p], axis=-1).ravel()
    solutions = np.empty(WIDTH * u.size)
    solve(problems, solutions, u.size)
    return solutions.reshape(-1, WIDTH)


def _lower_values(
    u: FloatArray, slope: FloatArray, c: FloatArray, sigma: FloatArray, kappa: FloatArray, p: FloatArray
) -> FloatArray:
    """min E[slope clip - kappa clip²], rounded down, in units of c; flat arrays, slope + kappa > 0."""
    with np.errstate(over="ignore", under="ignore"):
        point = np.minimum(u / c, 1.0)
        spread = (slope + 2 * kappa) * (sigma / c)  # the integrand is Lipschitz, and E|Y-u| <= sigma
        value = np.fmax(-slope - kappa, slope * point - kappa * point * point - spread)
        moment = (sigma / c) ** p
        usual = (moment > LEAST_MOMENT) & (moment < LARGEST) & (u / c < LARGEST)
    if np.any(usual):
        found = _solved(*(array[usual] for array in (u, slope, c, sigma, kappa, p)))[:, 0]
        value[usual] = np.fmax(value[usual], found)
    return value - 8 * EPS * (slope + kappa)


def lower_drift(u: FloatArray, c: FloatArray, sigma: FloatArray, p: FloatArray) -> FloatArray:
    """inf E clip_c(Y) for arrays of one shape and sigma > 0, rounded down (`drift` for p < 2)."""
    flat = [np.ravel(array) for array in (u, c, sigma, p)]
    ones = np.ones(flat[0].size)
    return (_lower_values(flat[0], ones, flat[1], flat[2], 0 * ones, flat[3]) * flat[1]).reshape(np.shape(u))


def _arguments(
    owner: str, gradient_norm: ArrayLike, threshold: ArrayLike, sigma: ArrayLike, kappa: ArrayLike, p: ArrayLike
) -> tuple[Any, ...]:
    return np.broadcast_arrays(
        reals(owner, "gradient_norm", gradient_norm, NON_NEGATIVE),
        reals(owner, "threshold", threshold, POSITIVE),
        reals(owner, "sigma", sigma, NON_NEGATIVE),
        reals(owner, "kappa", kappa, NON_NEGATIVE),
        reals(owner, "p", p, EXPONENT),
    )


def one_step(
    gradient_norm: ArrayLike, threshold: ArrayLike, sigma: ArrayLike, kappa: ArrayLike, p: ArrayLike = 2.0
) -> FloatOrArray:
    r"""Psi*(u) = inf { E[u clip_c(Y) - kappa clip_c(Y)²] : E Y = u, E|Y-u|^p <= sigma^p }, rounded down.

    With kappa = eta L/2 this is the least decrease, over eta, that one step of clipped SGD guarantees.

    **Theorem** (any Hilbert space). E g = h, ‖h‖ = u, E‖g-h‖^p <= sigma^p, 1 < p <= 2. Then
    E[<h, clip_c(g)> - kappa‖clip_c(g)‖²] >= Psi*(u), and the bound is attained on the line (in the limit for rare atoms).

    **Proof.** Let psi(y) = u clip_c(y) - kappa clip_c(y)², and let alpha + beta y - gamma|y-u|^p <= psi(y) for all real y, gamma >= 0.
    For a vector y with ‖y‖ = rho and y1 = <y, h/u> (any unit vector for u = 0) put
    D(y) = <h, clip_c(y)> - kappa‖clip_c(y)‖² - alpha - beta y1 + gamma‖y-h‖^p. On the sphere ‖y‖ = rho the first term is
    u min(1, c/rho) y1, the second is constant, and ‖y-h‖^p = (rho² + u² - 2u y1)^{p/2} is a concave function of an affine one, because
    p/2 <= 1. So D is concave in y1 on [-rho, rho] and least at y = ±rho h/u, where it is >= 0 by the inequality at the numbers ±rho.
    Hence E[...] >= alpha + beta u - gamma sigma^p: every dual-feasible triple gives a lower bound, and a law on the line is a law in the
    space. QED

    **What is computed.** For any (beta, gamma >= 0) the number min_y[psi(y) - beta(y-u) + gamma|y-u|^p] - gamma sigma^p is a lower bound. The
    two outer pieces |y| >= c have their minimum in closed form; on [-c, c] the function is convex near u and concave beyond, so
    its minimum is at an end or at the one stationary point of the convex zone, where a tangent, with the residual of Newton's
    method and the length of the zone, bounds it from below (for p = 2 all is in closed form). A search finds good (beta, gamma);
    what it finds decides how sharp the value is, not whether it is a bound. The law of `one_step_law` shows how sharp.

    Parameters
    ----------
    gradient_norm : array_like, u in [0, inf)
    threshold : array_like, c in (0, inf)
    sigma : array_like, in [0, inf)
        sigma_p: E‖g-h‖^p <= sigma_p^p.
    kappa : array_like, in [0, inf)
        eta L/2 for an L-smooth function, eta (L0 + L1 u)/2 for an (L0, L1)-smooth one.
    p : array_like in (1, 2]
        The five broadcast.

    Returns
    -------
    ndarray or float64
        At most Psi*(u). Measured: within 1e-11 of c(u + kappa c) for p >= 1.05.

    Raises
    ------
    ValueError
        If an argument leaves its domain.

    Notes
    -----
    kappa = 0 is u times the worst-case drift (`drift`). Source: proved here (theory page finite-time, section 1).
    """
    u, c, sigma, kappa, p = _arguments("one_step", gradient_norm, threshold, sigma, kappa, p)
    clipped = np.minimum(u, c)
    value = u * clipped - kappa * clipped * clipped  # the law is a point
    value = np.array(value - 4 * EPS * (u * clipped + kappa * clipped * clipped))
    still = (u == 0) & (sigma > 0)
    # the second moment alone: min(y², c²) <= c^{2-p}|y|^p, attained by ±c, or by ±sigma if sigma > c
    value[still] = (-kappa * (c * (np.minimum(sigma, c) / c) ** (p / 2)) ** 2 * (1 + 16 * EPS))[still]
    noisy = (u > 0) & (sigma > 0)
    if np.any(noisy):
        flat = [array[noisy] for array in (u, c, sigma, kappa, p)]
        with np.errstate(over="ignore"):  # u/c or c² may leave the range of floats: -inf is a lower bound
            lower = _lower_values(flat[0], flat[0] / flat[1], *flat[1:])
            value[noisy] = np.where(np.isnan(lower), -np.inf, lower * flat[1] * flat[1])
    return value[()]


@dataclasses.dataclass(frozen=True, eq=False)
class OneStepLaw:
    """A law of <h/u, g> that (almost) attains `one_step`.

    Attributes
    ----------
    value : float
        E[u clip_c(Y) - kappa clip_c(Y)²] of this law.
    lower_bound : float
        `one_step`: no law has less.
    atoms, probabilities : ndarray
        At most four atoms, increasing; the mean is u and the p-th moment about it at most sigma^p (up to rounding).
    """

    value: float
    lower_bound: float
    atoms: np.ndarray
    probabilities: np.ndarray


def one_step_law(gradient_norm: float, threshold: float, sigma: float, kappa: float, p: float = 2.0) -> OneStepLaw:
    """The worst law of one clipped step, with its value and the lower bound for all laws.

    Parameters
    ----------
    gradient_norm, threshold, sigma, kappa, p : float
        As for `one_step`; sigma in (0, inf), gradient_norm in (0, inf).

    Returns
    -------
    OneStepLaw

    Raises
    ------
    ValueError
        If an argument leaves its domain.
    """
    name = "one_step_law"
    u = real(name, "gradient_norm", gradient_norm, POSITIVE)
    c = real(name, "threshold", threshold, POSITIVE)
    sigma = real(name, "sigma", sigma, POSITIVE)
    kappa = real(name, "kappa", kappa, NON_NEGATIVE)
    p = real(name, "p", p, EXPONENT)
    row = _solved(*(np.array([x]) for x in (u, u / c, c, sigma, kappa, p)))[0]
    atoms, weights = row[2 : 2 + ATOMS], row[2 + ATOMS :]
    order = np.argsort(atoms)
    used = order[weights[order] > 0]
    lower = float(one_step(u, c, sigma, kappa, p))
    return OneStepLaw(float(row[1]) * c * c, lower, c * atoms[used], weights[used])
