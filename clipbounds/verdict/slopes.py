"""Slopes on log-log axes: rates and exponents."""

import dataclasses

import numpy as np

from .bands import check_confidence


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

    def interval(self, confidence):
        """Student's t interval of the slope: exact for independent Gaussian errors of equal (weighted) size in log y."""
        from scipy.special import stdtrit

        if self.points < 3:
            return (-np.inf, np.inf)
        half = stdtrit(self.points - 2, 0.5 + 0.5 * check_confidence(confidence)) * self.standard_error
        return self.slope - half, self.slope + half


def fit_slope(x, y, weights=None):
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


def check_slope(x, y, expected, tolerance, confidence=None, weights=None):
    """Whether a rate has the expected exponent.

    Without `confidence` the data are taken as exact: "holds" if the fitted slope is within `tolerance` of `expected`,
    otherwise "violated". With it, "holds" if the whole t interval of the slope is within the tolerance, "violated" if
    none of it is, and "undecided" otherwise.

    Returns
    -------
    (verdict, Slope)
    """
    if not tolerance >= 0:
        raise ValueError(f"the tolerance of a slope must be >= 0, but {tolerance!r} was given")
    fit = fit_slope(x, y, weights)
    low, high = (fit.slope, fit.slope) if confidence is None else fit.interval(confidence)
    if expected - tolerance <= low and high <= expected + tolerance:
        return "holds", fit
    if high < expected - tolerance or low > expected + tolerance:
        return "violated", fit
    return "undecided", fit
