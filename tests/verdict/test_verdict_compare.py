"""The rules of a confrontation: what holds, what is violated, what is refused, and that wrong bounds fail."""

from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import binom

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, Hypothesis, Recalled, Scaled
from clipbounds.bounds import koloskova2023 as K
from clipbounds.specs import POSITIVE, parameter
from clipbounds.verdict import until_decided


class Reach(Bound):
    """distance(x_t) <= distance(x_0) + t·step_bound: the triangle inequality."""

    factor: float = parameter(POSITIVE, default=1.0)
    quantity: ClassVar = "distance"
    aggregate: ClassVar = "every"

    def conditions(self, setting):
        bound = setting.method.step_bound(setting.problem.dim)
        return [Hypothesis("steps are bounded", f"{bound:g}", bool(np.isfinite(bound)))]

    def evaluate(self, setting, steps):
        return self.factor * (
            setting.problem.distance(setting.problem.x0) + steps * setting.method.step_bound(setting.problem.dim)
        )


class Approach(Reach):
    """distance(x_t) >= distance(x_0) - t·step_bound, the same inequality from below; attained on a flank without noise."""

    kind: ClassVar = "lower"

    def evaluate(self, setting, steps):
        return self.factor * (
            setting.problem.distance(setting.problem.x0) - steps * setting.method.step_bound(setting.problem.dim)
        )


class MeanSquare(Bound):
    """E f(x_t) - f* for f = x²/2, x_0 = 0 and unclipped steps with noise of variance s²: an equality,
    (s²/2) eta (1 - (1-eta)^{2t})/(2 - eta), because E x_{t+1}² = (1-eta)² E x_t² + eta² s²."""

    factor: float = parameter(POSITIVE, default=1.0)
    kind: ClassVar = "upper"
    quantity: ClassVar = "gap"

    def conditions(self, setting):
        return [Hypothesis("f = x²/2, x_0 = 0, unclipped", "", isinstance(setting.method, cb.methods.SGD))]

    def evaluate(self, setting, steps):
        eta = setting.method.step_size
        return self.factor * 0.5 * setting.noise.variance * eta * (1 - (1 - eta) ** (2 * steps)) / (2 - eta)


class MeanSquareBelow(MeanSquare):
    kind: ClassVar = "lower"


class Level(Bound):
    """A constant, to be put where a test needs it."""

    level: float = parameter(POSITIVE)
    quantity: ClassVar = "gradient_norm"

    def evaluate(self, setting, steps):
        return np.full(steps.shape, self.level)


class LevelBelow(Level):
    kind: ClassVar = "lower"


class LevelFloor(Level):
    kind: ClassVar = "floor"


class LevelPrediction(Level):
    kind: ClassVar = "prediction"


class Unconfirmed(Recalled):
    quantity: ClassVar = "gradient_norm"

    def evaluate(self, setting, steps):
        return 1 / np.sqrt(steps)


class Tail(Level):
    """P(|x_t| > level) <= failure_probability."""

    failure_probability: float = parameter(POSITIVE, default=0.1)
    aggregate: ClassVar = "probability"


class TailAlways(Tail):
    simultaneous: ClassVar = True


def clipped(step_size=0.1, threshold=1.0):
    return cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))


FLANK = cb.Setting(cb.problems.Huber(1.0, 2.0, [20.0]), cb.noise.NoNoise(), clipped())
NOISY = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), clipped(0.1, 3.0))
PLAIN = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), cb.methods.SGD(0.1))
CHECKPOINTS = (0, 1, 5, 20, 50)


def run_of(setting, trajectories=1, keep="trajectories", steps=50, **options):
    options.setdefault("checkpoints", CHECKPOINTS)
    return cb.simulate(setting, steps, trajectories, seed=1, keep=keep, **options)


