"""The experiment on CIFAR-100: its intervals, its verdicts on a journal whose answer is known, and what it says without data."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from clipbounds.networks import image_plan as plan
from clipbounds.networks.run_journal import RunJournal
from clipbounds.report.lab import Lab
from clipbounds.report.runner import load, run_experiment

FILE = Path(__file__).parents[2] / "experiments/nobile2026/cifar100.py"


@pytest.fixture
def experiment(monkeypatch):
    monkeypatch.delenv("CLIPBOUNDS_CIFAR100", raising=False)
    return load(FILE)


def write_journal(folder, gains, seeds=5, size="full", noises=(0.0,)):
    """A journal in which the final accuracy of a method is 40 % plus its gain plus what the seed gives to all, and a little."""
    journal, generator = RunJournal(folder / "cifar100.runs.jsonl"), np.random.default_rng(0)
    extra = {"device": "cpu", "torch": "2.13.0"}
    for m, (*_, row) in plan.METHODS.items():
        for k, step in enumerate(row):
            for run in plan.tuning_runs(m, [step]):
                loss = [5.0, 3.0 + abs(k - 1)]
                journal.add(run, {"accuracy": [0.1, 0.2], "loss": loss, "seconds": [1.0, 2.0], "final": 0.2, **extra})
    norms = generator.pareto(1.5, (5, 2000)) + 1
    journal.add(
        plan.NORMS, {"accuracy": [0.1], "loss": [3.0], "seconds": [1.0], "final": 0.1, **extra, "norms": norms.tolist()}
    )
    epochs = plan.SIZES[size].epochs
    shared = dict(zip(plan.SIZES[size].seeds, generator.normal(0, 0.03, 5), strict=False))
    for noise in noises:
        wanted = plan.confirmation(plan.SIZES[size], plan.best_steps(journal.runs), noise)
        for (seed, m), run in wanted.items():
            if seed in plan.SIZES[size].seeds[:seeds]:
                final = 0.4 + gains.get(m, 0.0) + shared[seed] + generator.normal(0, 0.001)
                curve = np.linspace(0.01, final, epochs + 1)[1:]
                slow = 1.5 if "PS" in m else 1.0
                seconds = slow * np.arange(1.0, epochs + 1)
                journal.add(run, {"accuracy": curve.tolist(), "loss": curve.tolist(), "seconds": seconds.tolist(), "final": final, **extra})  # fmt: skip
    return journal


def rows_of(experiment, tmp_path, budget="standard"):
    return experiment.run(Lab(budget, records=tmp_path)).rows


def of(rows, *words):
    (row,) = (row for row in rows if all(word in row.claim for word in words))
    return row


def test_verdicts_are_those_that_were_put_in(experiment, tmp_path):
    """PS-Clip gains one point over both, and micro-batches lose one; at equal time PS-Clip has done two thirds of its epochs."""
    gains = {"PS-Clip, schedule": 0.01, "PS-Clip, constant": 0.01, "micro-batches of 8": -0.01}
    write_journal(tmp_path, gains)
    rows = rows_of(experiment, tmp_path)
    for other in ("momentum SGD", "batch clipping"):
        assert of(rows, other, "end of training").verdict == "holds"
        assert of(rows, other, "equal processor time, 0 %").verdict == "violated"
    assert of(rows, "before accumulating").verdict == "violated"
    assert not any(row.asserted for row in rows)
    assert of(rows, "20 % wrong").verdict == "not measured" and "0 of 25 runs" in of(rows, "20 % wrong").reason
    assert of(rows, "heavy-tailed").verdict == "holds"


def test_no_gain_is_undecided(experiment, tmp_path):
    write_journal(tmp_path, {})
    rows = rows_of(experiment, tmp_path)
    assert of(rows, "momentum SGD", "end of training").verdict == "undecided"


def test_seeds_that_are_not_complete_do_not_count_and_a_reduced_run_says_so(experiment, tmp_path):
    write_journal(tmp_path, {}, seeds=1)
    assert "5 of 25 runs have finished" in of(rows_of(experiment, tmp_path), "beats momentum", ", 0 %").reason
    write_journal(tmp_path, {}, seeds=2, size="standard")
    row = of(rows_of(experiment, tmp_path), "momentum SGD", "end of training")
    assert row.check.startswith("2 seeds; 10000 images, 4 epochs (reduced")


def test_without_a_journal_nothing_is_measured_and_nothing_drawn(experiment, tmp_path):
    outcome = experiment.run(Lab("standard", records=tmp_path))
    assert {row.verdict for row in outcome.rows} == {"not measured"} and outcome.figure is None
    assert all("dataset not at hand" in row.reason for row in outcome.rows)


def test_the_record_is_made_from_the_journal_and_made_anew_when_it_grows(experiment, tmp_path):
    folder = tmp_path / "figures/nobile2026"
    write_journal(folder, {}, noises=(0.0, 0.2))
    first = run_experiment(FILE, tmp_path, again=False)
    assert first["figure"] and (folder / "cifar100.png").is_file() and first["data"]["made on"]["device"] == ["cpu"]
    assert json.loads((folder / "cifar100.json").read_text(encoding="utf-8"))["rows"] == first["rows"]


def test_a_folder_that_is_none_is_told_and_the_journal_stays(experiment, tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    monkeypatch.setenv("CLIPBOUNDS_CIFAR100", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="nowhere is not a folder; give the folder that holds"):
        experiment.run(Lab("quick", records=tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_interval_is_that_of_the_paired_t_test(experiment):
    generator = np.random.default_rng(1)
    ours, theirs = generator.normal(0.4, 0.02, (2, 6))
    mean, half = experiment.comparison(ours, theirs, 4)
    expected = stats.ttest_rel(ours, theirs).confidence_interval(1 - 0.05 / 4)
    np.testing.assert_allclose([mean - half, mean + half], 100 * np.array(expected))


def test_intervals_of_a_claim_miss_together_as_seldom_as_they_say(experiment):
    """Four comparisons of equal methods, 2000 times: at most 5 % claims with an interval without 0; chance of a false alarm 1e-4."""
    generator, misses = np.random.default_rng(2), 0
    for _ in range(2000):
        values = generator.normal(0.4, 0.02, (4, 5))
        found = [experiment.comparison(values[i], values[j], 4) for i in (0, 1) for j in (2, 3)]
        misses += any(abs(mean) > half for mean, half in found)
    assert misses <= stats.binom.isf(1e-4, 2000, 0.05)


def test_equal_time_reads_both_curves_where_the_first_has_finished(experiment):
    fast = {"seconds": np.array([[0.0, 1.0, 2.0]]), "accuracy": np.array([[0.0, 0.2, 0.3]])}
    slow = {"seconds": np.array([[0.0, 1.6, 3.2]]), "accuracy": np.array([[0.0, 0.4, 0.8]])}
    np.testing.assert_allclose(experiment.at_equal_time(slow, fast), [[0.5], [0.3]])
    np.testing.assert_allclose(experiment.at_equal_time(fast, slow), [[0.3], [0.5]])
