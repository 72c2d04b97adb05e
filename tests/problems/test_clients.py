"""Client problems: gradients against finite differences and NumPy, facts against linear algebra, bad input."""

import numpy as np
import pytest

from clipbounds.problems import ClientLogistic, ClientQuadratics, Problem, certify, divergence_example
from clipbounds.specs import Spec

RNG = np.random.default_rng(5)
FEATURES = RNG.standard_normal((24, 3))
LABELS = np.where(FEATURES[:, 0] + 0.5 * RNG.standard_normal(24) > 0, 1, -1)
PROBLEMS = {
    "random": ClientQuadratics.random(4, 3, seed=1),
    "weighted": ClientQuadratics.scalar((1, 3), (0, 10), weights=(2 / 3, 1 / 3)),
    "divergence": divergence_example(1.0),
    "logistic": ClientLogistic.split_by_class(FEATURES, LABELS, 4, 0.1),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_gradient_is_the_slope_of_the_value(name):
    problem = PROBLEMS[name]
    x, h = RNG.standard_normal((5, problem.dim)), 1e-5
    for k in range(problem.dim):
        step = h * np.eye(problem.dim)[k]
        slope = (problem.value(x + step) - problem.value(x - step)) / (2 * h)
        assert np.allclose(problem.gradient(x)[:, k], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", PROBLEMS)
def test_clients_average_to_the_objective(name):
    problem = PROBLEMS[name]
    x = RNG.standard_normal((100, problem.dim))
    parts = [problem.client_gradient(i, x) for i in range(problem.clients)]
    mean = np.tensordot(problem.weights, np.stack(parts), axes=1)
    assert np.allclose(problem.gradient(x), mean, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_minimum_is_certified(name):
    problem = PROBLEMS[name]
    assert np.linalg.norm(problem.gradient(problem.minimiser)) < 1e-12
    assert np.allclose(problem.weights @ problem.gradients_at_minimiser, 0, atol=1e-12)
    points = problem.minimiser + RNG.standard_normal((50, problem.dim)) * 10.0 ** -RNG.integers(0, 8, (50, 1))
    assert np.all(problem.value(points) >= problem.f_star)
    assert problem.value(problem.minimiser) - problem.f_star < 1e-12
    assert np.all(problem.gap(points) >= 0.5 * problem.strong_convexity * problem.distance(points) ** 2 - 1e-13)


@pytest.mark.parametrize("name", PROBLEMS)
def test_client_lipschitz_constants(name):
    problem = PROBLEMS[name]
    x, y = RNG.standard_normal((2, 200, problem.dim))
    for i, L in enumerate(problem.client_lipschitz):
        change = np.linalg.norm(problem.client_gradient(i, x) - problem.client_gradient(i, y), axis=1)
        assert np.all(change <= L * np.linalg.norm(x - y, axis=1) * (1 + 1e-12))
        if isinstance(problem, ClientQuadratics):  # and attained along the top eigenvector
            v = np.linalg.eigh(problem.hessians[i])[1][:, -1]
            one = problem.client_gradient(i, v) - problem.client_gradient(i, np.zeros(problem.dim))
            assert np.linalg.norm(one) == pytest.approx(L, rel=1e-12)


def test_quadratic_clients_are_affine_in_numpy():
    problem = PROBLEMS["random"]
    x = RNG.standard_normal((7, 3))
    for i in range(4):
        expected = (x - problem.minimisers[i]) @ problem.hessians[i]
        assert np.allclose(problem.client_gradient(i, x), expected, rtol=1e-13, atol=1e-13)


def test_random_clients_have_the_chosen_spectrum_and_start():
    problem = ClientQuadratics.random(10, 5, seed=256)
    assert np.allclose(np.linalg.eigvalsh(problem.hessians), np.geomspace(1, 10, 5))
    e = problem.x0 - problem.minimiser
    assert np.linalg.norm(e) == pytest.approx(10)
    assert np.allclose(problem.hessian(problem.x0) @ e, problem.strong_convexity * e)
    assert problem.strong_convexity == pytest.approx(2.700, abs=1e-3)


def test_the_example_of_divergence():
    problem = divergence_example(2.0, smoothing=100.0)
    assert np.array_equal(problem.x0, np.full(3, 20.0))
    assert sorted(map(tuple, problem.hessians @ np.ones(3))) == [(-1, -1, 3), (-1, 3, -1), (3, -1, -1)]
    assert np.linalg.eigvalsh(problem.hessians).min() > 0  # every client is convex


def test_only_one_class_a_client():
    problem = PROBLEMS["logistic"]
    for i in range(4):
        assert len(set(problem.labels.matrix[problem.owners.matrix == i])) == 1


@pytest.mark.parametrize("name", PROBLEMS)
def test_json_round_trip(name):
    problem = PROBLEMS[name]
    again = Spec.from_json(problem.to_json())
    assert again == problem and again.digest == problem.digest
    assert np.array_equal(again.parameters, problem.parameters)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClientQuadratics([np.eye(2), np.eye(3)], np.zeros((2, 2)), 0.0), "different dimension"),
        (lambda: ClientQuadratics([np.eye(2), np.eye(2)], np.zeros((2, 3)), 0.0), r"shape \(2, 2\)"),
        (lambda: ClientQuadratics([np.eye(2)], np.zeros((1, 2)), [0, 0, 0]), "x0 needs 2 entries"),
        (lambda: ClientQuadratics([[[1, 2], [0, 1]]], np.zeros((1, 2)), 0.0), "symmetric"),
        (lambda: ClientQuadratics([[[-1.0]]], [[0.0]], 0.0), "positive definite"),
        (lambda: ClientQuadratics.scalar((1, 2), (0, 1), weights=(0.5, 0.4)), "sum 1"),
        (lambda: ClientQuadratics.scalar((1, 2), (0, 1), noise_scales=(1, 1, 1)), "noise_scales needs 2 entries"),
        (lambda: ClientQuadratics.scalar((1, 2), (0, 1, 2)), "one minimiser a client"),
        (lambda: ClientLogistic(FEATURES, LABELS, np.full(24, 3), 0.1, 0.0), "owners must be"),
        (lambda: ClientLogistic(FEATURES, (LABELS + 1) / 2, np.zeros(24), 0.1, 0.0), "-1 or 1"),
        (lambda: PROBLEMS["random"].client_gradient(4, np.zeros(3)), "below 4"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_shards_are_named_by_their_content():
    """The JSON form of a problem on data has no numbers of the data, and reads back the same clients."""
    problem = PROBLEMS["logistic"]
    text = problem.to_json()
    assert len(text) < 1500 and str(problem.features.content) in text
    again = type(problem).from_json(text)
    assert again == problem and np.array_equal(
        again.client_gradient(1, np.ones(problem.dim)), problem.client_gradient(1, np.ones(problem.dim))
    )
    mixed = np.random.default_rng(0).permutation(len(problem.labels))
    parts = (part.matrix[mixed] for part in (problem.features, problem.labels, problem.owners))
    shuffled = ClientLogistic(*parts, problem.regularisation, problem.x0)
    assert np.allclose(shuffled.gradient(np.ones(problem.dim)), problem.gradient(np.ones(problem.dim)), rtol=1e-13)
    assert np.array_equal(shuffled.owners, problem.owners)


def test_the_hessian_is_a_function_of_points_as_of_every_problem():
    problem = ClientQuadratics.random(3, 2, seed=1)
    points = np.array([[[0.0, 1.0], [2.0, 3.0]]])
    found = problem.hessian(points)
    assert found.shape == (1, 2, 2, 2) and np.array_equal(found, np.broadcast_to(problem.mean_hessian, found.shape))
    differences = Problem.hessian(problem, points)
    # of a linear gradient a central difference has only rounding errors, 2^-53 ‖grad f‖/6e-6 < 1e-8
    assert np.allclose(found, differences, rtol=0, atol=1e-8)
    assert certify(problem).holds