def only(run, *bounds, **options):
    (verdict,) = cb.compare(run, bounds, **options).verdicts
    return verdict


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_a_tight_exact_bound_holds_and_is_violated_when_it_is_made_wrong(keep):
    run = run_of(FLANK, 3, keep)
    assert only(run, Reach()).verdict == "holds"
    verdict = only(run, Approach())
    assert (verdict.verdict, verdict.method, verdict.confidence) == ("holds", "exact", 1.0)
    assert verdict.tightness == pytest.approx(1, rel=1e-12)
    assert list(verdict.steps) == [1, 5, 20, 50]  # step 0 is skipped
    wrong = only(run, Approach(1 + 1e-6))
    assert wrong.verdict == "violated" and "first at step 1" in wrong.reason
    assert only(run, Approach(1 + 1e-12)).verdict == "holds"  # the slack for rounding


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_a_deterministic_run_decides_a_mean_exactly(keep):
    run = run_of(FLANK, 2, keep)
    assert only(run, Level(2.0)).verdict == "holds"
    assert only(run, Level(2.0)).method == "exact"
    assert only(run, Level(0.9 * 2.0)).verdict == "violated"
    assert only(run, LevelBelow(1 / 0.9 * 2.0)).verdict == "violated"


def test_rounding_near_convergence_violates_nothing():
    """f = (x²-1)²/4 from 1.2, eta = 0.3: f'(x)/(x-1) = x(x+1) is in [2, 2.64], so distance_t <= 0.2·0.4^t, which passes
    below the spacing of numbers near 1. The wrong rate 0.35 is violated while there are still digits."""

    class Geometric(Bound):
        rate: float = parameter(POSITIVE)
        quantity: ClassVar = "distance"

        def evaluate(self, setting, steps):
            return 0.2 * self.rate**steps

    setting = cb.Setting(cb.problems.DoubleWell([1.2]), cb.noise.NoNoise(), cb.methods.SGD(0.3))
    run = cb.simulate(setting, 400)
    verdict = only(run, Geometric(0.4))
    assert (verdict.verdict, verdict.method) == ("holds", "exact")
    assert only(run, Geometric(0.35)).verdict == "violated"


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_an_equality_between_means(keep):
    """MeanSquare is an equality: no finite sample confirms it, 0.8 and 1.25 times it are violated at once."""
    run = run_of(PLAIN, 8192, keep)
    verdict = only(run, MeanSquare())
    assert verdict.verdict == "undecided" and verdict.open and verdict.tightness == pytest.approx(1, abs=0.1)
    assert only(run, MeanSquare(1.5)).verdict == "holds"
    for wrong in (MeanSquare(0.8), MeanSquareBelow(1.25)):
        assert only(run, wrong).verdict == "violated"
    assert only(run, MeanSquare(1.5)).method == only(run, MeanSquare(0.8)).method == "empirical Bernstein"
    assert only(run, MeanSquareBelow(0.7)).verdict == "holds"


def test_statistics_and_trajectories_give_the_same_verdicts():
    bounds = [Level(v) for v in (0.05, 0.15, 0.19, 0.2, 0.25, 0.4, 2.0)] + [
        LevelBelow(0.01),
        LevelBelow(0.5),
        Reach(),
        Approach(),
    ]
    a = cb.compare(run_of(NOISY, 1000), bounds).verdicts
    b = cb.compare(run_of(NOISY, 1000, "statistics"), bounds).verdicts
    assert {v.verdict for v in a} >= {"holds", "violated"}
    for x, y in zip(a, b, strict=True):
        assert (x.verdict, x.method, x.reason) == (y.verdict, y.method, y.reason)
        assert np.allclose(x.low, y.low, rtol=1e-9, atol=1e-12) and np.allclose(x.high, y.high, rtol=1e-9, atol=1e-12)


def test_the_false_alarm_rate_of_a_comparison_is_kept():
    """150 runs against the true mean: at confidence 0.8 at most a fifth may decide anything, up to a chance of 1e-6."""
    bound = MeanSquare()
    decided = 0
    for seed in range(150):
        run = cb.simulate(PLAIN, 50, 64, seed=seed, checkpoints=CHECKPOINTS[1:], keep="statistics")
        decided += only(run, bound, confidence=0.8).verdict != "undecided"
    assert decided <= binom.isf(1e-6, 150, 0.2)


