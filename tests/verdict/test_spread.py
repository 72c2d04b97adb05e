"""The proved spread: equal to exact variances where it is tight, never below what is measured, and wealth is a fair game."""

import itertools

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as K
from clipbounds.verdict.coupling import contraction
from clipbounds.verdict.spread import spread_of
from clipbounds.verdict.wealth import Wealth

ETA = 0.1


def setting(noise, threshold=None, start=0.0, batch=1, per_sample=False):
    if threshold is None:
        method = cb.methods.SGD(ETA, batch_size=batch)
    else:
        method = cb.methods.ClippedSGD(ETA, cb.clipping.NormClip(threshold), batch_size=batch, per_sample=per_sample)
    return cb.Setting(cb.problems.Quadratic([1.0], [start]), noise, method)


@pytest.mark.parametrize("batch", [1, 4])
def test_unclipped_far_from_the_minimiser_the_variance_is_exact(batch):
    """x_t does not change sign from 1e3, so Var|x_t| = eta² sigma²/b (1 - (1-eta)^{2t})/(1 - (1-eta)²), and the bound is that."""
    steps = np.array([1, 5, 30])
    spread = spread_of(setting(cb.noise.TwoPoint(1.0, 0.5), start=1e3, batch=batch), "distance", steps)
    exact = ETA**2 / batch * (1 - (1 - ETA) ** (2 * steps)) / (1 - (1 - ETA) ** 2)
    assert np.allclose(spread.variance, exact, rtol=1e-7) and np.all(spread.variance >= exact)


