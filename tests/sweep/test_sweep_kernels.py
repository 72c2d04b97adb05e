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


def operator(name, values):
    return {"type": "ClippedSGD", "step_size": 0.1, "clip": {"type": f"user_kernels:{name}", "threshold": values}}


CASES = {
    "operator that raises": ({"method": operator("Raises", [1.0, 10.0])}, "Raises.kernel raised ValueError at step 0"),
    "operator, 0/0": ({"method": operator("Divides", [1.0, 10.0])}, "Divides.kernel gave nan or inf for a finite gradient at step 0"),
    "noise, inf": ({"noise": {"type": "user_kernels:Overflows", "scale": [1.0, 10.0]}, "method": SGD}, "Overflows.fill gave nan or inf as a draw"),
    "problem, inf": ({"problem": {"type": "user_kernels:Steep", "rate": [1.0, 10.0], "x0": [1.0]}, "method": SGD}, "Steep.gradient_kernel gave nan or inf"),
    "method that raises": ({"method": {"type": "user_kernels:Still", "step_size": [1.0, 10.0]}}, "Still.advance raised RuntimeError at step 0"),
}  # fmt: skip


@pytest.mark.parametrize(
    "executor",
    ["threads", pytest.param("processes", marks=pytest.mark.full), pytest.param("dask", marks=pytest.mark.full)],
)
@pytest.mark.parametrize("case", CASES)
def test_the_cell_is_not_stored_and_the_command_fails(tmp_path, case, executor, monkeypatch):
    if executor == "dask":
        pytest.importorskip("distributed", reason="needs the extra cluster")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    changes, words = CASES[case]
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(grid(**{"noise": LAW, **changes, "problem": changes.get("problem", grid()["problem"])})))
    result = CliRunner().invoke(
        main, ["sweep", str(spec), "--store", str(store), "--executor", executor, "--workers", "2"]
    )
    assert result.exit_code == 1 and words in result.output and "Traceback" not in result.output, result.output
    failed = [line for line in result.output.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "cell 1 of 2" in failed[0] and len(failed[0]) < 250
    assert len(list(store.rglob("*.cell"))) == 1
    (failure,) = Store(store).failures()
    assert failure["index"] == 1 and failure["message"].startswith(words.split()[0])


def test_a_kernel_that_does_not_compile_is_refused_before_anything_is_written(tmp_path):
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(grid(method={"type": "user_kernels:Uncompiled", "step_size": [0.1, 0.2]})))
    result = CliRunner().invoke(main, ["sweep", str(spec), "--store", str(store)])
    assert result.exit_code == 2 and result.output.count("\n") == 1
    assert (
        result.output.startswith("Error: kernel unknown_name does not compile")
        and "there_is_no_such_name" in result.output
    )
    assert not store.exists()


def test_where_every_cell_fails_the_sweep_stops(tmp_path):
    sweep = Sweep.from_dict(grid(noise=LAW, method=operator("Raises", "linspace(6, 7, 300)")))
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
