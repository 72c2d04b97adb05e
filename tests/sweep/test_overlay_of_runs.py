"""`overlay` of one run, of several runs over what differs, of a sweep's Dataset and of a store; figures for papers."""

import json

import matplotlib
import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds.koloskova2023 import S1
from clipbounds.verdict.paper import WIDTHS


def setting(threshold, scale=0.25):
    method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(threshold))
    return cb.Setting(cb.problems.Huber(1.0, 2.0, [4.0]), cb.noise.Gaussian(scale), method)


@pytest.fixture(scope="module")
def runs():
    return [cb.simulate(setting(c), 100, 64, checkpoints=[10, 100], seed=3) for c in (0.5, 2.0)]


def test_one_run_over_its_checkpoints_is_what_compare_says(runs):
    result = cb.overlay(runs[0])
    compared = cb.compare(runs[0], cb.applicable(setting(0.5))).verdicts
    verdicts = {v.bound: v for v in compared if v.verdict != "not measured"}
    assert {v.bound for v in compared} - set(verdicts) == {
        "ConvexAverage"
    }  # of averages, which this run was not asked for
    assert result.x == "checkpoint" and result.axes == []
    assert {row["bound"] for row in result.rows} == set(verdicts)
    for row in result.rows:
        verdict = verdicts[row["bound"]]
        at = list(verdict.steps).index(row["step"])
        assert (row["verdict"], row["value"]) == (verdict.verdict, verdict.value[at])
    assert sum(result.counts().values()) == len(verdicts) and result.counts()["floor shown"] == 1


def test_several_runs_are_drawn_over_what_differs(runs):
    result = cb.overlay(runs, "koloskova2023.S1")
    assert result.x == "threshold" and [row["threshold"] for row in result.rows] == [0.5, 2.0]
    alone = cb.compare(runs[1].isel(checkpoint=[1]), S1(), 1 - 1e-3 / 2).verdicts[0]
    joint = cb.compare(runs[1], S1(), 1 - 1e-3 / 2).verdicts[0]
    assert result.rows[1]["low"] == joint.low[-1] <= alone.low[-1]
    lines = [line.get_label() for line in result.figure().axes[0].get_lines()]
    assert lines == ["measured", "S1 (holds)"]


def test_runs_in_any_order_are_drawn_from_left_to_right(runs):
    curves = [
        [line.get_xydata() for line in cb.overlay(order, "koloskova2023.S1").figure().axes[0].get_lines()]
        for order in (runs, runs[::-1])
    ]
    for forth, back in zip(*curves, strict=True):
        np.testing.assert_array_equal(forth, back)
        assert list(forth[:, 0]) == [0.5, 2.0]


def test_the_json_of_an_overlay_knows_no_infinities(runs, tmp_path):
    class Infinite(cb.bounds.Bound):
        quantity = "mean_gradient_norm"

        def evaluate(self, setting, steps):
            return np.inf + 0 * steps

    *_, file = cb.overlay(runs, [Infinite()]).write(tmp_path / "o")
    rows = json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)["rows"]
    assert [row["value"] for row in rows] == [None, None]


def test_a_third_of_the_mean_is_violated_and_marked(runs):
    class Third(cb.bounds.Bound):
        quantity = "mean_gradient_norm"

        def evaluate(self, setting, steps):
            return 0.3 * runs[0]["mean_gradient_norm"].mean("trajectory").values[-1] + 0 * steps

    assert cb.overlay(runs, [Third()]).counts() == {"violated": 2}


def test_what_is_assumed_stands_on_the_figure():
    method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0))
    described = cb.Constants(method=method, L=1.0, F0=6.0, sigma=0.5)
    norms = np.random.default_rng(0).uniform(0.9, 1.1, (50, 8))
    result = cb.overlay(cb.measured(described, np.arange(50), gradient_norm=norms), "koloskova2023.S1")
    assert "L = 1" in str(result) and "L = 1" in result.figure().get_suptitle()
    assert "assuming" in result.figure().axes[0].get_lines()[-1].get_label()


