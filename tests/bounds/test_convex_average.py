"""The average of clipped SGD on convex functions: the lemma on exact laws, the bound on runs, and what must break it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds.koloskova2023 import ConvexAverage
from clipbounds.bounds.koloskova2023.average import farthest
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD, PowerSchedule
from clipbounds.verdict import bands


def setting_of(problem, noise, eta, c, **options):
    return cb.Setting(problem, noise, ClippedSGD(eta, NormClip(c), averages=True, **options))


QUADRATIC, LONG = cb.problems.Quadratic([1.0, 0.25], [1.0, -0.5]), cb.problems.Quadratic(1.0, 1.0)
HUBER = cb.problems.Huber(1.0, 0.5, 3.0)
SKEWED = cb.noise.TwoPoint(1.0, 0.5)


def clipped(x, c):
    return x * np.minimum(1.0, c / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-300))


@given(st.integers(0, 10**6))
def test_bias_and_second_moment_on_finite_laws(seed):
    """Any centred law of four atoms in the plane: its exact bias and second moment are below b and s, also of cells around u."""
    rng = np.random.default_rng(seed)
    p, c, scale = rng.uniform(1.1, 2.0), rng.uniform(0.1, 3.0), rng.uniform(0.05, 3.0)
    weights, atoms = rng.dirichlet(np.ones(4) * rng.choice([0.2, 1.0])), scale * rng.standard_t(2, (4, 2))
    gradient = np.array([rng.uniform(0.0, 4.0), 0.0])
    noise = atoms - weights @ atoms
    sigma = float(weights @ np.linalg.norm(noise, axis=1) ** p) ** (1 / p)
    y, u, bound = clipped(gradient + noise, c), gradient[:1], ConvexAverage(p)
    low, high = u * rng.uniform(0.9, 1.0), u * rng.uniform(1.0, 1.1)
    if low[0] < c < high[0]:
        low, high = u, u
    assert np.linalg.norm(weights @ y - gradient) <= bound.bias(low, high, c, sigma)[0] * (1 + 1e-6) + 1e-12
    assert weights @ np.sum(y * y, axis=1) <= bound.second_moment(u, c, sigma)[0] * (1 + 1e-12)


@given(st.integers(0, 10**6))
def test_the_unrolled_recursion(seed):
    """For every kappa and theta the closed form is at least what the recursion allows the gaps to sum to."""
    rng = np.random.default_rng(seed)
    eta, A, square, T = 0.1 * rng.random(), rng.random(), rng.random(), int(rng.integers(1, 30))
    kappa, theta = rng.exponential(0.5), rng.uniform(0, 0.9)
    q, V, total = 1 + 2 * eta * kappa, square, 0.0
    for _ in range(T):  # an adversary takes any admissible part of V at once
        gap = rng.random() * max(q * V + 2 * eta * A, 0.0) / (2 * eta * (1 - theta))
        V, total = q * V + 2 * eta * A - 2 * eta * (1 - theta) * gap, total + gap
    stretch = (q**T - 1) / (2 * eta * kappa * T)
    assert total / T <= (q**T * square / (2 * eta * T) + A * stretch) / (1 - theta) * (1 + 1e-9)


def test_at_least_the_plain_form_and_not_above_it():
    """kappa = theta = 0 written out on a dense grid of gradient norms."""
    for problem, eta, c, T in ((HUBER, 0.05, 1.5, 60.0), (LONG, 0.05, 2.0, 20.0), (QUADRATIC, 0.3, 4.0, 3.0)):
        setting, bound = setting_of(problem, SKEWED, eta, c), ConvexAverage()
        D, U = farthest(setting, T)
        u = np.linspace(0, U, 20001)
        b, s = bound.bias(u, u, c, setting.sigma), bound.second_moment(u, c, setting.sigma)
        start = float(problem.distance(problem.x0)) ** 2 / (2 * eta * T)
        plain = start + np.max(b * D + eta * s / 2 - u**2 / (2 * problem.lipschitz))
        assert start < float(bound.value(setting, T)) <= plain * 1.01


CASES = {
    "huber": setting_of(HUBER, SKEWED, 0.05, 2.0), "huber, small c": setting_of(HUBER, SKEWED, 0.05, 0.6),
    "plane": setting_of(QUADRATIC, cb.noise.Rademacher(0.5), 0.1, 3.0), "line": setting_of(LONG, SKEWED, 0.1, 2.0),
    "batch": setting_of(HUBER, cb.noise.Gaussian(1.0), 0.05, 1.0, batch_size=4),
    "each sample": setting_of(HUBER, SKEWED, 0.05, 1.0, batch_size=4, per_sample=True),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_bound_holds(case):
    """A guarded normal band of the mean gap, confidence .999: x_t is bounded."""
    setting, steps = CASES[case], np.array([1, 10, 60, 300])
    run = cb.simulate(setting, 300, 1024, 11, checkpoints=steps)
    for bound in (ConvexAverage(), ConvexAverage(1.5)):
        for value, sample in zip(bound.value(setting, steps), run.gap_of_average.values, strict=True):
            assert bands.guarded_normal(sample, 0.999)[0] <= value
            assert sample.mean() <= value


def test_it_is_reached():
    """One step from x_0 without noise, eta = 1/L: R0² L/2 is the gap at x_0; .99 of the bound is violated, and `compare` sees it."""
    setting = setting_of(LONG, cb.noise.NoNoise(), 1.0, 5.0)
    run = cb.simulate(setting, 1, checkpoints=[1])
    np.testing.assert_allclose(ConvexAverage().value(setting, 1), run.gap_of_average[0], rtol=1e-6)
    verdicts = cb.compare(run, [ConvexAverage(), Scaled(ConvexAverage(), 0.99)]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "violated"]


def test_it_is_reached_by_gradient_descent_too():
    """Along the slope G of a Huber function from R0 = eta G T: the mean gap is G R0/2 = R0²/(2 eta T), less the knee's G²/(2L)."""
    T, G, eta = 400, 0.5, 1e-3
    setting = setting_of(cb.problems.Huber(1000.0, G, eta * G * T), cb.noise.NoNoise(), eta, 2.0)
    run = cb.simulate(setting, T, checkpoints=[T])
    ratio = float(run.gap_of_average[0, 0] / ConvexAverage().value(setting, T))
    assert 0.99 < ratio <= 1


