"""The point where the mean clipped step on the rows of a dataset vanishes."""

import numpy as np
import pytest
from scipy.optimize import minimize

import clipbounds as cb
from clipbounds.problems import LeastSquares, Logistic, RobustRegression, Softmax
from clipbounds.worst_case import floor, stationary_rows, stationary_vector

RNG = np.random.default_rng(11)
FEATURES = RNG.normal(size=(60, 3)) * RNG.choice([0.5, 4.0], size=(60, 1), p=[0.9, 0.1])
SIGNS = np.where(FEATURES @ [1.0, -1.0, 0.5] + 1.5 * RNG.normal(size=60) > 0, 1.0, -1.0)
CONFIDENCE = 0.999


def mean_step(problem, x, c):
    rows = problem.slopes(problem.predictions(x))[:, None] * np.asarray(problem.features) + problem.ridge * x
    return np.mean(rows * np.minimum(1, c / np.maximum(np.linalg.norm(rows, axis=1), 1e-300))[:, None], axis=0)


@pytest.mark.parametrize("c", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("loss", ["logistic", "least squares", "huber", "geman_mcclure"])
def test_the_mean_step_vanishes(loss, ridge, c):
    targets = FEATURES @ [1.0, -1.0, 0.5] + RNG.normal(size=60)
    problem = {
        "logistic": lambda: Logistic(FEATURES, SIGNS, 0.0, ridge),
        "least squares": lambda: LeastSquares(FEATURES, targets, 0.0, ridge),
        "huber": lambda: RobustRegression(FEATURES, targets, 0.0, ridge, width=0.5),
        "geman_mcclure": lambda: RobustRegression(FEATURES, targets, 0.0, ridge, loss="geman_mcclure", width=3.0),
    }[loss]()
    x = stationary_rows(problem, c)
    assert np.linalg.norm(mean_step(problem, x, c)) <= 1e-10 * c
    assert np.linalg.norm(problem.gradient(x)) <= floor(c, np.sqrt(cb.oracles.RowSampling(problem).moment_at(x, 2)))


def softmax_rows(problem, labels, x):
    """grad f_i(x) from the definition, row by row."""
    weights, found = x.reshape(3, 3), []
    for a, y in zip(FEATURES, labels, strict=True):
        powers = np.exp(weights @ a - np.max(weights @ a))
        found.append(np.outer(powers / powers.sum() - np.eye(3)[y], a).ravel() + problem.ridge * x)
    return np.array(found)


@pytest.mark.parametrize("c", [0.05, 0.3, 1.0])  # rows are clipped at the minimiser under all of them
@pytest.mark.parametrize("ridge", [0.01, 0.1])
def test_the_mean_step_vanishes_on_three_classes(ridge, c):
    labels = np.digitize(FEATURES @ [1.0, -1.0, 0.5] + 1.5 * RNG.normal(size=60), [-0.7, 0.7])
    problem = Softmax(FEATURES, labels, 0.0, ridge)
    x = stationary_rows(problem, c)

    def step(x):
        rows = softmax_rows(problem, labels, x)
        return np.mean(rows * np.minimum(1, c / np.linalg.norm(rows, axis=1))[:, None], axis=0)

    assert np.linalg.norm(step(x)) <= 1.01e-10 * c
    assert np.linalg.norm(step(problem.minimiser)) > 1e-3 * c, "the control: it is not the minimiser"
    # settled: a small step from nearby leads nearer
    away = 1e-3 * RNG.normal(size=9)
    assert np.linalg.norm(away - 0.01 * step(x + away)) < np.linalg.norm(away)
    assert np.linalg.norm(problem.gradient(x)) <= floor(c, np.sqrt(cb.oracles.RowSampling(problem).moment_at(x, 2)))


@pytest.mark.parametrize("c", [0.05, 0.3, 2.0])
def test_against_the_convex_function_whose_gradient_it_is(c):
    """Without a ridge: mean of Huber-like integrals of the clipped slopes, minimised by an independent method."""
    targets = FEATURES @ [1.0, -1.0, 0.5] + RNG.standard_t(2, size=60)
    problem = LeastSquares(FEATURES, targets, 0.0)
    widths = c / np.linalg.norm(FEATURES, axis=1)

    def potential(w):
        r = np.abs(FEATURES @ w - targets)
        return np.mean(np.where(r <= widths, 0.5 * r * r, widths * r - 0.5 * widths**2))

    found = minimize(potential, stationary_rows(problem, c) + 0.1, jac=lambda w: mean_step(problem, w, c), tol=1e-14)
    assert potential(stationary_rows(problem, c)) <= found.fun + 1e-14


def reweighted_squares(a, y, c, ridge, rounds=20_000):
    """Iteratively reweighted least squares, from the formula: w = (sum q (a a' + ridge))^-1 sum q a y, q = min(1, c/norm)."""
    w, size = np.zeros(a.shape[1]), np.inf
    for _ in range(rounds):
        norms = np.linalg.norm((a @ w - y)[:, None] * a + ridge * w, axis=1)
        q = np.minimum(1, c / np.maximum(norms, 1e-300))
        gram = (a * q[:, None]).T @ a + ridge * q.sum() * np.eye(a.shape[1])
        w, before = np.linalg.solve(gram, a.T @ (q * y)), w
        size = np.linalg.norm(w - before)
        if size <= 1e-14 * np.linalg.norm(w):
            break
    return w


@pytest.mark.parametrize("c", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("dim", [2, 3, 8])
def test_against_reweighted_least_squares(dim, ridge, c):
    """Squares in several dimensions: a fixed point that is computed without Newton's method, to the common accuracy.

    ‖mean clip‖ <= 1e-10 c at both; they are apart by that over the smallest eigenvalue of the mean step's Jacobian.
    """
    rng = np.random.default_rng(dim)
    a = rng.normal(size=(80, dim)) * rng.choice([0.5, 4.0], size=(80, 1), p=[0.9, 0.1])
    y = a @ rng.normal(size=dim) + rng.standard_t(1.5, size=80)
    problem = LeastSquares(a, y, 0.0, ridge)
    w, x = reweighted_squares(a, y, c, ridge), stationary_rows(problem, c)
    h = 1e-6
    jacobian = np.stack([mean_step(problem, x + h * e, c) - mean_step(problem, x - h * e, c) for e in np.eye(dim)]) / (
        2 * h
    )
    softest = np.linalg.svd(jacobian, compute_uv=False).min()
    assert np.linalg.norm(mean_step(problem, w, c)) <= 1e-10 * c
    assert np.linalg.norm(w - x) <= 4e-10 * c / softest
    other = stationary_rows(problem, 40 * c)  # a little more may change nothing: below some c every row is clipped
    assert np.linalg.norm(w - other) > 4e-10 * c / softest, "the control: the point of another threshold"


def test_identity_features_are_the_additive_case():
    """Rows with a common matrix I: grad f_i(x) = x - y_i per block; here one coordinate, where IRLS on the atoms answers."""
    targets = RNG.standard_t(2, size=41)
    problem = LeastSquares(np.ones((41, 1)), targets, 0.0)
    for c in (0.1, 1.0, 5.0):
        h = stationary_vector(-targets[:, None] + targets.mean(), np.ones(41), c)
        x = stationary_rows(problem, c)
        assert problem.gradient(x) == pytest.approx(h, abs=1e-9)


@pytest.mark.parametrize("c", [0.05, 0.1, 0.3])
def test_long_runs_settle_there(c):
    """At a small step the time average of x over a long run: within its band plus the O(eta) shift, which is halved and
    extrapolated away (two steps, the same rows). Normal band over 128 trajectories, 0.999 over coordinates."""
    from scipy import stats

    from clipbounds.lanes.blocks import unpack
    from clipbounds.methods.blocks import BlockMaker

    start = Logistic(FEATURES, SIGNS, 0.0, 0.1)
    problem = start.replace(x0=stationary_rows(start, c))
    means = []
    for eta, every in ((0.02, 100), (0.01, 200)):
        setting = cb.Setting(
            problem, cb.oracles.RowSampling(problem), cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c))
        )
        total = 0
        make = BlockMaker(setting)
        blocks = [make(0, 0), make(0, 64)]
        for k in range(40, 240):
            for block in blocks:
                block.run_to(k * every)
            total = total + np.concatenate([unpack(block.iterate(3)[None], 64) for block in blocks])
        means.append(total / 200)
    limit = 2 * means[1] - means[0]
    error = stats.norm.isf((1 - CONFIDENCE) / 6) * limit.std(axis=0) / np.sqrt(len(limit))
    assert np.all(np.abs(limit.mean(axis=0) - problem.x0) <= error)
    assert np.linalg.norm(problem.minimiser - problem.x0) > 3 * np.linalg.norm(error), "the control: it is not x*"


def test_bad_input():
    problem = Logistic(FEATURES, SIGNS, 0.0, 0.1)
    with pytest.raises(ValueError, match="must be a mean over rows"):
        stationary_rows(cb.problems.Quadratic(1.0, 1.0), 1.0)
    with pytest.raises(ValueError, match="threshold"):
        stationary_rows(problem, 0.0)
