"""Logs of training runs: CSV, TSV, JSON lines, and the trainer_state.json of the common trainers."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

STEP = ("step", "steps", "global_step", "iteration", "iter", "t", "checkpoint")
SEED = ("seed", "run", "trial", "repetition", "trajectory")
NAMES = {
    "gradient_norm": ("grad_norm", "gradnorm", "gnorm", "grad_l2_norm", "total_norm", "gradient_norm"),
    "gap": ("gap", "suboptimality"),
    "distance": ("distance",),
    "mean_gradient_norm": ("mean_grad_norm",),
    "min_gradient_norm": ("min_grad_norm",),
}
CURVATURE = "curvature"  # read for `diagnose` only: no bound speaks about it
NAMES_OF_CURVATURE = ("curvature", "sharpness", "hvp_norm", "hessian_norm")
MISSING = ("", "null", "none", "na")


def _plain(name: str) -> str:
    """A column's name without case, spaces, folders (train/grad_norm) and signs."""
    return str(name).strip().lower().rsplit("/", 1)[-1].replace("-", "_").replace(" ", "_").replace(".", "_")


def _near(names: list[str], wanted: tuple[str, ...]) -> str:
    """The columns, and the one whose name is nearly one of `wanted`."""
    near = next((n for n in names if difflib.get_close_matches(_plain(n), wanted, 1, 0.75)), None)
    return f"is {near!r} meant? its columns are {', '.join(names)}" if near else f"its columns are {', '.join(names)}"


def _find(names: list[str], wanted: tuple[str, ...]) -> str | None:
    """The first column whose plain name is one of `wanted`, or None."""
    return next((name for word in wanted for name in names if _plain(name) == word), None)


def _records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """(place, record) for each row of the file, a place being what a message calls it."""
    text = path.read_text(encoding="utf-8-sig")
    if not text.strip():
        raise ValueError(f"read_log: {path.name} is empty")
    start = text.lstrip()[0]
    if start == "{" or start == "[":
        return _json_records(path, text)
    table = csv.reader(text.splitlines(), delimiter="\t" if "\t" in text.splitlines()[0] else ",")
    header = [name.strip() for name in next(table)]
    if len(header) == 1 and ";" in header[0]:
        raise ValueError(
            f"read_log: {path.name} is separated by semicolons; save it with commas or tabs, and numbers with points"
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"read_log: {path.name} has {header.count(twice)} columns {twice!r}; keep one of them")
    rows = []
    for number, cells in enumerate(table, 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ValueError(
                f"read_log: {path.name} has {len(cells)} cells in row {number}, but {len(header)} columns in its first row"
            )
        rows.append((f"row {number}", dict(zip(header, cells, strict=True))))
    return rows


def _json_records(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        content = json.loads(text)
    except ValueError:
        return _json_lines(path, text)
    if isinstance(content, dict):
        content = content.get("log_history", [content])
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError(f"read_log: {path.name} must hold a list of records, or log_history with one")
    return [(f"record {k}", record) for k, record in enumerate(content, 1)]


def _json_lines(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise ValueError(f"read_log: line {number} of {path.name} is no JSON object")
            rows.append((f"line {number}", record))
    return rows


def _number(path: Path, place: str, name: str, value: Any) -> float:
    """A cell as a float; nan for a missing one."""
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
        return math.nan
    try:
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):  # float takes 1_000
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"read_log: {name} must be a number in each row of {path.name}, but {value!r} is in {place}"
        ) from None


def _curvature(names: list[str]) -> dict[str, str]:
    """{CURVATURE: its column}, or {} where there is none."""
    found = _find(names, NAMES_OF_CURVATURE)
    return {} if found is None else {CURVATURE: found}


def _columns(
    path: Path, rows: list[tuple[str, dict[str, Any]]], columns: dict[str, str] | None
) -> tuple[str, str | None, dict[str, str]]:
    """{quantity: name of its column} for the columns that are asked for, or for those whose names are known."""
    names = list(dict.fromkeys(name for _, record in rows for name in record))
    step = _find(names, STEP)
    if step is None:
        raise ValueError(
            f"read_log: {path.name} has no step column, such as {', '.join(STEP[:4])}; {_near(names, STEP[:5])}"
        )
    if columns is None:
        found = {quantity: _find(names, (quantity, *known)) for quantity, known in NAMES.items()}
        found = {quantity: name for quantity, name in found.items() if name is not None}
        if not found:
            raise ValueError(
                f"read_log: {path.name} has no column of gradient norms, such as grad_norm;"
                f" {_near(names, NAMES['gradient_norm'])}; name it by columns={{'gradient_norm': ...}}, or --column"
            )
        return step, _find(names, SEED), found | _curvature(names)
    for name in columns.values():
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            raise ValueError(
                f"read_log: {path.name} has no column {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(names)}")
            )
    return step, _find(names, SEED), _curvature([n for n in names if n not in columns.values()]) | columns


