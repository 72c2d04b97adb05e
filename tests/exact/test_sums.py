"""Sums over coordinates and closed forms of second moments: against enumeration in the plane, a recursion of fractions, and simulation."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.clipping import CoordinateClip, Identity, NormClip
from clipbounds.exact import QUANTITIES, line, mean_curves, product, quantities, why_not
from clipbounds.methods import SGD, ClippedSGD
from clipbounds.noise import Gaussian, NoNoise, Pareto, Rademacher, Stable, StudentT, TwoPoint
from clipbounds.problems import Cosh, Huber, Quadratic, Quartic

PLANE = Quadratic([1.0, 0.3], [1.0, -0.5])
CLIPPED = ClippedSGD(0.2, CoordinateClip(0.7))
LAW = TwoPoint(1.0, 0.5)
MEAN_SQUARE = "mean_squared_gradient_norm"


def paths(setting, steps):
    """All points of the plane after 0, 1, .., steps steps of independent atoms in both coordinates, and their weights."""
    places, weights = setting.noise.atoms()
    method, problem = setting.method, setting.problem
    c = getattr(method.operator, "threshold", np.inf)
    x, mass = problem.x0[np.newaxis], np.ones(1)
    yield x, mass
    for _ in range(steps):
        u = problem.gradient(x)
        pairs = list(itertools.product(range(len(places)), repeat=2))
        x = np.concatenate([x - method.step_size * np.clip(u + places[list(k)], -c, c) for k in pairs])
        mass = np.concatenate([mass * weights[list(k)].prod() for k in pairs])
        yield x, mass


def enumerated(setting, steps):
    """{gap: after each step, mean_squared_gradient_norm: the average before it}."""
    gaps, squares = [], []
    for x, mass in paths(setting, steps):
        gaps.append(mass @ setting.problem.gap(x))
        squares.append(mass @ np.square(setting.problem.gradient(x)).sum(axis=1))
    return {"gap": np.array(gaps[1:]), MEAN_SQUARE: np.cumsum(squares[:-1]) / np.arange(1, steps + 1)}


@pytest.mark.parametrize(
    "setting",
    [
        cb.Setting(PLANE, LAW, CLIPPED),
        cb.Setting(Huber(1.0, 0.6, [1.0, -0.8]), LAW, CLIPPED),
        cb.Setting(Cosh(0.5, 1.0, [1.0, -0.8]), Rademacher(1.0), CLIPPED),
        cb.Setting(PLANE, LAW, SGD(0.2)),
        cb.Setting(PLANE, LAW, SGD(2.5)),
        cb.Setting(Quadratic([1.0, 0.0], [1.0, 1.0]), LAW, SGD(2.0)),
    ],
    ids=lambda s: f"{type(s.problem).__name__}-{type(s.method).__name__}-{s.method.step_size}",
)
def test_enumeration_of_the_plane_lies_in_the_enclosure_and_a_millionth_more_does_not(setting):
    steps = 6
    curves = mean_curves(setting, steps, range(1, steps + 1), tolerance=1e-7)
    exact = enumerated(setting, steps)
    assert set(curves.values) == set(quantities(setting)) and "gap" in curves.values
    for name in curves.values:
        low, high = curves.enclosure(name)
        slack = 64 * np.finfo(float).eps * exact[name]  # of the enumeration
        assert np.all(low - slack <= exact[name]) and np.all(exact[name] <= high + slack)
        assert np.all((exact[name] * (1 + 1e-6) > high) & (exact[name] * (1 - 1e-6) < low))


@pytest.mark.parametrize(("eta", "curvature"), [(0.1, 1.0), (1e-7, 1e-3), (2.0, 1.0), (2.1, 1.0), (1.0, 1.0)])
def test_second_moments_are_those_of_the_recursion(eta, curvature):
    """Hundred steps in fractions; 1e-12 is what is claimed, a step more or less is seen."""
    setting = cb.Setting(Quadratic([curvature], [0.3]), Gaussian(0.5), SGD(eta, batch_size=4))
    q, now, total, history = 1 - Fraction(eta) * Fraction(curvature), Fraction(0.3) ** 2, Fraction(0), []
    for t in range(1, 101):
        total += now
        now = q * q * now + Fraction(eta) ** 2 / 16
        history.append((float(Fraction(curvature) * now / 2), float(Fraction(curvature) ** 2 * total / t)))
    gaps, squares = np.array(history).T
    curves = mean_curves(setting, 100, range(1, 101))
    for name, exact in (("gap", gaps), (MEAN_SQUARE, squares)):
        assert np.all(np.abs(curves.values[name] - exact) <= curves.errors[name])
        assert np.all(curves.errors[name] <= 1.01e-12 * exact)
    if eta * curvature == 0.1:
        assert np.all(np.abs(curves.gap[:-1] - gaps[1:]) > 1e3 * curves.errors["gap"][:-1])


def test_a_million_steps_of_a_small_step_size_do_not_cancel():
    """a = 1 - q² is about 2e-12, so twelve digits of t - S_t are lost: the limit eta² v t (t - 1)/2 · L²/t is met to 1e-5."""
    setting = cb.Setting(Quadratic([1e-6], [0.0]), Gaussian(1.0), SGD(1e-6))
    found = mean_curves(setting, 1000, [1000]).values[MEAN_SQUARE][0]
    assert found == pytest.approx(1e-12 * 1e-12 * 999 / 2, rel=1e-5)


def simulated(setting, steps, names, count=400_000):
    """Sampled mean and Bernstein's half width at 1e-8 on the observed variance and range, for each name."""
    run = cb.simulate(setting, steps, count, seed=5, checkpoints=[steps])
    log = np.log(2 / 1e-8)
    for name in names:
        values = run[name].to_numpy().ravel()
        yield name, values.mean(), values.std() * np.sqrt(2 * log / count) + 3 * np.ptp(values) * log / count


