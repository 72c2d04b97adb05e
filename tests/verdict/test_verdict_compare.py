"""What `compare` takes, refuses and shows."""

from typing import ClassVar

import numpy as np
import pytest
from toy_bounds import (
    FLANK,
    NOISY,
    PLAIN,
    Level,
    LevelBelow,
    LevelFloor,
    LevelPrediction,
    Reach,
    Tail,
    Unconfirmed,
    only,
    run_of,
)

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, Hypothesis, Scaled
from clipbounds.bounds import koloskova2023 as K


def test_unconfirmed_statements_are_refused_and_may_be_drawn():
    run = run_of(NOISY, 100)
    with pytest.raises(ValueError, match=r"Unconfirmed.*drawn only"):
        cb.compare(run, [Level(1.0), Unconfirmed()])
    comparison = cb.compare(run, [Level(1.0)], draw=[Unconfirmed()])
    assert len(comparison.verdicts) == 1 and comparison.drawn[0][0] == "Unconfirmed"
    labels = [text.get_text() for text in comparison.figure().axes[0].get_legend().get_texts()]
    assert "Unconfirmed (upper, no verdict)" in labels


def test_a_bound_that_does_not_apply_says_so_with_its_table_and_the_others_are_judged():
    run = run_of(PLAIN, 512)
    alone = only(run, Level(2.0))
    refused, judged = cb.compare(run, [Reach(), Level(2.0)]).verdicts
    assert refused.verdict == "does not apply" and not refused.open and refused.tightness is None
    assert "steps are bounded" in refused.reason and "FAILS" in refused.reason
    assert judged.verdict == "holds" and np.array_equal(judged.high, alone.high)  # it takes no part of the error
    assert "does not apply" in str(cb.compare(run, [Reach(), Level(2.0)]))
    cb.compare(run, [Reach(), Level(2.0)]).figure()
    assert cb.compare(run, Reach(), until="decided", budget=1024).verdicts[0].verdict == "does not apply"
    with pytest.raises(HypothesesFail, match=r"steps are bounded.*FAILS"):
        Reach().value(PLAIN, 1)


def test_a_hypothesis_may_have_any_value():
    class Odd(Level):
        def conditions(self, setting):
            return [Hypothesis("an object", {"a": [1, 2]}, True), Hypothesis("a number", 3.5, None)]

    with pytest.raises(HypothesesFail, match=r"\{'a': \[1, 2\]\} *holds\n.*3.5 *undecidable"):
        Odd(1.0).value(PLAIN, 1)


def test_floors_and_predictions_get_a_ratio_and_no_verdict():
    run = run_of(FLANK)
    floor, prediction = cb.compare(run, [LevelFloor(1.0), LevelPrediction(4.0)]).verdicts
    assert floor.verdict == prediction.verdict == "undecided"
    assert floor.tightness == prediction.tightness == 0.5
    assert not floor.open and "worst case" in floor.reason and "never asserted" in prediction.reason


def test_what_was_not_measured_is_said():
    class Nowhere(Level):
        quantity: ClassVar = "loss of a friend"

    run = run_of(FLANK)
    assert only(run, Nowhere(1.0)).verdict == "not measured"
    assert "it has clipped_fraction, distance" in only(run, Nowhere(1.0)).reason

    class Misspelt(Level):
        quantity: ClassVar = "gradient_nrom"

    assert "did you mean 'gradient_norm'?" in only(run, Misspelt(1.0)).reason

    class Counted(Level):
        quantity: ClassVar = "evaluations"

    assert "fixed by the method" in only(run, Counted(1.0)).reason
    assert only(cb.simulate(FLANK, 5, checkpoints=[0]), Level(1.0)).verdict == "not measured"
    run["distance"] = run["distance"] * np.nan
    assert only(run, Reach()).verdict == "not measured"
    assert "not measured" in str(cb.compare(run, Reach()))


def test_betting_needs_trajectories_and_agrees():
    run = run_of(NOISY, 512)
    for level in (0.05, 2.0):
        assert only(run, Level(level)).verdict == only(run, Level(level), band="betting").verdict
    assert only(run, Level(2.0), band="betting").method == "betting"
    with pytest.raises(ValueError, match="every trajectory"):
        cb.compare(run_of(NOISY, 512, "statistics"), Level(1.0), band="betting")


def test_a_range_of_the_callers_own():
    run = run_of(PLAIN.replace(noise=cb.noise.Gaussian(1.0)), 100)
    run["score"] = run["gradient_norm"] / (1 + run["gradient_norm"])

    class Score(Level):
        quantity: ClassVar = "score"

    assert only(run, Score(0.9)).verdict == "undecided"
    assert only(run, Score(0.9), ranges={"score": (0.0, 1.0)}).verdict == "holds"
    # a range that the data refute is not believed
    assert "leaves the proved range" in only(run, Score(0.9), ranges={"score": (0.0, 0.01)}).reason


