"""The rules of a verdict: what holds, what is violated, what stays open, and that wrong bounds fail."""

from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import binom
from toy_bounds import (
    CHECKPOINTS,
    FLANK,
    NOISY,
    PLAIN,
    Approach,
    Level,
    LevelBelow,
    MeanSquare,
    MeanSquareBelow,
    Reach,
    Tail,
    TailAlways,
    only,
    run_of,
)

import clipbounds as cb
from clipbounds.bounds import Bound
from clipbounds.specs import POSITIVE, parameter


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
    method = "betting" if keep == "trajectories" else "empirical Bernstein"
    assert only(run, MeanSquare(1.5)).method == only(run, MeanSquare(0.8)).method == method
    assert only(run, MeanSquareBelow(0.7)).verdict == "holds"


def test_statistics_and_trajectories_give_the_same_verdicts():
    bounds = [Level(v) for v in (0.05, 0.15, 0.19, 0.2, 0.25, 0.4, 2.0)] + [
        LevelBelow(0.01),
        LevelBelow(0.5),
        Reach(),
        Approach(),
    ]
    a = cb.compare(run_of(NOISY, 1000), bounds, band="empirical Bernstein").verdicts
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


MOMENTUM = PLAIN.replace(noise=cb.noise.Gaussian(1.0), method=cb.methods.SGD(0.1, momentum=0.5))


def test_gaussian_noise_needs_no_range_and_no_normal_band():
    """Unclipped steps have no range; the Gaussian tail of |x| and of the gap is proved, so both are decided by betting."""
    setting = PLAIN.replace(noise=cb.noise.Gaussian(1.0))
    run = run_of(setting, 2000)
    for bound, word in ((MeanSquare(1.5), "holds"), (MeanSquare(0.7), "violated"), (MeanSquareBelow(0.7), "holds")):
        verdict = only(run, bound)
        assert (verdict.verdict, verdict.method) == (word, "betting")
    few = only(run_of(setting, 64), MeanSquare(1.5))
    assert few.verdict == "undecided" and few.open and "more than 64 trajectories are needed, about" in few.reason


def test_asymptotic_verdicts_are_labelled_and_need_a_variance_and_a_kurtosis():
    """With momentum nothing is proved about the spread: a normal band, if the noise has seen a tenth of its kurtosis."""
    run = run_of(MOMENTUM, 2000)
    verdict = only(run, Level(1.0))
    assert (verdict.verdict, verdict.method) == ("holds", "asymptotic")
    assert only(run, Level(0.05)).verdict == "violated"
    few = only(run_of(MOMENTUM, 128), Level(1.0))
    assert few.verdict == "undecided" and few.open and few.method == "betting" and "256" in few.reason
    # Student's t of 3 degrees has the second moment, but no fourth: no number of trajectories justifies a normal band
    heavy = run_of(MOMENTUM.replace(noise=cb.noise.StudentT(3.0, 1.0)), 2000)
    verdict = only(heavy, Level(50.0))
    assert verdict.verdict == "undecided" and not verdict.open and "quantile" in verdict.reason
    # two atoms with kurtosis near 1e4 have it, from 1e5 trajectories on
    rare = only(run_of(MOMENTUM.replace(noise=cb.noise.TwoPoint(1.0, 1e-2)), 2000), Level(50.0))
    assert rare.verdict == "undecided" and rare.open and "normal band is used from 99" in rare.reason


def test_a_mean_without_any_moment_to_rest_on_is_refused_with_the_reason():
    for noise in (cb.noise.Pareto(1.01, 1.0), cb.noise.StudentT(1.0, 1.0)):
        verdict = only(run_of(PLAIN.replace(noise=noise), 4096), Level(1e9))
        assert verdict.verdict == "undecided" and not verdict.open
        assert "no proved finite range" in verdict.reason and "quantile" in verdict.reason
        # clipping makes the range finite, and the same bound is decided
        assert only(run_of(NOISY.replace(noise=noise), 4096), Level(1e3)).verdict == "holds"


def test_a_moment_below_the_second_decides_what_it_can():
    """Pareto of index 1.5 has no variance; a moment of order 1.4 bounds what the cut leaves out, and the mean is decided."""
    run = run_of(PLAIN.replace(noise=cb.noise.Pareto(1.5, 1.0)), 4096)
    verdict = only(run, Level(1e3))
    assert (verdict.verdict, verdict.method) == ("holds", "betting")
    assert only(run, LevelBelow(1e3)).verdict == "violated"
    assert only(run, MeanSquare(1.0)).verdict == "vacuous"  # the gap has no mean, nor has its bound


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