@pytest.mark.parametrize(
    ("noise", "method"),
    [
        (Gaussian(1.0), CLIPPED),
        (Pareto(1.5, 1.0), CLIPPED),
        (StudentT(1.5, 1.0), CLIPPED),
        (Gaussian(1.0, radial=True), SGD(0.2)),
        (TwoPoint(1.0, 0.5, along=[0.6, 0.8]), SGD(0.2, batch_size=2)),
        (StudentT(5.0, 1.0), ClippedSGD(0.2, Identity())),
    ],
    ids=lambda part: type(part).__name__,
)
def test_simulation_agrees_and_sees_a_twentieth(noise, method):
    setting = cb.Setting(PLANE, noise, method)
    curves = mean_curves(setting, 50, [50])
    for name, mean, band in simulated(setting, 50, quantities(setting)):
        value = float(curves.values[name][0])
        assert abs(mean - value) <= band + curves.errors[name][0]
        assert abs(mean - 1.05 * value) > band


def test_equal_coordinates_are_computed_once(monkeypatch):
    """Signs of a start are nothing to a symmetric noise, and something to a skewed one; no curvature, no part in the sum."""
    problem = Quadratic([1.0, 1.0, 1.0, 2.0, 0.0], [0.5, -0.5, 0.5, 0.5, 3.0])
    counts = [
        [count for _, count in product.parts(cb.Setting(problem, law, ClippedSGD(0.1, CoordinateClip(1.0))))]
        for law in (Gaussian(1.0), LAW)
    ]
    assert counts == [[3, 1], [1, 2, 1]]
    made = []
    original = line.line_curves
    monkeypatch.setattr(line, "line_curves", lambda *a: made.append(1) or original(*a))
    hundred = cb.Setting(Quadratic([1.0], [1.0] * 100), Gaussian(1.0), ClippedSGD(0.1, CoordinateClip(1.0)))
    many, one = (
        mean_curves(hundred, 100, [10, 100]),
        mean_curves(hundred.replace(problem=Quadratic([1.0], [1.0])), 100, [10, 100]),
    )
    assert len(made) == 2
    np.testing.assert_allclose(many.gap, 100 * one.gap, rtol=1e-14)


@pytest.mark.parametrize("name", ["distance", MEAN_SQUARE])
def test_on_a_line_a_quadratic_has_multiples(name):
    setting = cb.Setting(Quadratic([0.5], [1.0]), LAW, ClippedSGD(0.2, NormClip(0.7)))
    run = cb.simulate(setting, 9, engine="exact", checkpoints=[0, 9])
    sampled = cb.simulate(setting, 9, 1, checkpoints=[0])
    assert run[name].values[0] == pytest.approx(float(sampled[name].values[0, 0]), rel=1e-14)
    places, weights = setting.noise.atoms()
    x, mass, squares = np.ones(1), np.ones(1), []
    for _ in range(9):
        squares.append(mass @ (0.25 * x * x))
        x = np.concatenate([x - 0.2 * np.clip(0.5 * x + a, -0.7, 0.7) for a in places])
        mass = np.concatenate([mass * w for w in weights])
    exact = mass @ np.abs(x) if name == "distance" else np.mean(squares)
    assert abs(run[name].values[1] - exact) <= run[f"{name}_error"].values[1] <= 1e-4 * exact
    assert quantities(setting) == (*QUANTITIES, "distance", MEAN_SQUARE)


