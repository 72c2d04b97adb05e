"""One cell of a sweep as the run that it is, for `compare` and whatever else takes the result of `simulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..version import __version__
from .components import label
from .memory import dataset_from_cell
from .store import Store
from .values import nearest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import xarray as xr

    from .components import Axis


def load_cell(store: str | Path, **values: Any) -> xr.Dataset:
    """The result of one cell, as `simulate` gives it, its setting included.

    Parameters
    ----------
    store : path
    **values
        For each axis of the sweep with more than one value, the value: a number, or of components the text
        that `load` has as their coordinate.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ValueError
        If an axis is missing or unknown, a value is none of the axis, or the cell is not in the store.
    """
    kept = Store(store)
    sweep = kept.sweep()
    known = {axis.name: axis for axis in sweep.axes}
    for name in values:
        if name not in known:
            raise ValueError(f"load_cell: there is no axis {name!r}; {nearest(name, known)}")
    index = 0
    for axis in sweep.axes:
        if axis.name not in values and len(axis.values) > 1:
            raise ValueError(f"load_cell: the axis {axis.name!r} has {len(axis.values)} values; choose one")
        index = index * len(axis.values) + (_place(axis, values[axis.name]) if axis.name in values else 0)
    name = kept.held(sweep, kept.journal.names())[index]
    found = None if name is None else kept.journal.read(name)
    if found is None:
        raise ValueError(f"{sweep.where(index)} is not in {kept.folder} yet; run the sweep")
    cell = sweep.cell(index)
    dataset = dataset_from_cell(*found)
    dataset.attrs = {
        "setting": cell.setting.to_json(), "steps": cell.steps, "trajectories": cell.trajectories, "seed": str(cell.seed),
        "first_trajectory": 0, "keep": cell.keep, "version": kept.manifest.get("version", __version__),
        "engine": "sample",
    }  # fmt: skip
    return dataset


def _place(axis: Axis, value: Any) -> int:
    labels = [label(item) for item in axis.values]
    if value in labels:
        return labels.index(value)
    numbers = all(isinstance(item, (int, float)) for item in labels) and isinstance(value, (int, float, np.number))
    if numbers:
        apart = np.abs(np.array(labels, dtype=float) - float(value))
        if apart.min() <= 1e-6 * max(1.0, abs(float(value))):
            return int(apart.argmin())
    raise ValueError(f"load_cell: {axis.name} has no value {value!r}; {nearest(value, map(str, labels))}")
