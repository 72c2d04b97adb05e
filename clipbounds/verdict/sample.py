"""What a run says about one quantity, whether it kept trajectories or statistics."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING

import numpy as np

from ..exact import EXACT
from ..methods.averages import MEASURED as AVERAGES

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

MEASURED = "measured"  # attrs["source"] of runs that `clipbounds.measured` made


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
    enclosed : bool, `smallest` and `largest` enclose the mean itself (engine "exact"), and there are no trajectories
    """

    steps: np.ndarray
    count: int
    values: np.ndarray | None
    mean: np.ndarray
    variance: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray
    diverged: np.ndarray
    enclosed: bool = False


def take(run: xr.Dataset, quantity: str) -> Sample | None:
    """The `Sample` of a quantity, or None where it was not measured: not in the run, no checkpoint >= 1, or all nan."""
    if quantity not in run or "checkpoint" not in run[quantity].dims or quantity == "evaluations":
        return None
    steps = run["checkpoint"].values
    rows = steps >= 1
    if not rows.any():
        return None
    table = run[quantity]
    if run.attrs.get("keep") == EXACT:
        if f"{quantity}_error" not in run:
            return None
        mean, error = table.values[rows], run[f"{quantity}_error"].values[rows]
        none = np.zeros(mean.shape)
        return Sample(steps[rows], 0, None, mean, none, mean - error, mean + error, none.astype(int), True)
    if "trajectory" in table.dims:
        values = table.transpose("checkpoint", "trajectory").values[rows]
        at = run["diverged_at"].values
        finished = ~((at >= 0) & (at <= steps[rows, np.newaxis]))
        lost = np.isnan(values) & finished
        if run.attrs.get("source") == MEASURED:  # a checkpoint where some seed was not measured has no mean
            whole = ~lost.any(axis=1)
            if not whole.any():
                return None
            rows, values, lost = np.flatnonzero(rows)[whole], values[whole], lost[whole]
        if lost.any() and not np.all(np.isnan(values[finished])):
            raise ValueError(
                f"compare: {quantity} has no value for {np.count_nonzero(lost.any(axis=0))} of {at.size} trajectories that did"
                " not diverge; a masked run is a selection of its trajectories, so pass it as clipbounds.simulate made it"
            )
        diverged = np.count_nonzero((at >= 0) & (at <= steps[rows, np.newaxis]), axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            mean = values.mean(axis=1)
            variance = values.var(axis=1, ddof=1) if values.shape[1] > 1 else np.full(mean.shape, np.nan)
        statistics: tuple[Any, ...] = (mean, variance, values.min(axis=1), values.max(axis=1))
        count = values.shape[1]
    else:
        if f"{quantity}_variance" not in run:
            raise ValueError(
                f"compare: {quantity} has neither trajectories nor a variance; averages are no data, so pass the run as"
                " clipbounds.simulate made it"
            )
        values, count = None, int(run.attrs["trajectories"])
        diverged = run["diverged_count"].values[rows]
        statistics = tuple(run[f"{quantity}{end}"].values[rows] for end in ("", "_variance", "_smallest", "_largest"))
    clean = diverged == 0
    if clean.any() and np.all(np.isnan(statistics[0][clean])):
        return None
    mean, variance, smallest, largest = statistics
    return Sample(steps[rows], count, values, mean, variance, smallest, largest, diverged)


def why_not(run: xr.Dataset, quantity: str) -> str:
    """Why `take` has nothing: the quantity is not in the run (with a near name), or was not measured at a checkpoint >= 1."""
    if quantity == "evaluations":
        return "evaluations is fixed by the method, the same for every trajectory: it is counted, not measured"
    if quantity in run:
        return f"the run has no values of {quantity} at a checkpoint >= 1"
    if quantity in AVERAGES:
        return f"the run has no quantity {quantity!r}; averages of iterates are measured where the method has averages=True"
    names = sorted(str(n) for n in run.data_vars if not str(n).endswith(("_variance", "_smallest", "_largest")))
    near = difflib.get_close_matches(quantity, names, 1)
    return f"the run has no quantity {quantity!r}; " + (
        f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names)}"
    )
