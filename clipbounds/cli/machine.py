"""The commands that speak of this computer: warm, bench and doctor."""

from __future__ import annotations

import json as json_module
import sys
import time
from pathlib import Path

import click

from .common import json_option, progress_bars, root_option, speaks_plainly


def register(group: click.Group) -> None:
    """Add the commands to the group."""
    for command in (warm, bench, doctor):
        group.add_command(command)


@click.command()
@speaks_plainly
def warm() -> None:
    """Compile every kernel once, so that later runs start at once."""
    import os

    from ..lanes.compile import all_kernels
    from ..lanes.kernel_cache import cannot_keep, entries_folder
    from ..lanes.processor import check_processor
    from ..lanes.warm import warm as compile_all

    check_processor()
    refusal = cannot_keep()
    if refusal is not None:
        if os.environ.get("CLIPBOUNDS_CACHE"):
            raise ValueError(refusal)
        click.echo(refusal, err=True)  # nobody chose the place, and whatever follows works without it
        return
    count = len(all_kernels())
    started = time.perf_counter()
    with progress_bars() as progress:
        task = progress.add_task("compiling", total=count)
        compile_all(os.cpu_count() or 1, lambda finished: progress.advance(task, finished))
    click.echo(f"{count} kernels in {time.perf_counter() - started:.1f} s, kept in {entries_folder()}")


@click.command()
@click.option("--quick", is_flag=True, help="Few cases, under a minute, compared with the committed ratios.")
@root_option
@speaks_plainly
def bench(quick: bool, root: Path) -> None:
    """Time ours beside NumPy, SciPy, Numba, JAX and C++ in one run."""
    import subprocess

    script = root / "benchmarks" / "run.py"
    if not script.is_file():
        raise ValueError(
            f"there is no {script}: the benchmarks are in a checkout of clipbounds; give its folder as --root"
        )
    sys.exit(subprocess.run([sys.executable, str(script), *(["--quick"] if quick else [])], check=False).returncode)


@click.command()
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the results; by default the one of `run`.")
@json_option
@speaks_plainly
def doctor(root: Path | None, as_json: bool) -> None:
    """Tell what this installation is made of, what is wrong with it, and whether it computes what is known.

    Exit code 1 if something is wrong; an extra that is missing is told, and is no fault.
    """
    from ..doctor import examine, self_test
    from ..report.catalogue import default_root

    found = []
    for part in (examine(default_root() if root is None else root), self_test()):
        for finding in part:
            found.append(finding)
            if not as_json:
                colour = {"missing": "yellow", "wrong": "red"}.get(finding.state)
                click.secho(str(finding), fg=colour)
    wrong = sum(finding.state == "wrong" for finding in found)
    if as_json:
        click.echo(json_module.dumps([vars(finding) for finding in found], indent=1, ensure_ascii=False))
    else:
        click.echo({0: "nothing is wrong", 1: "1 thing is wrong"}.get(wrong, f"{wrong} things are wrong"))
    sys.exit(1 if wrong else 0)
