"""The time that a sweep is said to take."""

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid

from clipbounds.cli import main
from clipbounds.sweep import Sweep, estimate
from clipbounds.sweep import run as run_sweep

# `clipbounds.sweep.estimate` is the function; its module is found by name
MODULE = "clipbounds.sweep.estimate"


@pytest.fixture
def clock(monkeypatch):
    """A computer whose first run takes a second more than it should, whatever its length."""
    module = sys.modules[MODULE]
    runs = []

    def run(cell, steps):
        runs.append(steps)
        return 0.002 + 1e-9 * module._updates(cell, steps, 1) + (1.0 if len(runs) == 1 else 0.0)

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(module, "warm", lambda setting: None)
    return module


def expected(clock, sweep):
    updates = [clock._updates(sweep.cell(index)) for index in range(sweep.size)]
    return sum(0.002 + clock.OVERHEAD + 1e-9 * np.array(updates))


@pytest.mark.parametrize("steps", [0, 1, 20, 10**6, [1, 10**6], [0, 3]])
def test_the_first_run_and_the_fixed_cost_are_not_multiplied_by_the_steps(clock, steps):
    sweep = Sweep.from_dict({**grid(), "steps": steps, "checkpoints": None})
    assert estimate(sweep) == pytest.approx(expected(clock, sweep), rel=1e-4)


def test_a_large_grid_is_sampled_along_every_axis(clock):
    """2000 cells with two lengths: every second cell would be a short one."""
    sweep = Sweep.from_dict({**grid(1000), "steps": [1, 10**6], "checkpoints": None})
    assert sweep.size == 2000
    assert estimate(sweep) == pytest.approx(expected(clock, sweep), rel=0.15)


def test_workers_beyond_the_number_of_cells_do_not_help(clock):
    sweep = Sweep.from_dict(grid())
    assert estimate(sweep, 20) == estimate(sweep, 1000) == pytest.approx(estimate(sweep, 1) / 20, rel=0.2)


def test_a_grid_that_takes_less_than_a_second_is_not_said_to_take_hours(tmp_path):
    """Not against the clock, but against the work: within a factor of 30 of the run, with a second for a busy machine."""
    (tmp_path / "s.toml").write_text(as_toml(grid()))
    sweep = Sweep.from_toml(tmp_path / "s.toml")
    said = estimate(sweep)
    taken = run_sweep(sweep, tmp_path / "store", workers=1).seconds
    assert 0 < said < 30 * (taken + 1)
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--dry-run"])
    assert result.exit_code == 0, result.output


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