def test_the_confidence_is_shared_by_the_bounds_that_need_a_test():
    """Beside exact verdicts a band keeps its width; beside another test it widens."""
    run = run_of(NOISY, 500)
    alone = only(run, Level(0.3))
    beside_exact = cb.compare(run, [Level(0.3), Reach()]).verdicts[0]
    beside_test = cb.compare(run, [Level(0.3), Level(0.4)]).verdicts[0]
    assert np.array_equal(alone.high, beside_exact.high)
    assert np.all(alone.high <= beside_test.high) and np.any(alone.high < beside_test.high)


def test_table_figure_and_notebook_form():
    comparison = cb.compare(run_of(NOISY, 300), [Level(0.3), LevelBelow(0.001), Reach()], draw=[Unconfirmed()])
    text = str(comparison)
    assert "Level" in text and "holds" in text and "\x1b" not in text
    figure = comparison.figure()
    assert len(figure.axes) == 2
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[0].get_lines()}
    assert styles["Level (holds)"] == "-" and styles["LevelBelow (holds)"] == "--"
    assert r"\nabla f" in figure.axes[0].get_ylabel() and figure.axes[0].get_xlabel() == "steps $t$"
    page = comparison._repr_html_()
    assert page.startswith("<table>") and "data:image/png;base64," in page


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((Level(1.0),), {"confidence": 1.0}, "confidence"),
        (("a bound",), {}, "list of clipbounds.bounds.Bound"),
        ((Level(1.0),), {"band": "student"}, "band"),
        ((Level(1.0),), {"until": "sunset", "budget": 10}, "until"),
        ((Level(1.0),), {"until": "decided"}, "budget"),
        ((Tail(1.0, failure_probability=2.0),), {}, "failure_probability"),
        ((Level(1.0),), {"confidence": None}, "confidence must be a number"),
        ((Level(1.0),), {"ranges": {"nonsense": (1, 0)}}, "ranges: the run has no quantity 'nonsense'"),
        ((Level(1.0),), {"ranges": {"gradient_nrom": (0, 1)}}, "did you mean 'gradient_norm'"),
        ((Level(1.0),), {"ranges": {"gap": (1, 0)}}, "low <= high"),
        ((Level(1.0),), {"ranges": {"gap": 3}}, "low <= high"),
        ((Level(1.0),), {"ranges": {"gap": (np.nan, 1)}}, "low <= high"),
        ((Level(1.0),), {"ranges": [1, 2]}, "dict of quantity"),
    ],
)
def test_bad_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        cb.compare(run_of(NOISY, 4), arguments, **options)


def test_a_run_without_a_setting():
    with pytest.raises(ValueError, match="setting"):
        cb.compare(run_of(NOISY, 4).drop_attrs(), [Level(1.0)])


@pytest.mark.parametrize("given", [3, None, "S0", K.S0, [K.S0]])
def test_what_is_not_a_bound_is_named(given):
    run = cb.simulate(K.two_point_setting(1.0, 1.0, 0.5, 1.0, 0.1), 5, 2)
    with pytest.raises(ValueError, match="bounds must be a list"):
        cb.compare(run, given)
    with pytest.raises(ValueError, match="Scaled: bound must be a Bound"):
        Scaled(given, 0.9)


def test_an_unfinished_bound_says_what_it_lacks():
    class NoQuantity(Bound):
        def evaluate(self, setting, steps):
            return 1.0

    class NoValue(Bound):
        quantity = "gap"

    class WrongShape(NoValue):
        def evaluate(self, setting, steps):
            return np.ones(steps.size + 1)

    run = cb.simulate(K.two_point_setting(1.0, 1.0, 0.5, 1.0, 0.1), 5, 2)
    with pytest.raises(ValueError, match="NoQuantity needs a quantity"):
        cb.compare(run, NoQuantity())
    with pytest.raises(NotImplementedError, match="NoValue needs evaluate"):
        cb.compare(run, NoValue())
    with pytest.raises(ValueError, match="WrongShape: evaluate"):
        cb.compare(run, WrongShape())


def test_a_control_relies_on_sampled_constants_as_its_bound_does():
    """Otherwise its range is infinite, and no finite sample could reject it."""
    assert Scaled(K.S0(accept_sampled=True), 0.5).accept_sampled
    assert not Scaled(K.S0(), 0.5).accept_sampled
