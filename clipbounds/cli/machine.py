"""The commands that speak of this computer: warm and bench."""

import sys
import time

import click

from .common import progress_bars, root_option, speaks_plainly


def register(group):
    """Add the commands to the group."""
    for command in (warm, bench):
        group.add_command(command)


@click.command()
@speaks_plainly
def warm():
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
def bench(quick, root):
    """Time ours beside NumPy, SciPy, Numba, JAX and C++ in one run."""
    import subprocess

    script = root / "benchmarks" / "run.py"
    if not script.is_file():
        raise ValueError(
            f"there is no {script}: the benchmarks are in a checkout of clipbounds; give its folder as --root"
        )
    sys.exit(subprocess.run([sys.executable, str(script), *(["--quick"] if quick else [])], check=False).returncode)
