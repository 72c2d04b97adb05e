"""The time that a sweep is said to take."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid

from clipbounds.cli import main
from clipbounds.sweep import Sweep, estimate
from clipbounds.sweep import run as run_sweep
from clipbounds.sweep.driver import VERIFIED
from clipbounds.sweep.estimate import READ, reading

# `clipbounds.sweep.estimate` is the function; its module is found by name
MODULE = "clipbounds.sweep.estimate"


@pytest.fixture
def clock(monkeypatch):
    """A computer whose first run takes a second more than it should, whatever its length."""
    module = sys.modules[MODULE]
    runs = []

    def run(cell, steps, checkpoints=1, blocks=1):
        assert 0 <= checkpoints - 1 <= steps and blocks <= -(-cell.trajectories // 64)
        runs.append(steps)
        each = 3e-4 + 1e-5 * checkpoints + 1e-9 * module._updates(cell, steps)
        return 0.002 + blocks * each + (1.0 if len(runs) == 1 else 0.0)

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(module, "warm", lambda setting: None)
    module.runs = runs
    return module


def cost(cell):
    """The same for a whole cell, counted here."""
    blocks = -(-cell.trajectories // 64)
    setting = cell.setting
    updates = 64 * cell.checkpoints[-1] * setting.problem.dim * setting.method.samples(setting.problem)
    return 0.002, blocks * (3e-4 + 1e-5 * len(cell.checkpoints)), blocks * 1e-9 * updates


def expected(clock, sweep, workers=1, threads=True):
    """In threads only the steps of the kernels run side by side."""
    cells = np.array([cost(sweep.cell(index)) for index in range(sweep.size)]).sum(axis=0)
    around = cells[0] + cells[1] + clock.OVERHEAD * sweep.size
    return clock.START + max(around * threads, (around + cells[2]) / workers)


@pytest.mark.parametrize("steps", [0, 1, 20, 10**6, [1, 10**6], [0, 3]])
@pytest.mark.parametrize("trajectories", [1, 64, 1000])
def test_the_first_run_and_the_fixed_cost_are_not_multiplied_by_the_steps(clock, steps, trajectories):
    sweep = Sweep.from_dict(grid(steps=steps, checkpoints=None, trajectories=trajectories))
    assert estimate(sweep) == pytest.approx(expected(clock, sweep), rel=1e-4)


@pytest.mark.parametrize("checkpoints", [[20], [3, 4, 20], list(range(21))])
def test_checkpoints_are_counted_and_so_is_an_end_before_the_last_step(clock, checkpoints):
    sweep = Sweep.from_dict(grid(steps=10**9, checkpoints=checkpoints, trajectories=200))
    assert estimate(sweep) == pytest.approx(expected(clock, sweep), rel=1e-9)
    assert max(clock.runs) == 20


def test_a_large_grid_is_sampled_along_every_axis(clock):
    """2000 cells with two lengths: every second cell would be a short one."""
    sweep = Sweep.from_dict({**grid(1000), "steps": [1, 10**6], "checkpoints": None})
    assert sweep.size == 2000
    assert estimate(sweep) == pytest.approx(expected(clock, sweep), rel=0.15)


def test_dimensions_are_timed_apart(clock, monkeypatch):
    """A step has a price of its own beside that of its coordinates, which the small problems pay as often."""
    whole = clock._run
    monkeypatch.setattr(clock, "_run", lambda cell, steps, *more: whole(cell, steps, *more) + 1e-6 * steps)
    problem = {**grid()["problem"], "eigenvalues": [[1.0, 2.0], [1.0] * 500], "x0": 1.0}
    sweep = Sweep.from_dict(grid(problem=problem, steps=10**4, checkpoints=[10**4]))
    assert estimate(sweep) == pytest.approx(expected(clock, sweep) + 1e-2 * sweep.size, rel=1e-6)


@pytest.mark.parametrize("threads", [True, False])
@pytest.mark.parametrize("steps", [1, 10**6])
def test_workers_share_what_can_be_shared(clock, threads, steps):
    sweep = Sweep.from_dict(grid(steps=steps, checkpoints=None))
    for workers, used in ((4, 4), (20, 20), (1000, 20)):
        assert estimate(sweep, workers, threads=threads) == pytest.approx(
            expected(clock, sweep, used, threads), rel=1e-3
        )


def test_a_step_that_takes_long_is_not_repeated_for_practice(clock, monkeypatch):
    """A problem of a million coordinates: some runs of one step, and one of a few for the slope."""
    monkeypatch.setattr(
        clock, "_run", lambda cell, steps, checkpoints=1: clock.runs.append(steps) or 0.1 * (steps + checkpoints)
    )
    estimate(Sweep.from_dict(grid(steps=10**6, checkpoints=None)))
    assert sum(clock.runs) < 20


def test_a_grid_that_takes_less_than_a_second_is_not_said_to_take_hours(tmp_path):
    """Not against the clock, but against the work: within a factor of 30 of the run, with a second for a busy machine."""
    (tmp_path / "s.toml").write_text(as_toml(grid()))
    sweep = Sweep.from_toml(tmp_path / "s.toml")
    said = estimate(sweep)
    taken = run_sweep(sweep, tmp_path / "store", workers=1).seconds
    assert 0 < said < 30 * (taken + 1)
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--dry-run"])
    assert result.exit_code == 0, result.output


def test_cells_that_are_there_are_read_and_not_computed(tmp_path):
    (tmp_path / "s.toml").write_text(as_toml(grid()))
    run_sweep(Sweep.from_toml(tmp_path / "s.toml"), tmp_path / "store")
    for options, expected in (([], 20), (["--verify"], 20), (["--no-verify"], 0)):
        command = [
            "sweep",
            str(tmp_path / "s.toml"),
            "--store",
            str(tmp_path / "store"),
            "--dry-run",
            "--json",
            *options,
        ]
        found = json.loads(CliRunner().invoke(main, command).stdout)
        assert found["left"] == 0 and found["seconds"] == pytest.approx(expected * READ)
    assert reading(VERIFIED + 1) == 0 < reading(VERIFIED) < reading(VERIFIED + 1, True)


@pytest.mark.parametrize(
    ("options", "part"),
    [([], "give --store"), (["--dry-run", "--executor", "gpu"], "'gpu' is not one of 'threads', 'processes', 'dask'")],
)
def test_wrong_options_are_refused_before_anything_runs(tmp_path, options, part):
    (tmp_path / "s.toml").write_text(as_toml(grid()))
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), *options])
    assert result.exit_code == 2 and part in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["s.toml"]


HEAVY = ("xarray", "pandas", "matplotlib", "scipy.optimize", "clipbounds.bounds", "clipbounds.verdict")
COMMANDS = """
import sys
from click.testing import CliRunner
from clipbounds.cli import main
for arguments in (["--dry-run"], ["--store", "store", "--executor", "threads"]):
    done = CliRunner().invoke(main, ["sweep", "s.toml", *arguments])
    assert done.exit_code == 0, done.output
print(*(name for name in {heavy} if name in sys.modules))
"""


@pytest.mark.parametrize("bounds", [[], ["koloskova2023.S1"]])
def test_a_sweep_imports_neither_xarray_nor_what_judges_unless_it_names_bounds(tmp_path, bounds):
    """Each of these takes a tenth of a second or more, in every command and in every worker."""
    (tmp_path / "s.toml").write_text(as_toml(grid(kind="Quadratic", bounds=bounds)))
    text = COMMANDS.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ("clipbounds.bounds" in done.stdout) == bool(bounds)
    assert bounds or not done.stdout.split()
