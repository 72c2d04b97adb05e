"""Problems: gradients against values, stated facts against random points, domains."""

import math

import numpy as np
import pytest

from clipbounds.facts import HessianSmoothness
from clipbounds.problems import (
    Cosh,
    CoshCosine,
    DoubleWell,
    Exponential,
    Extremal,
    GemanMcClure,
    Huber,
    LogSumExp,
    NegativeLog,
    PhaseRetrieval,
    Power,
    Quadratic,
    Quartic,
    Reciprocal,
    ScalarFactorisation,
    SineQuadratic,
    Softplus,
    Sombrero,
    SquaredExponential,
)

SMOOTH = [
    Quadratic([1.0, 3.0], 1.0),
    Quadratic([2.0, 0.0, 1.0], 1.0),
    Huber(2.0, 1.5, [1.0, 1.0]),
    Power(4.0, [1.0, 1.0]),
    Power(2.5, [1.0], 0.5),
    Quartic([1.0, 2.0], 2.0),
    Cosh(2.0, 0.5, [1.0, 1.0]),
    Exponential([1.0, 0.0]),
    Extremal(2.0, 3.0, [1.0, 1.0]),
    Softplus([1.0], 0.5),
    LogSumExp([1.0, 2.0, 0.0]),
    DoubleWell([1.5], 1.0),
    Sombrero([1.0, 1.0], 2.0),
    SineQuadratic([1.0, 2.0]),
    GemanMcClure([1.0]),
    CoshCosine([1.0, 2.0], 1.5),
    PhaseRetrieval([0.6, 0.8], [1.0, 1.0], 1.0),
]
UNSMOOTH = [Reciprocal([1.0]), NegativeLog([1.0]), SquaredExponential([1.0]), ScalarFactorisation([1.0, 2.0])]
RNG = np.random.default_rng(4)


def points(problem, count=200, size=1.5):
    x = size * RNG.normal(size=(count, problem.dim))
    return np.abs(x) + 0.1 if problem in UNSMOOTH else x


@pytest.mark.parametrize("problem", SMOOTH + UNSMOOTH, ids=repr)
def test_gradients_are_those_of_the_values(problem):
    x, step = points(problem), 1e-6
    slopes = [(problem.value(x + step * e) - problem.value(x - step * e)) / (2 * step) for e in np.eye(problem.dim)]
    gradient = problem.gradient(x)
    assert np.allclose(np.stack(slopes, axis=-1), gradient, rtol=1e-6, atol=1e-7 * np.abs(gradient).max() + 1e-9)
    assert problem.gradient(x.reshape(10, 20, -1)).shape == (10, 20, problem.dim)


@pytest.mark.parametrize("problem", SMOOTH + UNSMOOTH, ids=repr)
def test_the_least_value_is_a_lower_bound_and_attained_where_it_says_so(problem):
    x = points(problem, 2000, 3.0)
    with np.errstate(over="ignore"):
        assert np.all(problem.value(x) >= problem.f_star)
        assert np.allclose(problem.gap(x), problem.value(x) - problem.f_star, rtol=1e-9, atol=1e-12)
    if problem.f_star_attained:
        assert problem.value(problem.minimiser) == pytest.approx(problem.f_star, rel=1e-14, abs=1e-15)
        assert np.allclose(problem.gradient(problem.minimiser), 0, atol=1e-12)
        if problem.distance(x) is not None:
            assert problem.distance(problem.minimiser) == pytest.approx(0, abs=1e-12)
            assert np.all(problem.distance(x) <= np.linalg.norm(x - problem.minimiser, axis=-1) + 1e-12)


@pytest.mark.parametrize("problem", [p for p in SMOOTH if p.convex], ids=repr)
def test_convex_problems_are_convex_with_their_modulus(problem):
    x, y = points(problem), points(problem)
    inner = np.sum((problem.gradient(x) - problem.gradient(y)) * (x - y), axis=-1)
    square = np.sum((x - y) ** 2, axis=-1)
    assert np.all(inner >= problem.strong_convexity * square * (1 - 1e-9) - 1e-12)
    if problem.strong_convexity > 0:  # the modulus is not merely small
        near = 1e-4 * x
        ratio = np.sum(problem.gradient(near) * near, axis=-1) / np.sum(near**2, axis=-1)
        assert ratio.min() < 1.3 * problem.strong_convexity


@pytest.mark.parametrize("problem", [p for p in SMOOTH if not p.convex], ids=repr)
def test_problems_that_are_not_called_convex_are_not(problem):
    x = points(problem, 5000, 2.0)
    assert np.linalg.eigvalsh(problem.hessian(x)).min() < -1e-3


