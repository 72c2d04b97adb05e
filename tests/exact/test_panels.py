"""Polynomials on panels: against quadrature, against masses on a grid, and each part of the certificate with a control."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.exact import QUANTITIES, line, mean_curves
from clipbounds.exact.density import DensityOnLine
from clipbounds.exact.panels import RATIOS, Panels, chebyshev, growth_off_axis, polynomials
from clipbounds.exact.panels_on_line import PanelsOnLine
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, StudentT
from clipbounds.problems import Cosh, Huber, Quadratic, Quartic

LAWS = [Gaussian(1.0), Gaussian(0.2), StudentT(1.5, 1.0), StudentT(4.0, 0.5)]
PROBLEMS = [Quadratic([1.5], [0.7]), Huber(1.5, 0.55, [0.7]), Cosh(2.0, 0.8, [0.7]), Quartic([0.7])]
EPS = np.finfo(float).eps


def setting_of(problem, law, eta=0.1, c=0.8):
    return cb.Setting(problem, law, ClippedSGD(eta, NormClip(c)))


def name(value):
    return type(value).__name__ + (f"-{value.scale:g}" if hasattr(value, "scale") else "")


def slope(problem, z):
    return float(problem.gradient(np.array([[z]]))[0, 0])


def after(setting, phi, z, kinks):
    """E phi(z_1) from z_0 = z: two clipped steps, and a quadrature over the place between them, split at the kinks of phi."""
    eta, c, law = setting.method.step_size, setting.method.clip.threshold, setting.noise
    u = slope(setting.problem, z)
    total = float(law.sf(c - u)) * phi(z - eta * c) + float(law.cdf(-c - u)) * phi(z + eta * c)
    inside = [k for k in (*kinks, z - eta * u) if abs(k - z) < eta * c]
    for a, b in itertools.pairwise(sorted([z - eta * c, *inside, z + eta * c])):
        total += quad(
            lambda y: phi(y) * float(law.pdf((z - y) / eta - u)) / eta, a, b, epsabs=1e-14, epsrel=1e-13, limit=200
        )[0]
    return total


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
@pytest.mark.parametrize("law", LAWS, ids=name)
def test_distance_and_share_of_clipped_steps_are_quadratures(problem, law):
    """After two steps the share is the mean of the probabilities at the start and one step later; a threshold .1 % larger is seen."""
    setting = setting_of(problem, law, eta=0.05)
    kinks = [0.0, -0.55 / 1.5, 0.55 / 1.5] if isinstance(problem, Huber) else [0.0]

    def clipped(z, c=0.8):
        return float(law.sf(c - slope(problem, z)) + law.cdf(-c - slope(problem, z)))

    curves = mean_curves(setting, 2, [1, 2], tolerance=1e-7)
    share, error = curves.values["clipped_fraction"], curves.errors["clipped_fraction"]
    later = after(setting, clipped, 0.7, kinks)
    exact = np.array([clipped(0.7), (clipped(0.7) + later) / 2])
    assert np.all(np.abs(share - exact) <= error + 1e-15) and np.all(error <= 1e-7)
    assert abs(share[0] - clipped(0.7, 0.8008)) > error[0]
    exact = after(setting, abs, 0.7, kinks)
    missed, error = abs(curves.values["distance"][0] - exact), curves.errors["distance"][0]
    assert missed <= error <= 1e-7 * exact


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
@pytest.mark.parametrize("law", LAWS, ids=name)
def test_one_step_is_the_quadrature(problem, law):
    setting = setting_of(problem, law)
    kinks = [0.0, -0.55 / 1.5, 0.55 / 1.5] if isinstance(problem, Huber) else [0.0]
    curves = mean_curves(setting, 1, [1], tolerance=4e-10)
    gap = lambda z: float(problem.gap(np.array([z])))  # noqa: E731
    for quantity, phi in (("gradient_norm", lambda z: abs(slope(problem, z))), ("gap", gap)):
        exact = after(setting, phi, 0.7, kinks)
        low, high = (end[0] for end in curves.enclosure(quantity))
        assert low - 1e-13 * exact <= exact <= high + 1e-13 * exact and high - low <= 8e-10 * exact


@pytest.mark.parametrize("problem", PROBLEMS[::2], ids=name)
@pytest.mark.parametrize("law", LAWS[::2], ids=name)
def test_two_steps_are_the_nested_quadrature(problem, law):
    setting, stride = setting_of(problem, law), 0.08
    inner = lambda z: after(setting, lambda y: abs(slope(problem, y)), z, [0.0])  # noqa: E731
    exact = after(setting, inner, 0.1, [0.0, stride])
    curves = mean_curves(setting.replace(problem=problem.replace(x0=[0.1])), 2, [2], tolerance=1e-9)
    assert abs(curves.gradient_norm[0] - exact) <= curves.errors["gradient_norm"][0] + 1e-12
    assert curves.errors["gradient_norm"][0] <= 1e-9 * exact


@pytest.mark.parametrize("law", LAWS[::3], ids=name)
def test_two_engines_enclose_one_mean(law, monkeypatch):
    setting, at = setting_of(PROBLEMS[0], law), [1, 3, 30, 300, 10**6]
    fine = mean_curves(setting, 10**6, at, tolerance=1e-7)
    monkeypatch.setattr(line, "_engine", lambda setting: DensityOnLine)
    grid = mean_curves(setting, 10**6, at, tolerance=1e-3)
    for quantity in QUANTITIES:
        missed = np.abs(getattr(grid, quantity) - getattr(fine, quantity))
        assert np.all(missed <= grid.errors[quantity] + fine.errors[quantity])
        assert np.all(fine.errors[quantity] <= 1e-7 * getattr(fine, quantity))


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
@pytest.mark.parametrize("law", LAWS[:3], ids=name)
def test_a_step_errs_less_than_is_said_and_not_much_less(problem, law):
    """T W at points between the nodes, by quadrature; with so low a degree the bound is far above rounding."""
    setting = setting_of(problem, law)
    panels = Panels(setting, -3, 12, 5)
    values, _ = panels.start()
    values, _ = panels.step(values)
    found, bound = panels.step(values)
    missed = np.zeros(4)
    for z in np.linspace(-0.2, 0.9, 24) + 0.0007:
        at = panels.value_at(z, found)
        for q in range(4):
            phi = lambda y, q=q: panels.value_at(min(max(y, -0.24), 0.96), values)[q]  # noqa: E731
            missed[q] = max(missed[q], abs(after(setting, phi, z, panels.edges) - at[q]))
    assert np.all(missed <= bound) and missed[0] > 1e-12


@pytest.mark.parametrize("law", LAWS[:3], ids=name)
def test_a_millionth_of_the_interpolation_error_would_be_wrong(law):
    setting = setting_of(PROBLEMS[0], law)
    panels = Panels(setting, -3, 12, 4)
    found, bound = panels.step(panels.start()[0])
    fine = Panels(setting, -3, 12, 40)
    exact, _ = fine.step(fine.start()[0])
    places = np.linspace(-0.2, 0.9, 500)
    missed = max(abs(panels.value_at(z, found)[0] - fine.value_at(z, exact)[0]) for z in places)
    assert 1e-6 * bound[0] < missed <= bound[0]


@given(st.floats(-30, 30), st.floats(-3, 3), st.sampled_from(LAWS))
def test_densities_grow_no_faster_off_the_axis(x, v, law):
    import mpmath

    bound = float(growth_off_axis(law, np.array(v)))
    if np.isfinite(bound):
        z = mpmath.mpc(x, v)
        if isinstance(law, Gaussian):
            ratio = abs(
                mpmath.exp(-(z**2) / (2 * law.scale**2)) / mpmath.exp(-(mpmath.mpf(x) ** 2) / (2 * law.scale**2))
            )
        else:
            w = law.scale**2 * law.dof
            ratio = abs((1 + z**2 / w) / (1 + mpmath.mpf(x) ** 2 / w)) ** (-(law.dof + 1) / 2)
        assert ratio <= bound * (1 + 1e-9)


def test_half_of_the_growth_is_reached():
    """The control: at x = 0 the bound of the Gaussian is an equality, and Student's is met within its power of two."""
    v = np.linspace(0.1, 1.1, 11)
    np.testing.assert_allclose(growth_off_axis(LAWS[0], v), np.abs(np.exp(-0.5 * (1j * v) ** 2)), rtol=1e-14)
    student = np.abs(1 - v**2 / 1.5) ** (-1.25)
    assert np.all(student > growth_off_axis(LAWS[2], v) * 2**-1.25) and np.all(student <= growth_off_axis(LAWS[2], v))


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if not isinstance(p, Huber)], ids=name)
def test_slopes_off_the_axis(problem):
    """Im u and Im s on the ellipses by complex arithmetic. (Huber's f' is linear on a panel.)"""
    u = {Quadratic: lambda z: 1.5 * z, Cosh: lambda z: 1.6 * np.sinh(0.8 * z), Quartic: lambda z: 4 * z**3}[
        type(problem)
    ]
    panels = Panels(setting_of(problem, LAWS[0]), -3, 12, 8)
    wide, thin = (panels.half[:, np.newaxis] * (RATIOS + s / RATIOS) / 2 for s in (1, -1))
    steep, stretch = panels._steepness(np.abs(panels.centre)[:, np.newaxis] + wide)
    angle = np.linspace(0, 2 * np.pi, 65)[:, np.newaxis, np.newaxis]
    z = panels.centre[:, np.newaxis] + wide * np.cos(angle) + 1j * thin * np.sin(angle)
    assert np.all(np.abs(np.imag(u(z))) <= steep * thin * (1 + 1e-12))
    assert np.all(np.abs(np.imag(z - 0.1 * u(z))) <= stretch * thin * (1 + 1e-12))
    assert np.any(np.abs(np.imag(u(z))) > 0.5 * steep * thin)


