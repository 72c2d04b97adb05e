"""A store as one xarray.Dataset on the grid, read when it is looked at."""

from __future__ import annotations

import json
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..version import __version__
from .bounded import bounds_on_grid
from .components import label
from .lazy import on_grid
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import xarray as xr

    from ..array_types import BoolArray, IntArray, NDArray
    from .journal import Journal
    from .spec import Sweep

AT_ONCE = 100_000  # cells that `load` reads itself, in half a minute at most; of more it reads what is looked at
SMALL = 2**28  # bytes: a sweep whose cells fit is read in one pass, all variables at once


class Cells:
    """Reads the cells of a sweep into arrays on its grid.

    Parameters
    ----------
    journal : Journal
    names : list of str, in the order of the flattened grid; None where a cell is missing
    layout : dict of variable to (dims, dtype, shape) in one cell
    complete : bool
        Whether a cell that is found damaged when it is read later is an error; otherwise it is nan.
    """

    def __init__(self, journal: Journal, names: Sequence[str | None], layout: dict[str, Any], complete: bool) -> None:
        self.journal, self.names, self.layout, self.complete = journal, names, layout, complete
        self._all: dict[str, NDArray[Any]] | None = {}
        size = sum(np.dtype(kind).itemsize * int(np.prod(shape)) for _, kind, shape in layout.values())
        self._fits = size * len(names) <= SMALL
        if self._fits and len(names) <= AT_ONCE:
            self._all, self.absent = self._fill(list(layout), range(len(names)))
        else:
            self._all = None
            self.absent = np.array([name is None for name in names], dtype=bool)

    @property
    def later(self) -> bool:
        """Whether a cell may turn out to be damaged, and so be nan, when it is read."""
        return self._all is None and not self.complete

    def read(self, variable: str, positions: Sequence[int] | IntArray) -> NDArray[Any]:
        """Values at flat positions of the grid; shape (positions, *shape in a cell)."""
        if self._all is None and self._fits and len(positions) > len(self.names) // 10:
            self._all, _ = self._fill(list(self.layout), range(len(self.names)))  # one pass serves all variables
        if self._all is not None:
            return self._all[variable][positions]
        return self._fill([variable], positions)[0][variable]

    def _fill(
        self, variables: list[str], positions: Sequence[int] | IntArray
    ) -> tuple[dict[str, NDArray[Any]], BoolArray]:
        """A dict of arrays, nan (0 for integers) where a cell or its variable is missing; which cells are."""
        made, absent = {}, np.zeros(len(positions), dtype=bool)
        for name in variables:
            _, kind, shape = self.layout[name]
            made[name] = np.full((len(positions), *shape), np.nan if np.dtype(kind).kind == "f" else 0, kind)
        table, rows = None, []  # the records of equal type are gathered whole, which is several times faster
        for row, position in enumerate(positions):
            name = self.names[position]
            record = None if name is None else self.journal.read_record(name)
            if record is None and name is not None and self._all is None and self.complete:
                raise ValueError(
                    f"the cell {name} was damaged and is set aside; run the sweep again, or load with partial=True"
                )
            absent[row] = record is None
            if record is None:
                if self._all is None:
                    self.absent[position] = True
                continue
            if table is None and len(variables) == len(self.layout):
                table = np.zeros(len(positions), record.dtype)
            if table is not None and record.dtype is table.dtype:
                table[row] = record
                rows.append(row)
            else:
                for name in made.keys() & set(record.dtype.names):
                    made[name][row] = record[name]
        if table is not None:
            for name in made.keys() & set(table.dtype.names):
                made[name][rows] = table[name][rows]
        return made, absent


def _lazy(cells: Cells, variable: str, shape: tuple[int, ...]) -> Any:
    """A variable on the grid, read on demand; integers become float64 where cells are missing."""
    _, kind, within = cells.layout[variable]
    if not shape:
        return cells.read(variable, [0])[0]  # a sweep of one cell
    gaps = np.dtype(kind).kind != "f" and (cells.absent.any() or cells.later)
    dtype = np.dtype(np.float64 if gaps else kind)

    def read(positions: IntArray) -> NDArray[Any]:
        values = cells.read(variable, positions).astype(dtype)
        if gaps:
            values[cells.absent[positions]] = np.nan
        return values

    return on_grid((*shape, *within), len(shape), dtype, read)