SETTINGS = {
    "Gaussian": setting(cb.noise.Gaussian(1.0)),
    "Gaussian, clipped": setting(cb.noise.Gaussian(1.0), 1.0),
    "Student, clipped": setting(cb.noise.StudentT(1.5, 1.0), 5.0),
    "Pareto, clipped": setting(cb.noise.Pareto(1.2, 1.0), 20.0, start=2.0),
    "TwoPoint, clipped": setting(cb.noise.TwoPoint(1.0, 0.3), 1.0),
    "batch, clipped": setting(cb.noise.StudentT(3.0, 1.0), 1.0, batch=4),
    "per sample": setting(cb.noise.StudentT(3.0, 1.0), 1.0, batch=4, per_sample=True),
    "plane, clipped": cb.Setting(
        cb.problems.Quadratic([1.0, 0.2], [1.0, 1.0]),
        cb.noise.Gaussian(1.0),
        cb.methods.ClippedSGD(ETA, cb.clipping.NormClip(1.0)),
    ),
    "growing": cb.Setting(
        cb.problems.Quadratic([1.0], [1.0]),
        cb.noise.StudentT(1.6, 1.0),
        cb.methods.PerSampleClippedSGD(ETA, cb.clipping.GrowingClip(1.0, 1.5), 4),
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("quantity", ["distance", "gradient_norm", "mean_gradient_norm", "min_gradient_norm", "gap"])
def test_no_measured_spread_is_above_the_proved_one(name, quantity):
    """Variance, and the mean excess over two cuts, of 20000 trajectories; their own error is five standard errors."""
    steps = np.array([1, 4, 20])
    spread = spread_of(SETTINGS[name], quantity, steps)
    x = cb.simulate(SETTINGS[name], 20, 20_000, seed=3, checkpoints=steps, threads=1)[quantity].values
    x = np.sqrt(x) if quantity == "gap" else x
    squares = np.square(x - x.mean(axis=1, keepdims=True))
    assert np.all(squares.mean(axis=1) - 5 * squares.std(axis=1) / 140 <= spread.variance)
    for factor in (0.5, 2.0):
        cut = factor * x.std(axis=1)[:, np.newaxis] + 1e-12
        over = np.maximum(np.abs(x - x.mean(axis=1, keepdims=True)) - cut, 0.0)
        assert np.all(over.mean(axis=1) - 5 * over.std(axis=1) / 140 <= 2 * spread.excess(cut[:, 0]) + 1e-12)


@pytest.mark.parametrize(
    "given",
    [
        setting(cb.noise.Gaussian(1.0)).replace(method=cb.methods.SGD(ETA, momentum=0.5)),
        setting(cb.noise.Gaussian(1.0)).replace(method=cb.methods.NormalizedSGD(ETA)),
        setting(cb.noise.Gaussian(1.0)).replace(problem=cb.problems.Cosh(1.0, 1.0, [1.0])),
    ],
)
def test_no_spread_where_the_lemma_does_not_apply(given):
    assert spread_of(given, "gradient_norm", [1, 10]) is None


@pytest.mark.parametrize(
    ("given", "steps"),
    [(K.two_point_setting(1.0, 1.0, 0.5, 1.0, 1e-2), 1000), (setting(cb.noise.TwoPoint(1.0, 0.3), 1.0), 200)],
)
def test_two_trajectories_with_the_same_noise_meet_as_fast_as_proved(given, steps):
    """Pairs from the ends and the middle of the interval; E|x_k - y_k| <= W kappa^k |a - b|, and a faster rate is refuted."""
    from clipbounds.verdict.ranges import interval

    found = contraction(given, float(steps))
    assert found.kappa < 1 <= found.square <= found.top**2 * (1 + 1e-6)
    left, right = (float(v) for v in interval(given, np.float64(steps)))
    support, weights = given.noise.atoms()
    eta, c = given.method.step_size, given.method.clip.threshold
    rng = np.random.default_rng(0)
    slower = False
    for a, b in ((left, right), (left, left + 0.05), (0.0, 0.05), (right - 0.05, right)):
        x, y = np.full(4000, a), np.full(4000, b)
        for k in range(1, steps + 1):
            xi = rng.choice(support, size=x.size, p=weights)
            x, y = x - eta * np.clip(x + xi, -c, c), y - eta * np.clip(y + xi, -c, c)
            apart = np.abs(x - y)
            assert apart.mean() - 5 * apart.std() / 63 <= found.top * found.kappa**k * (b - a) + 1e-12
            slower |= apart.mean() > 5 * apart.std() / 63 + (1 - 2 * eta) ** k * (b - a)
        assert np.all(x >= left - 1e-12) and np.all(y <= right + 1e-12)
    assert slower  # negative control: kappa = 1 - 2 eta with W = 1 is wrong


VALUES, CHANCES = np.array([0.0, 1.0]), np.array([0.8, 0.2])  # mean .2, variance .16


@pytest.mark.parametrize(
    "facts",
    [
        {"low": 0.0},
        {"variance": 0.16},
        {"cut": 0.1, "excess": 0.08},  # E(mu - X - .1)^+ = .8·.1
        {"low": 0.0, "variance": 0.16, "cut": 0.15, "excess": 0.04, "prior": 0.16},
    ],
    ids=["range", "variance", "cut", "all"],
)
def test_the_wealth_at_the_true_mean_has_expectation_at_most_one(facts):
    """Exactly, over all 2^10 outcomes of ten draws."""
    expected = 0.0
    for outcome in itertools.product((0, 1), repeat=10):
        index = np.array(outcome)
        expected += CHANCES[index].prod() * np.exp(Wealth(VALUES[index], 0.05, **facts).log(0.2))
    assert 0 < expected <= 1 + 1e-12


@pytest.mark.parametrize(
    "facts", [{"variance": 0.04}, {"cut": 0.1, "excess": 0.0}, {"low": 0.1}], ids=["variance", "cut", "range"]
)
def test_a_wrong_fact_makes_the_game_unfair(facts):
    """Negative control: half of the deviation, no cost of the cut, a range that cuts off the zeros."""
    expected = 0.0
    for outcome in itertools.product((0, 1), repeat=10):
        index = np.array(outcome)
        expected += CHANCES[index].prod() * np.exp(Wealth(VALUES[index], 0.05, **facts).log(0.2))
    assert expected > 1.01


def test_wealth_does_not_increase_in_the_candidate():
    """Across the point where the cut takes over from the range, too."""
    rng = np.random.default_rng(5)
    for _ in range(40):
        x = rng.pareto(1.5, 30)
        cut = rng.uniform(0.1, 3)
        wealth = Wealth(x, 0.01, 0.0, cut, rng.uniform(0.001, 0.3), rng.choice([np.inf, 2.0]), 1.0)
        values = [wealth.log(m) for m in np.linspace(1e-3, 6, 400)]
        assert np.all(np.diff(values) <= 1e-9)
        limit = wealth.limit()
        assert limit <= 1e-3 or (wealth.rejects(limit) and not wealth.rejects(limit + 1e-4 * x.mean()))
