"""What batch jobs need: parts of a grid, huge grids, old kernels kept, lines of progress."""

import json
import threading

import numpy as np
import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid, same_bits

from clipbounds.cli import main
from clipbounds.cli.common import Lines
from clipbounds.sweep import Store, Sweep, load, load_cell, read_shard, run
from clipbounds.sweep.shards import part_of


@pytest.mark.parametrize("parts", [1, 2, 3, 8, 50])
def test_the_parts_are_a_partition(parts):
    found = [index for part in range(1, parts + 1) for index in part_of(37, (part, parts))]
    assert sorted(found) == list(range(37))


SLURM = {
    "SLURM_ARRAY_TASK_ID": "7",
    "SLURM_ARRAY_TASK_MIN": "3",
    "SLURM_ARRAY_TASK_MAX": "11",
    "SLURM_ARRAY_TASK_STEP": "2",
}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("3/8", {}, (3, 8)),
        ("auto", SLURM, (3, 5)),
        ("auto", {"SGE_TASK_ID": "1", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "4", "SGE_TASK_STEPSIZE": "1"}, (1, 4)),
        ("auto", {"LSB_JOBINDEX": "2", "LSB_JOBINDEX_END": "9"}, (2, 9)),
    ],
)
def test_shards_are_read_from_text_and_from_schedulers(text, environment, expected):
    assert read_shard(text, environment) == expected


@pytest.mark.parametrize("text", ["0/8", "9/8", "a/b", "3", "auto", "-1/2"])
def test_wrong_shards(text):
    with pytest.raises(ValueError, match="shard"):
        read_shard(text, {})


def test_eight_parts_at_once_give_the_bits_of_one_run(tmp_path):
    sweep = Sweep.from_dict(grid(40, kind="Quadratic"))
    run(sweep, tmp_path / "one")
    reports = []

    def drive(part):
        reports.append(run(Sweep.from_dict(grid(40, kind="Quadratic")), tmp_path / "parts", workers=1, shard=(part, 8)))

    threads = [threading.Thread(target=drive, args=(part,)) for part in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.computed for r in reports) == [5] * 8 and all(r.complete for r in reports)
    assert same_bits(load(tmp_path / "parts").load(), load(tmp_path / "one").load())


def test_a_billion_cells_are_counted_and_not_built(tmp_path):
    method = {
        "type": "ClippedSGD",
        "step_size": "geomspace(1e-3, 1e-1, 1000)",
        "clip": {"type": "NormClip", "threshold": "geomspace(0.1, 10, 1000)"},
    }
    noise = {"type": "Gaussian", "scale": "geomspace(0.1, 10, 1000)"}
    given = grid(kind="Quadratic", noise=noise, method=method)
    (tmp_path / "s.toml").write_text(as_toml(given))
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--dry-run", "--json"])
    assert json.loads(result.stdout)["cells"] == 10**9
    asked = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--store", str(tmp_path / "store")])
    assert asked.exit_code == 2 and "--yes runs them" in asked.output and not (tmp_path / "store").exists()
    sweep = Sweep.from_toml(tmp_path / "s.toml")
    assert len(sweep.to_check()) < 5000
    last = sweep.cell(sweep.size - 1)
    assert last.setting.noise.scale == np.geomspace(0.1, 10, 1000)[-1]
    method["step_size"] = "linspace(-1, 1, 1000)"
    with pytest.raises(ValueError, match="cannot be executed: ClippedSGD: step_size"):
        Sweep.from_dict(grid(kind="Quadratic", noise=noise, method=method)).check()


def test_the_names_of_a_large_grid_are_kept_and_a_damaged_list_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("clipbounds.sweep.store.KEEP_NAMES", 10)
    sweep = Sweep.from_dict(grid(20, kind="Quadratic"))
    run(sweep, tmp_path / "store")
    (listed,) = (tmp_path / "store/names").iterdir()
    whole = listed.read_bytes()
    for position in (0, 40, len(whole) // 2, len(whole) - 1):
        bad = bytearray(whole)
        bad[position] ^= 1
        listed.write_bytes(bytes(bad))
        assert run(sweep, tmp_path / "store").present == 20 and listed.read_bytes() == whole
    store = Store(tmp_path / "store")
    monkeypatch.setattr(Sweep, "names", None)  # it is read, not computed
    assert len(store.names(sweep)) == 20


def test_cells_of_older_program_text_are_kept_when_that_is_asked_for_and_marked(tmp_path, monkeypatch):
    store, sweep = tmp_path / "store", Sweep.from_dict(grid(10, kind="Quadratic"))
    run(sweep, store)
    old = Store(store).manifest["sources"]
    removed = sorted(store.rglob("*.cell"))[:4]
    for file in removed:
        file.unlink()
    monkeypatch.setattr("clipbounds.sweep.spec.sources_of", lambda settings: "fedcba9876543210")
    with pytest.raises(ValueError, match="--accept-kernels to keep them"):
        run(sweep, store)
    report = run(sweep, store, accept_kernels=True)
    assert (report.present, report.computed) == (6, 4)
    dataset = load(store)
    assert dataset.attrs["cells_present"] == 10
    assert json.loads(dataset.attrs["accepted_kernels"]) == {old: 6}
    assert (dataset.kernels_of_cell.values == old).sum() == 6
    assert run(sweep, store).present == 10
    again = run(sweep, store, new_kernels=True)
    assert (again.present, again.computed) == (4, 6)
    assert "kernels_of_cell" not in load(store)


def test_lines_of_progress_come_every_30_seconds_or_20th_part():
    now, said = [0.0], []
    lines = Lines("s", said.append, lambda: now[0])
    for done in range(101):
        lines(done, 100)
        now[0] += 0.5
    assert [text.split()[1] for text in said] == [str(k) for k in (*range(5, 100, 5), 100)]
    assert said[0] == "s: 5 of 100 (5%) after 2.5 s, 48 s left"
    said.clear()
    lines = Lines("s", said.append, lambda: now[0])
    for done in range(10):
        lines(done, 10**6)
        now[0] += 20.0
    assert [text.split()[1] for text in said] == ["2", "4", "6", "8"]


def test_what_steps_are_not_reached_is_said(tmp_path):
    (tmp_path / "s.toml").write_text(as_toml(grid(5, kind="Quadratic", steps=10**6, checkpoints=[100])))
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--dry-run"])
    assert "the last checkpoint is 100, so runs end there and not at steps = 1000000" in result.stderr
    assert (
        json.loads(CliRunner().invoke(main, ["sweep", str(tmp_path / "s.toml"), "--dry-run", "--json"]).stdout)[
            "seconds"
        ]
        < 5
    )


def test_one_cell_is_the_run_that_simulate_gives(tmp_path):
    import clipbounds as cb

    sweep = Sweep.from_dict(grid(10, kind="Quadratic", keep="trajectories"))
    run(sweep, tmp_path / "store")
    cell = sweep.cell(7)
    found = load_cell(
        tmp_path / "store", step_size=cell.setting.method.step_size, threshold=cell.setting.method.clip.threshold
    )
    fresh = cb.simulate(cell.setting, 20, 32, checkpoints=[20])
    assert same_bits(found.drop_attrs(), fresh.drop_attrs()) and found.attrs == fresh.attrs
    for wrong, words in (
        ({"step_size": 0.1}, "choose one"),
        ({"treshold": 1.0}, "did you mean 'threshold'"),
        ({"step_size": 0.5, "threshold": 1.0}, "has no value 0.5"),
    ):
        with pytest.raises(ValueError, match=words):
            load_cell(tmp_path / "store", **wrong)
