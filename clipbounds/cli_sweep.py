"""The commands sweep, status and export."""

import json as json_module
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import click

from .cli_common import json_option, progress_bars, speaks_plainly

folder = click.Path(file_okay=True, path_type=Path)


def register(group):
    """Add the commands to the group."""
    for command in (sweep, status, export):
        group.add_command(command)


@contextmanager
def _ends_politely():
    """SIGTERM is treated like Ctrl-C: cells that are written stay, the exit code tells."""

    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _duration(seconds):
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


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
@click.option("--dry-run", is_flag=True, help="Check the sweep, count its cells, estimate the time, run nothing.")
@click.option("--no-verify", is_flag=True, help="Trust the names of the cells that are there; do not read them.")
@click.option("--new-kernels", is_flag=True, help="Compute all cells again in a store of older kernels.")
@json_option
@speaks_plainly
def sweep(spec, store, executor, address, workers, dry_run, no_verify, new_kernels, as_json):
    """Compute the cells of the sweep in the TOML file SPEC that the store does not hold yet.

    Interrupt it whenever you like, and run it again to go on. Exit code 1 if a cell fails three times.
    """
    import os

    from . import sweep as room

    if store is None and not dry_run:
        raise ValueError("give --store, the folder of the results, or --dry-run")
    grid = room.Sweep.from_toml(spec)
    with _ends_politely():
        count = workers or os.cpu_count() or 1
        seconds = None
        if address is None:
            grid.check()
            seconds = room.estimate(grid, count)
        if not as_json:
            axes = " x ".join(f"{axis.name} ({len(axis.values)})" for axis in grid.axes) or "no axis"
            guess = "" if seconds is None else f", about {_duration(seconds)} for all of them on {count} workers"
            click.echo(f"{grid.name}: {grid.size} cells, {axes}{guess}", err=True)
        if dry_run:
            if as_json:
                click.echo(json_module.dumps({"cells": grid.size, "seconds": seconds, "shape": list(grid.shape)}))
            return
        try:
            report = _run(room, grid, store, executor, workers, address, not no_verify, new_kernels, as_json)
        except room.SweepStopped as stopped:
            click.echo(f"stopped: {stopped}", err=True)
            sys.exit(1)
    if as_json:
        click.echo(json_module.dumps({**vars(report), "complete": report.complete}))
    else:
        click.echo(
            f"{report.present} cells were there, {report.computed + report.by_others} are new,"
            f" {len(report.failures)} failed, {len(report.damaged)} damaged files were set aside; {report.seconds:.1f} s"
        )
    for failure in report.failures:
        click.echo(f"failed: {failure['where']}: {failure['traceback'].strip().splitlines()[-1]}", err=True)
    if not report.complete:
        click.echo(f"settings and tracebacks are in {store / 'failed.json'}", err=True)
        sys.exit(1)


def _run(room, grid, store, executor, workers, address, verify, new_kernels, as_json):
    import warnings

    with progress_bars(disabled=as_json) as bars, warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest: click.echo(str(message), err=True)
        bar = bars.add_task(grid.name, total=grid.size)

        def tell(done, total):
            bars.update(bar, completed=done, total=total)

        return room.run(grid, store, executor, workers, address, progress=tell, verify=verify, new_kernels=new_kernels)


@click.command()
@click.argument("store", type=folder)
@click.option("--verify", is_flag=True, help="Read every cell and set damaged ones aside.")
@json_option
@speaks_plainly
def status(store, verify, as_json):
    """Tell how much of a sweep is done. Exit code 1 if cells failed in its last run."""
    from .sweep import Store

    opened = Store(store)
    names = opened.sweep().names(opened.manifest["sources"])
    present = opened.journal.names()
    done = present.intersection(names)
    if verify:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = opened.journal.check(done)
    failures = opened.failures()
    found = {
        "name": opened.manifest["sweep"]["name"],
        "cells": len(names),
        "done": len(done),
        "failed": len(failures),
        "damaged": [name for name, _ in opened.journal.damaged],
        "other_kernels": len(present) - len(present.intersection(names)),
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
    for failure in failures:
        click.echo(f"failed: {failure['where']}: {failure['traceback'].strip().splitlines()[-1]}", err=True)
    if failures:
        sys.exit(1)


@click.command()
@click.argument("store", type=folder)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Accept that cells are missing; they are nan.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@speaks_plainly
def export(store, out, partial, overwrite):
    """Write the results of a sweep to OUT: .nc (NetCDF), .zarr (Zarr) or .parquet (Parquet)."""
    from .sweep import export as write

    write(store, out, partial, overwrite)
    click.echo(f"{out}")