def test_the_dataset_of_a_sweep_serves_like_its_folder(tmp_path):
    described = {
        "problem": cb.problems.Huber(1.0, 2.0, [4.0]), "noise": cb.noise.Gaussian(0.25), "steps": 20, "trajectories": 64,
        "method": {"type": "ClippedSGD", "step_size": 0.05, "clip": {"type": "NormClip", "threshold": [0.5, 1.0]}},
    }  # fmt: skip
    cb.sweep.run(cb.sweep.Sweep.from_dict(described), tmp_path / "store")
    whole = cb.sweep.load(tmp_path / "store")
    result = cb.overlay(whole, x="checkpoint")
    assert result.rows == cb.overlay(tmp_path / "store", x="checkpoint").rows and result.axes == ["threshold"]
    assert len({row["step"] for row in result.rows}) == whole.sizes["checkpoint"]
    with pytest.raises(ValueError, match="a part of a sweep's grid"):
        cb.overlay(whole.isel(threshold=[0]))


def test_a_paper_gets_its_width_and_no_type_3_font(runs, tmp_path):
    files = cb.overlay(runs, "koloskova2023.S1").write(tmp_path / "o", "column")
    assert [f.suffix for f in files] == [".png", ".pdf", ".csv", ".json"]
    document = files[1].read_bytes()
    assert b"/Type3" not in document and b"/FontFile2" in document
    box = [float(v) for v in document.partition(b"/MediaBox [")[2].partition(b"]")[0].split()]
    assert box[2] == pytest.approx(72 * WIDTHS["column"], abs=1e-3)


def test_matplotlibs_default_would_be_type_3(runs, tmp_path):
    """The control of the search above."""
    result = cb.overlay(runs, "koloskova2023.S1")
    figure = matplotlib.figure.Figure()
    result.figure(ax=figure.subplots())
    figure.savefig(tmp_path / "t.pdf")
    assert b"/Type3" in (tmp_path / "t.pdf").read_bytes()


def test_a_reader_s_rc_and_axes_are_respected(runs):
    result = cb.overlay(runs, "koloskova2023.S1")
    with matplotlib.rc_context({"axes.labelsize": 13.0}):
        assert result.figure("column").axes[0].xaxis.label.get_size() == 13.0
    assert result.figure("column").axes[0].xaxis.label.get_size() == 8.0
    figure = matplotlib.figure.Figure()
    ax = figure.subplots()
    assert result.figure(ax=ax) is figure and len(ax.get_lines()) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": "treshold"}, "did you mean 'threshold'"),
        ({"bounds": "koloskova2023.S9"}, "no bound 'S9'"),
        ({"bounds": "applicble"}, 'must be "applicable"'),
        ({"width": "colum"}, "width must be one of column"),
        ({"width": 0.1}, "inches in"),
        ({"ax": [1, 2]}, "has 1 panels"),
        ({"run_or_sweep": []}, "the list is empty"),
        ({"run_or_sweep": 7}, "expected a run"),
        ({"run_or_sweep": "nowhere"}, "nowhere"),
    ],
)
def test_wrong_use_gets_a_sentence(runs, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        cb.overlay(**({"run_or_sweep": runs, "bounds": "koloskova2023.S1"} | change))


def test_copies_of_a_setting_are_refused(runs):
    with pytest.raises(ValueError, match="same setting"):
        cb.overlay([runs[0], runs[0]], "koloskova2023.S1")


def test_a_comparison_is_drawn_at_the_width_of_a_column_too(runs, tmp_path):
    comparison = cb.compare(runs[0], S1())
    figure = comparison.figure("column")
    assert figure.get_size_inches()[0] == WIDTHS["column"]
    figure.savefig(tmp_path / "c.pdf")
    assert b"/Type3" not in (tmp_path / "c.pdf").read_bytes()
    axes = matplotlib.figure.Figure().subplots()
    assert comparison.figure(ax=axes) is axes.figure and axes.get_lines()
