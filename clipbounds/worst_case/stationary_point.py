"""The gradient at which the mean clipped step vanishes: minus the Huber location of the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import NON_NEGATIVE, POSITIVE, REAL
from .domain import real, reals
from .mean_step import check_law, check_noise, clipped_mean

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray

ITERATIONS = 20000


def _discrete_root(support: FloatArray, weights: FloatArray, c: float) -> float:
    """Midpoint of the zeros of h -> E clip_c(h + xi), exactly: the function is linear between its kinks ±c - atom."""
    kinks = np.unique(np.concatenate([c - support, -c - support]))
    values = np.array([np.sum(weights * np.clip(h + support, -c, c)) for h in kinks])
    zero = 4 * np.finfo(float).eps * c * support.size  # rounding of a sum of numbers of size c
    flat = np.abs(values) <= zero
    if np.any(flat):
        return 0.5 * (kinks[flat][0] + kinks[flat][-1])
    right = int(np.argmax(values > 0))  # the first value is -c, the last c
    low, high = kinks[right - 1], kinks[right]
    below, above = values[right - 1], values[right]
    return low + (high - low) * (-below / (above - below))


def stationary_gradient(noise: Any, threshold: float) -> float:
    """Root h* of E clip_c(h + xi) = 0 in dimension 1: the gradient at which clipped SGD has no drift.

    h* = argmin_h E Huber_c(h + xi), minus the Huber location of the noise: minus its mean, 0, for c -> inf, minus its
    median for c -> 0. A symmetric law has h* = 0. For a discrete law the zeros may fill an interval (the mean step is
    piecewise linear); its midpoint is returned.

    Parameters
    ----------
    noise : Noise
        With ``atoms()`` or ``sf``. ``along=u``: the gradient along u, with the other components 0; ``radial=True``: 0.
    threshold : float c in (0, inf)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the threshold leaves its domain, or the law offers neither atoms nor a survival function.

    Notes
    -----
    Independent components in dimension d > 1 are not covered: the components are clipped jointly there. For a discrete
    law on R^d see `stationary_vector`.
    """
    from scipy.optimize import brentq

    check_noise("stationary_gradient", noise)
    c = real("stationary_gradient", "threshold", threshold, POSITIVE)
    if noise.symmetric or noise.radial:
        return 0.0
    check_law("stationary_gradient", noise)
    if noise.atoms() is not None:
        support, weights = noise.atoms()
        return float(_discrete_root(support, weights, c))
    mean = clipped_mean(noise, c)
    reach = c
    while mean(-reach) >= 0 or mean(reach) <= 0:
        reach *= 2
    return float(brentq(lambda h: mean(h) / c, -reach, reach, xtol=1e-14 * c, rtol=1e-14))


def _objective(shifted: FloatArray, weights: FloatArray, c: float) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """E Huber_c and its gradient E clip_c at the shifted atoms."""
    norms = np.linalg.norm(shifted, axis=1)
    factor = np.minimum(1.0, c / np.maximum(norms, np.finfo(float).tiny))
    value = np.sum(weights * np.where(norms <= c, 0.5 * norms**2, c * norms - 0.5 * c * c))
    return value, (weights * factor) @ shifted, norms, factor


def _newton_step(
    shifted: FloatArray, weights: FloatArray, norms: FloatArray, factor: FloatArray, mean: FloatArray
) -> FloatArray:
    """Least-squares solution of (E D clip) step = -E clip."""
    clipped = np.where(factor < 1, 1 / np.maximum(norms, np.finfo(float).tiny) ** 2, 0.0)
    hessian = np.sum(weights * factor) * np.eye(shifted.shape[1])
    hessian -= (shifted * (weights * factor * clipped)[:, np.newaxis]).T @ shifted
    return np.linalg.lstsq(hessian, -mean, rcond=1e-14)[0]


def stationary_vector(atoms: FloatArray, weights: FloatArray, threshold: float, tolerance: float = 1e-12) -> FloatArray:
    """Root h of E clip_c(h + xi) = 0 for a discrete law on R^d, by iteratively reweighted least squares.

    Each step goes to the weighted mean with the weights min(1, c/‖h + xi_i‖), which never increases the convex
    E Huber_c(h + xi); a Newton step is taken instead where it decreases it further.

    Parameters
    ----------
    atoms : array_like, shape (n, d)
    weights : array_like, shape (n,)
        Probabilities, in [0, inf); divided by their sum.
    threshold : float c in (0, inf)
    tolerance : float in (0, inf)
        The returned h has ‖E clip_c(h + xi)‖ <= tolerance·c.

    Returns
    -------
    ndarray, shape (d,)
        Where the roots are not unique, the one that the iteration from minus the mean of the atoms finds.

    Raises
    ------
    ValueError
        If the arguments do not fit, or the tolerance is not reached.
    """
    name = "stationary_vector"
    atoms = reals(name, "atoms", atoms, REAL)
    weights = reals(name, "weights", weights, NON_NEGATIVE)
    c = real(name, "threshold", threshold, POSITIVE)
    tolerance = real(name, "tolerance", tolerance, POSITIVE)
    if atoms.ndim != 2 or weights.shape != atoms.shape[:1] or not np.sum(weights) > 0:
        raise ValueError(
            f"{name}: atoms of shape (n, d) and n weights with a positive sum are needed, but the shapes are"
            f" {atoms.shape} and {weights.shape}"
        )
    weights = weights / np.sum(weights)
    h = -(weights @ atoms)
    for _ in range(ITERATIONS):
        _, mean, norms, factor = _objective(h + atoms, weights, c)
        if np.linalg.norm(mean) <= tolerance * c:
            return h
        reweighted = h - mean / np.sum(weights * factor)
        newton = h + _newton_step(h + atoms, weights, norms, factor, mean)
        h = min((newton, reweighted), key=lambda point: _objective(point + atoms, weights, c)[0])
    raise ValueError(
        f"{name}: ‖E clip_c‖ = {np.linalg.norm(mean):.3g} after {ITERATIONS} iterations; ask for a larger tolerance than"
        f" {tolerance:g}"
    )
