"""What a run says about one quantity, whether it kept trajectories or statistics."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Sample:
    """One quantity at the checkpoints >= 1.

    Attributes
    ----------
    steps : int64 array, (checkpoints,)
    count : number of trajectories
    values : array (checkpoints, trajectories), or None where only statistics were kept
    mean, variance, smallest, largest : arrays (checkpoints,); the variance has the divisor count - 1
    diverged : int array (checkpoints,), trajectories whose gradient was no longer finite
    """

    steps: np.ndarray
    count: int
    values: np.ndarray | None
    mean: np.ndarray
    variance: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray
    diverged: np.ndarray


def take(run, quantity):
    """The `Sample` of a quantity, or None where it was not measured: not in the run, no checkpoint >= 1, or all nan."""
    if quantity not in run or "checkpoint" not in run[quantity].dims:
        return None
    steps = run["checkpoint"].values
    rows = steps >= 1
    if not rows.any():
        return None
    table = run[quantity]
    if "trajectory" in table.dims:
        values = table.transpose("checkpoint", "trajectory").values[rows]
        at = run["diverged_at"].values
        diverged = np.count_nonzero((at >= 0) & (at <= steps[rows, np.newaxis]), axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            mean = values.mean(axis=1)
            variance = values.var(axis=1, ddof=1) if values.shape[1] > 1 else np.full(mean.shape, np.nan)
        statistics = (mean, variance, values.min(axis=1), values.max(axis=1))
        count = values.shape[1]
    else:
        values, count = None, int(run.attrs["trajectories"])
        diverged = run["diverged_count"].values[rows]
        statistics = tuple(run[f"{quantity}{end}"].values[rows] for end in ("", "_variance", "_smallest", "_largest"))
    clean = diverged == 0
    if clean.any() and np.all(np.isnan(statistics[0][clean])):
        return None
    return Sample(steps[rows], count, values, *statistics, diverged)