def test_asymptotic_verdicts_are_labelled_and_need_a_finite_variance():
    setting = PLAIN.replace(noise=cb.noise.Gaussian(1.0))
    run = run_of(setting, 2000)
    verdict = only(run, MeanSquare(1.5))
    assert (verdict.verdict, verdict.method) == ("holds", "asymptotic")
    assert only(run, MeanSquare(0.7)).verdict == "violated"
    few = only(run_of(setting, 128), MeanSquare(3.0))
    assert few.verdict == "undecided" and few.open
    # the gap needs the fourth moment, the gradient norm the second: Student's t of 3 degrees has only the latter
    heavy = run_of(PLAIN.replace(noise=cb.noise.StudentT(3.0, 1.0)), 2000)
    assert only(heavy, MeanSquare(10.0)).verdict == "undecided"
    assert only(heavy, Level(50.0)).method == "asymptotic"


def test_the_mean_under_infinite_variance_is_refused_with_the_reason():
    for noise in (cb.noise.Pareto(1.5, 1.0), cb.noise.StudentT(2.0, 1.0)):
        verdict = only(run_of(PLAIN.replace(noise=noise), 4096), Level(1e9))
        assert verdict.verdict == "undecided" and not verdict.open
        assert "finite variance" in verdict.reason and "quantile" in verdict.reason
        # clipping makes the range finite, and the same bound is decided
        assert only(run_of(NOISY.replace(noise=noise), 4096), Level(1e3)).verdict == "holds"


def test_a_sample_that_does_not_vary_is_no_proof():
    """Noise of two atoms whose rare one was never drawn: a normal band of width 0 would decide wrongly."""
    setting = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.TwoPoint(1.0, 1e-3), cb.methods.SGD(0.1))
    run = cb.simulate(setting, 1, 512, seed=1, checkpoints=[1])
    assert np.ptp(run["gradient_norm"].values) == 0
    mean = (1e-4 + 1e-6 * 100.0) / (1 + 1e-6)  # of |x_1| = 0.1 |xi|: twice the only value seen
    assert run["gradient_norm"].values[0, 0] == pytest.approx(mean / 2, rel=1e-3)
    assert only(run, Level(0.75 * mean)).verdict == "undecided"


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_diverged_trajectories_make_a_mean_undecided_with_their_number(keep):
    setting = cb.Setting(cb.problems.Cosh(1.0, 1.0, [0.5]), cb.noise.Gaussian(3.0), cb.methods.SGD(1.0))
    run = run_of(setting, 128, keep)
    count = int(run["diverged_count"][-1]) if keep == "statistics" else int((run["diverged_at"] >= 0).sum())
    assert count > 0
    verdict = only(run, Level(1e300))
    assert verdict.verdict == "undecided" and not verdict.open and f"{count} of 128" in verdict.reason

    class Every(Level):
        aggregate: ClassVar = "every"

    assert only(run, Every(1e300)).verdict == "undecided"
    assert only(run, Every(1e-9)).verdict == "violated"  # step 1 is clean, and beyond
    cb.compare(run, Level(1e300)).figure()


def test_probabilities_by_clopper_pearson():
    """|x_1| = 0.1 |xi|, Gaussian: P(|xi| > 1.96) = 0.05."""
    setting = PLAIN.replace(noise=cb.noise.Gaussian(1.0))
    run = cb.simulate(setting, 1, 4096, seed=2, checkpoints=[1])
    z = 0.1 * 1.959964
    verdict = only(run, Tail(z, failure_probability=0.1))
    assert (verdict.verdict, verdict.method) == ("holds", "Clopper-Pearson")
    assert only(run, Tail(z, failure_probability=0.025)).verdict == "violated"
    exact = only(run, Tail(z, failure_probability=0.05))
    assert exact.verdict == "undecided" and exact.open
    assert exact.low[0] < z < exact.high[0] and exact.tightness == pytest.approx(1, abs=0.1)
    # 64 trajectories cannot show a probability of 1e-3, though none is beyond
    assert (
        only(cb.simulate(setting, 1, 64, checkpoints=[1]), Tail(5.0, failure_probability=1e-3)).verdict == "undecided"
    )


