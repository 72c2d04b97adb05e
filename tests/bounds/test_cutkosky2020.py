"""NSGD-M: its two lemmas on random instances, the bound against exact means over all noise sequences and runs, and controls."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds.cutkosky2020 import NormalizedMomentumMean, normalized_momentum
from clipbounds.methods import NormalizedMomentumSGD, NormalizedSGD, PowerSchedule
from clipbounds.verdict import bands

LINE = cb.problems.Quadratic(1.0, 1.0)
PROBLEMS = (
    cb.problems.Quadratic([1.0, 0.2], [1.0, -2.0]),
    cb.problems.SineQuadratic([1.5, -0.7]),
    cb.problems.GemanMcClure([0.8, 2.0]),
    cb.problems.Huber(2.0, 0.7, [0.3, 3.0]),
)


def setting_of(problem, noise, eta, beta, batch=1):
    return cb.Setting(problem, noise, NormalizedMomentumSGD(eta, beta, batch))


def weights(t, beta):
    w = beta ** np.arange(t + 1.0)
    return w / w.sum()


def path(problem, xi, eta, beta):
    """Points x_0, ..., x_T and errors e_t = v_t - grad f(x_t) of the written-out method, v_t as a weighted mean of all estimates."""
    x, estimates, points, errors = problem.x0, [], [problem.x0], []
    for t, noise in enumerate(xi):
        estimates.append(problem.gradient(x) + noise)
        v = weights(t, beta) @ np.array(estimates[::-1])
        errors.append(v - problem.gradient(x))
        x = x - eta * v / np.linalg.norm(v) if np.linalg.norm(v) > 0 else x
        points.append(x)
    return np.array(points), np.array(errors)


def instance(seed):
    rng = np.random.default_rng(seed)
    problem, beta, eta = (
        PROBLEMS[rng.integers(4)],
        rng.choice([0.0, 0.5, 0.9, rng.random()]),
        10 ** rng.uniform(-2, 0.5),
    )
    xi = rng.standard_t(1.5, (int(rng.integers(1, 40)), 2)) * rng.choice([0.0, 0.1, 3.0])
    return problem, xi, eta, beta


@given(st.integers(0, 10**6))
def test_descent_for_every_trajectory(seed):
    """Whatever the noise: the sum of the gradient norms by the errors; and the errors without noise by eta L Delta_t."""
    problem, xi, eta, beta = instance(seed)
    L, T = problem.lipschitz, len(xi)
    points, errors = path(problem, xi, eta, beta)
    norms = np.linalg.norm(problem.gradient(points[:-1]), axis=1)
    right = problem.initial_gap / eta + T * L * eta / 2 + 2 * np.linalg.norm(errors, axis=1).sum()
    assert norms.sum() <= right * (1 + 1e-12)
    for t in range(T):
        drift = errors[t] - weights(t, beta) @ xi[t::-1]
        assert np.linalg.norm(drift) <= L * eta * normalized_momentum.delay(np.float64(t), beta) + 1e-11 * (
            1 + np.abs(xi).max()
        )


@given(st.integers(0, 10**6))
def test_the_noise_of_a_weighted_mean(seed):
    """E‖sum w xi‖^p <= K_p sigma^p sum w^p, exactly for five steps of a law of three atoms, the later ones scaled by the first."""
    rng = np.random.default_rng(seed)
    p, beta, t = rng.uniform(1.05, 2.0), rng.random(), 4
    chance, atoms = rng.dirichlet(np.ones(3)), rng.standard_t(2, (3, 2))
    atoms = atoms - chance @ atoms
    spread = (chance @ np.linalg.norm(atoms, axis=1) ** p) ** (1 / p)
    w, total = weights(t, beta), 0.0
    for draw in itertools.product(range(3), repeat=t + 1):
        scale = np.array([1.0] + [0.2 + 0.8 * (draw[0] == 0)] * t)  # a martingale difference, not independent
        total += np.prod(chance[list(draw)]) * np.linalg.norm(w[::-1] @ (scale[:, np.newaxis] * atoms[list(draw)])) ** p
    growth = cb.bounds.nobile2026.constants.moment_growth(p)
    wanted = growth * spread**p * normalized_momentum.concentration(np.float64(t), beta, p)
    assert total <= wanted * (1 + 1e-10)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9, 0.999, 1 - 1e-9])
def test_sums_of_weights(beta):
    for t in (0, 1, 2, 7, 300):
        w = weights(t, beta)
        found = float(normalized_momentum.delay(np.float64(t), beta))
        exact = w @ np.arange(t + 1)
        assert exact * (1 - (t + 2) * np.finfo(float).eps) <= found <= t / 2
        assert found <= exact + 1e-14 * (beta / (1 - beta) + t)
        for p in (1.2, 2.0):
            found = normalized_momentum.concentration(np.float64(t), beta, p)
            np.testing.assert_allclose(found, np.sum(w**p), rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_pieces_of_steps(beta):
    """T = 1, where only the start counts, up to 3e4: the sum step by step is below, and not by more than .1 %."""
    setting, bound = setting_of(LINE, cb.noise.Gaussian(1.0), 0.01, beta), NormalizedMomentumMean()
    t = np.arange(30_000.0)
    errors = 0.01 * normalized_momentum.delay(t, beta) + np.sqrt(normalized_momentum.concentration(t, beta, 2.0))
    steps = np.array([1, 2, 100, 4096, 4097, 5000, 30_000])
    wanted = (0.5 / 0.01 + 2 * np.cumsum(errors)[steps - 1]) / steps + 0.005
    found = bound.value(setting, steps)
    assert (found >= wanted * (1 - 1e-12)).all() and (found <= wanted * 1.001).all()
    np.testing.assert_allclose(bound.value(setting, 5000), found[5], rtol=1e-3)


@pytest.mark.parametrize("problem", [LINE, cb.problems.SineQuadratic([0.9]), cb.problems.Huber(1.0, 0.7, 2.0)], ids=str)
@pytest.mark.parametrize("beta", [0.0, 0.6])
def test_the_exact_mean_over_all_sequences(problem, beta):
    """A two-point law for eight steps: 256 sequences with their chances."""
    noise, eta, T = cb.noise.TwoPoint(1.0, 0.6), 0.3, 8
    atoms, chances = noise.atoms()
    mean = 0.0
    for draw in itertools.product(range(2), repeat=T):
        points, _ = path(problem, np.asarray(atoms)[list(draw)][:, np.newaxis], eta, beta)
        mean += np.prod(np.asarray(chances)[list(draw)]) * np.abs(problem.gradient(points[:-1])).mean()
    setting = setting_of(problem, noise, eta, beta)
    for p in (1.3, 2.0):
        assert mean <= NormalizedMomentumMean(p).value(setting, T)
    run = cb.simulate(setting, T, 4096, 3, checkpoints=[T])
    low, high = bands.guarded_normal(run.mean_gradient_norm.values[-1], 0.999)
    assert low <= mean <= high  # the twin of this file is the method


@pytest.mark.parametrize(
    "setting",
    [
        setting_of(PROBLEMS[0], cb.noise.Gaussian(1.0), 0.02, 0.9), setting_of(PROBLEMS[1], cb.noise.Gaussian(0.5), 0.02, 0.5, 4),
        setting_of(PROBLEMS[3], cb.noise.TwoPoint(1.0, 0.3), 0.1, 0.0), setting_of(LINE, cb.noise.Pareto(1.6, 1.0), 0.01, 0.95),
    ],
)  # fmt: skip
def test_the_bound_holds_on_runs(setting):
    """Heavy tails too: steps of one length keep the gradient norm of each trajectory bounded."""
    steps = np.array([1, 30, 1000])
    run = cb.simulate(setting, 1000, 512, 4, checkpoints=steps)
    mean = run.mean_gradient_norm.mean("trajectory").values
    ps = [1.4] if isinstance(setting.noise, cb.noise.Pareto) else [1.4, 2.0]
    assert all((mean <= NormalizedMomentumMean(p).value(setting, steps)).all() for p in ps)


def test_it_is_reached():
    """From eta/2 without noise the points alternate between ±eta/2: L eta/2, and .99 of the bound is violated."""
    setting = setting_of(LINE.replace(x0=[0.05]), cb.noise.NoNoise(), 0.1, 0.0)
    run = cb.simulate(setting, 1000, checkpoints=[1000])
    verdicts = cb.compare(run, [NormalizedMomentumMean(), Scaled(NormalizedMomentumMean(), 0.99)]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "violated"]


class WithoutNoise(NormalizedMomentumMean):
    """A weakened copy: as if normalised steps averaged the noise away."""

    def sigma(self, setting):
        return 0.0


def test_without_its_noise_it_is_false():
    """Rademacher noise larger than the slope: the sign of the estimate is a fair coin, and x walks about."""
    setting = setting_of(cb.problems.Huber(1.0, 0.9, 5.0), cb.noise.Rademacher(1.0), 0.001, 0.0)
    run = cb.simulate(setting, 20_000, 64, checkpoints=[20_000])
    verdicts = cb.compare(run, [NormalizedMomentumMean(), WithoutNoise()]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "violated"]


def test_without_its_delay_it_is_false(monkeypatch):
    """No noise, beta = .95 on a parabola: the buffer lags behind, and the points swing wider than steps of that length must."""
    setting = setting_of(LINE, cb.noise.NoNoise(), 0.1, 0.95)
    run = cb.simulate(setting, 1000, checkpoints=[1000])
    assert cb.compare(run, [NormalizedMomentumMean()]).verdicts[0].verdict == "holds"
    monkeypatch.setattr(normalized_momentum, "delay", lambda t, beta: 0.0 * t)
    assert cb.compare(run, [NormalizedMomentumMean()]).verdicts[0].verdict == "violated"


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        (cb.Setting(LINE, cb.noise.Gaussian(1.0), NormalizedSGD(0.1)), "NormalizedMomentumSGD"),
        (setting_of(LINE, cb.noise.Pareto(1.5, 1.0), 0.1, 0.9), "sigma_p"),
        (setting_of(cb.problems.Cosh(1.0, 1.0, 1.0), cb.noise.Gaussian(1.0), 0.1, 0.9), "L-smooth"),
        (cb.Setting(LINE, cb.noise.Gaussian(1.0), NormalizedMomentumSGD(PowerSchedule(0.1), 0.9)), "constants"),
    ],
)
def test_hypotheses_are_asked_for(setting, word):
    with pytest.raises(HypothesesFail, match=word):
        NormalizedMomentumMean().value(setting, 10)


def test_it_cites_the_paper():
    assert "2002.03305" in NormalizedMomentumMean().bibtex() and "clipbounds" in NormalizedMomentumMean().bibtex()
