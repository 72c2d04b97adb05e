"""Slopes on log-log axes: rates and exponents."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from . import bands
from .means import NORMAL_COUNT

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike


@dataclasses.dataclass(frozen=True)
class Slope:
    """log y = intercept + slope·log x, fitted by least squares.

    Attributes
    ----------
    slope, intercept : float
    standard_error : float, of the slope; 0 for two points
    deviation : float, largest |local slope - slope| between neighbouring points: 0 for an exact power law
    points : int
    """

    slope: float
    intercept: float
    standard_error: float
    deviation: float
    points: int


def fit_slope(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Slope:
    """Least-squares slope of log y against log x.

    Parameters
    ----------
    x, y : array_like, (n,), positive and finite; at least two different x
    weights : array_like, (n,), positive, inversely proportional to the variances of log y; equal by default

    Returns
    -------
    Slope
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(np.unique(x)) < 2:
        raise ValueError(
            f"a slope needs x and y of one shape (n,) with two different x, but the shapes are {x.shape} and {y.shape}"
        )
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y)) and x.min() > 0 and y.min() > 0):
        raise ValueError("a slope on log-log axes needs positive finite x and y; leave the other points out")
    w = np.ones(x.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != x.shape or not (np.all(np.isfinite(w)) and w.min() > 0):
        raise ValueError(f"weights must be positive, one a point, but {weights!r} was given")
    u, v = np.log(x), np.log(y)
    w = w / w.sum()
    du, dv = u - w @ u, v - w @ v
    spread = w @ du**2
    slope = (w @ (du * dv)) / spread
    residual = dv - slope * du
    degrees = len(x) - 2
    error = np.sqrt((w @ residual**2) / (degrees * spread)) if degrees > 0 else 0.0
    order = np.argsort(u, kind="stable")
    steps, rises = np.diff(u[order]), np.diff(v[order])
    local = rises[steps > 0] / steps[steps > 0]
    return Slope(float(slope), float(w @ v - slope * (w @ u)), float(error), float(np.abs(local - slope).max()), len(x))


def check_slope(
    x: ArrayLike,
    y: ArrayLike,
    expected: float,
    tolerance: float,
    confidence: float | None = None,
    weights: ArrayLike | None = None,
) -> tuple[str, Slope]:
    """Whether a rate has the expected exponent.

    Without `confidence` the data are taken as exact: "holds" if the fitted slope is within `tolerance` of `expected`,
    otherwise "violated". With it, `y` needs every trajectory, and the verdict is on the slope of their mean: "holds" if its
    whole band (`mean_slope`) is within the tolerance, "violated" if none of it is, and "undecided" otherwise. One curve
    allows no band: its errors at different x are correlated, as one trajectory is with itself.

    Parameters
    ----------
    x : array_like, (n,), positive
    y : array_like, (n,), or with `confidence` (n, trajectories)
    expected, tolerance : float, tolerance >= 0
    confidence : float in (0, 1), optional
    weights : array_like, (n,), as in `fit_slope`; without `confidence` only

    Returns
    -------
    (verdict, Slope)

    Raises
    ------
    ValueError
        If the tolerance is negative, or a confidence is asked for one curve, for fewer than 256 trajectories, or together
        with weights.
    """
    if not tolerance >= 0:
        raise ValueError(f"the tolerance of a slope must be >= 0, but {tolerance!r} was given")
    if confidence is None:
        fit = fit_slope(x, y, weights)
        low = high = fit.slope
    else:
        y = np.asarray(y, dtype=np.float64)
        if y.ndim != 2 or weights is not None:
            raise ValueError(
                "a slope has a confidence only over trajectories: pass y of shape (points, trajectories) without weights, not"
                f" one curve of shape {y.shape}, whose errors are not independent"
            )
        fit = fit_slope(x, y.mean(axis=1))
        _, low, high = mean_slope(x, y, confidence)
    if expected - tolerance <= low and high <= expected + tolerance:
        return "holds", fit
    if high < expected - tolerance or low > expected + tolerance:
        return "violated", fit
    return "undecided", fit


def mean_slope(steps: ArrayLike, values: ArrayLike, confidence: float = 0.99) -> tuple[Any, Any, Any]:
    """Log-log slope of the mean of `values` over trajectories, by least squares, with an asymptotic band.

    The slope is a linear functional sum_k c_k log mean_k; by the delta method its deviation is that of the mean of the
    per-trajectory sums sum_k c_k x_kj/mean_k. That knows that one trajectory is correlated with itself. Needs a finite
    variance of x; its error rate is a limit. Where one trajectory carries more than a tenth of the variance of these sums the
    band is (-inf, inf) (`bands.guarded_normal`); where all trajectories are the same to the last bit, as without noise, it
    is the slope itself.

    Parameters
    ----------
    steps : array_like, (checkpoints,), positive
    values : array_like, (checkpoints, trajectories), with positive means
    confidence : float in (0, 1)

    Returns
    -------
    (slope, low, high) : floats

    Raises
    ------
    ValueError
        If there are fewer than 256 trajectories: the band is asymptotic.
    """
    steps, values = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < NORMAL_COUNT:
        raise ValueError(
            f"the band of a mean slope is asymptotic and needs values of shape (checkpoints, at least {NORMAL_COUNT}"
            f" trajectories), but the shape {values.shape} was given; simulate more, or use fit_slope, which has no band"
        )
    mean = values.mean(axis=1)
    slope = fit_slope(steps, mean).slope
    u = np.log(steps) - np.log(steps).mean()
    if np.all(values == values[:, :1]):
        return slope, slope, slope
    parts = (u / (u @ u) / mean) @ values
    # their mean is sum_k c_k = 0: the band is that of a deviation
    low, high = bands.guarded_normal(parts - parts.mean(), confidence)
    return slope, slope + float(low), slope + float(high)