def test_interpolation_is_exact_for_polynomials_of_its_degree():
    points, coefficients = chebyshev(7)
    power = lambda t: 3 * t**7 - t**2 + 0.5  # noqa: E731
    t = np.linspace(-1, 1, 50)
    np.testing.assert_allclose(polynomials(t, 7) @ (coefficients @ power(points)), power(t), rtol=0, atol=64 * EPS)
    assert np.abs(polynomials(t, 7) @ (coefficients @ points**8) - t**8).max() > 1e-3


def test_rows_are_laws_and_a_missing_part_is_counted():
    panels = Panels(setting_of(PROBLEMS[1], LAWS[0]), -3, 12, 16)
    assert panels.missed < 1e-13 and panels.per_step == 3
    np.testing.assert_allclose(panels.operator.sum(axis=-1), 1.0, rtol=0, atol=1e-13)


def test_batches_of_gaussian_noise_are_smaller_noise():
    batch = setting_of(PROBLEMS[0], Gaussian(1.0)).replace(method=ClippedSGD(0.1, NormClip(0.8), batch_size=4))
    one, four = (mean_curves(s, 50, [5, 50]) for s in (setting_of(PROBLEMS[0], Gaussian(0.5)), batch))
    np.testing.assert_array_equal(one.gradient_norm, four.gradient_norm)
    assert "one sample a step" in cb.exact.why_not(batch.replace(noise=StudentT(1.5, 1.0)))
    per_sample = ClippedSGD(0.1, NormClip(0.8), batch_size=4, per_sample=True)
    assert cb.exact.why_not(batch.replace(method=per_sample)) is not None


