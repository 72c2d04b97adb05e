"""Certificates: machines re-derive the constants of the page, and refute what is false."""

import math
import sys

import numpy as np
import pytest

from clipbounds.facts import FirstOrderSmoothness, HessianSmoothness
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
    Problem,
    Quadratic,
    Quartic,
    Reciprocal,
    ScalarFactorisation,
    SineQuadratic,
    Softplus,
    Sombrero,
    SquaredExponential,
    certify,
    coordinatewise,
)
from clipbounds.specs import vector

# problem, L0 and f* as the page prints them: L0 rounded up, f* down
PROFILES = [
    (Cosh(2.0, 0.5, [1.0]), "0.5", "2"),
    (Cosh(1.0, 1.0, [1.0, 1.0]), "1", "2"),
    (Exponential([1.0]), "0", "0"),
    (Quartic([1.0]), "16", "0"),
    (Quartic([1.0, 1.0], 4.0), "1", "0"),
    (Power(4.0, [1.0]), "4", "0"),
    (Power(2.5, [1.0]), "0.70711", "0"),
    (Extremal(2.0, 3.0, [1.0, 1.0]), "2", "0"),
    (Softplus([1.0]), "0.25", "0"),
    (Softplus([1.0], 0.5), "0.0625", "0"),
    (DoubleWell([1.0], 1.0), "5.0793", "0"),
    (DoubleWell([1.0], 2.0), "2.2822", "0"),
    (DoubleWell([1.0], 3.0), "2", "0"),
    (Sombrero([1.0, 1.0], 1.0), "5.0793", "0"),
    (Sombrero([1.0, 1.0], 5.0), "2", "0"),
    (SineQuadratic([1.0]), "8", "0"),
    (GemanMcClure([1.0]), "2", "0"),
    (CoshCosine([1.0], 1.0), "2.9249", "2.4896387"),
    (CoshCosine([1.0], 1.5), "2.0926", "2.4896387"),
]
ON_POINTS = [
    (Quadratic([1.0, 3.0], 1.0), "3", "0"),
    (Huber(2.0, 1.0, [1.0]), "2", "0"),
    (LogSumExp([1.0, 2.0]), "0.5", None),
    (PhaseRetrieval([0.6, 0.8], [1.0, 1.0], 1.0), "15.24", "0"),
    (PhaseRetrieval([1.0, 0.0], [1.0, 1.0], 2.0), "6.847", "0"),
    (PhaseRetrieval([1.0, 0.0], [1.0, 1.0], 3.0), "6", "0"),
]


def printed(text):
    """The number and one unit of its last digit."""
    return float(text), 10.0 ** -len(text.partition(".")[2]) if "." in text else 1e-9


@pytest.mark.parametrize(("problem", "L0", "least"), PROFILES, ids=lambda v: repr(v) if isinstance(v, Problem) else v)
def test_intervals_enclose_the_constants_of_the_page(problem, L0, least):
    pytest.importorskip("flint")
    found = certify(problem)
    assert found.holds and found.kind == "interval"
    low, high = found.enclosure
    assert high - low < 1e-8
    value, unit = printed(L0)
    assert value - unit - 1e-9 < low and high < value + 1e-9
    assert low - 1e-9 <= problem.smoothness.L0 <= high + 1e-9
    value, unit = printed(least)
    below, above = found.least_enclosure
    assert below <= problem.f_star + 1e-9 and value - 1e-9 <= below
    if problem.f_star_attained and not isinstance(problem, Power):  # its profile leaves 0 out
        assert above < value + unit + 1e-9 and above - below < 1e-8


@pytest.mark.parametrize(
    ("problem", "L0", "least"), PROFILES + ON_POINTS, ids=lambda v: repr(v) if isinstance(v, Problem) else v
)
def test_a_grid_finds_the_constants_of_the_page(problem, L0, least):
    found = certify(problem, rigor=False)
    assert found.holds and found.kind == "sampled"
    value, unit = printed(L0)
    # near the supremum a grid of 2e5 points is closer than the printed digits
    assert value - unit - 1e-6 < found.supremum <= value + 1e-9 or found.pair.L0 == 0
    gradient, hessian = problem.gradient(found.point), problem.hessian(found.point)
    defect = np.abs(np.linalg.eigvalsh(hessian)).max() - found.pair.L1 * np.linalg.norm(gradient)
    assert defect == pytest.approx(found.supremum, abs=1e-5)


@pytest.mark.parametrize(
    "problem", [p for p, _, _ in PROFILES + ON_POINTS if p.smoothness.L0 > 0], ids=lambda p: repr(p)
)
@pytest.mark.parametrize("rigor", [False, None])
def test_a_constant_too_small_is_refuted_with_a_point(problem, rigor):
    claim = HessianSmoothness(0.999 * problem.smoothness.L0, problem.smoothness.L1)
    found = certify(problem, claim, rigor=rigor)
    assert not found.holds and found.kind == "refuted" and "refuted" in str(found)
    defect = np.abs(np.linalg.eigvalsh(problem.hessian(found.point))).max()
    defect -= claim.L1 * np.linalg.norm(problem.gradient(found.point))
    assert defect > claim.L0


