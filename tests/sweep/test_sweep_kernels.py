"""A user's kernel that fails: its cell is not stored, the others are, and the command says which kernel and why."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.sweep import Store, Sweep, run

HERE = Path(__file__).parent
LAW, SGD = {"type": "Gaussian", "scale": 1.0}, {"type": "SGD", "step_size": 0.1}
# Dask's own warnings, of sockets that a cluster leaves, are not ours to mend
QUIET = [pytest.mark.full, pytest.mark.filterwarnings("default")]
EXECUTORS = ["threads", pytest.param("processes", marks=pytest.mark.full), pytest.param("dask", marks=QUIET)]
PARTS = {"problem": "gradient_kernel", "noise": "fill", "operator": "kernel", "method": "advance"}
WAYS = {"Raises": "raised", "Divides": "gave nan or inf", "Overflows": "gave nan or inf"}
CASES = [(part, way) for part in PARTS for way in WAYS]


def table(part, way, value):
    """The description with a component of the user whose parameter is `value`, beyond 5 for a kernel that fails."""
    kind = {"type": f"user_kernels:{part.title()}{way}"}
    changes = {
        "problem": {"problem": {**kind, "rate": value, "x0": [1.0]}},
        "noise": {"noise": {**kind, "scale": value}},
        "operator": {"method": {"type": "ClippedSGD", "step_size": 0.1, "clip": {**kind, "threshold": value}}},
        "method": {"method": {**kind, "step_size": value}},
    }[part]
    return grid(**{"problem": grid(kind="Quadratic")["problem"], "noise": LAW, "method": SGD, **changes})


def words(part, way):
    return f"{part.title()}{way}.{PARTS[part]} {WAYS[way]}"


@pytest.fixture
def found_by_workers(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))


def needs(executor):
    if executor == "dask":
        pytest.importorskip("distributed", reason="needs the extra cluster")


@pytest.mark.parametrize(("part", "way"), CASES)
def test_simulate_stops(part, way):
    good, bad = (Sweep.from_dict(table(part, way, value)).cell(0).setting for value in (1.0, 10.0))
    with pytest.raises(cb.lanes.KernelFailed, match=words(part, way)) as caught:
        cb.simulate(bad, 20, 70, threads=2)
    assert "at step 0" in str(caught.value) and "\n" not in str(caught.value)
    assert (cb.simulate(good, 20, 70).diverged_at < 0).all()


@pytest.mark.parametrize("part", PARTS)
def test_simulate_refuses_a_kernel_that_does_not_compile(part):
    setting = Sweep.from_dict(table(part, "Uncompiled", 1.0)).cell(0).setting
    with pytest.raises(ValueError, match=r"does not compile.*there_is_no_such_name") as caught:
        cb.simulate(setting, 20)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("part", "way"), CASES)
def test_the_cell_is_not_stored_and_the_command_fails(tmp_path, part, way, executor, found_by_workers):
    needs(executor)
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(table(part, way, [1.0, 10.0])))
    result = CliRunner().invoke(
        main, ["sweep", str(spec), "--store", str(store), "--executor", executor, "--workers", "1"]
    )
    assert result.exit_code == 1 and words(part, way) in result.output and "Traceback" not in result.output, (
        result.output
    )
    failed = [line for line in result.output.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "cell 1 of 2" in failed[0] and len(failed[0]) < 250
    assert len(list(store.rglob("*.cell"))) == 1
    (failure,) = Store(store).failures()
    assert failure["index"] == 1 and failure["message"].startswith(words(part, way))


@pytest.mark.parametrize("executor", ["threads", "processes", "dask"])
@pytest.mark.parametrize("part", PARTS)
def test_a_kernel_that_does_not_compile_is_refused_before_anything_is_written(tmp_path, part, executor):
    needs(executor)
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(table(part, "Uncompiled", [1.0, 2.0])))
    result = CliRunner().invoke(main, ["sweep", str(spec), "--store", str(store), "--executor", executor])
    assert result.exit_code == 2 and result.output.count("\n") == 1
    assert result.output.startswith("Error: ") and "does not compile" in result.output
    assert "there_is_no_such_name" in result.output and not store.exists()


def test_where_every_cell_fails_the_sweep_stops(tmp_path):
    sweep = Sweep.from_dict(table("operator", "Raises", "linspace(6, 7, 300)"))
    with pytest.raises(
        cb.sweep.SweepStopped, match=r"every cell that was tried has failed; the last: .*Raises.kernel raised"
    ):
        run(sweep, tmp_path / "store", workers=2)
    assert not list((tmp_path / "store").rglob("*.cell")) and len(Store(tmp_path / "store").failures()) < 300


def test_diverged_cells_are_told_in_the_last_line_and_in_json(tmp_path):
    """A step size of 1000 on a quadratic: every trajectory overflows."""
    table = {"type": "SGD", "step_size": [0.1, 1000.0]}
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(grid(noise=LAW, method=table, steps=200, checkpoints=[200])))
    result = CliRunner().invoke(main, ["sweep", str(spec), "--store", str(store)])
    assert result.exit_code == 0 and "32 trajectories in 1 cells diverged" in result.stdout.splitlines()[-1]
    again = json.loads(CliRunner().invoke(main, ["sweep", str(spec), "--store", str(store), "--json"]).stdout)
    assert [(cell["index"], cell["trajectories"]) for cell in again["diverged"]] == [(1, 32)]