@pytest.mark.parametrize(
    ("problem", "law"), [(PROBLEMS[1], LAWS[2]), (PROBLEMS[2], LAWS[0]), (Quartic([0.4]), LAWS[1])], ids=name
)
def test_simulation_agrees(problem, law):
    """Within a band of Bernstein's inequality at 1e-8 on an observed variance, less than a tenth of the mean."""
    setting, at = setting_of(problem, law, eta=0.05), [10, 100]
    curves = mean_curves(setting, 100, at)
    run = cb.simulate(setting, 100, 50_000, seed=11, checkpoints=at)
    for quantity in ("gradient_norm", "mean_gradient_norm", "distance", "clipped_fraction"):
        values = run[quantity].transpose("trajectory", "checkpoint").to_numpy()
        spread, width, log = values.std(axis=0), np.ptp(values, axis=0), np.log(2 / 1e-8)
        band = spread * np.sqrt(2 * log / len(values)) + 3 * width * log / len(values)
        mean = curves.values[quantity]
        assert np.all(np.abs(values.mean(axis=0) - mean) <= band + curves.errors[quantity])
        assert np.all(band < 0.1 * np.maximum(mean, 0.01))  # a step in a thousand is clipped under the smallest noise


def test_a_long_run_is_a_short_one_and_what_stays():
    setting = setting_of(Quadratic([1.0], [0.3]), LAWS[0])
    chain = PanelsOnLine(setting, 10**6, 1e-4)
    assert 50 < chain.steps < 10**4
    late = mean_curves(setting, 10**6, [10**6])
    short = mean_curves(setting, 2 * chain.steps, [2 * chain.steps], tolerance=1e-8)
    assert abs(late.gradient_norm[0] - short.gradient_norm[0]) <= late.errors["gradient_norm"][0] + 1e-9


@pytest.mark.parametrize(
    ("problem", "steps", "words"),
    [
        (Cosh(1.0, 0.5, [1.0]), 10**6, "beyond the floats"),
        (Quartic([2.5]), 10, "eta f'' <= 1"),
    ],
)
def test_refusals_are_one_sentence(problem, steps, words):
    with pytest.raises(ValueError, match=words) as caught:
        mean_curves(setting_of(problem, LAWS[0]), steps)
    assert "\n" not in str(caught.value)