def test_the_falsifier_measures_what_it_attacks():
    """Its templates are given averages, or the search would have nothing to compare."""
    result = cb.falsify(ConvexAverage(), budget=60)
    assert not result.broken and result.ratio > 0


def test_a_run_without_averages_says_so():
    setting = cb.Setting(LONG, SKEWED, ClippedSGD(0.1, NormClip(1.0)))
    verdict = cb.compare(cb.simulate(setting, 5, 64), [ConvexAverage()]).verdicts[0]
    assert verdict.verdict == "not measured" and "averages=True" in verdict.reason


class WithoutBias(ConvexAverage):
    """The textbook bound of SGD, with the smaller second moment that clipping brings: false."""

    def bias(self, low, high, c, sigma):
        return 0 * low


def test_without_the_bias_it_is_false():
    """c = .3 under a two-point law of deviation 1: the average settles at a biased point. `compare` tells the two apart."""
    setting = setting_of(LONG, cb.noise.TwoPoint(1.0, 0.35), 0.02, 0.3)
    run = cb.simulate(setting, 20_000, 256, 5, checkpoints=[20_000])
    verdicts = cb.compare(run, [ConvexAverage(), WithoutBias()]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "violated"]


def test_the_distance_is_bounded_for_every_noise():
    """Each way to bound it on runs of its own; half of the third is exceeded."""
    strong = setting_of(LONG.replace(x0=[0.1]), SKEWED, 0.3, 5.0)
    for setting in (strong, setting_of(HUBER, SKEWED, 0.3, 0.5), setting_of(QUADRATIC, cb.noise.NoNoise(), 1.9, 0.5)):
        run = cb.simulate(setting, 60, 128, checkpoints=range(61))
        D = np.array([farthest(setting, t + 1.0)[0] for t in range(61)])
        assert (run.distance.values <= D[:, np.newaxis] * (1 + 1e-12)).all()
    run = cb.simulate(strong, 60, 128, checkpoints=range(61))
    assert run.distance.max() > 0.5 * farthest(strong, 1e6)[0]


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        (setting_of(LONG, SKEWED, 0.1, 1.0, momentum=0.5), "momentum"),
        (setting_of(cb.problems.Cosh(1.0, 1.0, 1.0), SKEWED, 0.1, 1.0), "L-smooth"),
        (setting_of(cb.problems.DoubleWell(0.7), SKEWED, 0.1, 1.0), "convex"),
        (setting_of(LONG, cb.noise.Pareto(1.5, 1.0), 0.1, 1.0), "sigma_p"),
        (setting_of(cb.problems.Softplus(1.0), SKEWED, 0.1, 1.0), "R0"),
        (setting_of(LONG, SKEWED, PowerSchedule(0.1), 1.0), "constants"),
    ],
)
def test_hypotheses_are_asked_for(setting, word):
    with pytest.raises(HypothesesFail, match=word):
        ConvexAverage().value(setting, 10)


def test_heavy_tails_have_a_bound_of_their_own():
    """Pareto noise of infinite variance: p = 1.4 gives a number, and the run stays below."""
    setting = setting_of(HUBER, cb.noise.Pareto(1.5, 0.3), 0.05, 2.0)
    run = cb.simulate(setting, 60, 1024, 2, checkpoints=[60])
    assert run.gap_of_average.mean() <= ConvexAverage(1.4).value(setting, 60) < 5
