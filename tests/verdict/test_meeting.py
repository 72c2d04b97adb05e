"""The contraction on average of `meeting`: its facts against draws and quadrature, its ratio and its weight against the step itself."""

import dataclasses

import mpmath as mp
import numpy as np
import pytest

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD, PerSampleClippedSGD
from clipbounds.noise import Gaussian, Pareto, Rademacher, StudentT, TwoPoint
from clipbounds.problems import Huber, Quadratic
from clipbounds.verdict.meeting import contraction_on
from clipbounds.verdict.meeting_energy import HULL, cells_of_quadratic
from clipbounds.verdict.meeting_line import cells_on_line
from clipbounds.verdict.spread import fading, sensitivity, spread_of

ETA, LAST, DRAWS, FACTOR = 0.1, 300.0, 10_000, 4.0


def setting(noise, eigenvalues=(1.0,), start=1.0, c=1.0, batch=1, per_sample=False, eta=ETA):
    make = PerSampleClippedSGD if per_sample else ClippedSGD
    method = make(eta, NormClip(c), batch_size=batch)
    return cb.Setting(Quadratic(list(eigenvalues), [start] * len(eigenvalues)), noise, method)


LINE = {
    "Gaussian": setting(Gaussian(1.0), start=-3.0),
    "small Gaussian": setting(Gaussian(0.1), c=2.0, start=-3.0),
    "Pareto": setting(Pareto(1.5, 1.0), eigenvalues=(0.7,), start=-3.0),
    "Student": setting(StudentT(1.5, 1.0), c=5.0, start=-3.0),
    "two points": setting(TwoPoint(1.0, 0.5), start=-3.0),
    "batch": setting(Gaussian(1.0), batch=4, start=-3.0),
    "per sample": setting(Pareto(1.5, 1.0), batch=4, per_sample=True, start=-3.0),
    "batch of Student": setting(StudentT(1.5, 1.0), batch=8, start=-3.0),
    "batch of Pareto": setting(Pareto(1.5, 1.0), batch=3, start=-3.0),
    "batch of two points": setting(TwoPoint(1.0, 0.3), batch=5, start=-3.0),
}
SPACE = {
    "Gaussian": setting(Gaussian(0.5), (1.0, 1.0, 1.0)),
    "many": setting(Gaussian(1.0), (1.0,) * 30),
    "plane": setting(Gaussian(1.0), (1.0, 1.0), eta=0.5),
    "curved": setting(Gaussian(0.5), (1.0, 0.4)),
    "radial": setting(StudentT(1.5, 1.0, radial=True), (1.0, 1.0, 1.0)),
    "batch": setting(Gaussian(1.0), (1.0, 0.5), batch=4),
    "per sample": setting(Gaussian(1.0), (1.0, 1.0), batch=4, per_sample=True),
    "Student": setting(StudentT(1.5, 0.3), (1.0, 1.0)),
    "signs": setting(Rademacher(0.3), (1.0, 1.0, 1.0)),
    "two points, radial": setting(TwoPoint(1.0, 0.5, radial=True), (1.0, 1.0, 1.0)),
}


def cells_of(given):
    return (cells_on_line if given.problem.dim == 1 else cells_of_quadratic)(given, LAST)


def draws(given, count, seed):
    """Noise of `count` steps, (count, batch, d), from NumPy and the laws' quantile functions, not from the package's samplers."""
    rng = np.random.default_rng(seed)
    noise, d, b = given.noise, given.problem.dim, given.method.batch_size
    shape = (count, b, 1 if noise.radial else d)
    atoms = noise.atoms()
    if atoms is None:
        one = np.asarray(noise.quantile(rng.random(shape)))
    else:
        one = rng.choice(atoms[0], size=shape, p=atoms[1])
    if noise.radial:
        way = rng.standard_normal((count, b, d))
        one = one * way / np.linalg.norm(way, axis=-1, keepdims=True)
    return one


def step_at(given, x, xi):
    """(P, J A): what is subtracted, over eta, and the mean derivative of the clipped samples times A."""
    a, c = given.problem.eigenvalues, given.method.operator.threshold
    if given.method.operator_calls_per_step == 1:
        xi = xi.mean(axis=1, keepdims=True)
    u = a * x + xi
    size = np.linalg.norm(u, axis=-1, keepdims=True)
    clipped = u * np.minimum(1.0, c / size)
    n = u / size
    eye = np.eye(len(a))
    clip_slope = np.where(
        size[..., np.newaxis] < c,
        eye,
        (c / size)[..., np.newaxis] * (eye - n[..., :, np.newaxis] * n[..., np.newaxis, :]),
    )
    return clipped.mean(axis=1), clip_slope.mean(axis=1) * a


