"""D2B, D2G and D2Exact1D: against the theory page, below every instance, and attained."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.bounds.koloskova2023 import path

# eta, c, T, Dbar (searched, not certified), bound of the gradient norm; L = R0 = 1, from the theory page
PAGE = [
    (1.0, 0.2, 1, 0.321978308849, 0.802221135042),
    (1.0, 0.8, 1, 0.166666666667, 0.5),
    (0.4, 2.0, 1, 0.277777777778, 0.714285714286),
    (1.0, 0.4, 2, 0.1, 0.340011199462),
    (0.4, 1.0, 2, 0.192307692308, 0.555555555556),
    (1.0, 0.26666666666666666, 3, 0.0714285714286, 0.306662279271),
    (1.0, 0.16, 5, 0.057120222631, 0.298575285293),
    (0.4, 0.1, 5, 0.321089552832, 0.801196154881),
    (1.0, 0.08, 10, 0.0575262007301, 0.298442468891),
    (0.4, 0.2, 10, 0.0611969993357, 0.298442468891),
    (1.0, 0.01, 20, 0.321226843594, 0.80132370499),
    (1.0, 0.04, 20, 0.0589928179145, 0.300957879424),
]
# eta L = 1, T = 100: D2B over the larger of D2-LB and the best quadratic in the plane; y = c T
RATIOS = {0.1: 1.001, 0.3: 1.018, 0.5: 1.139, 0.7: 1.78, 5.0: 1.004}
LOWER_IS_HUBER = (0.1, 0.3, 0.5, 0.7, 5.0)


@pytest.mark.parametrize(("eta", "c", "steps", "gap", "norm"), PAGE)
def test_values_of_the_theory_page(eta, c, steps, gap, norm):
    ratio = path.largest_gap(eta, c, steps) / gap
    assert 1 <= ratio <= 1.006  # certified side; 400 cells
    ratio = path.largest_norm(eta, c, steps) / norm
    assert 1 - 1e-11 <= ratio <= 1 + 1e-6  # the page's numbers are rounded to 12 digits


@pytest.mark.parametrize("y", LOWER_IS_HUBER)
def test_ratios_of_the_theory_page(y):
    lower = float(theory.hardest_gap(1.0, 1.0, 1.0, y / 100, 100)[0])
    assert path.largest_gap(1.0, y / 100, 100) / lower == pytest.approx(RATIOS[y], rel=2e-3)


@pytest.mark.parametrize(("y", "ratio", "half_unit"), [(0.9, 6.7, 0.05), (1.0, 12.0, 0.05)])
def test_ratios_of_the_theory_page_where_the_plane_is_worse(y, ratio, half_unit):
    """The page gives two or three digits; its lower bound is the best quadratic of the plane, here a grid search."""
    c = y / 100
    mu, angle = np.meshgrid(np.linspace(0.05, 0.5, 181), np.linspace(0, np.pi / 2, 361))
    a, b = np.cos(angle), np.sin(angle)
    for _ in range(100):
        factor = np.minimum(1, c / np.hypot(a, mu * b))
        a, b = a - factor * a, b - factor * mu * b
    best = float(np.max(a * a + mu * b * b) / 2)
    assert best > float(theory.hardest_gap(1.0, 1.0, 1.0, c, 100)[0])
    # the grid may miss the best quadratic by a little, and then the ratio is larger
    assert ratio - half_unit <= path.largest_gap(1.0, c, 100) / best <= 1.01 * (ratio + half_unit)


@pytest.mark.parametrize(("eta", "steps"), [(1.0, 1), (0.3, 5), (1.0, 50), (0.7, 1000)])
def test_without_clipping_it_is_the_exact_value(eta, steps):
    # Drori and Teboulle: R0²/(2(2 eta T + 1/L)), and R0/(eta T + 1/L) for the gradient norm, both attained
    assert 1 <= path.largest_gap(eta, 1e3, steps) * 2 * (2 * eta * steps + 1) <= 1.006
    assert 1 <= path.largest_norm(eta, 1e3, steps) * (eta * steps + 1) <= 1 + 1e-6


@pytest.mark.parametrize("steps", [65, 70, 200, 5000])
def test_blocks_bound_concave_sums_from_below(steps):
    nodes, weights = path.blocks(steps)
    k = np.arange(1, steps + 1)
    assert weights.sum() == pytest.approx(steps)
    assert nodes @ weights == pytest.approx(k.sum())
    for values in (np.sqrt, lambda k: np.minimum(k, 90.0), lambda k: np.minimum(np.sqrt(k), 0.2 * k)):
        assert values(k).sum() * (1 - 1e-3) <= values(nodes) @ weights <= values(k).sum() * (1 + 1e-12)


def test_more_exact_terms_change_little(monkeypatch):
    cases = [(1.0, 0.9 / 300, 300), (0.3, 0.02, 300), (1.0, 2 / 300, 300)]
    found = [(path.largest_gap(*case), path.largest_norm(*case)) for case in cases]
    monkeypatch.setattr(path, "EXACT", 1000)
    for case, (gap, norm) in zip(cases, found, strict=True):
        assert path.largest_gap(*case) <= gap * (1 + 1e-6) and gap <= path.largest_gap(*case) * 1.001
        assert path.largest_norm(*case) <= norm * (1 + 1e-6) and norm <= path.largest_norm(*case) * 1.001


class Ridge:
    """f = sum_i weight_i h_i(<v_i, x>), h_i Huber functions with knees (inf: squares); L = 1, minimiser 0."""

    def __init__(self, rng):
        dim, terms = rng.integers(1, 6), rng.integers(1, 8)
        self.v = rng.normal(size=(terms, dim))
        self.weights = 10 ** rng.uniform(-2, 0, terms)
        self.knees = 10 ** rng.uniform(-2, 0.3, terms)
        if rng.random() < 0.4:
            self.knees[:] = np.inf
        self.v /= np.sqrt(np.linalg.norm((self.v.T * self.weights) @ self.v, 2) * (1 + 1e-12))
        start = rng.normal(size=dim)
        self.start = start / np.linalg.norm(start)

    def value(self, x):
        t = np.abs(self.v @ x)
        inside = np.minimum(t, self.knees)
        return self.weights @ (0.5 * inside**2 + inside * (t - inside))

    def gradient(self, x):
        t = self.v @ x
        return (self.weights * np.clip(t, -self.knees, self.knees)) @ self.v


def plane(rng):
    """A quadratic of the plane with a long way to its minimiser."""
    ridge = Ridge(rng)
    ridge.v, ridge.weights, ridge.knees = np.eye(2), np.array([1.0, rng.uniform(0.05, 1)]), np.full(2, np.inf)
    angle = rng.uniform(0, np.pi / 2)
    ridge.start = np.array([np.cos(angle), np.sin(angle)])
    return ridge


def attack(seed, count):
    """gap/D2B, norm/D2G for random and adversarial instances, and gap/D2-LB."""
    rng = np.random.default_rng(seed)
    ratios = []
    for _ in range(count):
        f = plane(rng) if rng.random() < 0.3 else Ridge(rng)
        eta, steps = rng.choice([1.0, 0.7, 0.2]), int(rng.integers(1, 16))
        c = 10 ** rng.uniform(-1.3, 0.7) / (eta * steps)
        if rng.random() < 0.2:  # a Huber function that attains D2-LB
            _, slope = theory.hardest_gap(1.0, 1.0, eta, c, steps)
            f.v, f.weights, f.knees, f.start = np.eye(1), np.ones(1), np.array([float(slope)]), np.ones(1)
        x = f.start
        for _ in range(steps):
            g = f.gradient(x)
            norm = np.linalg.norm(g)
            x = x - eta * g * min(1.0, c / norm) if norm > 0 else x
        gap, norm = f.value(x), np.linalg.norm(f.gradient(x))
        lower = float(theory.hardest_gap(1.0, 1.0, eta, c, steps)[0])
        ratios.append((gap / path.largest_gap(eta, c, steps), norm / path.largest_norm(eta, c, steps), gap / lower))
    return np.array(ratios)


def test_no_instance_is_above():
    ratios = attack(0, 200)
    assert ratios[:, :2].max() <= 1
    assert ratios[:, 0].max() > 0.99 and ratios[:, 1].max() > 0.9  # so .9 of D2B, and .9 of D2G, are refuted


@pytest.mark.full
def test_no_instance_is_above_many():
    ratios = attack(1, 5000)
    assert ratios[:, :2].max() <= 1
    assert ratios[:, 2].max() > 1  # negative control: D2-LB is no upper bound in dimension 2 and more


def test_the_worst_case_of_dimension_one_is_exceeded_in_the_plane():
    """60-digit decimal arithmetic: eigenvalues 1 and .222, start (55/73, 48/73), eta = 1, c = .009, T = 100."""
    getcontext().prec = 60
    x, y, c, mu = Decimal(55) / 73, Decimal(48) / 73, Decimal("0.009"), Decimal("0.222")
    for _ in range(100):
        gx, gy = x, mu * y
        norm = (gx * gx + gy * gy).sqrt()
        factor = min(Decimal(1), c / norm)
        x, y = x - factor * gx, y - factor * gy
    gap = float((x * x + mu * y * y) / 2)
    assert gap == pytest.approx(0.007017397867778192, rel=1e-14, abs=0)  # mpmath with 60 digits
    assert float(theory.hardest_gap(1.0, 1.0, 1.0, 0.009, 100)[0]) == pytest.approx(0.005, rel=1e-9)
    assert gap <= path.largest_gap(1.0, 0.009, 100)
    problem = cb.problems.Quadratic([1.0, 0.222], [55 / 73, 48 / 73])
    setting = cb.Setting(problem, cb.noise.NoNoise(), cb.methods.ClippedSGD(1.0, cb.clipping.NormClip(0.009)))
    assert float(cb.simulate(setting, 100, checkpoints=[100]).gap[-1, 0]) == pytest.approx(gap, rel=1e-9)
    with pytest.raises(HypothesesFail, match="dimension 1"):
        theory.D2Exact1D().value(setting, 100)


@pytest.mark.parametrize("y", (0.2, 0.8, 1.5, 6.0))
def test_dimension_one_is_attained_by_huber(y):
    steps, eta = 40, 0.5
    setting = theory.hardest_convex_huber(2.0, 3.0, eta / 3, y * 6 / (eta * steps), steps)
    gap = float(cb.simulate(setting, steps, checkpoints=[steps]).gap[-1, 0])
    exact = float(theory.D2Exact1D().value(setting, steps))
    assert gap <= exact <= gap * (1 + 1e-9)  # so .9 of it is refuted
    assert exact <= float(theory.D2B().value(setting, steps)) * (1 + 1e-12)
    norm = float(cb.simulate(setting, steps, checkpoints=[steps]).gradient_norm[-1, 0])
    assert norm <= float(theory.D2G().value(setting, steps))


def test_units_and_the_old_bound():
    quadratic = cb.problems.Quadratic([4.0, 1.0], [3.0, -1.0])
    for c in (0.05, 0.5, 5.0):
        setting = cb.Setting(quadratic, cb.noise.NoNoise(), cb.methods.ClippedSGD(0.2, cb.clipping.NormClip(c)))
        steps = np.array([1, 10, 100, 1000])
        values = theory.D2B().value(setting, steps)
        assert np.all(values <= theory.D2LastIterate().value(setting, steps) * (1 + 1e-12))
        R0 = np.sqrt(10.0)
        scaled = [4 * 10 * path.largest_gap(0.8, c / (4 * R0), t) for t in steps]
        assert np.all(values <= np.array(scaled) * (1 + 1e-12))
        run = cb.simulate(setting, 1000, checkpoints=steps)
        comparison = cb.compare(run, [theory.D2B(), theory.D2G()])
        assert [str(v.verdict) for v in comparison.verdicts] == ["holds", "holds"]


def test_hypotheses_are_checked():
    method = cb.methods.ClippedSGD(0.6, cb.clipping.NormClip(1.0))
    steep = cb.Setting(cb.problems.Quadratic([2.0], [1.0]), cb.noise.NoNoise(), method)
    with pytest.raises(HypothesesFail, match="eta L <= 1"):
        theory.D2B().value(steep, 10)
    cosh = cb.Setting(cb.problems.Cosh(1.0, 1.0, 2.0), cb.noise.NoNoise(), method.replace(step_size=0.1))
    with pytest.raises(HypothesesFail, match="L-smooth"):
        theory.D2G().value(cosh, 10)
