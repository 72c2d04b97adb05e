"""Sweeps in one process and in several: the same bits, whoever computes, whatever was there before."""

import json
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from sweep_helpers import LOG, PAUSE, as_toml, grid, same_bits

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.sweep import Store, Sweep, SweepStopped, export, load, manifest, run


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The grid of 20 cells by single calls of `simulate`, put together by hand."""
    sweep = Sweep.from_dict(grid())
    made = {}
    for index in range(sweep.size):
        cell = sweep.cell(index)
        result = cb.simulate(cell.setting, 20, 32, checkpoints=[20], keep="statistics")
        for name, variable in result.data_vars.items():
            made.setdefault(name, np.empty((20, *variable.shape), variable.dtype))[index] = variable.values
    return {name: values.reshape(4, 5, *values.shape[1:]) for name, values in made.items()}


def equals(dataset, reference):
    return set(dataset.data_vars) == set(reference) and all(
        dataset[name].dtype == values.dtype and dataset[name].values.tobytes() == values.tobytes()
        for name, values in reference.items()
    )


class Elsewhere(ThreadPoolExecutor):
    """Workers that do not see the store, like those of another computer."""

    def submit(self, function, place, cells):
        return super().submit(function, {**place, "root": "/nowhere"}, cells)


@pytest.mark.parametrize("executor", ["threads", "elsewhere", pytest.param("processes")])
def test_any_executor_gives_the_bits_of_single_simulations(tmp_path, reference, executor, monkeypatch):
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    chosen = Elsewhere(2) if executor == "elsewhere" else executor
    report = run(Sweep.from_dict(grid()), tmp_path / "store", chosen, workers=2)
    assert (report.total, report.computed, report.failures) == (20, 20, []) and report.complete
    assert len((tmp_path / "log").read_text().splitlines()) == 20
    dataset = load(tmp_path / "store")
    assert dict(dataset.sizes) == {"step_size": 4, "threshold": 5, "checkpoint": 1}
    assert equals(dataset, reference)
    again = run(Sweep.from_dict(grid()), tmp_path / "store", workers=2)
    assert (again.present, again.computed) == (20, 0)
    assert len((tmp_path / "log").read_text().splitlines()) == 20


@pytest.mark.parametrize("limit", ["SMALL", "AT_ONCE"])  # nothing is read ahead, or all with the first large part
def test_reading_a_part_reads_the_same_numbers(tmp_path, reference, monkeypatch, limit):
    monkeypatch.setattr(f"clipbounds.sweep.collect.{limit}", 0)
    run(Sweep.from_dict(grid()), tmp_path / "store")
    dataset = load(tmp_path / "store")
    gap = reference["gap"]
    assert float(dataset.gap[2, 3, 0]) == gap[2, 3, 0]
    assert (dataset.gap[1].values == gap[1]).all()
    assert (dataset.gap[::2, [3, 1]].values == gap[::2, [3, 1]]).all()
    assert (dataset.gap[-1:, ::-1].values == gap[-1:, ::-1]).all()
    assert (dataset.gap.isel(checkpoint=0).values == gap[..., 0]).all()
    assert (
        dataset.gap[xr.DataArray([0, 3], dims="k"), xr.DataArray([1, 4], dims="k")].values == gap[[0, 3], [1, 4]]
    ).all()
    assert equals(dataset.load(), reference)


def test_kept_trajectories_and_several_steps_have_their_axes(tmp_path):
    sweep = Sweep.from_dict(grid(5, steps=[10, 40], checkpoints=[0.5, 1.0], keep="trajectories", trajectories=70))
    run(sweep, tmp_path / "store")
    dataset = load(tmp_path / "store")
    assert dataset.gap.dims == ("step_size", "threshold", "steps", "checkpoint", "trajectory")
    assert dataset.gap.shape == (1, 5, 2, 2, 70)
    assert dataset.step.dims == ("steps", "checkpoint") and (dataset.step.values == [[5, 10], [20, 40]]).all()
    cell = sweep.cell(sweep.size - 1)
    single = cb.simulate(cell.setting, 40, 70, checkpoints=[20, 40])
    assert (dataset.gap[0, 4, 1].values == single.gap.values).all()


def test_a_grid_without_axes_is_one_cell(tmp_path):
    method = {"type": "ClippedSGD", "step_size": 0.1, "clip": {"type": "NormClip", "threshold": 1.0}}
    sweep = Sweep.from_dict(grid(method=method))
    assert sweep.size == 1 and sweep.shape == ()
    assert run(sweep, tmp_path / "store").computed == 1
    single = cb.simulate(sweep.cell(0).setting, 20, 32, checkpoints=[20], keep="statistics")
    assert load(tmp_path / "store").gap.values == single.gap.values
    export(tmp_path / "store", tmp_path / "one.nc")
    export(tmp_path / "store", tmp_path / "one.parquet")


def test_methods_with_quantities_of_their_own_share_a_grid(tmp_path):
    """A variable that only some methods measure is nan for the others."""
    clip = {"type": "NormClip", "threshold": 1.0}
    methods = [
        {"type": "ClippedSGD", "step_size": 0.1, "clip": clip},
        {"type": "sweep_helpers:Watched", "step_size": 0.1},
    ]
    sweep = Sweep.from_dict(grid(method=methods))
    run(sweep, tmp_path / "store")
    dataset = load(tmp_path / "store")
    assert [str(name) for name in dataset.method.values] == [
        "ClippedSGD(step_size=0.1, clip=NormClip(threshold=1.0))",
        "Watched(step_size=0.1)",
    ]
    assert np.isnan(dataset.first_coordinate[0]).all() and np.isfinite(dataset.first_coordinate[1]).all()


def test_a_cell_that_fails_is_tried_three_times_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    table = {"type": "sweep_helpers:Counted", "eigenvalues": [[1.0, 2.0], [13.0, 1.0]], "x0": [1.0, 1.0]}
    sweep = Sweep.from_dict(grid(5, problem=table))
    report = run(sweep, tmp_path / "store")
    assert (report.computed, len(report.failures), report.complete) == (5, 5, False)
    assert len((tmp_path / "log").read_text().splitlines()) == 5 + 3 * 5
    for failure in report.failures:
        assert "eigenvalues = [13.0, 1.0]" in failure["where"]
        assert "FloatingPointError: thirteen" in failure["traceback"] and "sweep_helpers.py" in failure["traceback"]
        assert cb.specs.Spec.from_json(failure["setting"]).problem.eigenvalues[0] == 13.0
    assert Store(tmp_path / "store").failures() == sorted(report.failures, key=report.failures.index)
    with pytest.raises(ValueError, match="holds 5 of 10 cells"):
        load(tmp_path / "store")
    part = load(tmp_path / "store", partial=True)
    assert np.isfinite(part.gap[0]).all() and np.isnan(part.gap[1]).all() and np.isnan(part.diverged_at[1]).all()
    assert part.attrs["cells_present"] == 5
    result = CliRunner().invoke(main, ["status", str(tmp_path / "store")])
    assert result.exit_code == 1 and "5 of 10 cells done, 5 failed" in result.output and "thirteen" in result.output


def test_flipped_bits_in_the_journal_are_found_and_repaired(tmp_path):
    sweep = Sweep.from_dict(grid(100))
    run(sweep, tmp_path / "store")
    fresh = load(tmp_path / "store").load()
    files = sorted((tmp_path / "store").rglob("*.cell"))
    generator = np.random.default_rng(1)
    for file in generator.choice(files, 50, replace=False):
        data = bytearray(file.read_bytes())
        data[generator.integers(len(data))] ^= 1 << int(generator.integers(8))
        file.write_bytes(data)
    with pytest.raises(ValueError, match=r"holds 50 of 100 cells \(50 damaged ones were set aside\)"):
        load(tmp_path / "store")
    for file in generator.choice(files, 10, replace=False):
        file.write_bytes(file.read_bytes()[:-1] if file.exists() else b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = run(sweep, tmp_path / "store")
    assert report.present + report.computed == 100 and report.complete and len(report.damaged) == 10
    assert same_bits(load(tmp_path / "store").load(), fresh)


def test_a_store_of_another_sweep_or_of_other_kernels_is_refused(tmp_path):
    store = tmp_path / "store"
    run(Sweep.from_dict(grid(5)), store)
    before = sorted(store.rglob("*"))
    with pytest.raises(ValueError, match=r"belongs to another sweep, 'small' with 5 cells \(it differs in steps\)"):
        run(Sweep.from_dict(grid(5, steps=21)), store)
    run(Sweep.from_dict(grid(5, name="renamed")), store)  # the name is no part of the numbers
    manifest.write(store, {**manifest.read(store), "sources": "0123456789abcdef"})
    with pytest.raises(ValueError, match=r"were computed by other program text .0123456789abcdef"):
        run(Sweep.from_dict(grid(5)), store)
    assert sorted(store.rglob("*")) == before
    assert run(Sweep.from_dict(grid(5)), store, new_kernels=True).present == 5
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds other files and no sweep"):
        run(Sweep.from_dict(grid(5)), tmp_path / "other")
    with pytest.raises(ValueError, match="holds no sweep"):
        load(tmp_path / "other")


def test_cells_of_other_program_text_are_not_mixed(tmp_path, monkeypatch):
    """The name of a cell contains the digest of the sources: with new kernels every cell is missing."""
    store = tmp_path / "store"
    run(Sweep.from_dict(grid(5)), store)
    monkeypatch.setattr("clipbounds.sweep.spec.sources_of", lambda settings: "fedcba9876543210")
    report = run(Sweep.from_dict(grid(5)), store, new_kernels=True)
    assert (report.present, report.computed) == (0, 5)
    assert len(Store(store).journal.names()) == 10


def test_a_worker_with_other_program_text_is_refused(tmp_path, monkeypatch):
    class Stranger(ThreadPoolExecutor):
        def submit(self, function, place, cells):
            return super().submit(function, {**place, "package": "0" * 16}, cells)

    monkeypatch.setattr("clipbounds.sweep.worker.STRANGERS_WAIT", 0.0)
    with pytest.raises(SweepStopped, match=r"all workers have other program text .*install the same clipbounds"):
        run(Sweep.from_dict(grid(5)), tmp_path / "store", Stranger(1))
    assert Store(tmp_path / "store").journal.names() == set()


def test_a_broken_executor_of_the_caller_stops_the_sweep(tmp_path):
    from concurrent.futures import BrokenExecutor

    class Broken(ThreadPoolExecutor):
        def submit(self, *arguments):
            raise BrokenExecutor("gone")

    with pytest.raises(SweepStopped, match=r"the executor broke .gone"):
        run(Sweep.from_dict(grid(5)), tmp_path / "store", Broken(1))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"executor": "thread"}, "no executor 'thread'; did you mean 'threads'?"),
        ({"workers": 0}, "workers must be an integer >= 1"),
        ({"address": "tcp://127.0.0.1:1"}, "an address is for the executor 'dask'"),
    ],
)
def test_wrong_executors(tmp_path, options, part):
    with pytest.raises(ValueError, match=part):
        run(Sweep.from_dict(grid(5)), tmp_path / "store", **options)


@pytest.mark.parametrize(("suffix", "library"), [(".nc", "h5netcdf"), (".zarr", "zarr"), (".parquet", "pyarrow")])
def test_export_without_its_library_says_what_to_install(tmp_path, monkeypatch, suffix, library):
    run(Sweep.from_dict(grid(5)), tmp_path / "store")
    monkeypatch.setitem(sys.modules, library, None)
    result = CliRunner().invoke(main, ["export", str(tmp_path / "store"), str(tmp_path / f"out{suffix}")])
    assert result.exit_code == 2 and f'needs {library}; pip install "clipbounds[io]"' in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".parquet"])
def test_export_and_read_back(tmp_path, suffix):
    for library in ("h5netcdf", "zarr", "pyarrow"):
        pytest.importorskip(library, reason="needs the extra io")
    noise = [{"type": "Gaussian", "scale": 1.0}, {"type": "TwoPoint", "sigma": 1.0, "skew": 0.5}]
    run(Sweep.from_dict(grid(5, noise=noise)), tmp_path / "store")
    out = tmp_path / f"out{suffix}"
    result = CliRunner().invoke(main, ["export", str(tmp_path / "store"), str(out)])
    assert result.exit_code == 0, result.output
    fresh = load(tmp_path / "store").load()
    if suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(out)
        frame = table.to_pandas().set_index(["noise", "step_size", "threshold", "checkpoint"])
        for place, value in np.ndenumerate(fresh.gap.values):
            labels = tuple(fresh[dim].values[k] for dim, k in zip(fresh.gap.dims, place, strict=True))
            assert frame.gap[labels] == value
        attrs = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    else:
        opened = xr.open_dataset(out, engine="h5netcdf") if suffix == ".nc" else xr.open_zarr(out)
        assert opened.load().equals(fresh)
        attrs = opened.attrs
        opened.close()
    assert json.loads(attrs["sweep"])["steps"] == 20 and attrs["version"] == cb.__version__ and attrs["seed"] == "0"
    again = CliRunner().invoke(main, ["export", str(tmp_path / "store"), str(out)])
    assert again.exit_code == 2 and "exists; give another name" in again.output
    assert CliRunner().invoke(main, ["export", str(tmp_path / "store"), str(out), "--overwrite"]).exit_code == 0
    assert {f.name for f in tmp_path.iterdir()} == {"store", out.name}


def test_export_refuses_other_formats(tmp_path):
    run(Sweep.from_dict(grid(5)), tmp_path / "store")
    result = CliRunner().invoke(main, ["export", str(tmp_path / "store"), str(tmp_path / "out.csv")])
    assert result.exit_code == 2 and "must end in .nc, .zarr, .parquet" in result.output


def test_the_commands(tmp_path):
    spec, store = tmp_path / "small.toml", tmp_path / "store"
    spec.write_text(as_toml(grid(5)))

    def call(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments])

    dry = call("sweep", spec, "--store", store, "--dry-run")
    assert dry.exit_code == 0 and "5 cells, step_size (1) x threshold (5), about" in dry.output and not store.exists()
    first = call("sweep", spec, "--store", store, "--workers", 1)
    assert first.exit_code == 0 and "0 cells were there, 5 are new" in first.output
    second = call("sweep", spec, "--store", store, "--json", "--no-verify")
    assert json.loads(second.stdout)["present"] == 5
    assert json.loads(call("status", store, "--json", "--verify").stdout)["done"] == 5
    assert call("status", tmp_path / "nowhere").exit_code == 2
    spec.write_text(as_toml({"stepz": 3, **grid(5)}))
    wrong = call("sweep", spec, "--store", tmp_path / "new")
    assert wrong.exit_code == 2 and "did you mean 'steps'?" in wrong.output and not (tmp_path / "new").exists()


def test_two_drivers_on_one_store(tmp_path, monkeypatch, reference):
    """Harmless: same bits, and nothing is computed twice but what both have in hand at the same time."""
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    monkeypatch.setenv(PAUSE, "0.01")
    reports = []

    def drive():
        reports.append(run(Sweep.from_dict(grid()), tmp_path / "store", workers=1))

    threads = [threading.Thread(target=drive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(report.complete for report in reports)
    assert equals(load(tmp_path / "store"), reference)
    assert sum(report.computed for report in reports) == len((tmp_path / "log").read_text().splitlines()) < 40
