"""Means of losses over rows: gradients, certified constants and minima, dense and sparse."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array, random_array

import clipbounds as cb
from clipbounds.problems import LeastSquares, Logistic, RobustRegression, Softmax
from clipbounds.problems.spectrum import spectrum

RNG = np.random.default_rng(5)
ROWS = random_array((80, 6), density=0.5, format="csr", rng=RNG, data_sampler=RNG.standard_normal)
DENSE = ROWS.toarray()
TARGETS = DENSE @ RNG.normal(size=6) + RNG.standard_t(2, size=80)
SIGNS = np.where(TARGETS > 0, 1.0, -1.0)


def problems(rows, ridge):
    return {
        "logistic": Logistic(rows, SIGNS, 0.0, ridge),
        "least squares": LeastSquares(rows, TARGETS, 0.0, ridge),
        "huber": RobustRegression(rows, TARGETS, 0.0, ridge, width=0.7),
        "geman_mcclure": RobustRegression(rows, TARGETS, 0.0, ridge, loss="geman_mcclure", width=0.7),
    }


NAMES = list(problems(DENSE, 0.1))


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("rows", [DENSE, ROWS], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_value_hessian_and_constants(name, rows, ridge):
    problem = problems(rows, ridge)[name]
    w, h = RNG.normal(size=(70, 6)), 1e-6
    slopes = np.stack([(problem.value(w + h * e) - problem.value(w - h * e)) / (2 * h) for e in np.eye(6)], axis=-1)
    assert np.allclose(slopes, problem.gradient(w), atol=1e-8)
    assert np.allclose([problem.plain_gradient(p) for p in w], problem.gradient(w), rtol=1e-12, atol=1e-13)
    spectra = np.linalg.eigvalsh(problem.hessian(w))
    assert np.abs(spectra).max() <= problem.smoothness.L0
    assert not problem.convex or spectra.min() >= problem.strong_convexity - 1e-12
    if name != "huber":  # whose second derivative jumps
        assert np.allclose(problem.hessian(w), super(type(problem), problem).hessian(w), atol=1e-6)
    assert np.abs(problem.slopes(5 * RNG.normal(size=(50, 80)))).max() <= problem.slope_bound


@pytest.mark.parametrize("rows", [DENSE, ROWS], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ["logistic", "least squares", "huber"])
def test_certified_minimum_of_the_convex(name, rows):
    problem = problems(rows, 0.1)[name]
    found = minimize(problem.value, np.zeros(6), jac=problem.plain_gradient, tol=1e-13)
    assert problem.f_star <= found.fun + 1e-13
    assert problem.f_star == pytest.approx(found.fun, abs=1e-9)
    assert np.allclose(problem.minimiser, found.x, atol=1e-4)


def test_least_squares_without_a_ridge():
    full = LeastSquares(DENSE, TARGETS, 0.0)
    assert 0 < full.strong_convexity <= np.linalg.eigvalsh(DENSE.T @ DENSE).min() / 80
    w, (rest,) = np.linalg.lstsq(DENSE, TARGETS, rcond=None)[:2]
    assert np.allclose(full.minimiser, w) and full.f_star == pytest.approx(rest / 160, rel=1e-11)
    assert full.f_star <= full.value(full.minimiser)
    twice = LeastSquares(np.hstack([DENSE, DENSE]), TARGETS, 0.0)
    assert twice.strong_convexity == 0 and twice.minimiser is None
    assert full.f_star - 1e-10 <= twice.f_star <= rest / 160


def test_the_non_convex_loss_has_the_bound_zero():
    problem = problems(DENSE, 0.0)["geman_mcclure"]
    assert problem.f_star == 0 and not problem.convex and problem.minimiser is None
    assert np.linalg.eigvalsh(problem.hessian(10 * RNG.normal(size=(50, 6)))).min() < -1e-6


def test_the_spectrum_contains_the_exact_one():
    """Integers: A'A is exact in float64, and its spectrum is known to far more digits than the margin."""
    a = RNG.integers(-3, 4, size=(200, 5)).astype(float)
    exact = np.linalg.eigvalsh(a.T @ a)
    for rows in (a, csr_array(a)):
        low, high = spectrum(rows)
        assert low <= exact[0] and exact[-1] <= high
        assert high <= exact[-1] * (1 + 1e-10) and low >= exact[0] * (1 - 1e-9)
        weights = np.arange(200.0)
        scaled = np.linalg.eigvalsh((a.T * weights**2) @ a)  # integers below 2^53
        low, high = spectrum(rows, weights)
        assert scaled[0] * (1 - 1e-9) <= low <= scaled[0] and scaled[-1] <= high <= scaled[-1] * (1 + 1e-10)
        side = spectrum(rows.T, np.full(5, 2.0))
        assert side[0] == 0 and 4 * exact[-1] <= side[1] <= 4 * exact[-1] * (1 + 1e-10)
    wide = spectrum(a.T)
    assert wide[0] == 0 and exact[-1] <= wide[1] <= exact[-1] * (1 + 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_components(name):
    """Lipschitz constants of single rows and of their average, on random pairs."""
    problem = problems(DENSE, 0.1)[name]
    x, y = RNG.normal(size=(2, 6)) * RNG.choice([0.01, 1, 10], size=(2, 1))
    row = lambda w: problem.slopes(problem.predictions(w))[:, None] * DENSE + 0.1 * w  # noqa: E731
    apart = np.linalg.norm(row(x) - row(y), axis=1) / np.linalg.norm(x - y)
    assert np.all(apart <= problem.component_lipschitz * (1 + 1e-12))
    assert np.sqrt(np.mean(apart**2)) <= problem.averaged_lipschitz
    gaps = csr_array(np.vstack([0 * DENSE[:1], DENSE[:3], 0 * DENSE[:2]]))  # empty rows in front and behind
    norms = LeastSquares(gaps, np.zeros(6), 0.0).row_norms
    assert np.allclose(norms, np.linalg.norm(gaps.toarray(), axis=1), rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name):
    problem = problems(ROWS, 0.1)[name]
    assert type(problem).from_json(problem.to_json()) == problem and len(problem.to_json()) < 1000


@pytest.mark.parametrize("rows", [3, 4, 5, 8, 33, 70])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_means_of_chosen_rows(layout, rows):
    """All rows of a dataset without replacement, in batches that are taken four at a time and some that are not."""
    a = RNG.normal(size=(rows, 19)) * (RNG.random(size=(rows, 19)) < 0.7)
    problem = LeastSquares(a if layout == "dense" else csr_array(a), RNG.normal(size=rows), RNG.normal(size=19), 0.3)
    setting = cb.Setting(problem, cb.oracles.RowSampling(problem, False), cb.methods.SGD(0.1, rows))
    run = cb.simulate(setting, 1, 64, checkpoints=[1])
    after = problem.x0 - 0.1 * problem.plain_gradient(problem.x0)
    assert np.allclose(run.gradient_norm, np.linalg.norm(problem.plain_gradient(after)), rtol=1e-12, atol=0)


def test_bad_input():
    with pytest.raises(ValueError, match="loss must be"):
        RobustRegression(DENSE, TARGETS, 0.0, loss="tukey")
    with pytest.raises(ValueError, match="features must be 79 x 6"):
        LeastSquares(DENSE, TARGETS[1:], 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_steepest_gradient_at_a_distance(name):
    problem = problems(DENSE, 0.1)[name].replace(x0=np.full(6, 0.5))
    away = RNG.normal(size=(2000, 6)) * np.geomspace(1e-2, 1e4, 2000)[:, None]
    steepest = problem.steepest(np.linalg.norm(away, axis=1))
    assert np.all(np.linalg.norm(problem.gradient(problem.x0 + away), axis=1) <= steepest)
    assert np.all(np.isfinite(steepest)) == (name != "least squares")
    assert np.all(problem.replace(ridge=0.0).steepest(np.array([1.0, np.inf])) > 0)


@pytest.mark.parametrize("name", ["logistic", "geman_mcclure", "softmax"])
def test_curvature_blocks_are_the_derivatives_of_the_slopes(name):
    labels = np.arange(80) % 3 * 1.0
    problem = Softmax(DENSE, labels, 0.0, 0.1) if name == "softmax" else problems(DENSE, 0.1)[name]
    z = problem.predictions(RNG.normal(size=problem.dim)).reshape(80, -1)
    plain = (lambda v: problem.slopes(v)) if name == "softmax" else (lambda v: problem.slopes(v[:, 0])[:, np.newaxis])
    found = problem.curvature_blocks(z if name == "softmax" else z[:, 0])
    h = 1e-6
    columns = [(plain(z + h * e) - plain(z - h * e)) / (2 * h) for e in np.eye(z.shape[1])]
    assert found.shape == (80, z.shape[1], z.shape[1])
    assert np.allclose(found, np.stack(columns, axis=-1), atol=1e-8)


@pytest.mark.parametrize("outputs", [1, 4])
def test_values_of_many_points_take_little_memory(outputs, monkeypatch):
    """No more predictions at once than said, whatever the outputs of a row; and the values are those of the single points."""
    if outputs == 1:
        problem = problems(DENSE, 0.1)["logistic"]
    else:
        problem = Softmax(DENSE, np.arange(80) % outputs * 1.0, 0.0, 0.1)
    sizes = []
    plain = type(problem).losses
    monkeypatch.setattr(type(problem), "losses", lambda self, z: sizes.append(z.size) or plain(self, z))
    monkeypatch.setattr("clipbounds.problems.linear_model.AT_ONCE", 1000)
    points = RNG.normal(size=(40, problem.dim))
    values = problem.value(points)
    assert 80 * outputs <= max(sizes) <= 1000 and sum(sizes) == 40 * 80 * outputs
    assert np.allclose(values, [problem.value(x) for x in points], rtol=1e-13)
