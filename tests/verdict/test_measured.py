"""Measurements from outside: arrays, described settings, and verdicts that say what they assume."""

from typing import ClassVar

import numpy as np
import pytest
from scipy import stats
from toy_bounds import Level

import clipbounds as cb
from clipbounds.bounds.koloskova2023 import S1, D1Min
from clipbounds.verdict.assumed import seeds_needed, student_band

CLIPPED = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0))
SETTING = cb.Setting(cb.problems.Huber(1.0, 2.0, [4.0]), cb.noise.Gaussian(0.5), CLIPPED)


class MeanLevel(Level):
    quantity: ClassVar = "mean_gradient_norm"


def plain_loop(steps, seeds, seed=0):
    """Clipped SGD on the Huber function, written again in NumPy: gradient norms of x_0 .. x_steps."""
    draws = np.random.default_rng(seed)
    x, norms = np.full(seeds, 4.0), []
    for _ in range(steps + 1):
        gradient = np.clip(x, -2.0, 2.0)
        norms.append(np.abs(gradient))
        x = x - 0.05 * np.clip(gradient + 0.5 * draws.standard_normal(seeds), -1.0, 1.0)
    return np.array(norms)


def few(seeds, mean=1.0, deviation=0.1, seed=1):
    return mean + deviation * np.random.default_rng(seed).standard_normal((50, seeds))


def constants(**more):
    return cb.Constants(method=CLIPPED, L=1.0, F0=6.0, sigma=0.5, **more)


@pytest.fixture(scope="module")
def loop():
    return cb.measured(SETTING, np.arange(401), gradient_norm=plain_loop(400, 2048))


def test_a_plain_loop_is_judged_like_a_run(loop):
    run = cb.simulate(SETTING, 400, 2048, checkpoints=np.arange(1, 401), threads=1)
    ours, theirs = (cb.compare(data, S1()).verdicts[0] for data in (run, loop))
    assert ours.verdict == theirs.verdict == "holds"
    error = 6 * np.sqrt(ours.measured.std() ** 2 / 2048 + 0.25 / 2048)
    assert np.abs(ours.measured - theirs.measured).max() < error


def test_three_tenths_of_the_mean_is_violated(loop):
    mean = loop["mean_gradient_norm"].mean("trajectory").values[-1]
    verdict = cb.compare(loop, MeanLevel(0.3 * mean)).verdicts[0]
    assert verdict.verdict == "violated"


def test_derived_quantities(loop):
    norms = loop["gradient_norm"].values
    assert np.allclose(loop["mean_gradient_norm"].values[10], norms[:10].mean(axis=0), rtol=1e-12)
    assert np.array_equal(loop["min_gradient_norm"].values[10], norms[:11].min(axis=0))


@pytest.mark.parametrize(("seeds", "words"), [(12, "the given constants"), (4, "normal means and the given constants")])
def test_few_seeds_ten_times_beyond_are_violated(seeds, words):
    """Norms are never negative: that alone decides for 12 seeds, and 4 need the assumption."""
    run = cb.measured(constants(), np.arange(50), gradient_norm=few(seeds, mean=10.0))
    verdict = cb.compare(run, MeanLevel(1.0)).verdicts[0]
    assert verdict.verdict == f"violated (assuming {words})"
    assert cb.compare(run, MeanLevel(1.0), assume=None).verdicts[0].verdict == (
        "undecided" if seeds == 4 else "violated (assuming the given constants)"
    )


def test_words_of_what_holds_and_the_scope():
    run = cb.measured(constants(), np.arange(50), gradient_norm=few(8))
    comparison = cb.compare(run, S1())
    assert comparison.verdicts[0].verdict == "holds (assuming normal means and the given constants)"
    assert "Assumed by the user: L = 1, F0 = 6, sigma = 0.5, p = 2." in comparison.scope()
    assert "assumed: assumed by the user" in str(S1().hypotheses(constants()))
    assert comparison.figure().axes


def test_undecided_says_how_many_seeds_would_decide():
    run = cb.measured(constants(), np.arange(50), gradient_norm=few(4, deviation=0.2))
    verdict = cb.compare(run, Level(1.05)).verdicts[0]
    assert verdict.verdict == "undecided" and "seeds would decide" in verdict.reason
    two = cb.compare(cb.measured(constants(), [1, 2], gradient_norm=np.ones((2, 2))), Level(3.0))
    assert "at least 3" in two.verdicts[0].reason


def test_seeds_needed_inverts_the_band():
    n = seeds_needed(0.1, 1.0, 1e-3)
    assert student_band(n, 0.0, 1.0, 1e-3)[1] <= 0.1 < student_band(n - 1, 0.0, 1.0, 1e-3)[1]
    assert seeds_needed(0.0, 1.0, 1e-3) is None


