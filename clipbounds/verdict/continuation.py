"""A run made longer: more trajectories of the same setting, from the same streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from ..simulate import simulate
from .provenance import count_of, next_trajectory

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    import xarray as xr

    from ..methods.base import Setting


def continued(run: xr.Dataset, setting: Setting, trajectories: int, threads: int | None = None) -> xr.Dataset:
    """The run with `trajectories` more of them; the new ones follow the old ones in the same streams."""
    attrs = run.attrs
    first = -(-next_trajectory(run) // LANES) * LANES
    more = simulate(
        setting, int(attrs["steps"]), trajectories, seed=int(attrs["seed"]), checkpoints=run["checkpoint"].values,
        threads=threads, keep=attrs["keep"], first_trajectory=first,
    )  # fmt: skip
    merged = _join(run, more) if attrs["keep"] == "trajectories" else _merge(run, more)
    merged.attrs = {
        **attrs,
        "trajectories": count_of(run) + trajectories,
        "lanes_used": first + trajectories - int(attrs["first_trajectory"]),
    }
    return merged


def _join(run: xr.Dataset, more: xr.Dataset) -> xr.Dataset:
    """Both along "trajectory"; what has no trajectories is the same in both. (`xarray.concat` takes ten times as long.)"""
    import xarray as xr

    def joined(name: Hashable) -> Any:
        table = run[name].variable
        if "trajectory" not in table.dims:
            return table
        return xr.Variable.concat([table, more[name].variable], dim="trajectory")

    coords = {name: joined(name) for name in run.coords}
    return xr.Dataset({name: joined(name) for name in run.data_vars}, coords, run.attrs)


def _merge(run: xr.Dataset, more: xr.Dataset) -> xr.Dataset:
    """Chan's update of mean and variance; smallest, largest, and the numbers of diverged trajectories."""
    n, m = int(run.attrs["trajectories"]), int(more.attrs["trajectories"])
    names = [str(name) for name in run.data_vars if f"{name}_variance" in run.data_vars]
    data = {}
    with np.errstate(invalid="ignore", over="ignore"):
        for name in names:
            delta = more[name].values - run[name].values
            squares = delta**2 * (n * m / (n + m))
            for part, count in ((run, n), (more, m)):
                squares = squares + (part[f"{name}_variance"].values * (count - 1) if count > 1 else 0.0)
            data[name] = run[name].values + delta * (m / (n + m))
            data[f"{name}_variance"] = squares / (n + m - 1)
            for end, pick in (("_smallest", np.minimum), ("_largest", np.maximum)):
                data[name + end] = pick(run[name + end].values, more[name + end].values)
    first = [int(part["diverged_at"]) for part in (run, more) if int(part["diverged_at"]) >= 0]
    data["diverged_count"] = run["diverged_count"].values + more["diverged_count"].values
    data["diverged_at"] = np.asarray(min(first, default=-1))
    return run.assign({name: run[name].copy(data=value) for name, value in data.items()})
