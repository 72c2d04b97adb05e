"""Measurements that were made elsewhere, as a run: what `compare` and `overlay` take."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np

from .methods import Setting
from .run_arrays import DESCRIPTION
from .specs import real_array
from .version import __version__

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

    from .array_types import ArrayLike, FloatArray, IntArray


def _known(setting: Setting) -> dict[str, str]:
    return {**DESCRIPTION, **setting.noise.measured, **setting.method.extra_measured}


def _check_name(name: str, known: dict[str, str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0.4)
        raise ValueError(
            f"measured: no bound speaks about a quantity {name!r}; "
            + (f"did you mean {near[0]!r}?" if near else f"the quantities are {', '.join(known)}")
        )


def _checked_steps(steps: ArrayLike) -> IntArray:
    steps = np.asarray(steps)
    if steps.ndim != 1 or not steps.size or steps.dtype.kind not in "iuf":
        raise ValueError("measured: steps must be a list of integers >= 0, the index t of x_t for each row")
    if not (np.all(np.isfinite(steps)) and np.all(steps == np.floor(steps)) and steps.min() >= 0):
        raise ValueError("measured: steps must be integers >= 0, the index t of x_t for each row")
    wrong = np.flatnonzero(np.diff(steps) <= 0)
    if wrong.size:
        k = int(wrong[0])
        raise ValueError(f"measured: steps must increase, but {steps[k]:g} is followed by {steps[k + 1]:g}")
    return steps.astype(np.int64)


def _checked_table(name: str, values: Any, steps: IntArray) -> FloatArray:
    try:
        lengths = {len(v) for v in values} if np.ndim(values[0]) else {1}
    except (TypeError, IndexError, KeyError, ValueError):
        lengths = {1}
    if len(lengths) > 1:
        raise ValueError(
            f"measured: {name} has rows of different lengths {sorted(lengths)}; every seed needs every step"
        )
    table = real_array("measured", name, values)
    table = table[:, np.newaxis] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != len(steps) or not table.shape[1]:
        raise ValueError(
            f"measured: {name} must have the shape (steps, seeds) = ({len(steps)}, seeds), but {table.shape} was given"
        )
    empty = np.flatnonzero(~np.any(np.isfinite(table), axis=0))
    if empty.size:
        raise ValueError(f"measured: {name} has no finite value for seed number {empty[0]}; leave that seed out")
    with np.errstate(invalid="ignore"):
        negative = np.argwhere(table < 0)
    if negative.size and name in DESCRIPTION:  # lengths, gaps and shares; those of methods may have a sign
        row, seed = negative[0]
        raise ValueError(
            f"measured: {name} cannot be negative, but it is {table[row, seed]:g} at step {steps[row]} of seed number {seed}"
        )
    return table


def _divergence(tables: dict[str, FloatArray], steps: IntArray) -> IntArray:
    """Step from which a seed has no finite value any more in some quantity, -1 for none; earlier nan are missing values."""
    first = np.full(next(iter(tables.values())).shape[1], len(steps))
    for table in tables.values():
        finite = np.isfinite(table)
        first = np.minimum(first, len(steps) - np.argmax(finite[::-1], axis=0))
    return np.where(first < len(steps), steps[np.minimum(first, len(steps) - 1)], -1)


def _derived(tables: dict[str, FloatArray], steps: IntArray) -> dict[str, FloatArray]:
    """Running mean and minimum of the gradient norm, where every step from 0 on was measured."""
    norms = tables.get("gradient_norm")
    if norms is None or not np.array_equal(steps, np.arange(len(steps))):
        return {}
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.concatenate([norms[:1], np.cumsum(norms, axis=0)[:-1] / steps[1:, np.newaxis]])
        return {"mean_gradient_norm": mean, "min_gradient_norm": np.fmin.accumulate(norms, axis=0)}


def measured(setting: Setting, steps: ArrayLike | xr.Dataset, **quantities: ArrayLike) -> xr.Dataset:
    """A run from measurements that were made elsewhere.

    Parameters
    ----------
    setting : Setting, or `Constants` where only numbers are known
    steps : array_like of int >= 0, increasing, (rows,): the index t of x_t for each row; or what `read_log` gives
    quantities : array_like, (rows,) or (rows, seeds), by the names that quantities have in a run, such as
        ``gradient_norm`` or ``gap``. Columns are independent repetitions. Where all steps 0, 1, .. were measured,
        mean_gradient_norm (over s < t) and min_gradient_norm follow from gradient_norm.

    Returns
    -------
    xarray.Dataset
        As from `simulate`, with ``attrs["source"] = "measured"``. ``diverged_at`` is the step from which a seed has no finite
        value any more; a nan with finite values after it is a missing value. That the data come from the setting, and
        that the norms are of true gradients and not of stochastic ones, is what the user says.

    Raises
    ------
    ValueError
        If a quantity is unknown, steps do not increase, seeds have different lengths, a column has no finite value, or a
        value is negative.
    """
    import xarray as xr

    if not isinstance(setting, Setting):
        raise ValueError(f"measured: setting must be a Setting, or Constants(...), but {setting!r} was given")
    known = _known(setting)
    if hasattr(steps, "data_vars"):  # a log: its quantities, unless others are given
        log: Any = steps
        steps = log["checkpoint"].values
        quantities = {name: log[name].values for name in log.data_vars} | quantities
    for name in quantities:
        _check_name(name, known)
    steps = _checked_steps(steps)
    if not quantities:
        raise ValueError("measured: give at least one quantity, such as gradient_norm=array")
    tables = {name: _checked_table(name, values, steps) for name, values in quantities.items()}
    seeds = {name: table.shape[1] for name, table in tables.items()}
    if len(set(seeds.values())) > 1:
        raise ValueError(
            "measured: all quantities need the same seeds, but there are "
            + ", ".join(f"{count} of {name}" for name, count in seeds.items())
        )
    count = next(iter(seeds.values()))
    diverged = _divergence(tables, steps)
    tables = {**_derived(tables, steps), **tables}
    variables: dict[str, tuple[Any, ...]] = {
        name: (("checkpoint", "trajectory"), t, {"long_name": known[name]}) for name, t in tables.items()
    }
    variables["diverged_at"] = ("trajectory", diverged)
    attributes = {
        "setting": setting.to_json(), "steps": int(steps[-1]), "trajectories": count, "seed": "unknown",
        "first_trajectory": 0, "keep": "trajectories", "version": __version__, "source": "measured",
    }  # fmt: skip
    return xr.Dataset(variables, {"checkpoint": steps, "trajectory": np.arange(count)}, attributes)