def _read_one(path: str | Path, columns: dict[str, str] | None) -> tuple[dict[str, dict[int, list[float]]], list[str]]:
    """{seed: {step: [values]}} and the names of the quantities."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"read_log: there is no file {path}")
    try:
        rows = _records(path)
    except UnicodeDecodeError:
        raise ValueError(f"read_log: {path.name} is no text in UTF-8") from None
    if not rows:
        raise ValueError(f"read_log: {path.name} has no rows of data")
    step, seed, found = _columns(path, rows, columns)
    seeds, last = {}, {}
    for place, record in rows:
        values = [_number(path, place, name, record.get(name)) for name in found.values()]
        if not any(name in record for name in found.values()):
            continue  # trainers log evaluations and summaries in the same list
        t = _number(path, place, step, record.get(step))
        if not (math.isfinite(t) and t == math.floor(t) and t >= 0):
            raise ValueError(
                f"read_log: {step} must be an integer >= 0 in each row of {path.name}, but not so in {place}"
            )
        label = str(record.get(seed, "")) if seed is not None else ""
        if label in last and t <= last[label]:
            raise ValueError(
                f"read_log: steps must increase, but {last[label]:g} is followed by {t:g} in {place} of {path.name}"
                + ("" if seed is not None else "; several seeds need a column seed, or a file each")
            )
        last[label] = t
        seeds.setdefault(label, {})[int(t)] = values
    return seeds, list(found)


@dataclasses.dataclass(frozen=True)
class Table:
    """Quantities by name, each (steps, seeds), with their steps and the names of the seeds."""

    steps: np.ndarray
    values: dict
    seeds: list


def read_table(*paths: str | Path, columns: dict[str, str] | None = None) -> Table:
    """What `read_log` reads, as plain arrays; also the curvature where a log has one. Raises as `read_log`."""
    if not paths:
        raise ValueError("read_log: give at least one file")
    parts: dict[tuple[str, str], dict[int, list[float]]] = {}
    names: Any = None
    for path in paths:
        seeds, found = _read_one(path, columns)
        if names not in (None, found):
            raise ValueError(
                f"read_log: {Path(path).name} has {', '.join(found)}, but the files before {', '.join(names)}"
            )
        names = found
        parts |= {(str(path), label): rows for label, rows in seeds.items()}
    if not parts:
        raise ValueError(f"read_log: {Path(paths[0]).name} has no rows with {', '.join(names)}")
    ends = {max(rows) for rows in parts.values()}
    if len(ends) > 1:
        raise ValueError(
            f"read_log: the seeds end at different steps ({min(ends)} and {max(ends)}); cut them to the same length"
        )
    steps = np.array(sorted({t for rows in parts.values() for t in rows}), dtype=np.int64)
    table = np.full((len(names), len(steps), len(parts)), np.nan)
    for k, rows in enumerate(parts.values()):
        where = np.searchsorted(steps, sorted(rows))
        table[:, where, k] = np.array([rows[t] for t in sorted(rows)]).T
    for name, values in zip(names, table, strict=True):
        empty = np.flatnonzero(~np.any(np.isfinite(values), axis=0))
        if empty.size and name != CURVATURE:
            path, label = list(parts)[empty[0]]
            raise ValueError(f"read_log: {name} has no number in {Path(path).name}{f', seed {label}' if label else ''}")
        if np.any(values < 0) and name in NAMES:
            raise ValueError(
                f"read_log: {name} cannot be negative, but it is at step {steps[np.argwhere(values < 0)[0, 0]]}"
            )
    labels = [label or Path(path).stem for path, label in parts]
    return Table(steps, dict(zip(names, table, strict=True)), labels)


def read_log(*paths: str | Path, columns: dict[str, str] | None = None) -> xr.Dataset:
    """Read gradient norms and other quantities from logs.

    Parameters
    ----------
    paths : one file, or one for each seed: CSV, TSV, JSON lines, or a trainer_state.json (a list of records with step and
        grad_norm). Several seeds in one file need a column seed (run, trial).
    columns : dict of quantity to the name of its column; by default columns are found by near names: grad_norm, gnorm,
        total_norm or train/grad_norm for gradient_norm

    Returns
    -------
    xarray.Dataset
        Variables on (checkpoint, trajectory). Steps that no row has stay missing; a step that one seed has and another
        has not is nan. Trainers log norms of stochastic gradients, which theory about grad f does not speak of
        directly: `diagnose` takes them as what they are, and for `measured` the user decides.

    Raises
    ------
    ValueError
        If there is no step column, text in a number column, steps do not increase, seeds end at different steps, or
        a file has no rows.
    """
    import xarray as xr

    table = read_table(*paths, columns=columns)
    variables = {
        n: (("checkpoint", "trajectory"), v) for n, v in table.values.items() if n != CURVATURE or n in (columns or ())
    }
    seeds = table.seeds
    coordinates = {"checkpoint": table.steps, "trajectory": np.arange(len(seeds)), "seed": ("trajectory", seeds)}
    return xr.Dataset(variables, coordinates, {"source": "read_log"})
