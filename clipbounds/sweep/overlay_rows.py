"""Verdicts as rows: of the cells of a sweep, of one run over its checkpoints, and of several runs over what differs in their settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import applicable
from ..described import is_described
from ..specs import Spec
from ..verdict import compare
from .collect import load
from .components import label
from .spec import Sweep
from .store import Store
from .values import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    import xarray as xr

    from ..bounds.base import Bound
    from .spec import Cell

COLUMNS = ("bound", "kind", "quantity", "step", "verdict", "measured", "low", "high", "value", "tightness", "reason")
APPLICABLE, OWN = "applicable", "of the sweep"
EVERY = "checkpoint"  # the axis of steps


def measured_in(data: xr.Dataset) -> set[str]:
    """Names of the quantities of a run, without their statistics."""
    return {str(name) for name in data.data_vars if "checkpoint" in data[name].dims}


def choose(bounds: Any, settings: Sequence[Any], data: xr.Dataset) -> list[Bound]:
    """`bounds`, or for "applicable" those that apply to some of the settings and speak about a measured quantity."""
    if not (isinstance(bounds, str) and bounds == APPLICABLE):
        return bounds
    found, there = {}, measured_in(data)
    for setting in settings:
        for bound in applicable(setting):
            if bound.quantity in there:
                found.setdefault(bound.to_json(), bound)
    if not found:
        raise ValueError(
            "overlay: no bound applies and speaks about a measured quantity, "
            f"which are {', '.join(sorted(there)) or 'none'}; hypotheses_table(bound.hypotheses(setting)) shows what fails"
        )
    return list(found.values())


def judged(run: xr.Dataset, bounds: Sequence[Bound], level: float, every: bool = False) -> Iterator[dict[str, Any]]:
    """Rows of one run: at its last checkpoint, or one for each of its checkpoints."""
    for verdict in compare(run, bounds, level).verdicts:
        rows = range(verdict.steps.size) if every else [verdict.steps.size - 1]
        about = {
            "bound": verdict.bound, "kind": verdict.kind, "quantity": verdict.quantity, "verdict": verdict.verdict,
            "tightness": verdict.tightness, "reason": verdict.reason.partition("\n")[0],
        }  # fmt: skip
        if not verdict.steps.size:
            numbers = dict.fromkeys(("measured", "low", "high", "value"))
            yield about | numbers | {"step": int(run["checkpoint"][-1])}
            continue
        for k in rows:
            numbers = {n: float(getattr(verdict, n)[k]) for n in ("measured", "low", "high", "value")}
            yield about | numbers | {"step": int(verdict.steps[k])}


def of_sweep(
    given: Any, x: str | None, bounds: Any, confidence: float, partial: bool
) -> tuple[str, list[str], list[dict[str, Any]], list[Bound]]:
    """(x, other axes, rows, bounds) for a sweep's results: the folder of its store, or what `load` gives."""
    sweep, data = _opened(given, partial)
    names = [axis.name for axis in sweep.axes]
    if not names and x not in (None, EVERY):
        raise ValueError("overlay: the sweep has one cell only, and no axis to draw over but x='checkpoint'")
    if x is None:
        x = max(sweep.axes, key=lambda a: (_numbers(a.values), len(a.values))).name if names else EVERY
    if x not in (*names, EVERY):
        raise ValueError(f"overlay: the sweep has no axis {x!r}; {nearest(str(x), [*names, EVERY])}")
    if isinstance(bounds, str) and bounds == OWN:
        bounds = sweep.bounds or APPLICABLE
    every = x == EVERY
    data = data.drop_vars([name for name, variable in data.data_vars.items() if "bound" in variable.attrs])
    data = (data if every else data.isel(checkpoint=[-1])).load()
    cells = [sweep.cell(index) for index in range(sweep.size)]
    bounds = choose(bounds, [cell.setting for cell in cells], data)
    level = 1 - (1 - confidence) / sweep.size
    rows = []
    for index, cell in enumerate(cells):
        choice = sweep.choice(index)
        place = {axis.name: label(axis.values[choice[axis]]) for axis in sweep.axes}
        run = _cell_run(data, cell, {axis.name: choice[axis] for axis in sweep.axes}, every)
        if run is not None:
            rows += [place | ({EVERY: row["step"]} if every else {}) | row for row in judged(run, bounds, level, every)]
    return x, [name for name in names if name != x], rows, list(bounds)


