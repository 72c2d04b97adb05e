"""Noise with a density on a quadratic, by masses on a grid: against quadrature, against finer grids, and each part of the certificate by itself."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.exact import QUANTITIES, line, mean_curves
from clipbounds.exact.band import Band, between, largest_density, mode_variation, peak_of
from clipbounds.exact.density import DensityOnLine
from clipbounds.exact.rows import Rows
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, Pareto, Stable, StudentT, SymmetricLomax
from clipbounds.problems import Cosh, Extremal, Quadratic

LAWS = [Gaussian(1.0), StudentT(1.5, 1.0), Pareto(1.5, 1.0), SymmetricLomax(1.5, 0.5)]


@pytest.fixture(autouse=True)
def by_grid(monkeypatch):
    """Also where polynomials on panels are the default."""
    monkeypatch.setattr(line, "_engine", lambda setting: DensityOnLine)


def name(value):
    return type(value).__name__


def setting_of(law, eta=0.3, start=0.7, curvature=1.5, c=0.8):
    return cb.Setting(Quadratic([curvature], [start]), law, ClippedSGD(eta, NormClip(c)))


def after(setting, phi, z, points=()):
    """E phi(z_1) from z_0 = z: two clipped steps, and a quadrature over the noise between them."""
    method, law = setting.method, setting.noise
    eta, c, u = method.step_size, method.clip.threshold, float(setting.problem.eigenvalues[0]) * z
    down, up = float(law.sf(c - u)), float(law.cdf(-c - u))
    low, high = -c - u, c - u
    mode = float(law.quantile(0.0)) if isinstance(law, Pareto) else 0.0
    kinks = [(z - y) / eta - u for y in (0.0, *points)] + [mode]
    if isinstance(law, Pareto):
        low = min(max(low, mode), high)
    inside = sorted({k for k in kinks if low < k < high})
    total = down * phi(z - eta * c) + up * phi(z + eta * c)
    edges = [low, *inside, high]
    for a, b in itertools.pairwise(edges):
        total += quad(lambda xi: phi(z - eta * (u + xi)) * float(law.pdf(xi)), a, b, epsabs=1e-13, epsrel=1e-12)[0]
    return total


@pytest.mark.parametrize("law", LAWS, ids=name)
@pytest.mark.parametrize("start", [0.7, 0.1, 2.0])
def test_one_step_is_the_quadrature(law, start):
    setting = setting_of(law, start=start)
    L = 1.5
    curves = mean_curves(setting, 1, [1])
    for quantity, phi in (("gradient_norm", lambda z: L * abs(z)), ("gap", lambda z: L * z * z / 2)):
        exact = after(setting, phi, start)
        low, high = (end[0] for end in curves.enclosure(quantity))
        assert low <= exact <= high and high - low <= 2e-4 * exact


@pytest.mark.parametrize("law", LAWS, ids=name)
def test_two_steps_are_the_nested_quadrature_and_a_small_part_of_the_error_would_be_wrong(law):
    """On a coarse grid the true error is more than a thousandth of the certified one; eta c kinks of the inner mean are split at."""
    setting = setting_of(law)
    stride = 0.3 * 0.8
    inner = lambda z: after(setting, lambda y: 1.5 * abs(y), z)  # noqa: E731
    exact = after(setting, inner, 0.7, points=(stride, -stride))
    coarse = mean_curves(setting, 2, [2], nodes=100)
    missed = abs(coarse.gradient_norm[0] - exact)
    assert 1e-3 * coarse.errors["gradient_norm"][0] < missed <= coarse.errors["gradient_norm"][0]
    fine = mean_curves(setting, 2, [2], tolerance=1e-5)
    assert abs(fine.gradient_norm[0] - exact) <= fine.errors["gradient_norm"][0] <= 1e-5 * exact


@pytest.mark.parametrize("law", LAWS, ids=name)
def test_a_finer_grid_lies_in_the_enclosure_of_a_coarse_one(law):
    setting, at = setting_of(law, eta=0.1), [1, 3, 30, 300, 10**6]
    coarse, fine = (mean_curves(setting, 10**6, at, nodes=nodes) for nodes in (900, 4000))
    for quantity in QUANTITIES:
        gap = np.abs(getattr(coarse, quantity) - getattr(fine, quantity))
        assert np.all(gap <= coarse.errors[quantity] + fine.errors[quantity])
        assert np.all(fine.errors[quantity] < 0.3 * coarse.errors[quantity] + 1e-9)


@pytest.mark.parametrize("law", LAWS, ids=name)
def test_smoothness_bounds_the_differences_of_the_mean_as_a_function_of_the_start(law):
    """V_1' and V_1'' by differences of quadratures, at points away from jumps, lie below the bounds of their cells and near them."""
    setting = setting_of(law)
    chain = DensityOnLine(setting, 8, 1e-4)
    band, phis = chain.band, (lambda z: 1.5 * abs(z), lambda z: 0.75 * z * z)
    for phi, slopes, bends in zip(phis, chain.slopes, chain.bends, strict=True):
        ratios = []
        for z in np.linspace(-0.9, 1.1, 41) + 0.0037:
            cell, d = np.searchsorted(band.z, z) - 1, 1e-3
            values = [after(setting, phi, z + k * d) for k in (-1, 0, 1)]
            slope, bend = (values[2] - values[0]) / (2 * d), (values[0] - 2 * values[1] + values[2]) / d**2
            near = slice(cell - 1, cell + 2)
            assert abs(slope) <= slopes[1, near].max() + 1e-6
            if not np.any(np.abs(np.abs(z) - np.array([0.0, 0.24])) < 2 * d):
                ratios.append(abs(bend) / bends[1, near].max())
        assert max(ratios) <= 1 + 1e-4 and max(ratios) > 0.5