def test_a_noise_along_the_negative_axis_is_refused():
    """There its atoms have the other sign."""
    setting = cb.Setting(Quadratic([1.0], [1.0]), TwoPoint(1.0, 0.5, along=[-1.0]), ClippedSGD(0.1, NormClip(1.0)))
    assert "nor along a vector" in why_not(setting) and quantities(setting) == ()


def test_auto_samples_where_norms_are_wanted_and_exact_says_what_it_has():
    setting = cb.Setting(PLANE, Gaussian(1.0), CLIPPED)
    assert cb.simulate(setting, 5, 2, engine="auto").attrs["engine"] == "sample"
    run = cb.simulate(setting, 5, engine="exact")
    assert {"gap", "gap_error", MEAN_SQUARE, f"{MEAN_SQUARE}_error", "evaluations"} == set(run.data_vars)
    with pytest.raises(AttributeError, match="no enclosure of gradient_norm here, but of gap"):
        mean_curves(setting, 5).gradient_norm  # noqa: B018


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            dict(method=ClippedSGD(0.2, NormClip(1.0))),
            "of dimension 1, or the method SGD, or ClippedSGD with CoordinateClip",
        ),
        (dict(problem=Quartic([1.0, 1.0])), "a sum over coordinates, Quadratic, Huber, Cosh, but is Quartic"),
        (dict(noise=Gaussian(1.0, radial=True)), "components of the noise must be independent"),
        (dict(noise=Stable(1.5, 1.0)), "or be one of Gaussian"),
        (dict(noise=NoNoise()), "one sampled trajectory is exact"),
        (dict(problem=Huber(1.0, 1.0, [1.0, 1.0]), noise=Pareto(1.5, 1.0)), "must be Quadratic"),
        (dict(method=ClippedSGD(0.2, CoordinateClip(1.0), momentum=0.5)), "momentum 0"),
        (dict(method=SGD(0.2, momentum=0.5)), "the momentum 0"),
        (dict(method=SGD(0.2), noise=Pareto(1.5, 1.0)), "must have a finite variance, but Pareto has none"),
        (dict(method=SGD(0.2), problem=Huber(1.0, 1.0, [1.0, 1.0])), "must be Quadratic, but is Huber"),
        (dict(method=SGD(0.2, averages=True)), "averages=True was given"),
    ],
)
def test_what_has_no_mean_curves_is_said_in_one_sentence(change, words):
    setting = cb.Setting(PLANE, LAW, CLIPPED).replace(**change)
    with pytest.raises(ValueError, match=words) as caught:
        cb.simulate(setting, 10, engine="exact")
    assert "\n" not in str(caught.value) and "take engine='sample'" in str(caught.value)


def test_a_mean_beyond_the_floats_is_refused():
    setting = cb.Setting(PLANE, LAW, SGD(30.0))
    with pytest.raises(ValueError, match="beyond the floats"):
        mean_curves(setting, 1000)


@pytest.mark.parametrize(
    "setting",
    [
        cb.Setting(Cosh(1.0, 0.5, [1.0]), LAW, ClippedSGD(0.1, NormClip(1.0))),
        cb.Setting(PLANE, Pareto(1.5, 1.0), CLIPPED),
        cb.Setting(Quadratic([1.0], [1.0]), Gaussian(1.0), ClippedSGD(0.1, NormClip(1.0))),
    ],
    ids=["grid", "rows", "panels"],
)
def test_a_tolerance_out_of_reach_is_said_in_one_sentence(setting):
    with pytest.raises(ValueError, match="relative error of 1e-13 is out of reach") as caught:
        cb.simulate(setting, 20, engine="exact", tolerance=1e-13)
    assert "\n" not in str(caught.value) and "give a tolerance above that" in str(caught.value)
    assert cb.simulate(setting, 20, 2, engine="auto", tolerance=1e-13).attrs["engine"] == "sample"