def _opened(given: Any, partial: bool) -> tuple[Sweep, xr.Dataset]:
    if not hasattr(given, "data_vars"):
        return Store(given).sweep(), load(given, partial)
    sweep = Sweep.from_dict(json.loads(given.attrs["sweep"]))
    if [given.sizes.get(axis.name) for axis in sweep.axes] != list(sweep.shape):
        raise ValueError(
            "overlay: a part of a sweep's grid was selected; give the whole Dataset of sweep.load, or the folder of the store"
        )
    if given.attrs["cells_present"] < given.attrs["cells"] and not partial:
        raise ValueError(
            f"overlay: {given.attrs['cells_present']} of {given.attrs['cells']} cells are there; partial=True takes what is there"
        )
    return sweep, given


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(label(v), (int, float)) for v in values)


def _cell_run(data: xr.Dataset, cell: Cell, where: Mapping[str, int], every: bool) -> xr.Dataset | None:
    """The results of one cell in the form of a run, or None where it is missing."""
    run = data.isel(where, drop=True).drop_vars([n for n in where if n in data.coords], errors="ignore")
    if all(np.all(np.isnan(v.values)) for v in run.data_vars.values() if v.dtype.kind == "f"):
        return None
    whole = [n for n in ("diverged_at", "diverged_count") if n in run and run[n].dtype.kind == "f"]
    steps = cell.checkpoints if every else [cell.checkpoints[-1]]
    run = run.assign({n: run[n].astype(np.int64) for n in whole}).assign_coords(checkpoint=steps)
    run.attrs = {
        "setting": cell.setting.to_json(), "keep": cell.keep, "seed": str(cell.seed), "steps": cell.steps,
        "trajectories": cell.trajectories, "first_trajectory": 0,
    }  # fmt: skip
    return run


def of_runs(
    runs: Sequence[xr.Dataset], x: str | None, bounds: Any, confidence: float
) -> tuple[str, list[str], list[dict[str, Any]], list[Bound], str]:
    """(x, other axes, rows, bounds, assumed) for one run over its checkpoints, or several over what differs in their settings."""
    settings = [_setting(run) for run in runs]
    places = _differences([json.loads(run.attrs["setting"]) for run in runs])
    if x is None:
        x = next(iter(places[0]), EVERY)
    if x not in (*places[0], EVERY):
        raise ValueError(
            f"overlay: {'the settings of the runs do not differ in' if len(runs) > 1 else 'a run has no axis'} {x!r};"
            f" {nearest(str(x), [*places[0], EVERY])}"
        )
    every = x == EVERY
    labels = [tuple(place.values()) for place in places]
    if len(set(labels)) < len(labels):
        raise ValueError(
            "overlay: two of the runs have the same setting; give each setting once, as one run with all its seeds"
        )
    there = runs[0][sorted(measured_in(runs[0]).intersection(*map(measured_in, runs[1:])))]
    bounds = choose(bounds, settings, there)
    level = 1 - (1 - confidence) / len(runs)
    rows = [
        place | ({EVERY: row["step"]} if every else {}) | row
        for place, run in zip(places, runs, strict=True)
        for row in judged(run, bounds, level, every)
    ]
    assumed = "; ".join(dict.fromkeys(s.assumed for s in settings if is_described(s)))
    return x, [name for name in places[0] if name != x], rows, list(bounds), assumed


def _setting(run: xr.Dataset) -> Any:
    if not (hasattr(run, "data_vars") and "setting" in run.attrs):
        raise ValueError(
            "overlay: expected a run of simulate or measured, a list of them, or the folder of a sweep, but"
            f" {type(run).__name__} was given"
        )
    return Spec.from_json(run.attrs["setting"])


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Any:
    """(path, value) of every number, text or truth value in nested tables and lists."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if not children and not isinstance(node, (dict, list)):
        yield path, node
    for name, child in children:
        yield from _leaves(child, (*path, str(name)))


def _differences(tables: list[Any]) -> list[Any]:
    """For each table what differs among them, by the last part of its path, or more of it where two end alike."""
    flat = [dict(_leaves(table)) for table in tables]
    paths = dict.fromkeys(path for leaves in flat for path in leaves)
    differing = [path for path in paths if len({repr(leaves.get(path)) for leaves in flat}) > 1]
    names = {}
    for path in differing:
        same = sum(other[-1] == path[-1] for other in differing)
        names[path] = path[-1] if same == 1 and not path[-1].isdigit() else ".".join(path)
    return [{names[path]: leaves.get(path) for path in differing} for leaves in flat]
