"""What a run is: which setting made it, how many different trajectories it has, and whether it is still the data of one setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exact import EXACT
from ..methods import Setting
from ..run_arrays import origin
from ..specs import Spec

if TYPE_CHECKING:
    import xarray as xr


def setting_of(run: xr.Dataset) -> Setting:
    """The setting that a run was made from; ValueError unless the run is the data of that setting, each trajectory once."""
    attrs = getattr(run, "attrs", {})
    if "setting" not in attrs and "sweep" in attrs:
        raise ValueError(
            "compare: a sweep has a setting for each cell; give one of its runs, clipbounds.sweep.load_cell(store,"
            " axis=value, ...), or let clipbounds.sweep.overlay compare all"
        )
    if "setting" not in attrs:
        raise ValueError(
            f"compare: expected a run from clipbounds.simulate, but {type(run).__name__} without attrs['setting'] was given"
        )
    setting = Spec.from_json(attrs["setting"])
    if not isinstance(setting, Setting):
        raise ValueError(f"compare: attrs['setting'] must describe a Setting, but it describes {setting!r}")
    missing = [name for name in ("keep", "seed", "steps", "trajectories") if name not in attrs]
    if missing or "checkpoint" not in run.coords:
        raise ValueError(
            f"compare: the run has lost {', '.join(missing) or 'its checkpoints'}; pass the run as clipbounds.simulate made it"
        )
    if attrs["keep"] == EXACT:
        _check_enclosures(run)
    elif attrs["keep"] == "trajectories":
        _check_trajectories(run, setting)
    elif "diverged_count" not in run or run["diverged_count"].dims != ("checkpoint",):
        raise ValueError(
            "compare: the statistics of a run were merged or averaged, and no longer are those of its trajectories; pass the"
            " run as clipbounds.simulate made it (more trajectories: until='decided')"
        )
    return setting


def _check_enclosures(run: xr.Dataset) -> None:
    lost = [name for name in run.data_vars if f"{name}_error" in run and run[f"{name}_error"].dims != ("checkpoint",)]
    if lost:
        raise ValueError(
            f"compare: {lost[0]} has lost its error at each checkpoint; pass the run as clipbounds.simulate made it"
        )


def _check_trajectories(run: xr.Dataset, setting: Setting) -> None:
    if "trajectory" not in run.dims or "trajectory" not in run.coords or "diverged_at" not in run:
        raise ValueError(
            "compare: the trajectories of the run were averaged or dropped, and a mean of means has another law; pass the"
            " run as clipbounds.simulate made it"
        )
    labels = run["trajectory"].values
    if not labels.size:
        raise ValueError("compare: the run has no trajectories; at least one is needed")
    values, counts = np.unique(labels, return_counts=True)
    if counts.max() > 1:
        raise ValueError(
            f"compare: trajectory {values[np.argmax(counts)]} is in the run {counts.max()} times; copies are no data, so"
            " simulate more with another first_trajectory, or use until='decided'"
        )
    if "origin" in run.coords and np.any(run["origin"].values != origin(setting, run.attrs["seed"])):
        raise ValueError(
            "compare: the run joins trajectories of different settings or seeds; compare each of them with its own bounds"
        )


def count_of(run: xr.Dataset) -> int:
    """Number of trajectories: what the run has, not what its attributes remember."""
    return run.sizes["trajectory"] if run.attrs["keep"] == "trajectories" else int(run.attrs["trajectories"])


def next_trajectory(run: xr.Dataset) -> int:
    """The number after the last trajectory."""
    attrs = run.attrs
    if attrs["keep"] == "trajectories":
        return int(run["trajectory"].values.max()) + 1
    return int(attrs["first_trajectory"]) + int(attrs.get("lanes_used", attrs["trajectories"]))