@pytest.mark.parametrize("count", [8, 30])
def test_student_band_covers_normal_means(count):
    """4000 bands at error 0.1: the misses of each side are binomial (4000, 0.05)."""
    x = np.random.default_rng(count).standard_normal((4000, count))
    low, high = student_band(count, x.mean(axis=1), x.var(axis=1, ddof=1), 0.1)
    least, most = stats.binom.ppf([1e-6, 1 - 1e-6], 4000, 0.05)
    for misses in (np.count_nonzero(low > 0), np.count_nonzero(high < 0)):
        assert least <= misses <= most


def test_student_band_misses_a_skewed_mean_more_often_than_it_says():
    """The control: exp(2 z) with 8 seeds. The docs name it."""
    x = np.exp(2 * np.random.default_rng(3).standard_normal((4000, 8)))
    _, high = student_band(8, x.mean(axis=1), x.var(axis=1, ddof=1), 0.1)
    assert np.count_nonzero(high < np.exp(2)) > stats.binom.ppf(1 - 1e-6, 4000, 0.05)


def test_deterministic_bounds_of_a_described_setting():
    exact = cb.Constants(method=CLIPPED, L=1.0, F0=6.0, sigma=0)
    run = cb.measured(exact, np.arange(401), gradient_norm=np.maximum(2.0 * 0.97 ** np.arange(401), 1e-3))
    assert cb.compare(run, D1Min()).verdicts[0].verdict == "holds (assuming the given constants)"


@pytest.mark.parametrize(
    ("given", "named"),
    [({"F0": 1.0, "sigma": 1.0}, "L"), ({"L": 1.0, "sigma": 1.0}, "F0"), ({"L": 1.0, "F0": 1.0}, "sigma")],
)
def test_the_missing_number_is_named(given, named):
    with pytest.raises(ValueError, match=rf"^S1: it needs .*Constants\({named}=\.\.\.\)$"):
        S1().value(cb.Constants(method=CLIPPED, **given), [10])


def test_moments_of_assumed_noise():
    noise = cb.Constants(method=CLIPPED, L=1, sigma=2.0, p=1.5).noise
    assert noise.moment(1.0) == 2.0 and noise.moment(1.5) == 2.0**1.5  # Jensen
    assert noise.moment(2.0) == np.inf


def test_round_trip_and_no_simulation():
    setting = constants()
    assert type(setting).from_json(setting.to_json()) == setting
    with pytest.raises(ValueError, match="no objective that could be run"):
        cb.simulate(setting, 10, 1)


def test_divergence_and_missing_values():
    table = few(4)
    table[30:, 1] = np.inf
    table[5, 2] = np.nan
    run = cb.measured(constants(), np.arange(50), gradient_norm=table)
    assert run["diverged_at"].values.tolist() == [-1, 30, -1, -1]
    verdict = cb.compare(run, Level(3.0)).verdicts[0]
    assert verdict.verdict == "undecided" and 5 not in verdict.steps


def test_data_of_another_setting_name_the_suspects():
    run = cb.measured(SETTING, [1, 2, 3], gradient_norm=np.full((3, 300), 50.0))
    verdict = cb.compare(run, S1()).verdicts[0]
    assert verdict.verdict == "not measured"
    verdict = cb.compare(run, Level(1.0)).verdicts[0]
    assert verdict.verdict == "undecided" and "the data are not from this setting" in verdict.reason


def raised(call):
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


def test_bad_input_gets_a_sentence():
    setting, steps = constants(), np.arange(3)
    assert "did you mean 'gradient_norm'" in raised(lambda: cb.measured(setting, steps, grad_norm=[1, 2, 3]))
    assert "must increase, but 2 is followed by 1" in raised(lambda: cb.measured(setting, [0, 2, 1], gap=[1, 2, 3]))
    assert "different lengths [1, 2]" in raised(lambda: cb.measured(setting, [0, 1], gap=[[1], [2, 3]]))
    assert "no finite value for seed number 1" in raised(lambda: cb.measured(setting, steps, gap=[[1, np.nan]] * 3))
    assert "cannot be negative, but it is -2 at step 1" in raised(lambda: cb.measured(setting, steps, gap=[1, -2, 3]))
    assert "at least one quantity" in raised(lambda: cb.measured(setting, steps))
    assert "all quantities need the same seeds" in raised(
        lambda: cb.measured(setting, steps, gap=np.ones((3, 2)), distance=np.ones((3, 4)))
    )
    run = cb.measured(setting, steps, gap=[1, 2, 3])
    assert "cannot be continued" in raised(lambda: cb.compare(run, S1(), until="decided", budget=10))
    assert "method" in raised(lambda: cb.Constants(method=None, L=1))


def test_tables_for_papers():
    comparison = cb.compare(cb.measured(constants(), np.arange(50), gradient_norm=few(8)), S1())
    frame = comparison.to_dataframe()
    assert frame["tightness"][0] == comparison.verdicts[0].tightness and len(frame) == 1
    text = comparison.to_latex()
    assert text.startswith(r"\begin{tabular}") and r"mean\_gradient\_norm" in text
    assert "holds (assuming normal means and the given constants)" in text
    assert text.count("&") == 2 * (text.splitlines()[0].count("l", len(r"\begin{tabular}{")) - 1)
