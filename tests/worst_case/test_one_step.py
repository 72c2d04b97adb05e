"""Psi*: the dual below, a law above, a linear program as the third opinion, and laws in five dimensions."""

import numpy as np
import pytest
from scipy.optimize import linprog

import clipbounds as cb
from clipbounds.worst_case import one_step, one_step_law

# u, kappa, c, p, value, value of a linear program on a grid (an upper bound), from the theory page; sigma = 1
PAGE = [
    (0.303, 0.1669, 0.51, 2.0, -0.07495279614514339, -0.07495261025045807),
    (1.463, 0.1247, 0.405, 2.0, 0.3081007166208694, 0.3081031652530234),
    (1.32, 0.1264, 1.455, 2.0, 1.0312273263665923, 1.0312279923929337),
    (2.104, 0.005, 0.603, 2.0, 0.9622025514369048, 0.962202678312974),
    (2.681, 0.0394, 1.448, 1.8, 3.254068542701764, 3.254068542701764),
    (1.154, 0.0901, 0.33, 1.8, 0.12857659649102493, 0.12857659649102493),
    (0.93, 0.1181, 2.314, 1.8, 0.5859939722829357, 0.5859939722829357),
    (2.064, 0.0327, 2.925, 1.8, 3.6270957396250174, 3.6270957396250174),
    (2.557, 0.0409, 0.817, 1.5, 1.5682327631848705, 1.5682327631848705),
    (2.62, 0.0585, 0.573, 1.5, 1.1010552409888226, 1.1010552409888226),
    (0.582, 0.1347, 2.349, 1.5, 0.08336046669275217, 0.08336046669275217),
    (2.56, 0.3406, 0.417, 1.5, 0.7117383178964071, 0.7117383178964071),
    (2.372, 0.0064, 2.672, 1.2, 4.600284450855334, 4.600284450855334),
    (0.681, 0.0087, 3.283, 1.2, 0.23729869468213288, 0.23729869468213288),
    (2.897, 0.0128, 2.092, 1.2, 4.922673755470061, 4.922673755470061),
    (2.056, 0.0661, 0.756, 1.2, 0.9956226928357443, 0.9956226928357443),
]


def random_problems(rng, count):
    """(u, c, sigma, kappa, p), one column each."""
    u = 10 ** rng.uniform(-3, 0.7, count)
    c, sigma = 10 ** rng.uniform(-1.2, 1.2, (2, count))
    kappa = 10 ** rng.uniform(-4, 0, count) * rng.choice([0, 1, 1], count)
    return u, c, sigma, kappa, rng.choice([1.05, 1.2, 1.5, 1.8, 2.0], count)


def mean_gain(y, weights, u, c, kappa):
    clipped = np.clip(y, -c, c)
    return weights @ (u * clipped - kappa * clipped**2)


@pytest.mark.parametrize(("u", "kappa", "c", "p", "value", "program"), PAGE)
def test_values_of_the_theory_page(u, kappa, c, p, value, program):
    dual, law = float(one_step(u, c, 1.0, kappa, p)), one_step_law(u, c, 1.0, kappa, p)
    assert dual == pytest.approx(value, rel=3e-4)
    # the program's laws are laws, so its value is above the infimum, but for its tolerance of feasibility, 1e-7
    assert dual <= program + 1e-7 and dual <= law.value
    assert law.value - dual <= 1e-11 * c * (u + kappa * c)


def test_laws_and_duals_agree():
    rng = np.random.default_rng(0)
    for u, c, sigma, kappa, p in zip(*random_problems(rng, 300), strict=True):
        law = one_step_law(u, c, sigma, kappa, p)
        y, w = law.atoms, law.probabilities
        assert w.sum() == pytest.approx(1, rel=1e-12) and w.min() >= 0
        assert w @ y == pytest.approx(u, rel=1e-9, abs=1e-9 * c)
        assert w @ np.abs(y - u) ** p <= sigma**p * (1 + 1e-9)
        assert mean_gain(y, w, u, c, kappa) == pytest.approx(law.value, rel=1e-9, abs=1e-10 * c * (u + kappa * c))
        assert -1e-14 <= (law.value - law.lower_bound) / (c * (u + kappa * c)) <= 1e-7


