"""E clip_c(h + xi) for a law of the catalogue, on the line."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..noise import Noise
from ..specs import NON_NEGATIVE, POSITIVE, REAL
from .domain import real, reals

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, FloatOrArray

# break points of the quadrature: where the law lives, whatever the scale of c
LEVELS = np.array([0.0, 1e-9, 1e-6, 1e-3, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1 - 1e-6, 1 - 1e-9, 1.0])


def check_noise(owner: str, noise: Noise) -> None:
    """Raise ValueError unless `noise` is a law."""
    if not isinstance(noise, Noise):
        raise ValueError(f"{owner}: noise must be a law such as noise.Gaussian(scale), but {noise!r} was given")


def check_law(owner: str, noise: Noise) -> None:
    """Raise ValueError unless the one-dimensional law of `noise` can be integrated."""
    check_noise(owner, noise)
    if noise.radial:
        raise ValueError(
            f"{owner}: this is a statement on the line, but {type(noise).__name__} has radial=True, which makes its"
            " direction random; give the law without a layout"
        )
    if noise.atoms() is None and not hasattr(noise, "sf"):
        raise ValueError(f"{owner}: {type(noise).__name__} must offer atoms() or sf(x) = P(xi > x), but has neither")


def _break_points(noise: Any) -> FloatArray:
    if not hasattr(noise, "quantile"):
        return np.zeros(0)
    with np.errstate(all="ignore"):
        points = np.asarray(noise.quantile(LEVELS), dtype=np.float64)
    return points[np.isfinite(points)]


def _integral(noise: Any, breaks: FloatArray, h: float, c: float) -> float:
    """-c + int_{-c}^c P(h + xi > y) dy: integration by parts, so that no moment of xi is needed."""
    from scipy.integrate import quad

    inner = h + breaks
    knots = np.unique(np.concatenate([[-c], inner[(inner > -c) & (inner < c)], [c]]))
    total = 0.0
    for low, high in itertools.pairwise(knots):
        total += quad(lambda y: noise.sf(y - h), low, high, epsabs=1e-15 * c, epsrel=1e-13, limit=200)[0]
    return total - c


def clipped_mean(noise: Any, threshold: float) -> Callable[..., Any]:
    """The function h -> E clip_c(h + xi) of one float, checked arguments assumed."""
    atoms = noise.atoms()
    if atoms is not None:
        support, weights = atoms
        return lambda h: float(np.sum(weights * np.clip(h + support, -threshold, threshold)))
    breaks = _break_points(noise)
    return lambda h: _integral(noise, breaks, h, threshold)


def mean_clipped_step(noise: Noise, gradient: ArrayLike, threshold: float) -> FloatOrArray:
    """E clip_c(h + xi) in dimension 1: a finite sum, or quadrature of the survival function.

    E clip_c(g) = -c + int_{-c}^{c} P(g > y) dy needs no moment, so infinite variance does no harm.

    Parameters
    ----------
    noise : Noise
        With ``atoms()`` or ``sf``; ``along=u`` means the component along u.
    gradient : array_like, h, real
    threshold : float c in (0, inf)

    Returns
    -------
    ndarray or float64
        Of the shape of `gradient`, in [-c, c]; absolute error about 1e-12·c for a density.

    Raises
    ------
    ValueError
        If an argument leaves its domain, or the law is radial.
    """
    check_law("mean_clipped_step", noise)
    h = reals("mean_clipped_step", "gradient", gradient, REAL)
    mean = clipped_mean(noise, real("mean_clipped_step", "threshold", threshold, POSITIVE))
    return np.array([mean(x) for x in h.ravel()]).reshape(h.shape)[()]


def gaussian_drift(gradient: ArrayLike, threshold: float, sigma: float) -> FloatOrArray:
    """E clip_c(h + sigma Z), Z standard normal, in closed form.

    h[Phi(a) - Phi(b)] + sigma[pdf(b) - pdf(a)] + c Phi(-a) - c Phi(b), a = (c-h)/sigma, b = (-c-h)/sigma: the sum of
    the means over the unclipped and the two clipped parts.

    Parameters
    ----------
    gradient : array_like, h, real
    threshold : array_like, c in (0, inf)
    sigma : array_like, in [0, inf)

    Returns
    -------
    ndarray or float64
        Absolute error a few roundings of |h| + c + sigma.
    """
    from scipy.special import ndtr

    h = reals("gaussian_drift", "gradient", gradient, REAL)
    c = reals("gaussian_drift", "threshold", threshold, POSITIVE)
    sigma = reals("gaussian_drift", "sigma", sigma, NON_NEGATIVE)
    safe = np.where(sigma > 0, sigma, 1.0)
    a, b = (c - h) / safe, (-c - h) / safe
    with np.errstate(over="ignore", under="ignore"):
        density = (np.exp(-b * b / 2) - np.exp(-a * a / 2)) / np.sqrt(2 * np.pi)
    noisy = h * (ndtr(a) - ndtr(b)) + sigma * density + c * (ndtr(-a) - ndtr(b))
    return np.where(sigma > 0, noisy, np.clip(h, -c, c))[()]
