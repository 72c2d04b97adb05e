"""Logistic regression: L from the spectrum, f* certified."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from clipbounds.problems import Logistic

RNG = np.random.default_rng(2)
FEATURES = RNG.normal(size=(60, 3))
LABELS = np.where(FEATURES @ [1.0, -1.0, 0.3] + RNG.normal(size=60) > 0, 1.0, -1.0)
OVERLAPPING = Logistic(FEATURES, LABELS, np.zeros(3))
RIDGED = Logistic(FEATURES, LABELS, np.zeros(3), 0.1)


def bundled(name, ridge=0.0):
    pytest.importorskip("sklearn")
    return Logistic.bundled(name, ridge)


@pytest.mark.parametrize("problem", [OVERLAPPING, RIDGED], ids=["plain", "ridge"])
def test_gradient_value_and_hessian_agree(problem):
    w, step = RNG.normal(size=(40, 3)), 1e-6
    slopes = [(problem.value(w + step * e) - problem.value(w - step * e)) / (2 * step) for e in np.eye(3)]
    assert np.allclose(np.stack(slopes, axis=-1), problem.gradient(w), atol=1e-8)
    numeric = super(Logistic, problem).hessian(w)
    assert np.allclose(problem.hessian(w), numeric, atol=1e-8)
    assert np.linalg.eigvalsh(problem.hessian(w)).max() <= problem.smoothness.L0
    assert np.linalg.eigvalsh(problem.hessian(w)).min() >= problem.strong_convexity
    top = np.linalg.eigvalsh(FEATURES.T @ FEATURES).max() / (4 * 60) + problem.ridge
    assert pytest.approx(top, rel=1e-10) == problem.smoothness.L0


@pytest.mark.parametrize("problem", [OVERLAPPING, RIDGED], ids=["plain", "ridge"])
def test_the_certified_minimum(problem):
    found = minimize(problem.value, np.zeros(3), jac=problem.gradient, tol=1e-12)
    assert problem.f_star <= found.fun + 1e-13
    assert problem.f_star == pytest.approx(found.fun, abs=1e-9)
    assert 0 <= problem.duality_gap < 1e-12
    assert np.allclose(problem.minimiser, found.x, atol=1e-4)


def test_any_dual_point_is_a_lower_bound_and_the_projection_matters():
    """The entropy at an infeasible point exceeds the minimum: the constraint is not decoration."""
    entropy = -2 * 0.5 * math.log(0.5)
    assert entropy > OVERLAPPING.f_star + 0.01


def test_separable_and_quasi_separable_data():
    separable = Logistic([[1.0, 0.2], [2.0, -0.1], [-1.0, 0.3]], [1.0, 1.0, -1.0], [0.0, 0.0])
    assert separable.f_star == 0 and not separable.f_star_attained and separable.minimiser is None
    assert 0 <= separable.duality_gap < 1e-12
    # the second feature separates one row; the first does not separate the others, where inf = ln 2
    mixed = Logistic([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, -1.0, 1.0], [0.0, 0.0])
    assert mixed.f_star == pytest.approx(2 / 3 * math.log(2), abs=1e-12)
    assert not mixed.f_star_attained and 0 <= mixed.duality_gap < 1e-12
    assert mixed.distance(np.zeros(2)) is None


UNIT = 2.0**-53


def gradient_rounding(problem, w):
    """Norm of a first-order bound on the rounding of the gradient at w, in any order of summation, fused or not.

    The margin m_i = <x_i, w> is wrong by at most d u (|x_i|·|w|), the logistic function by a quarter of that and by the
    rounding of its own few operations (8 u), the mean of n terms by n u of its absolute terms, and what is added by 2 u.
    """
    rows, count = np.abs(np.asarray(problem.features)), problem.labels.size
    margins = problem.dim * UNIT * (rows @ np.abs(w))
    wrong = margins / 4 + 8 * UNIT
    return float(np.linalg.norm(rows.T @ (wrong + (count + 2) * UNIT) / count + 2 * UNIT * problem.ridge * np.abs(w)))


@pytest.mark.parametrize(("name", "shape"), [("breast_cancer", (569, 31)), ("digits", (1797, 62))])
def test_bundled_data(name, shape):
    problem = bundled(name, 0.01)
    assert (problem.labels.size, problem.dim) == shape
    assert 0 <= problem.duality_gap < 1e-12
    w = RNG.normal(size=(20, problem.dim))
    assert np.all(problem.value(w) > problem.f_star)
    # Newton's last point is off by the rounding of its gradient, seen at two points, and of w itself; it stopped when
    # another step did not halve what was left; then it is looked at by the kernel, whose rounding counts too
    w = problem.minimiser
    rounding, stored = gradient_rounding(problem, w), problem.smoothness.L0 * UNIT * float(np.linalg.norm(w))
    assert np.linalg.norm(problem.gradient(w)) <= 2 * (2 * rounding + stored) + 2 * rounding
    # a strongly convex function: f(w) - f* <= ‖grad‖²/(2 mu), far below the rounding of f itself
    assert problem.duality_gap <= 4 * np.finfo(float).eps * problem.f_star


@pytest.mark.full
@pytest.mark.parametrize(("name", "least"), [("breast_cancer", 0.0), ("digits", None)])
def test_bundled_data_without_a_ridge(name, least):
    problem = bundled(name)
    assert not problem.f_star_attained and 0 <= problem.duality_gap < 1e-12
    if least is not None:
        assert problem.f_star == least


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Logistic(FEATURES, LABELS, np.zeros(2)), "features must be 60 x 2"),
        (lambda: Logistic(FEATURES, 2 * LABELS, np.zeros(3)), "labels must be -1 or 1"),
        (lambda: Logistic(FEATURES, LABELS, np.zeros(3), -1.0), r"ridge must be a number in \[0, inf\)"),
        (lambda: Logistic.bundled("iris"), "breast_cancer, digits"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_json_round_trip():
    assert Logistic.from_json(RIDGED.to_json()) == RIDGED
