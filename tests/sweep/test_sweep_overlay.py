"""Bounds over the grid of a sweep: verdicts as `compare` gives them, figure, CSV and JSON, by the command too."""

import csv
import json
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

import clipbounds as cb
from clipbounds.bounds import Bound
from clipbounds.bounds.koloskova2023 import S1
from clipbounds.cli import main

DESCRIPTION = {
    "problem": cb.problems.Huber(1.0, 2.0, [4.0]),
    "noise": {"type": "Gaussian", "scale": [0.25, 1.0]},
    "method": {"type": "ClippedSGD", "step_size": 0.05, "clip": {"type": "NormClip", "threshold": [0.5, 1.0, 2.0]}},
    "steps": 100, "trajectories": 64, "checkpoints": [10, 100], "bounds": ["koloskova2023.S1"],
}  # fmt: skip


class TooLow(Bound):
    """A thousandth of the start's gradient norm: below every mean gradient norm of this sweep."""

    quantity: ClassVar = "mean_gradient_norm"

    def evaluate(self, setting, steps):
        return 0.002 + 0 * steps


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlay") / "store"
    cb.sweep.run(cb.sweep.Sweep.from_dict(DESCRIPTION), folder)
    return folder


def test_a_cell_is_judged_as_compare_does(store):
    result = cb.overlay(store, "of the sweep", "threshold")
    assert result.counts() == {"holds": 6} and result.axes == ["scale"]
    cell = cb.sweep.Sweep.from_dict(DESCRIPTION).cell(0)
    run = cb.simulate(cell.setting, 100, 64, checkpoints=[100], keep="statistics", threads=1)
    verdict = cb.compare(run, S1(), 1 - 1e-3 / 6).verdicts[0]
    row = result.rows[0]
    assert [row[n] for n in ("measured", "low", "high", "value")] == [
        float(getattr(verdict, n)[0]) for n in ("measured", "low", "high", "value")
    ]


def test_a_bound_below_the_measurement_is_violated(store):
    result = cb.overlay(store, [TooLow()], "threshold")
    assert result.counts() == {"violated": 6}


def test_the_command_writes_figure_and_tables(store, tmp_path):
    out = tmp_path / "o"
    done = CliRunner().invoke(main, ["overlay", str(store), "--x", "threshold", "--out", str(out)])
    assert done.exit_code == 0 and "6 holds" in done.output
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text(encoding="utf-8").splitlines()))
    content = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert len(rows) == len(content["rows"]) == 6 and content["verdicts"] == {"holds": 6}
    assert (tmp_path / "o.png").stat().st_size > 1000
    assert np.isclose(float(rows[0]["measured"]), content["rows"][0]["measured"], rtol=1e-15)


def test_wrong_use_gets_a_sentence(store, tmp_path):
    for arguments, sentence in (
        (["--x", "treshold"], "threshold"),
        (["--bounds", "koloskova2023.S9"], "no bound 'S9'"),
        (["--out", str(tmp_path / "none" / "o")], "there is no folder"),
        (["--confidence", "2"], "confidence"),
    ):
        done = CliRunner().invoke(main, ["overlay", str(store), *arguments])
        assert done.exit_code == 2 and sentence in done.output, done.output
