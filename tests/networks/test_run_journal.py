"""The journal of training runs: what has finished is kept, what was cut off or is of another version is told."""

import dataclasses
import json

import numpy as np
import pytest

from clipbounds.networks import image_plan as plan
from clipbounds.networks.images import ImageRun
from clipbounds.networks.run_journal import RunJournal

RUN = ImageRun(0.01, None, np.inf, np.inf, images=64, epochs=1, seed=0)
OTHER = dataclasses.replace(RUN, groups=8, alpha=3.5, beta=1.5)
FOUND = {"accuracy": [0.5], "loss": [float("nan")], "seconds": [1.25], "final": 0.5}


def test_what_was_added_is_read_again(tmp_path):
    file = tmp_path / "new" / "runs.jsonl"
    journal = RunJournal(file)
    journal.add(RUN, FOUND)
    journal.add(OTHER, FOUND)
    again = RunJournal(file)
    assert list(again.runs) == [RUN, OTHER] and again.runs[OTHER]["seconds"] == [1.25]
    again.complete([RUN, OTHER], "no folder is needed")


def test_a_line_that_was_cut_off_is_run_again_and_the_others_stay(tmp_path):
    file = tmp_path / "runs.jsonl"
    journal = RunJournal(file)
    journal.add(RUN, FOUND)
    whole = file.read_bytes()
    journal.add(OTHER, FOUND)
    file.write_bytes(file.read_bytes()[:-9])
    assert list(RunJournal(file).runs) == [RUN]
    assert file.read_bytes() == whole


@pytest.mark.parametrize("line", ["nonsense", "{}", "[1]", '{"run": 3, "found": {}}'])
def test_a_foreign_line_is_told(tmp_path, line):
    file = tmp_path / "runs.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"line 1 of .*runs.jsonl is no finished run; remove it"):
        RunJournal(file)
    assert file.read_text() == line + "\n"


def test_another_version_is_told_and_kept(tmp_path):
    file = tmp_path / "runs.jsonl"
    RunJournal(file).add(RUN, FOUND)
    entry = json.loads(file.read_text())
    entry["run"] |= {"version": 0, "flavour": "sweet"}
    file.write_text(json.dumps(entry) + "\n")
    with pytest.raises(
        ValueError, match=r"written by version 0 of the training, but this is version 1; move the file away"
    ):
        RunJournal(file)
    assert json.loads(file.read_text()) == entry


def losses(method, values):
    """Finished tuning runs whose validation losses are `values`, by step size."""
    return {run: {"loss": [9.0, v]} for step, v in values.items() for run in plan.tuning_runs(method, [step])}


@pytest.mark.parametrize("method", plan.METHODS)
def test_the_rule_of_tuning(method):
    row = plan.METHODS[method][3]
    middle = losses(method, dict(zip(row, (4.0, 3.0, 3.5, float("nan")), strict=True)))
    assert plan.tuned(method, middle) == (row[1], None)
    low = losses(method, dict(zip(row, (2.0, 3.0, 3.5, 4.0), strict=True)))
    assert plan.tuned(method, low) == (row[0], row[0] / 2)
    low |= losses(method, {row[0] / 2: 1.0})
    assert plan.tuned(method, low) == (row[0] / 2, None)
    high = losses(method, dict(zip(row, (5.0, 4.0, 3.5, 3.0), strict=True)))
    assert plan.tuned(method, high) == (row[3], 2 * row[3])
    one = plan.tuning_runs(method, [row[2]])[1]
    assert plan.tuned(method, {run: f for run, f in middle.items() if run != one}) == (None, None)


def test_all_methods_have_as_many_recipes_and_seeds_come_before_methods():
    assert len({len(steps) for *_, steps in plan.METHODS.values()}) == 1
    steps = {m: row[-1][0] for m, row in plan.METHODS.items()}
    size = plan.SIZES["full"]
    runs = plan.confirmation(size, steps, 0.0)
    assert [seed for seed, _ in runs][:: len(steps)] == list(size.seeds)
    assert size.images >= 25_000 and size.epochs >= 10 and len(size.seeds) >= 5
    assert not set(size.seeds) & set(plan.TUNING_SEEDS)
    assert plan.best_steps({}) == {}
