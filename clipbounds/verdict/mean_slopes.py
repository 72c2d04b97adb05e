"""The slope of a mean over trajectories, with a band that knows that one trajectory is correlated with itself."""

import numpy as np

from . import bands
from .slopes import fit_slope


def mean_slope(steps, values, confidence=0.99):
    """Log-log slope of the mean of `values` over trajectories, by least squares, with an asymptotic band.

    The slope is a linear functional sum_k c_k log mean_k; by the delta method its deviation is that of the mean of the
    per-trajectory sums sum_k c_k x_kj/mean_k. Needs a finite variance of x.

    Parameters
    ----------
    steps : array_like, (checkpoints,), positive
    values : array_like, (checkpoints, trajectories), positive; at least two trajectories
    confidence : float in (0, 1)

    Returns
    -------
    (slope, low, high) : floats
    """
    steps, values = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    mean = values.mean(axis=1)
    slope = fit_slope(steps, mean).slope
    u = np.log(steps) - np.log(steps).mean()
    parts = (u / (u @ u) / mean) @ values
    low, high = bands.normal(parts.size, slope, parts.var(ddof=1), confidence)
    return slope, float(low), float(high)
