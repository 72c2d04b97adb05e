"""Commands on large grids: the dry run of 10^9 cells; with a folder, a store of 10^6 cells, its status and a slice of it.

``python benchmarks/large_grids.py [folder]``; the folder takes 4 GB and a million files, and is made if it is missing. Its cells are
all copies of one, so that they need not be computed. Targets: dry run 2 s and 300 MB, status 3 s, run again 10 s, and a slice
that reads its own cells only.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from clipbounds.sweep import Store, Sweep, load
from clipbounds.sweep.cellfile import encode
from clipbounds.sweep.journal import Journal
from clipbounds.sweep.store import open_store
from clipbounds.sweep.worker import INDEX, compute

GRID = """
name = "large"
steps = 10
trajectories = 32
checkpoints = [10]
problem = {{ type = "Quadratic", eigenvalues = [1.0, 2.0], x0 = [1.0, 1.0] }}
noise = {{ type = "Gaussian", scale = {scale} }}

[method]
type = "ClippedSGD"
step_size = "geomspace(1e-3, 1e-1, 1000)"
clip = {{ type = "NormClip", threshold = "geomspace(0.1, 10, 1000)" }}
"""


def _command(*arguments):
    """Print what a command takes: seconds of the processor and of the clock, and the most memory, in megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "clipbounds.cli", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - started
    print(
        f"{' '.join(map(str, arguments))}: processor {used.ru_utime + used.ru_stime:.2f} s, clock {clock:.2f} s,"
        f" {used.ru_maxrss / 1024:.0f} MB, load {os.getloadavg()[0]:.1f}, exit code {os.waitstatus_to_exitcode(status)}",
        flush=True,
    )


def _fill(folder, sweep):
    """A store whose cells are copies of the first one, each under its own name."""
    store = open_store(folder, sweep, sweep.check())
    cell = sweep.cell(0)
    options = {
        "steps": cell.steps,
        "trajectories": cell.trajectories,
        "checkpoints": cell.checkpoints,
        "keep": cell.keep,
    }
    arrays, about = compute(cell.setting, options)
    about |= {"grid": sweep.digest, "kernels": store.manifest["sources"]}
    for index, name in enumerate(store.names(sweep)):
        arrays[INDEX] = np.array(index, dtype=np.int64)
        path = store.journal.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(name, arrays, about))


def _slice(folder):
    """Print what it takes to load the store and to look at a thousand of its cells, and how many files are read."""
    read, journal = [], Journal._read
    Journal._read = lambda *given: read.append(1) or journal(*given)
    started = time.process_time()
    data = load(folder)
    loaded = time.process_time()
    data.gap.isel(step_size=3).load()
    print(
        f"load: processor {loaded - started:.2f} s; a slice: {time.process_time() - loaded:.2f} s, {len(read)} cells read"
    )


def main(folder=None):
    """The dry run, three times; then the store."""
    with tempfile.TemporaryDirectory() as place:
        spec = Path(place) / "large.toml"
        spec.write_text(GRID.format(scale='"geomspace(0.1, 10, 1000)"'))
        for _ in range(3):
            _command("sweep", spec, "--dry-run")
        if folder is None:
            return
        spec.write_text(GRID.format(scale=1.0))
        if not Path(folder).exists():
            _fill(folder, Sweep.from_toml(spec))
        print(f"{len(Store(folder).journal.names())} cells in {folder}")
        for _ in range(3):
            _command("status", folder)
        _command("sweep", spec, "--store", folder, "--progress", "none")
        _slice(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