def program_value(u, c, sigma, kappa, p, points=1500):
    """The infimum over laws on a grid: above Psi*, and near it."""
    far = np.geomspace(1e-3, 1e4, points) * (sigma + c + u)
    y = np.unique(np.concatenate([u + far, u - far, np.linspace(-c, c, points), [u, c, -c]]))
    clipped = np.clip(y, -c, c)
    power = np.abs((y - u) / sigma) ** p
    scale = 1 + power
    found = linprog(
        (u * clipped - kappa * clipped**2) / scale, A_eq=np.stack([np.ones_like(y), (y - u) / sigma]) / scale,
        b_eq=[1, 0], A_ub=(power / scale)[np.newaxis], b_ub=[1], bounds=(0, None), method="highs-ds",
    )  # fmt: skip
    assert found.status == 0
    return found.fun


def test_linear_programs():
    rng = np.random.default_rng(1)
    for u, c, sigma, kappa, p in zip(*random_problems(rng, 30), strict=True):
        dual, size = float(one_step(u, c, sigma, kappa, p)), c * (u + kappa * c)
        program = program_value(u, c, sigma, kappa, p)
        # feasibility of the program is kept to 1e-7, in the scale of its multipliers
        assert dual <= program + 1e-5 * size
        assert program <= dual + 3e-3 * size


def vector_gains(rng, dim, count, factor=1.0):
    """(E[<h, clip g> - kappa‖clip g‖²] - factor Psi*)/size for random laws in dimension `dim`."""
    gains = []
    for _ in range(count):
        p, c, sigma = rng.uniform(1.2, 2), 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-1, 1)
        weights = rng.dirichlet(np.full(6, 0.3))
        xi = rng.standard_t(1.5, (6, dim))
        xi -= weights @ xi
        xi *= sigma / (weights @ np.linalg.norm(xi, axis=1) ** p) ** (1 / p)
        h = rng.normal(size=dim) * 10 ** rng.uniform(-2, 0.5)
        u, kappa = np.linalg.norm(h), rng.choice([0.0, 10 ** rng.uniform(-3, 0)])
        if rng.random() < 0.5 and u > 0:  # nearly the worst law, turned a little out of its line
            law = one_step_law(u, c, sigma, kappa, p)
            weights = law.probabilities
            xi = np.outer(law.atoms - u, h / u)
            if dim > 1:
                turn = rng.normal(size=(len(weights), dim)) * rng.choice([0, 0.03, 0.3]) * sigma
                xi = xi + turn - weights @ turn
            xi *= min(1.0, sigma / (weights @ np.linalg.norm(xi, axis=1) ** p) ** (1 / p))
        g = h + xi
        norms = np.linalg.norm(g, axis=1)
        clipped = g * np.minimum(1, c / np.maximum(norms, 1e-300))[:, np.newaxis]
        gain = weights @ (clipped @ h) - kappa * (weights @ np.minimum(norms, c) ** 2)
        size = c * (u + kappa * c)
        gains.append((gain - factor * float(one_step(u, c, sigma, kappa, p))) / size)
    return np.array(gains)


@pytest.mark.parametrize("dim", range(1, 6))
def test_no_vector_law_is_below(dim):
    gains = vector_gains(np.random.default_rng(dim), dim, 200)
    assert gains.min() >= -1e-12  # rounding of sums of at most six terms, and of the scaled moment
    assert gains.min() <= 1e-2  # the laws come close


@pytest.mark.full
@pytest.mark.parametrize("dim", range(1, 6))
def test_no_vector_law_is_below_many(dim):
    assert vector_gains(np.random.default_rng(100 + dim), dim, 4000).min() >= -1e-12


def test_a_larger_value_is_refuted():
    """Negative control: Psi* raised by a thousandth of its scale is no lower bound."""
    gains = vector_gains(np.random.default_rng(1), 1, 200)
    assert gains.min() - 1e-3 < -1e-12


@pytest.mark.parametrize(("c", "sigma"), [(0.1, 1.0), (1.0, 1.0), (5.0, 1.0), (0.3, 0.01)])
def test_without_curvature_it_is_the_drift(c, sigma):
    u = np.linspace(0, 4, 101)
    np.testing.assert_allclose(one_step(u, c, sigma, 0.0), u * cb.worst_case.drift(u, c, sigma), atol=1e-12, rtol=1e-12)
    np.testing.assert_allclose(
        cb.worst_case.drift(u, c, sigma, 2 - 1e-9), cb.worst_case.drift(u, c, sigma), atol=1e-7 * c
    )