def points(given, cells, count=8):
    """Points x at distances within the finite cells, with the index of a cell each."""
    rng = np.random.default_rng(7)
    d, a = given.problem.dim, given.problem.eigenvalues
    inside = np.flatnonzero(np.isfinite(cells.far))
    for index in rng.choice(inside, count, replace=False):
        z = cells.near[index] + rng.random() * (cells.far[index] - cells.near[index])
        if d == 1:
            yield index, z
        else:
            way = rng.standard_normal(d) if rng.random() < 0.7 else np.eye(d)[rng.integers(d)]
            yield index, z * way / np.sqrt(way @ (a * way))


def centre_of(given, cells):
    """o: the starts on the line lie far to the left of it."""
    return 0.0 if given.problem.dim > 1 else given.problem.x0[0] + cells.start


@pytest.mark.parametrize("name", [*(f"line {n}" for n in LINE), *(f"space {n}" for n in SPACE)])
def test_share_drift_and_square_are_on_the_safe_side(name):
    """At points of eight cells, against 10,000 draws with five of their standard errors.

    Control: a share and a drift FACTOR times as large (and at least .1 of what they may be), and a square that is as much smaller,
    are each refuted at some of the points.
    """
    kind, rest = name.split(" ", 1)
    given = (LINE if kind == "line" else SPACE)[rest]
    cells = cells_of(given)
    a = given.problem.eigenvalues
    root = np.sqrt(a) if given.problem.dim > 1 else np.ones(1)
    half = len(cells.near) // 2
    rate = cells.eta * cells.mu * (2 - cells.eta * cells.lipschitz)
    refuted = {"share": False, "drift": False, "square": False}
    for index, at in points(given, cells):
        xi = draws(given, DRAWS, int(index))
        if given.problem.dim == 1:
            sign = 1.0 if index < half else -1.0
            offset = np.array([sign * at])
            x = offset + centre_of(given, cells)
        else:
            x = offset = at
        z = float(np.linalg.norm(root * offset))
        push, slope = step_at(given, x, xi)
        along = push @ (root**2 * offset)
        most = along.mean() + 5 * along.std() / np.sqrt(DRAWS)
        assert most >= z * cells.drift[index] - 1e-9
        refuted["drift"] |= most < z * max(FACTOR * cells.drift[index], 0.1 * cells.speed)
        square = np.square(along)
        least = square.mean() - 5 * square.std() / np.sqrt(DRAWS)
        assert least <= z**2 * cells.square[index] * (1 + 1e-9) + 1e-12
        refuted["square"] |= least > z**2 * cells.square[index] / FACTOR
        # the step in the norm: I - eta root J A / root, in two directions
        moved = slope * root[:, np.newaxis] / root
        way = root * offset / max(z, 1e-300)
        other = np.random.default_rng(1).standard_normal(len(a))
        for v in (way, other / np.linalg.norm(other)):
            after = np.square(v - cells.eta * moved @ v).sum(axis=1)
            least = after.mean() - 5 * after.std() / np.sqrt(DRAWS)
            assert least <= 1 - rate * cells.share[index] + 1e-9
            refuted["share"] |= least > 1 - rate * max(FACTOR * cells.share[index], 0.1)
    assert all(refuted.values()), refuted


@pytest.mark.parametrize("name", LINE)
def test_the_ratio_of_the_lemma_on_the_line(name):
    """E[D w(x')] <= kappa w(x), and E w²(x') as its weight says, at 25 points by 10,000 draws; kappa² is refuted."""
    given = LINE[name]
    cells = cells_of(given)
    found = contraction_on(cells, LAST)
    centre = centre_of(given, cells)
    xi = draws(given, DRAWS, 3)

    def w(x):
        return np.exp(found.slope * (np.hypot(found.radius, x - centre) - found.radius))

    refuted = False
    far = float(cells.near.max())
    for x in centre + np.linspace(-1.5 * far, 1.5 * far, 25):
        push, slope = step_at(given, np.array([x]), xi)
        after = (1 - given.method.step_size * slope[:, 0, 0]) * w(x - given.method.step_size * push[:, 0]) / w(x)
        error = 5 * after.std() / np.sqrt(DRAWS)
        assert after.mean() - error <= found.kappa
        refuted |= after.mean() - error > found.kappa**2
    assert refuted