@pytest.mark.parametrize("law", LAWS, ids=name)
def test_the_window_loses_no_more_than_is_said(law):
    """20,000 simulated runs leave a narrow window in a smaller share than the bound; Clopper-Pearson at 1e-6."""
    setting = setting_of(law, eta=0.1, start=0.0)
    chain = DensityOnLine(setting, 40, 1e-4)
    chain.band = Band(setting, -3, 3, 16)
    chain.steps = 40
    chain._leave()
    run = cb.simulate(setting, 40, 20_000, seed=4, checkpoints=range(1, 41))
    out = (run["distance"].transpose("trajectory", "checkpoint").to_numpy() >= 0.24).any(axis=1).sum()
    share = cb.verdict.clopper_pearson(int(out), 20_000, 1 - 1e-6)[0]
    assert 0 < share <= chain.left[-1]


@pytest.mark.parametrize("law", LAWS, ids=name)
def test_facts_of_the_laws(law):
    x = np.sort(np.concatenate([np.linspace(-5, 5, 2001), [0.0]]))
    if isinstance(law, Pareto):
        x = np.sort(np.append(x, law.quantile(0.0) * (1 - 1e-9)))
    density = law.pdf(x)
    assert density.max() <= peak_of(law) * (1 + 1e-12) and density.max() >= 0.99 * peak_of(law)
    low, high = x[:-7], x[7:]
    windows = np.lib.stride_tricks.sliding_window_view(density, 8).max(axis=1)
    assert np.all(largest_density(law, low, high) >= windows * (1 - 1e-12))
    np.testing.assert_allclose(between(law, low, high), law.cdf(high) - law.cdf(low), atol=1e-14)
    assert mode_variation(law, 0.1) >= np.abs(np.diff(density[np.abs(x - x[np.argmax(density)]) <= 0.05])).sum() * (
        1 - 1e-9
    )


def test_rows_of_the_band_are_laws():
    for law in LAWS:
        band = Band(setting_of(law), -4, 5, 16)
        total = (band.left + band.right).sum(axis=0) + band.down + band.up
        np.testing.assert_allclose(total, 1.0, atol=1e-13)
        assert band.left.min() >= 0 and band.right.min() >= 0
        mass = np.zeros(band.z.size)
        mass[70] = 1.0
        moved = band.forward(mass, band.left, band.right)
        assert moved.sum() == pytest.approx(1.0, abs=1e-13) and moved.min() >= 0


@pytest.mark.parametrize("eta", [0.1, 0.3, 0.7 / np.pi])
@pytest.mark.parametrize("law", LAWS, ids=name)
def test_a_step_by_rows_is_that_of_the_band(law, eta):
    """Ten rows for a fraction with a small denominator, one a node for another number, and a row shifted by a node is another step."""
    setting = setting_of(law, eta=eta, curvature=1.0)
    band, rows = Band(setting, -4, 5, 16), Rows(setting, -4, 5, 16)
    assert (len(rows.left) == 10) == (eta != 0.7 / np.pi)
    mass = np.random.default_rng(3).dirichlet(np.ones(rows.z.size))
    expected = band.forward(mass, band.left, band.right)
    moved = mass.copy()
    rows.forward(moved)
    np.testing.assert_allclose(moved, expected, rtol=0, atol=64 * np.finfo(float).eps)
    rows.place[1:-1] += 1
    rows.forward(mass)
    assert np.abs(mass - expected).max() > 1e-4


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS, ids=name)
def test_simulation_agrees(law):
    setting, at = setting_of(law, eta=0.1), [2, 10, 1000]
    curves = mean_curves(setting, 1000, at)
    run = cb.simulate(setting, 1000, 100_000, seed=7, checkpoints=at)
    for quantity in QUANTITIES:
        values = run[quantity].transpose("trajectory", "checkpoint").to_numpy()
        spread, width, log = values.std(axis=0), np.ptp(values, axis=0), np.log(2 / 1e-8)
        band = spread * np.sqrt(2 * log / len(values)) + 3 * width * log / len(values)
        assert np.all(np.abs(values.mean(axis=0) - getattr(curves, quantity)) <= band + curves.errors[quantity])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(noise=Gaussian(1.0, radial=True)), "neither radial nor along a vector, but is Gaussian"),
        (dict(noise=Stable(1.5, 1.0)), "or be one of Gaussian, StudentT, SymmetricLomax, Pareto"),
        (dict(problem=Cosh(1.0, 0.5, [1.0]), noise=LAWS[2]), "the problem must be Quadratic, but is Cosh"),
        (dict(problem=Extremal(1.0, 0.5, [1.0])), "one of Quadratic, Huber, Cosh, Quartic, but is Extremal"),
        (dict(method=ClippedSGD(1.5, NormClip(1.0))), "eta f'' <= 1"),
    ],
)
def test_what_is_not_propagated_is_said_in_one_sentence(change, words):
    with pytest.raises(ValueError, match=words) as caught:
        mean_curves(setting_of(LAWS[0]).replace(**change), 10)
    assert "\n" not in str(caught.value)
