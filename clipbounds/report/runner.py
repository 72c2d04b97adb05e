"""Run an experiment file and keep what it found: figure, tables, and a record from which paper_checks.md is made."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.compile import FUSE
from ..version import __version__
from ..whole_files import write_whole
from . import style
from .catalogue import find_experiments, identifier, title
from .describe import panels, statement
from .digits import rounded
from .finished import inputs, note_finished, unchanged
from .lab import BUDGETS, Lab, Outcome, Row
from .used_kernels import kernel_digests
from .used_texts import text_digests

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from matplotlib.figure import Figure


TIMES = ".times"
NO_CLOCK = "a time belongs to the machine that measures it: each run keeps its own in a file that is not committed"


def load(file: Path) -> ModuleType:
    """The module of an experiment file.

    Raises
    ------
    ValueError
        If there is no such file or it defines no ``run(lab)``.
    """
    file = Path(file)
    if not file.is_file() or file.suffix != ".py":
        raise ValueError(f"there is no experiment file {file}; `clipbounds list` prints those that exist")
    spec: Any = importlib.util.spec_from_file_location(f"clipbounds_experiment_{file.parent.name}_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    # entered by name, without which neither Numba nor the journal can tell whose functions these are
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not an experiment: Python cannot read it: {error}") from None
    if not callable(getattr(module, "run", None)):
        raise ValueError(f"{file} is not an experiment: it must define run(lab) and return an Outcome")
    return module


def write_result(path: Path, data: bytes) -> None:
    """Write bytes so that a reader sees the old file or the new one, never a part; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def plain(value: Any) -> Any:
    """Numbers that JSON can hold, of `digits.RECORDED` digits: infinities and nan become strings."""
    return _plain(rounded(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def save_figure(figure: Figure, stem: Path) -> None:
    """PNG, PDF and SVG next to each other, without dates, so that equal figures are equal files."""
    import io

    from ..verdict.paper import quiet_fonts

    quiet_fonts()
    for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata=metadata)
        if suffix == "png":
            buffer = _with_palette(buffer)
        write_result(stem.with_name(f"{stem.name}.{suffix}"), buffer.getvalue())


def _with_palette(png: Any) -> Any:
    """The picture with 256 colours: a third of the size, and no difference to the eye."""
    import io

    from PIL import Image

    small = io.BytesIO()
    Image.open(png).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return small


def run_experiment(
    file: Path,
    root: Path,
    budget: str = "standard",
    seed: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
    again: bool = True,
) -> dict[str, Any]:
    """Run one experiment; write ``figures/<paper>/<claim>.{png,pdf,svg,json}`` when it has finished.

    With again=False its last record is returned if nothing has changed since (see `finished`).

    Returns
    -------
    dict, the record: id, title, rows, data, panels, bounds, budget, seed, version, kernels, texts, fused. It holds no time; those
    that an experiment measures lie in ``<claim>.times.json`` (see `times`), which is not committed.
    """
    if budget not in BUDGETS:
        raise ValueError(f"the budget must be one of {', '.join(BUDGETS)}, but {budget!r} was given")
    name, depends_on = identifier(file), inputs(file, budget, seed)
    record = None if again else unchanged(root, name, depends_on)
    if record is not None:
        return record
    module = load(file)
    with style.context():
        folders = Path(root) / ".clipbounds" / "journal", (Path(root) / "figures" / name).parent
        outcome = module.run(Lab(budget, seed, progress, *folders))
        if not isinstance(outcome, Outcome) or not all(isinstance(row, Row) for row in outcome.rows):
            raise ValueError(f"{file}: run(lab) must return an Outcome with Rows, but gave {type(outcome).__name__}")
        record = {
            "id": identifier(file),
            "title": title(file),
            "about": (module.__doc__ or "").strip(),
            "budget": budget,
            "seed": seed,
            "version": __version__,
            "kernels": kernel_digests(module),
            "texts": text_digests(file),
            "fused": FUSE,
            "figure": outcome.figure is not None,
            "rows": [_recorded(row) for row in outcome.rows],
            "data": outcome.data,
            "panels": [] if outcome.figure is None else panels(outcome.figure),
            "bounds": [statement(bound, setting) for bound, setting in outcome.bounds],
        }
        record = plain(record)  # what is returned is what was written
        clock = times(outcome)
        try:
            text, clock_text = (_json(part) for part in (record, clock))
        except TypeError as error:
            raise ValueError(f"{file}: rows and data must be numbers and text: {error}") from None
        stem = Path(root) / "figures" / identifier(file)
        if outcome.figure is not None:  # last, so that a record that cannot be written leaves no new figure
            save_figure(outcome.figure, stem)
        if outcome.times_figure is not None:
            save_figure(outcome.times_figure, stem.with_name(stem.name + TIMES))
    if clock["rows"] or clock["data"]:
        write_result(stem.with_name(f"{stem.name}{TIMES}.json"), clock_text.encode())
    write_result(stem.with_name(f"{stem.name}.json"), text.encode())
    note_finished(root, name, depends_on, write_result)
    return record


def _json(found: Any) -> str:
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)


def _recorded(row: Row) -> dict[str, Any]:
    """A row as records keep it: of one about times only the claim, for the next machine would measure something else."""
    found = dataclasses.asdict(row)
    if row.clock:
        found |= {"measured": "", "tightness": None, "verdict": "not measured", "reason": NO_CLOCK}
    return found


def times(outcome: Outcome) -> dict[str, Any]:
    """What an experiment has measured with the clock, and on which machine.

    Returns
    -------
    dict: machine, rows (those marked `clock`), data, figure
    """
    return plain(
        {
            "machine": machine(),
            "rows": [dataclasses.asdict(row) for row in outcome.rows if row.clock],
            "data": outcome.times,
            "figure": outcome.times_figure is not None,
        }
    )


def read_times(root: Path, name: str) -> dict[str, Any] | None:
    """What the last run of the experiment `name` on this machine measured with the clock (see `times`), or None."""
    try:
        return json.loads((Path(root) / "figures" / f"{name}{TIMES}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def machine() -> str:
    """The machine in words: processor, cores, system, versions."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}"


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        record = None
    if not isinstance(record, dict) or not {"id", "rows", "budget", "figure"} <= set(record):
        raise ValueError(f"{path} is not a record of `clipbounds run`; delete it and run the experiment again")
    return record


def read_records(root: Path) -> list[dict[str, Any]]:
    """The records of all experiments that have been run, in the order of `find_experiments`; a list of dicts."""
    records = []
    for file in find_experiments(root):
        path = Path(root) / "figures" / f"{identifier(file)}.json"
        if path.is_file():
            records.append(_record(path))
    return records
