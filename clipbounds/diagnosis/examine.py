"""From a log to a `Diagnosis`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..described import Constants
from ..logs import CURVATURE, read_table
from ..methods import ClippedSGD
from ..specs import POSITIVE, Interval, real_array
from ..verdict.tail import hill
from ..worst_case import floor
from .estimates import noise_level, secants, smoothness_line
from .result import Diagnosis
from .theory import bound_curves, floor_curve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import xarray as xr

    from ..array_types import ArrayLike, FloatArray
    from ..verdict.tail import TailIndex
    from .estimates import SmoothnessLine

LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
GRID = 40  # thresholds
LARGEST = 1e300  # of them
NEEDED = "sigma for the bias floor; sigma, step_size, F0 and L (or L0, L1) for S0* and Theorem 3*"


def diagnose(
    norms: ArrayLike | str | Path | xr.Dataset,
    threshold: float,
    *,
    step_size: float | None = None,
    sigma: float | None = None,
    p: float = 2.0,
    L: float | None = None,
    L0: float | None = None,
    L1: float | None = None,
    F0: float | None = None,
    gradients: ArrayLike | None = None,
    trajectory: Sequence[ArrayLike] | None = None,
    column: str | None = None,
    confidence: float = 0.95,
) -> Diagnosis:
    """What logged norms of stochastic gradients say about a clipping threshold.

    Parameters
    ----------
    norms : path of a log (`read_log`), what `read_log` gives, or array_like of ‖g_t‖ before clipping. A log with a column
        curvature (sharpness, hvp_norm) also gives (L0, L1) along the run.
    threshold : float c in (0, inf)
    step_size, sigma, p, L, L0, L1, F0 : numbers that are assumed, as in `Constants`; with sigma the bias floor against c is
        shown, with a step size, F0 and L too the bounds S0* and Theorem 3* after as many steps as were logged ((L0, L1): S0* only)
    gradients : array_like, (points, repetitions >= 3, dim), repeated stochastic gradients at fixed points: sigma_p with its
        interval, which serves as sigma where that is not given
    trajectory : (points, gradients), each (steps, dim), exact gradients: (L0, L1), which serve where L, L0, L1 are not given
    column : str, the log's column of gradient norms, where its name is none of the usual ones
    confidence : float in (0, 1), of the intervals of the tail index and of sigma; norms along a run are dependent, and the
        former takes them as independent

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If there are no finite norms, one is negative, or a number is outside its domain.
    """
    values, curvature, infinite = _norms(norms, column)
    for name, number, domain in (("threshold", threshold, POSITIVE), ("p", p, Interval(1, 2, closed_high=True))):
        if np.ndim(number) or isinstance(number, (str, bool)) or not domain.contains(number):
            raise ValueError(f"diagnose: {name} must be a number in {domain}, but {number!r} was given")
    c = float(threshold)
    noise = None if gradients is None else noise_level(gradients, p, confidence)
    smoothness = _smoothness(trajectory, curvature)
    given: dict[str, Any] = {"sigma": sigma, "p": p, "L": L, "L0": L0, "L1": L1, "F0": F0}
    if sigma is None and noise is not None and noise.sigma > 0:
        given["sigma"] = noise.sigma
    if smoothness is not None and L is None and L0 is None and L1 is None:
        given |= {"L0": smoothness.L0, "L1": smoothness.L1}
    setting = Constants(method=ClippedSGD(1.0 if step_size is None else step_size, NormClip(c)), **given)
    positive = values[values > 0]
    ends = [positive.min(), positive.max(), c] if positive.size else [c]
    grid = np.geomspace(0.1 * min(ends), min(10 * max(ends), LARGEST), GRID)
    tail, words = _tail(positive, confidence)
    found = {
        "threshold": c, "count": values.size, "infinite": infinite, "clipped": float(np.mean(values > c)),
        "step_factor": float(_factor(values, c)), "tail": tail, "tail_words": words, "thresholds": grid,
        "quantiles": {q: float(v) for q, v in zip(LEVELS, np.quantile(values, LEVELS), strict=True)},
        "clipped_at": np.array([np.mean(values > t) for t in grid]),
        "step_factor_at": np.array([_factor(values, t) for t in grid]), "noise": noise, "smoothness": smoothness,
    }  # fmt: skip
    if given["sigma"] is None:
        return Diagnosis(**found, missing=f"give {NEEDED}")
    numbers = setting.assumed + (f", step size = {step_size:g}" if step_size is not None else "")
    estimated = [
        name for name, now, asked in (("sigma", given["sigma"], sigma), ("L0, L1", given["L0"], L0)) if now != asked
    ]
    numbers += f"; of these estimated from the run: {', '.join(estimated)}" if estimated else ""
    return Diagnosis(**found, assumed=numbers, **_theory(grid, c, given, step_size, values.size, tail))


def _theory(
    grid: FloatArray, c: float, given: dict[str, Any], step_size: Any, steps: int, tail: TailIndex | None
) -> dict[str, Any]:
    """Floor and bounds against c, also for the lower end of the tail index where that is below p."""
    sigma, p = given["sigma"], given["p"]
    found: dict[str, Any] = {"curves": [floor_curve(grid, sigma, p)], "floor_at": float(floor(c, sigma, p))}
    absent = [name for name, value in (("step_size", step_size), ("F0", given["F0"])) if value is None]
    if given["L"] is None and given["L0"] is None:
        absent.append("L")
    if absent:
        found["missing"] = f"S0* and Theorem 3* need {', '.join(absent)} too"
    elif p == 1:
        found["missing"] = "S0* and Theorem 3* need p > 1"
    else:
        curves = bound_curves(grid, given, step_size, steps, p)
        found["curves"] += curves
        if not curves:
            found["missing"] = "with these numbers the hypotheses of S0* and Theorem 3* hold at no threshold"
    if tail is None or not tail.heavy or tail.low >= p:
        return found
    found["lower_p"] = tail.low
    if tail.low > 1:
        found |= {
            "lower_curves": [floor_curve(grid, sigma, tail.low)],
            "lower_floor_at": float(floor(c, sigma, tail.low)),
        }
        if not absent:  # S0* for p < 2 takes seconds on a grid
            found["lower_curves"] += bound_curves(grid, given, step_size, steps, tail.low, coarse=False)
    return found


def _smoothness(
    trajectory: Sequence[Any] | None, curvature: tuple[FloatArray, FloatArray] | None
) -> SmoothnessLine | None:
    if trajectory is not None:
        if not (isinstance(trajectory, (tuple, list)) and len(trajectory) == 2):
            raise ValueError("diagnose: trajectory must be (points, gradients), each of the shape (steps, dim)")
        return smoothness_line(*secants(*trajectory))
    return None if curvature is None else _logged_line(*curvature)


def _logged_line(norms: FloatArray, curvatures: FloatArray) -> SmoothnessLine | None:
    """The line above a log's curvatures, by size as an eigenvalue may be negative; None where fewer than two rows have both numbers."""
    both = np.isfinite(norms) & np.isfinite(curvatures)
    return smoothness_line(norms[both], np.abs(curvatures[both])) if np.count_nonzero(both) > 1 else None


