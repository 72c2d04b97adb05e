"""Simulate or compute once: what a journal already holds is read instead.

The key of a simulation holds everything that determines its result, and nothing else: neither threads nor bounds.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..run_arguments import checked_arguments
from ..simulate import simulate
from .journal import Journal, digest_of
from .sources import sources_of, sources_of_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    import xarray as xr

    from ..array_types import NDArray
    from ..methods.base import Setting

IDENTITY = ("seed", "checkpoints", "keep", "first_trajectory")


def simulation_key(setting: Setting, sources: str, steps: int, trajectories: int = 1, **options: Any) -> dict[str, Any]:
    """The key of ``simulate(setting, steps, trajectories, ...)``, with all defaults filled in.

    Parameters
    ----------
    setting : Setting
    sources : str, from `sources_of`
    steps, trajectories : int
    **options : seed, checkpoints, keep, first_trajectory
    """
    names = ("steps", "trajectories", *IDENTITY)
    values = checked_arguments(setting, steps, trajectories, **options)
    return {"setting": setting.to_dict(), "sources": sources, **dict(zip(names, values, strict=True))}


def dataset_to_cell(dataset: xr.Dataset) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays of a Dataset and what else it takes to make it again."""
    arrays = {str(name): variable.values for name, variable in dataset.variables.items()}
    about = {
        "variables": {n: [list(v.dims), dict(v.attrs)] for n, v in dataset.variables.items()},
        "coords": list(dataset.coords),
        "attrs": dict(dataset.attrs),
    }
    return arrays, about


def run_to_cell(
    variables: Mapping[str, Any], coordinates: Mapping[str, Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What `run_arrays` gave, as `dataset_to_cell` puts the Dataset of it; without attributes, which `sweep.json` tells.

    The headers of all cells are then equal.
    """
    found = {**variables, **coordinates}
    about = {
        "variables": {name: [list(dims), text] for name, (dims, _, text) in found.items()},
        "coords": list(coordinates),
        "attrs": {},
    }
    return {name: array for name, (_, array, _) in found.items()}, about


def dataset_from_cell(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset that `dataset_to_cell` was given."""
    import xarray as xr

    made = {name: (dims, arrays[name], attrs) for name, (dims, attrs) in about["variables"].items()}
    coords = {name: made.pop(name) for name in about["coords"]}
    return xr.Dataset(made, coords, about["attrs"])


def _arrays(results: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(result) for name, result in results.items()}


class Memory:
    """Results of `simulate` and of other computations, kept in a journal.

    Parameters
    ----------
    folder : path of the journal, or None to keep nothing

    Attributes
    ----------
    hits, misses : int, results that were read and that were computed
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.journal = None if folder is None else Journal(folder)
        self.hits = self.misses = 0

    def simulate(self, setting: Setting, steps: int, trajectories: int = 1, **options: Any) -> xr.Dataset:
        """`clipbounds.simulate`, once for each key."""
        identity = {name: options[name] for name in IDENTITY if name in options}
        journal = self.journal
        sources = None if journal is None else sources_of([setting])
        if journal is None or sources is None:
            self.misses += 1
            return simulate(setting, steps, trajectories, **options)
        key = simulation_key(setting, sources, steps, trajectories, **identity)
        return self._look_up(
            journal,
            key,
            lambda: dataset_to_cell(simulate(setting, steps, trajectories, **options)),
            dataset_from_cell,
            options.get("progress"),
        )

    def remember(self, key: Mapping[str, Any], compute: Callable[..., Any]) -> Any:
        """``compute()``, a dict of arrays, once for each key and text of the function's file.

        Parameters
        ----------
        key : dict
            All that the result depends on: specs, numbers, text, lists, arrays. Give each computation of a file a
            name of its own in it.
        compute : callable without arguments, giving a dict of str to array
        """
        if not isinstance(key, dict) or not key:
            raise ValueError(f"remember: key must be a dict of all that the result depends on, but {key!r} was given")
        journal = self.journal
        sources = None if journal is None else sources_of_function(compute)
        if journal is None or sources is None:
            self.misses += 1
            return _arrays(compute())
        return self._look_up(
            journal, {"remember": key, "sources": sources}, lambda: (_arrays(compute()), {}), lambda arrays, _: arrays
        )

    def _look_up(
        self,
        journal: Journal,
        key: Mapping[str, Any],
        compute: Callable[..., Any],
        restore: Callable[..., Any],
        progress: Any = None,
    ) -> Any:
        name = digest_of(key)
        found = journal.read(name)
        if found is not None:
            try:
                result = restore(*found)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                journal.refuse(name, f"its arrays do not make a run: {str(error)[:80]}")
            else:
                self.hits += 1
                if progress is not None:
                    progress(key["trajectories"])
                return result
        self.misses += 1
        arrays, about = compute()
        try:
            journal.write(name, arrays, about)
        except OSError as error:
            warnings.warn(f"{journal.folder} keeps nothing ({error.strerror}); the run goes on", stacklevel=4)
        return restore(arrays, about)