def _layout(sweep: Sweep, journal: Journal, names: Sequence[str | None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables of the cells (dims, attributes, an example), from one cell of each method, and the coordinates."""
    variables, seen = {}, set()
    coords: dict[str, Any] = {}
    for indices in sweep.cells_by_method():
        there = ((k, name) for k in indices if (name := names[k]) is not None and journal.look(name) is not None)
        index, name = next(there, (None, ""))
        found = None if index is None or sweep.method_of(index) in seen else journal.read(name)
        if index is None or found is None:
            continue
        seen.add(sweep.method_of(index))
        arrays, about = found
        described = {name: (dims, attrs, arrays[name]) for name, (dims, attrs) in about["variables"].items()}
        coords = {name: described.pop(name) for name in about["coords"]}
        for name, (dims, attrs, array) in described.items():
            variables.setdefault(name, (dims, attrs, array))
    return variables, coords


def _coordinates(sweep: Sweep) -> dict[str, Any]:
    coords = {}
    for axis in sweep.axes:
        values = [label(value) for value in axis.values]
        coords[axis.name] = (axis.name, values, {"path": axis.path})
    return coords


def load(store: str | Path, partial: bool = False) -> xr.Dataset:
    """The results of a sweep, on its grid.

    Parameters
    ----------
    store : path
    partial : bool
        Accept that cells are missing; they are nan (integers become float64 then).

    Returns
    -------
    xarray.Dataset
        Dimensions are the axes of the sweep, then those of one cell (checkpoint, and trajectory where trajectories are
        kept). Values are read when they are needed. Where checkpoints are fractions of several numbers of steps, the
        variable ``step`` tells the step. Attributes carry the description, the seed and the versions; in a store with
        cells of accepted older program text ``kernels_of_cell`` tells whose each cell is.

    Raises
    ------
    ValueError
        If there is no sweep, or cells are missing or damaged and `partial` is not set.
    """
    import xarray as xr

    store = Store(store)
    sweep = store.sweep()
    names = store.held(sweep, store.journal.names())
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        variables, own = _layout(sweep, store.journal, names)
        if own is None:
            raise ValueError(f"{store.folder} holds no finished cell yet; run the sweep")
        layout = {name: (dims, array.dtype, array.shape) for name, (dims, _, array) in variables.items()}
        cells = Cells(store.journal, names, layout, not partial)
    missing = int(cells.absent.sum())
    if missing and not partial:
        broken = f" ({len(notes)} damaged ones were set aside)" if notes else ""
        raise ValueError(
            f"{store.folder} holds {len(names) - missing} of {len(names)} cells{broken}; run the sweep again for"
            " the others, or take what is there: partial=True, --partial on the command line"
        )
    grid = tuple(axis.name for axis in sweep.axes)
    made: dict[str, tuple[Any, ...]] = {
        name: ((*grid, *dims), _lazy(cells, name, sweep.shape), attrs) for name, (dims, attrs, _) in variables.items()
    }
    coords = _coordinates(sweep)
    coords.update({name: (dims, array, attrs) for name, (dims, attrs, array) in own.items()})
    if sweep.fractional:
        coords["checkpoint"] = ("checkpoint", sweep.checkpoints, {"long_name": "fraction of the steps"})
        made["step"] = _steps(sweep)
    made |= bounds_on_grid(sweep, coords["checkpoint"][1])
    attrs = {
        "name": sweep.name,
        "sweep": json.dumps(store.manifest["sweep"]),
        "digest": sweep.digest,
        "kernels": store.manifest["sources"],
        "version": store.manifest["version"],
        "read_by_version": __version__,
        "seed": json.dumps(store.manifest["sweep"]["seed"]),
        "cells": len(names),
        "cells_present": len(names) - missing,
    }
    if store.accepted:
        _mark(store, sweep, names, made, attrs)
    return xr.Dataset(made, coords, attrs)


def _mark(store: Store, sweep: Sweep, names: Sequence[str | None], made: Any, attrs: dict[str, Any]) -> None:
    """Say which cells were computed by an older program text that has been accepted."""
    kernels = np.full(len(names), store.manifest["sources"])
    counts = {}
    for sources in store.accepted:
        old = np.array([a is not None and a == b for a, b in zip(names, store.names(sweep, sources), strict=True)])
        kernels[old], counts[sources] = sources, int(old.sum())
    made["kernels_of_cell"] = tuple(axis.name for axis in sweep.axes), kernels.reshape(sweep.shape)
    attrs["accepted_kernels"] = json.dumps(counts)


def _steps(sweep: Sweep) -> tuple[Any, Any]:
    """The step of each checkpoint, on the axis of steps."""
    place = next((k for k, axis in enumerate(sweep.axes) if axis.path == "steps"), None)
    if place is None:
        return "checkpoint", sweep.cell(0).checkpoints
    stride = math.prod(sweep.shape[place + 1 :])
    rows = [sweep.cell(k * stride).checkpoints for k in range(sweep.shape[place])]
    return (sweep.axes[place].name, "checkpoint"), rows