@pytest.mark.parametrize("name", ["line Gaussian", "line Pareto", "space Gaussian", "space radial", "space curved"])
def test_the_mean_weight_of_the_iterates_is_bounded(name):
    """E w^p(x_s) for p = 2 and 4 on 20,000 trajectories from a far start; a tenth of the bound is refuted."""
    kind, rest = name.split(" ", 1)
    given = (LINE if kind == "line" else SPACE)[rest]
    given = given.replace(problem=Quadratic(given.problem.eigenvalues, 3.0 * given.problem.x0))
    cells = cells_of(given)
    found = contraction_on(cells, LAST)
    a = given.problem.eigenvalues
    root = np.sqrt(a) if given.problem.dim > 1 else np.ones(1)
    centre, eta = centre_of(given, cells), given.method.step_size
    x = np.tile(given.problem.x0, (20_000, 1))
    refuted = 0
    for s in range(60):
        z = np.linalg.norm(root * (x - centre), axis=1)
        for p in (2.0, 4.0):
            value = np.exp(p * found.slope * (np.hypot(found.radius, z) - found.radius))
            bound = found.weight(p)
            error = 5 * value.std() / np.sqrt(len(value))
            assert value.mean() - error <= bound.level + bound.excess * bound.fade**s
            refuted += value.mean() > 0.1 * (bound.level + bound.excess * bound.fade**s)
        push, _ = step_at(given, x[:, np.newaxis, :], draws(given, len(x), s))
        x = x - eta * push
    assert refuted


@pytest.mark.parametrize("quantity", ["gap", "mean_gradient_norm"])
@pytest.mark.parametrize(("kappa", "fade"), [(0.97, 0.9), (0.9, 0.97), (0.95, 0.95), (0.5, 0.0)])
@pytest.mark.parametrize("p", [1.5, 2.0])
def test_the_sum_with_a_fading_weight(quantity, kappa, fade, p):
    """Against the sum itself for up to 200 steps; half of the bound is below it somewhere."""
    steps = np.array([1.0, 2, 10, 50, 200])
    bound = fading(quantity, kappa**p, fade, steps, sensitivity(quantity, kappa, steps, 1.0)[1] ** p)
    exact = []
    for t in steps.astype(int):
        s = np.arange(t)
        if quantity == "gap":
            sizes = kappa ** (t - 1 - s)
        else:
            sizes = (1 - kappa ** (t - 1 - s)) / (1 - kappa) / t
        exact.append(np.sum(sizes**p * fade**s))
    assert np.all(np.asarray(exact) <= bound * (1 + 1e-12) + 1e-300)
    assert np.any(np.asarray(exact) > 0.3 * bound)


def test_no_cells_where_the_facts_are_not_known():
    skewed = setting(TwoPoint(1.0, 0.5), (1.0, 1.0))
    flat = setting(Gaussian(1.0), (1.0, 0.0))
    mean = setting(StudentT(3.0, 1.0), (1.0, 1.0), batch=4)
    assert [cells_of_quadratic(one, LAST) for one in (skewed, flat, mean, LINE["Gaussian"])] == [None] * 4
    huber = LINE["Gaussian"].replace(problem=Huber(1.0, 1.0, [2.0]))  # not strongly convex
    fast = setting(Gaussian(1.0), eta=1.5)
    assert [cells_on_line(one, LAST) for one in (huber, fast)] == [None] * 2


