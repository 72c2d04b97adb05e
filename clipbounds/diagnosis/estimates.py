"""sigma_p from repeated gradients at fixed points, and (L0, L1) along a trajectory: estimates, not constants."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..specs import Interval, real_array
from ..verdict.assumed import student_band
from ..verdict.bands import error_of

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

POWER, SHARE = Interval(1, 2, closed_high=True), Interval(0, 1, closed_high=True)


@dataclasses.dataclass(frozen=True)
class NoiseLevel:
    """The largest (E‖g - grad f‖^p)^{1/p} over the points, with its interval; means are assumed normal."""

    p: float
    sigma: float
    low: float
    high: float
    points: int
    repetitions: int
    confidence: float

    def __str__(self) -> str:
        return (
            f"sigma_{self.p:g} = {self.sigma:.3g}, {self.confidence:g} interval [{self.low:.3g}, {self.high:.3g}] (assuming"
            f" normal means), the largest of {self.points} points with {self.repetitions} gradients each"
        )


def noise_level(gradients: ArrayLike, p: float = 2.0, confidence: float = 0.95) -> NoiseLevel:
    """sigma_p from repeated stochastic gradients at fixed points.

    With m the mean of the other r - 1 gradients at the point, E‖g_i - m‖^p >= E‖g - grad f‖^p for every p >= 1 (Jensen: the mean
    given g_i is the norm's argument without the others' noise), and for p = 2 it is exactly r/(r-1) times that, which is divided out. So
    the estimate is unbiased for p = 2 and a little high below. Each point gets Student's band at its part of the error, so
    that the largest lower and upper ends are an interval of the largest value.

    Parameters
    ----------
    gradients : array_like, (points, repetitions >= 3, dim)
    p : float in (1, 2]
    confidence : float in (0, 1)

    Returns
    -------
    NoiseLevel

    Raises
    ------
    ValueError
        If the shape is another one, or a number is not finite or outside its domain.
    """
    error = error_of(confidence)
    if np.ndim(p) or isinstance(p, (str, bool)) or not POWER.contains(p):
        raise ValueError(f"noise_level: p must be a number in {POWER}, but {p!r} was given")
    table = real_array("noise_level", "gradients", gradients)
    if table.ndim != 3 or table.shape[1] < 3 or not table.size:
        raise ValueError(
            "noise_level: gradients must have the shape (points, repetitions >= 3, dim), repeated at each point, but"
            f" {table.shape} was given"
        )
    if not np.all(np.isfinite(table)):
        raise ValueError("noise_level: gradients must be finite; leave out a point where one is not")
    points, count, _ = table.shape
    away = np.linalg.norm(table - table.mean(axis=1, keepdims=True), axis=2) * count / (count - 1)
    power = away**p * ((count - 1) / count if p == 2 else 1.0)
    mean = power.mean(axis=1)
    low, high = student_band(count, mean, power.var(axis=1, ddof=1), error / points)
    middle, least, most = (float(max(np.max(v), 0.0) ** (1 / p)) for v in (mean, low, high))
    return NoiseLevel(float(p), middle, least, most, points, count, confidence)


@dataclasses.dataclass(frozen=True)
class SmoothnessLine:
    """L0 + L1 ‖grad f‖ above a share of the measured curvatures: sampled, as nothing was measured between the points."""

    L0: float
    L1: float
    share: float
    count: int

    def __str__(self) -> str:
        lies = "all" if self.share == 1 else f"{self.share:g} of the"
        return f"L0 = {self.L0:.3g}, L1 = {self.L1:.3g} (sampled: the lowest line above {lies} {self.count} curvatures along the run)"


def smoothness_line(gradient_norms: ArrayLike, curvatures: ArrayLike, share: float = 1.0) -> SmoothnessLine:
    """The least line L0 + L1 G above measured curvatures, by quantile regression with L0, L1 >= 0 (a linear programme).

    Parameters
    ----------
    gradient_norms : array_like, ‖grad f(x)‖
    curvatures : array_like, at the same x: ‖H v‖ for unit v, or ‖grad f(x) - grad f(y)‖/‖x - y‖ (`secants`); of exact
        gradients, as noise looks like curvature
    share : float in (0, 1], 1 for a line above all of them

    Returns
    -------
    SmoothnessLine

    Raises
    ------
    ValueError
        If there are not two finite pairs, or one is negative.
    """
    from scipy.optimize import linprog

    if np.ndim(share) or isinstance(share, (str, bool)) or not SHARE.contains(share):
        raise ValueError(f"smoothness_line: share must be a number in {SHARE}, but {share!r} was given")
    x, y = (
        real_array("smoothness_line", name, v).ravel()
        for name, v in (("gradient_norms", gradient_norms), ("curvatures", curvatures))
    )
    if x.size != y.size:
        raise ValueError(
            f"smoothness_line: {x.size} gradient norms and {y.size} curvatures were given; each x needs both"
        )
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if x.size < 2 or min(x.min(), y.min()) < 0:
        raise ValueError("smoothness_line: at least two pairs of finite norms and curvatures >= 0 are needed")
    # units in which both axes have size 1; what lies below the line costs 1 - share, what lies above costs share
    a, b = max(x.max(), 1e-300), max(y.max(), 1e-300)
    u, v = x / a, y / b
    columns = np.stack([np.ones_like(u), u], axis=1)
    if share == 1:
        found = linprog(columns.mean(axis=0), A_ub=-columns, b_ub=-v, method="highs").x
    else:
        one = np.eye(u.size)
        cost = np.concatenate([[0.0, 0.0], np.full(u.size, share), np.full(u.size, 1 - share)])
        found = linprog(cost, A_eq=np.hstack([columns, one, -one]), b_eq=v, method="highs").x[:2]
    L0, L1 = float(found[0] * b), float(found[1] * b / a)
    if share == 1:  # the programme's tolerance is not ours
        L0 += max(float(np.max(y - L0 - L1 * x)), 0.0)
    return SmoothnessLine(L0, L1, float(share), int(x.size))


def secants(points: ArrayLike, gradients: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(gradient norms, curvatures) of neighbouring points of a trajectory: the smaller of the two norms, and ‖g - g'‖/‖x - x'‖.

    Parameters
    ----------
    points, gradients : array_like, (steps, dim); the gradients exact

    Returns
    -------
    (norms, curvatures) : arrays, steps where nothing moved left out

    Raises
    ------
    ValueError
        If the shapes differ or fewer than two points are given.
    """
    x, g = real_array("secants", "points", points), real_array("secants", "gradients", gradients)
    if x.ndim != 2 or x.shape != g.shape or len(x) < 2:
        raise ValueError(
            f"secants: points and gradients must have one shape (steps >= 2, dim), but {x.shape} and {g.shape} were given"
        )
    length, change = (np.linalg.norm(np.diff(v, axis=0), axis=1) for v in (x, g))
    norm = np.linalg.norm(g, axis=1)
    moved = length > 0
    return np.minimum(norm[1:], norm[:-1])[moved], change[moved] / length[moved]