@pytest.mark.parametrize(
    ("problem", "L1"),
    [
        (Cosh(1.0, 2.0, [1.0]), 1.9),
        (Exponential([1.0]), 0.99),
        (Extremal(1.0, 1.0, [1.0]), 0.9),
        (CoshCosine([1.0]), 0.95),
    ],
    ids=str,
)
def test_no_pair_exists_below_the_rate(problem, L1):
    for L0 in (1.0, 1e3, 1e6):
        found = certify(problem, HessianSmoothness(L0, L1))
        assert not found.holds and found.supremum > L0


def hessian_and_gradient(problem, x):
    """Norms in closed form, in 60 digits: the refuting points lie where floats overflow."""
    import mpmath as mp

    with mp.workdps(60):
        a = [mp.mpf(float(v)) for v in x]
        if isinstance(problem, Reciprocal):
            return 2 / a[0] ** 3, 1 / a[0] ** 2
        if isinstance(problem, NegativeLog):
            return 1 / a[0] ** 2, 1 / a[0]
        if isinstance(problem, SquaredExponential):
            return (2 + 4 * a[0] ** 2) * mp.exp(a[0] ** 2), 2 * abs(a[0]) * mp.exp(a[0] ** 2)
        u, v = a
        cross = 2 * u * v - 1
        middle, half = (u**2 + v**2) / 2, (u**2 - v**2) / 2
        return middle + mp.sqrt(half**2 + cross**2), abs(u * v - 1) * mp.sqrt(u**2 + v**2)


@pytest.mark.parametrize(
    "problem",
    [Reciprocal([1.0]), NegativeLog([1.0]), SquaredExponential([1.0]), ScalarFactorisation([1.0, 2.0])],
    ids=repr,
)
@pytest.mark.parametrize("pair", [(1.0, 1.0), (1e3, 10.0), (1e6, 1e4), (0.0, 1e8)], ids=str)
def test_the_four_problems_that_are_not_smooth_are_refuted_at_a_point(problem, pair):
    found = certify(problem, HessianSmoothness(*pair))
    assert not found.holds and found.kind == "refuted"
    hessian, gradient = hessian_and_gradient(problem, found.point)
    assert hessian > pair[0] + pair[1] * gradient


class Wrong(Problem):
    """x² + x⁴/10 with a claim that is false beyond |x| = 1."""

    x0: np.ndarray = vector()
    f_star = 0.0
    smoothness = HessianSmoothness(3.2, 0.0)

    def value(self, x):
        return np.sum(np.square(x) + np.square(x) ** 2 / 10, axis=-1)

    @coordinatewise
    def gradient_kernel(x):
        return 2.0 * x + 0.4 * x * x * x


class TooHigh(Wrong):
    f_star = 0.1
    smoothness = HessianSmoothness(200.0, 0.0)


def test_a_users_problem_is_certified_on_points_only():
    assert not certify(Wrong([1.0])).holds
    assert not certify(TooHigh([1.0])).holds
    inside = certify(Wrong([1.0]), region=(-0.9, 0.9))
    assert inside.holds and inside.kind == "sampled" and inside.supremum == pytest.approx(2 + 1.2 * 0.81, abs=1e-4)
    assert certify(Wrong([1.0]), HessianSmoothness(122.1, 0.0)).holds
    with pytest.raises(ValueError, match="no profile"):
        certify(Wrong([1.0]), rigor=True)


def test_bad_requests():
    with pytest.raises(ValueError, match="must be HessianSmoothness"):
        certify(Cosh(1.0, 1.0, [1.0]), FirstOrderSmoothness(1.0, 1.0))
    with pytest.raises(ValueError, match="expected a problem"):
        certify(3.0)


def test_without_python_flint(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    assert certify(Quartic([1.0])).kind == "sampled"
    with pytest.raises(ValueError, match="python-flint"):
        certify(Quartic([1.0]), rigor=True)


def test_the_enclosure_is_not_fooled_by_a_spike_between_grid_points():
    """A profile whose curvature has a peak narrower than the grid's spacing: a grid misses it, intervals do not."""
    pytest.importorskip("flint")
    from clipbounds.problems.enclosure import enclose_profile
    from clipbounds.problems.profile import Profile

    width, place = 1e-7, 0.123456789

    def curvature(x, m):
        return 1 + 1 / (1 + ((x - place) / width) ** 2)

    spike = Profile(lambda x, m: x * x, lambda x, m: 2 * x, curvature, -1.0, 1.0, 0.0, "")
    on_grid = curvature(np.linspace(-1, 1, 200_001), np).max()
    assert on_grid < 1.1
    (low, high), _ = enclose_profile(spike, 0.0)
    assert low <= 2 <= high and high - low < 1e-6 and math.isfinite(high)
