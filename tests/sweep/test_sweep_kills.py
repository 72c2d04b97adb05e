"""Sweeps survive: drivers and workers are killed with SIGKILL, disks are full, and nothing is lost or wrong."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from sweep_helpers import DEADLY, LOG, PAUSE, as_toml, grid, same_bits

from clipbounds.sweep import Sweep, SweepStopped, load, run
from clipbounds.sweep.worker import WRITERS

PROGRAM = "from clipbounds.cli import main; main()"
SEED = 20261123


class Scene:
    """A sweep in a folder, its uninterrupted twin, and drivers in processes of their own."""

    def __init__(self, folder, cells, pause):
        self.spec, self.store, self.log = folder / "small.toml", folder / "store", folder / "log"
        self.spec.write_text(as_toml(grid(cells)))
        self.cells = cells
        run(Sweep.from_dict(grid(cells)), folder / "twin")
        self.twin = load(folder / "twin").load()
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        self.environment = {**os.environ, "PYTHONPATH": path, LOG: str(self.log), PAUSE: str(pause)}

    def driver(self, executor="threads", workers=2):
        """A driver process, in a process group of its own."""
        arguments = [self.spec, "--store", self.store, "--executor", executor, "--workers", str(workers), "--yes"]
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "sweep", *map(str, arguments)],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def files(self):
        """Name of each kept cell, with what tells whether it has been written again."""
        found = {}
        for file in self.store.rglob("*.cell"):
            state = file.stat()
            found[file.name] = state.st_ino, state.st_mtime_ns
        return found

    def started(self):
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def wait_for_cells(self, process, count):
        """Wait until so many cells are kept or the driver has ended."""
        while process.poll() is None and len(self.files()) < count:
            time.sleep(0.002)


def kill_again_and_again(scene, kills, executors):
    generator = random.Random(SEED)
    moments = sorted(generator.sample(range(1, scene.cells), kills))
    for number, moment in enumerate(moments):
        process = scene.driver(executors[number % len(executors)])
        scene.wait_for_cells(process, moment)
        time.sleep(generator.uniform(0, 0.05))
        before = scene.files()
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        after = scene.files()
        assert before.items() <= after.items()  # a kept cell is never touched again
    kept = scene.files()
    process = scene.driver()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert kept.items() <= scene.files().items() and len(scene.files()) == scene.cells
    in_flight = 2 * (1 + WRITERS)  # a worker computes one cell while some are being written
    twice = scene.started() - scene.cells
    assert 0 <= twice <= kills * in_flight
    assert same_bits(load(scene.store).load(), scene.twin)
    return twice


def test_a_driver_killed_at_random_moments(tmp_path):
    kill_again_and_again(Scene(tmp_path, 30, 0.05), 2, ["threads", "processes"])


@pytest.mark.full
def test_a_driver_killed_at_20_random_moments(tmp_path):
    twice = kill_again_and_again(Scene(tmp_path, 200, 0.02), 20, ["threads", "processes"])
    print(f"\n20 kills, 200 cells: {twice} cells computed twice")


@pytest.mark.parametrize(
    ("number", "executor"),
    [(signal.SIGTERM, "threads"), pytest.param(signal.SIGINT, "processes", marks=pytest.mark.full)],
)
def test_a_signal_stops_a_sweep_whose_cells_take_hours(tmp_path, number, executor):
    """What had finished is kept. On an idle machine it takes under 5 s (docs/sweeps.md); a busy one gets 30 s here.

    Two long cells and three workers: whatever the order, a worker is free to finish a short one.
    """
    scene = Scene(tmp_path, 5, 0.0)
    method = {"type": "ClippedSGD", "step_size": 0.01, "clip": {"type": "NormClip", "threshold": 1.0}}
    steps = [20, 30, 40, 10**12, 2 * 10**12]
    scene.spec.write_text(as_toml(grid(5, method=method, steps=steps, checkpoints=[1.0])))
    process = scene.driver(executor, 3)
    scene.wait_for_cells(process, 1)
    time.sleep(0.5)
    started = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    seconds = time.monotonic() - started
    print(f"\n{executor} stopped in {seconds:.1f} s")
    assert seconds < 30
    assert (
        process.returncode == (143 if number == signal.SIGTERM else 130)
        and "Traceback" not in errors
        and "what had finished is kept" in errors
    )
    assert len(scene.files()) >= 1
    with pytest.raises(ValueError, match="run the sweep again"):
        load(scene.store)


@pytest.mark.full
def test_two_driver_processes_on_one_store(tmp_path):
    scene = Scene(tmp_path, 60, 0.02)
    drivers = [scene.driver(workers=1) for _ in range(2)]
    errors = [process.communicate(timeout=300)[1] for process in drivers]
    assert [process.returncode for process in drivers] == [0, 0], errors
    assert same_bits(load(scene.store).load(), scene.twin)
    assert scene.cells <= scene.started() < 2 * scene.cells


def strike(store, cells, victims):
    """A thread that kills one of `victims()` when so many cells are kept."""

    def wait():
        while len(list(Path(store).rglob("*.cell"))) < cells:
            time.sleep(0.01)
        os.kill(victims()[0], signal.SIGKILL)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_killed_worker_process_is_replaced(tmp_path, monkeypatch):
    scene = Scene(tmp_path, 30, 0.0)
    monkeypatch.setenv(PAUSE, "0.03")
    thread = strike(scene.store, 5, lambda: [p.pid for p in multiprocessing.active_children()])
    report = run(Sweep.from_dict(grid(30)), scene.store, "processes", workers=2)
    thread.join()
    assert report.complete and report.failures == []
    assert same_bits(load(scene.store).load(), scene.twin)


@pytest.mark.full
def test_a_cell_that_kills_its_worker_is_reported_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv(DEADLY, "1")
    table = {"type": "sweep_helpers:Counted", "eigenvalues": [[1.0, 2.0], [13.0, 1.0]], "x0": [1.0, 1.0]}
    method = {
        "type": "ClippedSGD",
        "step_size": "geomspace(1e-3, 1e-1, 12)",
        "clip": {"type": "NormClip", "threshold": 1.0},
    }
    sweep = Sweep.from_dict(grid(problem=table, method={**method, "step_size": [0.01, 0.1]}))
    report = run(sweep, tmp_path / "store", "processes", workers=2)
    assert (report.computed, len(report.failures)) == (2, 2)
    assert all("13.0" in f["where"] and "the worker was lost" in f["traceback"] for f in report.failures)


@contextmanager
def small_disk(folder, size):
    """A tmpfs of that size, mounted for as long as the block lasts."""
    folder.mkdir()
    made = shutil.which("mount") and os.geteuid() == 0 if hasattr(os, "geteuid") else False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not made or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root and a system that lets it")
    try:
        yield lambda option: subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("executor", ["threads", pytest.param("processes", marks=pytest.mark.full)])
def test_a_full_disk_stops_the_sweep_and_loses_nothing(tmp_path, executor):
    scene = Scene(tmp_path, 100, 0.0)
    with small_disk(tmp_path / "disk", "256k") as remount:
        store = tmp_path / "disk/store"
        with pytest.raises(SweepStopped, match=r"takes no more cells: No space left on device .* run again to go on"):
            run(Sweep.from_dict(grid(100)), store, executor, workers=2)
        kept = len(list(store.rglob("*.cell")))
        assert 0 < kept < 100 and not list(store.rglob(".tmp-*"))
        remount("size=16m")
        report = run(Sweep.from_dict(grid(100)), store, executor, workers=2)
        assert (report.present, report.computed, report.damaged) == (kept, 100 - kept, [])
        assert same_bits(load(store).load(), scene.twin)


def test_a_read_only_store_is_refused_before_anything_runs_and_can_be_read(tmp_path, monkeypatch):
    scene = Scene(tmp_path, 5, 0.0)
    monkeypatch.setenv(LOG, str(scene.log))
    with small_disk(tmp_path / "disk", "1m") as remount:
        shutil.copytree(tmp_path / "twin", tmp_path / "disk/store")
        next((tmp_path / "disk/store").rglob("*.cell")).unlink()
        remount("ro")
        for store in (tmp_path / "disk/store", tmp_path / "disk/new"):
            with pytest.raises(ValueError, match="cannot be written: Read-only file system; nothing was run"):
                run(Sweep.from_dict(grid(5)), store)
        assert scene.started() == 0
        assert load(tmp_path / "disk/store", partial=True).attrs["cells_present"] == 4
