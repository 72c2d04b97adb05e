"""A store as one xarray.Dataset on the grid, read when it is looked at."""

import json
import warnings

import numpy as np

from ..version import __version__
from .components import label
from .store import Store

SMALL = 2**28  # bytes: a sweep whose cells fit is read in one pass, all variables at once


class Cells:
    """Reads the cells of a sweep into arrays on its grid.

    Parameters
    ----------
    journal : Journal
    names : list of str, in the order of the flattened grid
    layout : dict of variable to (dims, dtype, shape) in one cell
    """

    def __init__(self, journal, names, layout):
        self.journal, self.names, self.layout = journal, names, layout
        size = sum(np.dtype(kind).itemsize * int(np.prod(shape)) for _, kind, shape in layout.values())
        self.small = size * len(names) <= SMALL
        self._kept = {}

    def read(self, variable, positions):
        """Values at flat positions of the grid; shape (positions, *shape in a cell). Missing cells are nan."""
        if not self.small:
            return self._fill([variable], positions)[variable]
        if not self._kept:
            self._kept = self._fill(list(self.layout), np.arange(len(self.names)))
        return self._kept[variable][positions]

    def _fill(self, variables, positions):
        made = {}
        for name in variables:
            _, kind, shape = self.layout[name]
            made[name] = np.full((len(positions), *shape), np.nan if np.dtype(kind).kind == "f" else 0, kind)
        wanted = set(variables)
        for row, position in enumerate(positions):
            found = self.journal.read(self.names[position], wanted)
            if found is not None:
                for name in variables:
                    made[name][row] = found[0][name]
        return made


def _lazy(cells, variable, shape, whole):
    """An array on the grid that xarray reads on demand."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    _, kind, within = cells.layout[variable]

    class OnGrid(BackendArray):
        def __init__(self):
            self.shape = (*shape, *within)
            self.dtype = np.dtype(kind) if whole or np.dtype(kind).kind == "f" else np.dtype(np.float64)

        def __getitem__(self, key):
            return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._get)

        def _get(self, key):
            key = tuple(np.atleast_1d(k) if isinstance(k, (int, np.integer)) else k for k in key), key
            grid = [np.arange(n)[k] for n, k in zip(shape, key[0][: len(shape)], strict=True)]
            flat = np.ravel_multi_index(np.ix_(*grid), shape) if grid else np.zeros((), dtype=np.int64)
            values = cells.read(variable, flat.ravel()).reshape(*flat.shape, *within)
            if self.dtype != values.dtype:
                values = np.where(_missing(cells, flat).reshape(flat.shape + (1,) * len(within)), np.nan, values)
            inner = np.ix_(*(np.arange(n)[k] for n, k in zip(within, key[0][len(shape) :], strict=True)))
            values = values[(..., *inner)] if within else values
            scalars = tuple(0 if isinstance(k, (int, np.integer)) else slice(None) for k in key[1])
            return values[scalars]

    return indexing.LazilyIndexedArray(OnGrid())


def _missing(cells, flat):
    present = cells.journal.names()
    return np.array([cells.names[position] not in present for position in flat.ravel()], dtype=bool)


def _coordinates(sweep):
    coords = {}
    for axis in sweep.axes:
        values = [label(value) for value in axis.values]
        coords[axis.name] = (axis.name, values, {"path": axis.path})
    return coords


def load(store, partial=False):
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
        variable ``step`` tells the step. Attributes carry the description, the seed and the versions.

    Raises
    ------
    ValueError
        If there is no sweep, or cells are missing or damaged and `partial` is not set.
    """
    import xarray as xr

    store = Store(store)
    sweep = store.sweep()
    names = sweep.names(store.manifest["sources"])
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        present = store.journal.check(store.journal.names().intersection(names))
    if len(present) < len(names) and not partial:
        broken = f", {len(notes)} of them damaged and set aside" if notes else ""
        raise ValueError(
            f"{store.folder} holds {len(present)} of {len(names)} cells{broken}; run the sweep again to compute the"
            " others, or load with partial=True"
        )
    first = next((name for name in names if name in present), None)
    if first is None:
        raise ValueError(f"{store.folder} holds no finished cell yet; run the sweep")
    arrays, about = store.journal.read(first)
    variables = {n: (dims, attrs) for n, (dims, attrs) in about["variables"].items() if n not in about["coords"]}
    cells = Cells(
        store.journal, names, {n: (dims, arrays[n].dtype, arrays[n].shape) for n, (dims, _) in variables.items()}
    )
    grid = tuple(axis.name for axis in sweep.axes)
    whole = len(present) == len(names)
    made = {
        name: (grid + tuple(dims), _lazy(cells, name, sweep.shape, whole), attrs)
        for name, (dims, attrs) in variables.items()
    }
    coords = _coordinates(sweep)
    coords.update({name: (about["variables"][name][0], arrays[name]) for name in about["coords"]})
    if sweep.fractional:
        coords["checkpoint"] = ("checkpoint", sweep.checkpoints, {"long_name": "fraction of the steps"})
        made["step"] = _steps(sweep)
    attrs = {
        "name": sweep.name,
        "sweep": json.dumps(store.manifest["sweep"]),
        "digest": sweep.digest,
        "kernels": store.manifest["sources"],
        "version": store.manifest["version"],
        "read_by_version": __version__,
        "seed": json.dumps(store.manifest["sweep"]["seed"]),
        "cells": len(names),
        "cells_present": len(present),
    }
    return xr.Dataset(made, coords, attrs)


def _steps(sweep):
    """The step of each checkpoint, on the axis of steps."""
    axis = next((a for a in sweep.axes if a.path == "steps"), None)
    first = dict.fromkeys(sweep.axes, 0)
    place = {a: k for k, a in enumerate(sweep.axes)}
    rows = []
    for k in range(len(axis.values) if axis else 1):
        position = [0] * len(first)
        if axis:
            position[place[axis]] = k
        index = int(np.ravel_multi_index(position, sweep.shape)) if sweep.shape else 0
        rows.append(sweep.cell(index).checkpoints)
    return (("steps", "checkpoint"), rows) if axis else ("checkpoint", rows[0])
