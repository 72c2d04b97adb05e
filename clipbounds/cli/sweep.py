"""The commands sweep, status, export, repair and components."""

from __future__ import annotations

import json as json_module
import os
import signal
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Lines, Terminated, duration, json_option, progress_bars, speaks_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

    from ..sweep.outcome import Report
    from ..sweep.spec import Sweep

folder = click.Path(file_okay=True, path_type=Path)
MANY_CELLS, LONG = 10**6, 86400.0  # cells, s: beyond, --yes is asked for
START = {"threads": 0.0, "processes": 1.8, "dask": 2.7}  # s until the first cell runs
SHOWN = 5  # failed or diverged cells that are named


def register(group: click.Group) -> None:
    """Add the commands to the group."""
    for command in (sweep, status, export, repair, components):
        group.add_command(command)


@contextmanager
def _ends_politely() -> Iterator[None]:
    """SIGTERM is treated like Ctrl-C: cells that are written stay, the exit code tells."""

    def stop(number: int, frame: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command()
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--store", type=folder, help="Folder of the results; made if it is missing. Not needed with --dry-run.")
@click.option(
    "--executor",
    type=click.Choice(["threads", "processes", "dask"]),
    default="threads",
    show_default=True,
    help="Who computes.",
)
@click.option("--address", help="Of a Dask scheduler; without it, dask starts a cluster on this computer.")
@click.option("--workers", type=click.IntRange(1), help="One for each processor by default.")
@click.option("--shard", help="K/N: only the K-th of N parts of the grid; auto: as a job array numbers its jobs.")
@click.option("--dry-run", is_flag=True, help="Check the sweep, count its cells, estimate the time, run nothing.")
@click.option("--yes", is_flag=True, help="Run more than a million cells, or more than a day.")
@click.option("--verify/--no-verify", default=None, help="Read the cells that are there; up to 100000 by default.")
@click.option("--new-kernels", is_flag=True, help="Compute all cells again in a store of older kernels.")
@click.option("--accept-kernels", is_flag=True, help="Keep the cells of a store of older kernels, marked as such.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "lines", "none"]),
    default="auto",
    show_default=True,
    help="auto: a bar on a terminal, lines in a log.",
)
@json_option
@speaks_plainly
def sweep(
    spec: Path,
    store: Path | None,
    executor: str,
    address: str | None,
    workers: int | None,
    shard: str | None,
    dry_run: bool,
    yes: bool,
    progress: str,
    as_json: bool,
    **choices: Any,
) -> None:
    """Compute the cells of the sweep in the TOML file SPEC that the store does not hold yet.

    Interrupt it whenever you like, and run it again to go on. Exit code 1 if a cell fails.
    """
    from .. import sweep as room

    if store is None and not dry_run:
        raise ValueError("give --store, the folder of the results, or --dry-run")
    part = None if shard is None else room.read_shard(shard)
    grid = room.Sweep.from_toml(spec)
    with _ends_politely():
        plan = _plan(room, grid, store, part, executor, workers, address, choices)
        if not as_json:
            for line in _announce(grid, plan, part):
                click.echo(line, err=True)
        if dry_run or store is None:
            if as_json:
                click.echo(json_module.dumps({"shape": list(grid.shape), **plan}))
            return
        if not yes and (plan["cells"] > MANY_CELLS or (plan["seconds"] or 0) > LONG):
            raise ValueError(
                f"{plan['cells']} cells, about {duration(plan['seconds'] or 0)}: --yes runs them, --dry-run only looks"
            )
        try:
            with _told(progress, as_json, grid.name) as tell:
                report = room.run(grid, store, executor, workers, address, progress=tell, shard=part, **choices)
        except room.SweepStopped as stopped:
            click.echo(f"stopped: {stopped}", err=True)
            sys.exit(1)
    _tell_report(report, as_json)
    for failure in report.failures[:SHOWN]:
        click.echo(f"failed: {failure['where']}: {failure['message']}", err=True)
    if not report.complete:
        click.echo(f"settings and tracebacks of {len(report.failures)} cells are in {store}", err=True)
        sys.exit(1)


def _plan(
    room: ModuleType,
    grid: Sweep,
    store: Path | None,
    part: tuple[int, int] | None,
    executor: str,
    workers: int | None,
    address: str | None,
    choices: dict[str, Any],
) -> dict[str, Any]:
    """How many cells there are, how many are to be computed, and for how long, without a cluster's help."""
    from ..sweep.estimate import reading
    from ..sweep.executors import check_executor
    from ..sweep.shards import part_of
    from ..sweep.store import check_store

    check_executor(executor, workers, address)
    cells = part_of(grid.size, part)
    left, sources, old = cells, grid.check(), None
    if store is not None:
        old, _ = check_store(store, grid, sources, choices["new_kernels"], choices["accept_kernels"])
    if old is not None and grid.size <= MANY_CELLS and not choices["new_kernels"]:
        kept = room.Store(store)
        held = kept.held(grid, kept.journal.names())
        left = [index for index in cells if held[index] is None]
    seconds, workers = None, workers or os.cpu_count() or 1
    if address is None:
        seconds = reading(len(cells) - len(left), choices["verify"])
        if len(left):
            seconds += room.estimate(grid, workers, left, executor == "threads") + START[executor]
    return {"cells": len(cells), "left": len(left), "seconds": seconds, "workers": workers}


def _announce(grid: Sweep, plan: dict[str, Any], part: tuple[int, int] | None) -> Iterator[str]:
    axes = " x ".join(f"{axis.name} ({len(axis.values)})" for axis in grid.axes) or "no axis"
    which = "all of them" if plan["left"] == grid.size else f"the {plan['left']} that are missing"
    if part is not None:
        which += f" in part {part[0]} of {part[1]}"
    guess = (
        ""
        if plan["seconds"] is None
        else f", about {duration(plan['seconds'])} for {which} on {plan['workers']} workers"
    )
    yield f"{grid.name}: {grid.size} cells, {axes}{guess}"
    cell = grid.cell(0)
    if cell.checkpoints[-1] < cell.steps:
        yield f"note: the last checkpoint is {cell.checkpoints[-1]}, so runs end there and not at steps = {cell.steps}"
    for name, count, of, reason in grid.applies():
        yield f"{name} applies in {count} of {of} cells" + (f"; {reason}" if reason else "")


@contextmanager
def _told(progress: str, quiet: bool, name: str) -> Any:
    """A function that tells how many cells of how many are done."""
    if progress == "auto":
        progress = "bar" if sys.stderr.isatty() else "lines"
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest: click.echo(str(message), err=True)
        if progress == "lines":
            yield Lines(name)
            return
        with progress_bars(disabled=quiet or progress == "none") as bars:
            bar = bars.add_task(name, total=None)
            yield lambda done, total: bars.update(bar, completed=done, total=total)


def _tell_report(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(json_module.dumps({**vars(report), "complete": report.complete}))
        return
    lost = sum(cell["trajectories"] for cell in report.diverged)
    text = (
        f"{report.present} cells were there, {report.computed + report.by_others} are new,"
        f" {len(report.failures)} failed, {len(report.damaged)} damaged files were set aside; {report.seconds:.1f} s"
    )
    if report.trusted:
        text += f"; {report.trusted} were counted without being read (--verify reads them)"
    for cell in report.diverged[:SHOWN]:
        click.echo(f"diverged: {cell['where']}: {cell['trajectories']} trajectories", err=True)
    click.echo(text + (f"; {lost} trajectories in {len(report.diverged)} cells diverged" if lost else ""))


@click.command()
@click.argument("store", type=folder)
@click.option("--verify", is_flag=True, help="Read every cell and set damaged ones aside.")
@json_option
@speaks_plainly
def status(store: Path, verify: bool, as_json: bool) -> None:
    """Tell how much of a sweep is done. Exit code 1 if cells failed in its last run."""
    from ..sweep import Store

    opened = Store(store)
    present = opened.journal.names()
    total = opened.manifest["cells"]
    held = [name for name in opened.held(opened.sweep(), present) if name is not None]
    done, others = len(held), len(present) - len(held)
    if verify:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = len(opened.journal.check(held))
    failures = opened.failures()
    found = {
        "name": opened.manifest["sweep"]["name"],
        "cells": total,
        "done": done,
        "failed": len(failures),
        "damaged": [name for name, _ in opened.journal.damaged],
        "other_kernels": others,
        "kernels": opened.manifest["sources"],
        "version": opened.manifest["version"],
    }
    if as_json:
        click.echo(json_module.dumps(found))
    else:
        click.echo(f"{found['name']}: {found['done']} of {found['cells']} cells done, {found['failed']} failed")
        if found["other_kernels"]:
            click.echo(f"{found['other_kernels']} cells of other kernels lie unused in the store")
        if found["damaged"]:
            click.echo(f"{len(found['damaged'])} damaged cells were set aside; run the sweep again")
    for failure in failures[:SHOWN]:
        click.echo(f"failed: {failure['where']}: {failure.get('message', '')}", err=True)
    if failures:
        sys.exit(1)


@click.command()
@click.argument("store", type=folder)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Accept that cells are missing; they are nan.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@speaks_plainly
def export(store: Path, out: Path, partial: bool, overwrite: bool) -> None:
    """Write the results of a sweep to OUT: .nc (NetCDF), .zarr (Zarr) or .parquet (Parquet)."""
    from ..sweep import export as write

    write(store, out, partial, overwrite)
    click.echo(f"{out}")


@click.command()
@click.argument("store", type=folder)
@click.argument("spec", type=click.Path(path_type=Path), required=False)
@speaks_plainly
def repair(store: Path, spec: Path | None) -> None:
    """Put the damaged or lost manifest of STORE back; SPEC is needed if its copy is damaged too.

    Cells are read and never written. A manifest that is whole stays as it is.
    """
    from .. import sweep as room

    click.echo(room.repair(store, None if spec is None else room.Sweep.from_toml(spec)))


@click.command()
@click.argument("names", nargs=-1)
@json_option
@speaks_plainly
def components(names: tuple[str, ...], as_json: bool) -> None:
    """List the problems, noise laws, operators and methods that a sweep may name (or NAMES only), with parameters."""
    from ..sweep.components import catalogue
    from ..sweep.values import nearest

    found = {entry["name"]: entry for entry in catalogue()}
    for name in names:
        if name not in found:
            raise ValueError(f"there is no component {name!r}; {nearest(name, found)}")
    chosen = [found[name] for name in names] or list(found.values())
    if as_json:
        click.echo(json_module.dumps(chosen, indent=1, ensure_ascii=False))
        return
    kind = None
    for entry in chosen:
        if entry["kind"] != kind:
            kind = entry["kind"]
            click.echo(f"{kind}:")
        click.echo(f"  {entry['name']}: {entry['summary']}")
        for parameter in entry["parameters"]:
            click.echo(f"    {parameter['name']}: {parameter['domain']}{parameter['default']}")