def test_simultaneous_probabilities_count_a_trajectory_once_and_for_all():
    run = run_of(PLAIN, 4096)
    crossed = run["gradient_norm"].values[1:] > 0.4
    once, ever = crossed.mean(axis=1).max(), crossed.any(axis=0).mean()
    allowed = 0.5 * (once + ever)
    assert ever > 1.3 * once
    assert only(run, Tail(0.4, failure_probability=allowed)).verdict == "holds"
    assert only(run, TailAlways(0.4, failure_probability=allowed)).verdict == "violated"


def test_probabilities_from_statistics_are_decided_only_where_the_extremes_decide():
    run = run_of(PLAIN, 4096, "statistics")
    assert only(run, Tail(1.1)).verdict == "holds"  # |x| <= 1: the contraction
    verdict = only(run, Tail(0.4))
    assert verdict.verdict == "undecided" and "keep='trajectories'" in verdict.reason


def test_unconfirmed_statements_are_refused_and_may_be_drawn():
    run = run_of(NOISY, 100)
    with pytest.raises(ValueError, match=r"Unconfirmed.*drawn only"):
        cb.compare(run, [Level(1.0), Unconfirmed()])
    comparison = cb.compare(run, [Level(1.0)], draw=[Unconfirmed()])
    assert len(comparison.verdicts) == 1 and comparison.drawn[0][0] == "Unconfirmed"
    labels = [text.get_text() for text in comparison.figure().axes[0].get_legend().get_texts()]
    assert "Unconfirmed (upper, no verdict)" in labels


def test_failing_hypotheses_refuse_with_the_table():
    with pytest.raises(HypothesesFail, match=r"steps are bounded.*FAILS"):
        cb.compare(run_of(PLAIN, 2), [Reach()])


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
    assert "‖" in figure.axes[0].get_ylabel() and figure.axes[0].get_xlabel() == "steps t"
    page = comparison._repr_html_()
    assert page.startswith("<table>") and "data:image/png;base64," in page


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_until_decided_adds_trajectories_that_a_longer_run_would_have_had(keep):
    bound = MeanSquare(1.2)
    assert only(run_of(PLAIN, 128, keep), bound).verdict == "undecided"
    options = {"checkpoints": CHECKPOINTS, "keep": keep, "seed": 1}
    found = until_decided(PLAIN, 50, bound, start=128, budget=2**15, **options)
    (verdict,) = found.verdicts
    assert verdict.verdict == "holds"
    total = found.run.attrs["trajectories"]
    assert 128 < total < 2**15 and total % 128 == 0
    whole = run_of(PLAIN, total, keep)
    for name in (
        ("gap", "gap_variance", "gap_largest", "diverged_at") if keep == "statistics" else ("gap", "diverged_at")
    ):
        assert np.allclose(found.run[name].values, whole[name].values, rtol=1e-12)
    # the same as continuing a run by hand, and stopping is at the budget
    assert cb.compare(run_of(PLAIN, 128, keep), bound, until="decided", budget=2**15).run.attrs["trajectories"] == total
    stopped = until_decided(PLAIN, 50, MeanSquare(1.0), start=100, budget=300, **options)
    assert stopped.verdicts[0].verdict == "undecided" and stopped.run.attrs["trajectories"] == 300


def test_every_look_has_its_own_part_of_the_error():
    from clipbounds.verdict.sequential import look_confidence

    parts = [1 - look_confidence(0.9, k) for k in range(1, 2000)]
    assert sum(parts) <= 0.1 and parts[0] == pytest.approx(0.05)
    wrong = 0
    for seed in range(25):
        comparison = until_decided(
            PLAIN,
            20,
            MeanSquare(),
            start=64,
            budget=1024,
            seed=seed,
            confidence=0.8,
            keep="statistics",
            checkpoints=[5, 20],
        )
        wrong += comparison.verdicts[0].verdict != "undecided"
    assert wrong <= binom.isf(1e-6, 25, 0.2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((Level(1.0),), {"confidence": 1.0}, "confidence"),
        (("a bound",), {}, "list of clipbounds.bounds.Bound"),
        ((Level(1.0),), {"band": "student"}, "band"),
        ((Level(1.0),), {"until": "sunset", "budget": 10}, "until"),
        ((Level(1.0),), {"until": "decided"}, "budget"),
        ((Tail(1.0, failure_probability=2.0),), {}, "failure_probability"),
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