@pytest.mark.parametrize("problem", SMOOTH, ids=repr)
def test_the_first_order_form_follows_from_the_hessian_form(problem):
    """‖grad f(x) - grad f(y)‖ <= (L0 + L1‖grad f(x)‖)‖x - y‖ on ‖x - y‖ <= radius, the constants converted."""
    pair = problem.smoothness.first_order()
    x = points(problem, 4000)
    direction = RNG.normal(size=x.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = min(pair.radius, 3.0)
    y = x + direction * radius * RNG.uniform(size=(len(x), 1))
    change = np.linalg.norm(problem.gradient(x) - problem.gradient(y), axis=1)
    allowed = (pair.L0 + pair.L1 * np.linalg.norm(problem.gradient(x), axis=1)) * np.linalg.norm(x - y, axis=1)
    assert np.all(change <= allowed * (1 + 1e-9) + 1e-12)


def test_the_extremal_function_attains_the_conversion_and_a_smaller_constant_fails():
    problem = Extremal(1.0, 2.0, [0.0])
    pair = problem.smoothness.first_order()
    assert pytest.approx(1 / math.log(2)) == pair.L0 and pytest.approx(2 / math.log(2)) == pair.L1
    x, y = np.array([0.7]), np.array([0.7 + pair.radius])
    change = abs(problem.gradient(y) - problem.gradient(x))[0]
    allowed = (pair.L0 + pair.L1 * abs(problem.gradient(x)[0])) * pair.radius
    assert change == pytest.approx(allowed, rel=1e-12)
    assert change > 0.99 * allowed


@pytest.mark.parametrize("problem", SMOOTH, ids=repr)
def test_extreme_points_give_finite_or_infinite_gradients_never_garbage(problem):
    far = np.full(problem.dim, 1e5)
    for x in (far, -far, np.full(problem.dim, 800.0)):
        gradient = problem.gradient(x)
        assert not np.isnan(gradient).any()
        with np.errstate(over="ignore", invalid="ignore"):
            value = problem.value(x)
        if np.isfinite(value) and value < 1e300:
            assert np.isfinite(gradient).all()
    at_zero = problem.gradient(np.zeros(problem.dim))
    assert np.isfinite(at_zero).all()


def test_sine_outside_the_lanes_domain_is_still_a_sine():
    x = np.array([[1e6], [-3e7], [49_999.0]])
    assert np.allclose(SineQuadratic([0.0]).gradient(x), 2 * x + 3 * np.sin(2 * x), rtol=1e-14, atol=0)


def test_extremal_value_has_no_cancellation_near_zero():
    problem = Extremal(2.0, 3.0, [0.0])
    r = np.geomspace(1e-12, 1e-1, 40)
    z = 3 * r
    series = sum(z**k / math.factorial(k) for k in range(2, 20)) * 2 / 9
    assert np.allclose(problem.value(r[:, None]), series, rtol=1e-13, atol=0)


FRONTIERS = [
    (Power(4.0, [1.0]), {0.5: 16.0, 1.0: 4.0, 2.0: 1.0}),
    (Quartic([1.0]), {1.0: 16.0, 2.0: 4.0, 4.0: 1.0}),
    (Softplus([1.0]), {0.0: 0.25, 0.5: 0.0625, 1.0: 0.0}),
    (DoubleWell([1.0]), {1.0: 5.0793, 2.0: 2.2822, 3.0: 2.0, 7.0: 2.0}),
    (CoshCosine([1.0]), {1.0: 2.9249, 1.5: 2.0926}),
    (PhaseRetrieval([1.0, 0.0], [1.0, 1.0]), {1.0: 15.24, 2.0: 6.847, 3.0: 6.0, 5.0: 6.0}),
]


@pytest.mark.parametrize(("problem", "table"), FRONTIERS, ids=lambda value: type(value).__name__)
def test_frontiers_are_those_of_the_page(problem, table):
    """The page rounds up; the closed form is at most one unit of the last printed digit below."""
    for L1, L0 in table.items():
        digits = len(str(L0).partition(".")[2])
        found = problem.smoothness_at(L1)
        assert isinstance(found, HessianSmoothness) and found.L1 == L1
        assert L0 - 10.0**-digits < found.L0 <= L0 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cosh(1.0, 2.0, [1.0]).smoothness_at(1.9), "smooth with L1 >= 2 only"),
        (lambda: CoshCosine([1.0], 0.9), r"reference_L1 must be a number in \[1, inf\)"),
        (lambda: CoshCosine([1.0]).smoothness_at(0.9), r"L1 must be in \[1, inf\)"),
        (lambda: Power(2.0, [1.0]), r"exponent must be a number in \(2, inf\)"),
        (lambda: Power(3.0, [1.0]).smoothness_at(0.0), r"L1 must be in \(0, inf\)"),
        (lambda: Quartic([1.0]).smoothness_at(-1.0), r"L1 must be in \(0, inf\)"),
        (lambda: Extremal(1.0, 0.0, [1.0]), r"L1 must be a number in \(0, inf\).*Quadratic"),
        (lambda: LogSumExp([1.0]), "needs dimension >= 2"),
        (lambda: DoubleWell([1.0, 2.0]), "one-dimensional"),
        (lambda: PhaseRetrieval([1.0, 1.0], [0.0, 0.0]), "unit vector"),
        (lambda: PhaseRetrieval([1.0], [0.0, 0.0]), "x0 needs 1 entries"),
        (lambda: Reciprocal([-1.0]), r"x0 must be a vector with entries in \(0, inf\)"),
        (lambda: Reciprocal([1.0]).smoothness, "not .* for any pair"),
        (lambda: ScalarFactorisation([1.0]), "coordinates"),
        (lambda: Softplus([1.0], 2.0), r"reference_L1 must be a number in \[0, 1\]"),
        (lambda: Quadratic([1.0, 2.0], [1.0, 2.0, 3.0]), "x0 needs 2 entries"),
        (lambda: Quadratic([1.0], [math.nan]), "x0 must be a vector"),
        (lambda: Cosh(1.0, 1.0, [1.0]).gradient([1.0, 2.0]), "points need 1 coordinates"),
    ],
)
def test_bad_input_names_the_domain(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("problem", SMOOTH + UNSMOOTH, ids=repr)
def test_problems_survive_json(problem):
    again = type(problem).from_json(problem.to_json())
    assert again == problem and again.digest == problem.digest and type(again) is type(problem)