def _norms(given: Any, column: str | None = None) -> tuple[Any, ...]:
    """A flat array of finite norms from a path, a log or an array; (norms, curvatures) where a log has them; how many norms were infinite."""
    curvature = None
    if isinstance(given, (str, bytes)) or hasattr(given, "__fspath__"):
        table = read_table(given, columns=None if column is None else {"gradient_norm": column})
        given = table.values.get("gradient_norm")
        if given is None:
            raise ValueError(f"diagnose: the log has no gradient_norm; it has {', '.join(table.values)}")
        if CURVATURE in table.values:
            curvature = given, table.values[CURVATURE]
    elif hasattr(given, "data_vars"):
        if "gradient_norm" not in given:
            raise ValueError(f"diagnose: the log has no gradient_norm; it has {', '.join(given.data_vars)}")
        given = given["gradient_norm"].values
    values = real_array("diagnose", "norms", given).ravel()
    infinite = int(np.count_nonzero(np.isinf(values)))
    values = values[np.isfinite(values)]
    if not values.size:
        raise ValueError("diagnose: expected norms of gradients, but there is no finite one")
    if values.min() < 0:
        raise ValueError(f"diagnose: norms cannot be negative, but {values.min():g} was given")
    return values, curvature, infinite


def _factor(values: FloatArray, threshold: float) -> float:
    """Mean of min(1, c/‖g‖)."""
    return float(np.mean(np.minimum(1.0, threshold / np.maximum(values, threshold))))


def _tail(values: FloatArray, confidence: float) -> tuple[Any, ...]:
    try:
        tail = hill(values, confidence)
    except ValueError as reason:
        return None, f"not estimated ({str(reason).removeprefix('hill: ')})"
    return tail, str(tail)