def test_the_kernel_lies_above_a_convex_function():
    """k(S) = min(1, S^-1/2)/S for c = 1. In 50 digits: the line that touches both pieces, where it does, and the worst ratio of the hull to k."""
    with mp.workdps(50):

        def above(p):
            """How far the tangent of 1/S at p, 2/p - S/p², passes S^-3/2 where they are nearest, at S = (1.5 p²)^(2/5)."""
            touch = (mp.mpf(3) / 2 * p * p) ** (mp.mpf(2) / 5)
            return 2 / p - touch / p**2 - touch ** (-mp.mpf(3) / 2), touch

        p = mp.findroot(lambda v: above(v)[0], mp.mpf("0.9"))
        touch = above(p)[1]
        assert (
            abs(above(p)[0]) < mp.mpf(10) ** -45 and mp.almosteq(p, 0.9042, 1e-4) and mp.almosteq(touch, 1.0851, 1e-4)
        )
        # hull/k is S (2/p - S/p²) below 1, where it falls, and S^1.5 (2/p - S/p²) above, where it rises to 1 at 1.2 p, the touching point
        ratio = 2 / p - 1 / p**2
        assert HULL < ratio < mp.mpf("0.9888") and mp.almosteq(touch, 6 * p / 5, 1e-40) and touch > 1 > p
    # two points whose mean is below k: k itself is not convex
    assert 0.5 * (1 / 21 + 23**0.5 / 25**1.5) < 1 / 23


def test_an_angle_grid_that_rounds_is_still_a_mean_of_numbers_up_to_one():
    """‖g + xi‖² rounds below 0 in some boxes where both lengths agree: no share may pass 1."""
    from clipbounds.verdict.meeting_radial import averaged

    one = np.array([4.655])
    edges = np.linspace(0, 12.0, 65)
    with np.errstate(all="ignore"):
        along, beside, square = averaged(edges, 4.655 / 31, 2, (np.ones(1), one * (1 - 1e-12), one * (1 + 1e-12)))
    assert np.all((along >= 0) & (along <= 1)) and np.all((beside >= 0) & (beside <= 1)) and np.all(square <= 0.0226)


def test_a_centre_out_of_reach_leaves_the_drift_unknown():
    """Cells between the start and a far minimiser may not have the drift of the other side."""
    given = setting(Gaussian(0.1), start=-60.0)
    cells = cells_on_line(given, 310.0)
    half = len(cells.near) // 2
    centre = -60.0 + cells.start
    right = centre + cells.near[:half]
    exact = np.clip(right, -1.0, 1.0)  # E clip(x + xi) is within .1 of it, and that is below 1 in size
    assert np.all(cells.drift[:half] <= exact + 0.2)


def test_a_gap_without_a_global_constant_has_no_spread():
    cosh = cb.Setting(cb.problems.Cosh(1.0, 1.0, [1.0]), Gaussian(1.0), ClippedSGD(0.1, NormClip(1.0)))
    assert spread_of(cosh, "gap", [10]) is None


def test_a_share_that_is_too_large_gives_a_false_rate():
    """Negative control of the whole: with s = 1 and a drift of c everywhere the ratio is refuted by the step at o."""
    given = setting(Gaussian(1.0), start=-3.0)
    cells = cells_of(given)
    ones = np.where(np.isfinite(cells.far), 1.0, 0.0)
    wrong = contraction_on(dataclasses.replace(cells, share=ones, drift=1 * ones + np.maximum(cells.drift, 0)), LAST)
    _, slope = step_at(given, np.zeros(1), draws(given, DRAWS, 3))
    after = 1 - given.method.step_size * slope[:, 0, 0]
    assert after.mean() - 5 * after.std() / np.sqrt(DRAWS) > wrong.kappa


@pytest.mark.parametrize("name", ["space Gaussian", "space many", "space radial", "line Gaussian", "line per sample"])
def test_the_spread_is_sharper_than_without_the_lemma_and_still_true(name):
    """Long runs: the variance of the mean gradient norm is at least 4 and at most 4000 times below what is proved."""
    kind, rest = name.split(" ", 1)
    given = (LINE if kind == "line" else SPACE)[rest]
    spread = spread_of(given, "mean_gradient_norm", [300])
    x = cb.simulate(given, 300, 2000, seed=1, checkpoints=[300], threads=1).mean_gradient_norm.values[0]
    assert x.var() <= spread.variance[0] < 4000 * x.var()


def test_a_weight_beyond_the_largest_number_is_infinite():
    """Overflow is inf, not an exception: found by an experiment with a step of .001 and T = 400,000."""
    from clipbounds.verdict.coupling import Contraction

    weight = Contraction(0.999, 1e100, 2.0).weight(12.0)
    assert weight.level == np.inf
    steep = setting(TwoPoint(1.0, 0.01), c=0.1, eta=0.01)
    assert np.all(spread_of(steep, "mean_gradient_norm", [10, 10**6]).variance > 0)