@pytest.mark.parametrize("p", (1.05, 1.2, 1.5, 1.8))
def test_drift_of_heavy_tails_vanishes_at_the_floor(p):
    c = np.geomspace(0.05, 20, 25)
    floor = cb.worst_case.floor(c, 1.0, p)
    drift = cb.worst_case.drift
    # the floor's two-atom law has the mean step 0, so m_p <= 0 there; m_p is 1-Lipschitz and the floor is its largest zero
    assert np.all(np.abs(drift(floor, c, 1.0, p)) <= 1e-9 * c)
    assert np.all(drift(floor * 1.001, c, 1.0, p) > 0)
    assert np.all(drift(floor * 0.999, c, 1.0, p) < 0)
    for u, threshold in ((0.0, 0.3), (0.5, 1.0), (2.0, 0.7)):
        program = cb.worst_case.moment_problem(u, threshold, 1.0, p)
        value = drift(u, threshold, 1.0, p)
        assert value <= program.value + 1e-9
        # at p = 1.05 the worst atom lies farther than the 1e12 sigma that the program allows
        assert p < 1.1 or value >= program.value - 1e-7
    bias = cb.worst_case.clipping_bias
    u = np.linspace(0, 5, 101)
    assert np.all(drift(u, 1.0, 1.0, p) >= u - bias(1.0 - u, 1.0, p) - 1e-11)


def test_floor_for_small_thresholds_is_sigma_minus_c():
    c = np.linspace(0.01, 0.5, 20)
    for p in (1.01, 1.2, 1.9, 2.0):
        np.testing.assert_allclose(cb.worst_case.floor(c, 1.0, p), 1 - c, rtol=1e-12)


def test_scale_and_limits():
    rng = np.random.default_rng(5)
    u, c, sigma, kappa, p = random_problems(rng, 50)
    np.testing.assert_allclose(
        one_step(3 * u, 3 * c, 3 * sigma, kappa, p), 9 * one_step(u, c, sigma, kappa, p), atol=1e-9, rtol=1e-9
    )
    assert one_step(0.5, 1.0, 0.0, 0.1) == pytest.approx(0.5 * 0.5 - 0.1 * 0.25, rel=1e-14)
    assert one_step(0.0, 1.0, 0.5, 0.1, 1.5) == pytest.approx(-0.1 * 0.5**1.5, rel=1e-13)
    assert one_step(0.0, 1.0, 3.0, 0.1, 1.5) == pytest.approx(-0.1, rel=1e-13)
    # the value falls as sigma and kappa grow
    assert np.all(np.diff(one_step(0.7, 1.0, np.linspace(0.01, 5, 200), 0.1, 1.5)) <= 1e-12)
    assert np.all(np.diff(one_step(0.7, 1.0, 1.0, np.linspace(0, 2, 200), 1.5)) <= 1e-12)


@pytest.mark.parametrize("extreme", [1e-300, 1e-100, 1e100, 1e300])
@pytest.mark.parametrize("which", range(3))
def test_extreme_scales_are_bounds(extreme, which):
    arguments = [1.0, 1.0, 1.0]
    arguments[which] = extreme
    u, c, sigma = arguments
    for p in (1 + 1e-6, 1.5, 2.0):
        value = one_step(u, c, sigma, 0.1, p)
        clipped = min(u, c)
        assert not np.isnan(value)
        assert value <= (u * clipped - 0.1 * clipped**2) * (1 + 1e-12) if c < 1e150 else value < np.inf


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((-1.0, 1.0, 1.0, 0.1), "gradient_norm"),
        ((1.0, 0.0, 1.0, 0.1), "threshold"),
        ((1.0, 1.0, -1.0, 0.1), "sigma"),
        ((1.0, 1.0, 1.0, -0.1), "kappa"),
        ((1.0, 1.0, 1.0, 0.1, 1.0), "p"),
        ((1.0, 1.0, 1.0, 0.1, 2.5), "p"),
    ],
)
def test_bad_input(arguments, word):
    with pytest.raises(ValueError, match=f"one_step: {word} must"):
        one_step(*arguments)
