"""The stationary law against exact variances, the table of the theory page, and simulation."""

import math

import numpy as np
import pytest

import clipbounds as cb
from clipbounds import noise
from clipbounds.worst_case import drift, floor_noise, mean_clipped_step, stationary_law

PARABOLA = cb.problems.Quadratic([1.0], [0.3])


@pytest.mark.parametrize("law", [noise.Gaussian(1.0), noise.Rademacher(1.0), noise.TwoPoint(1.0, 0.7)])
@pytest.mark.parametrize("eta", [0.02, 0.3])
def test_variance_where_nothing_is_clipped(law, eta):
    """x+ = (1-eta)x - eta xi has the stationary variance eta sigma²/(2-eta)."""
    found = stationary_law(PARABOLA, law, eta, 8.0, cells=64)
    variance = found.probabilities @ found.points**2
    exact = eta / (2 - eta)
    added = (eta * 8.0 / 128) ** 2 / (1 - (1 - eta) ** 2)  # the most that splitting can add
    assert -1e-9 <= variance - exact <= added
    assert found.mean_gradient == pytest.approx(0, abs=1e-9)
    if isinstance(law, noise.Gaussian):
        assert found.mean_gradient_norm == pytest.approx(math.sqrt(2 * exact / math.pi), rel=2e-2)


def test_the_discretisation_is_of_second_order():
    exact = math.sqrt(2 / math.pi * 0.3 / 1.7)
    runs = [stationary_law(PARABOLA, noise.Gaussian(1.0), 0.3, 8.0, cells=cells) for cells in (8, 16, 32, 64)]
    errors = np.array([abs(run.mean_gradient_norm - exact) for run in runs])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2, atol=0.1)
    for run, error in zip(runs, errors, strict=True):
        assert error <= run.refinement_error <= 5 * error
    assert np.all(errors[1:] < errors[:-1])


@pytest.mark.parametrize(
    "law", [noise.Gaussian(1.0), noise.Pareto(1.5, 0.3), noise.TwoPoint(1.0, 0.3), noise.StudentT(1.5, 0.5)]
)
def test_the_mean_clipped_step_vanishes(law):
    """Stationarity of E x: the mean of E clip(f'(x) + xi) over the law is 0."""
    found = stationary_law(PARABOLA, law, 0.1, 0.7)
    active = found.probabilities > 1e-14
    steps = mean_clipped_step(law, found.gradient[active], 0.7)
    assert found.probabilities.sum() == pytest.approx(1, rel=1e-12)
    assert abs(found.probabilities[active] @ steps) < 1e-5
    assert abs(found.probabilities[active] @ mean_clipped_step(law, found.gradient[active] + 0.01, 0.7)) > 1e-3
    assert found.density @ np.full(found.points.size, found.spacing) == pytest.approx(1)


@pytest.mark.parametrize(("c", "mean"), [(1.0, 0.2500), (2.0, 0.1250), (4.0, 0.0624), (8.0, 0.0312)])
def test_the_table_of_the_theory_page(c, mean):
    """eta = 5e-4, standard errors below 2e-4; the page prints four digits."""
    found = stationary_law(PARABOLA, floor_noise(c, 1.0), 5e-4, c)
    assert found.mean_gradient_norm == pytest.approx(mean, abs=3 * 2e-4 + 5e-5)
    # E m(u) <= E <clip> = 0 and m is concave beyond the floor: the law lives around its zero
    assert drift(found.mean_gradient_norm, c, 1.0) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("eta", "mean"), [(5e-4, 0.4996), (1e-3, 0.4984)])
def test_the_slow_approach_at_half_sigma(eta, mean):
    found = stationary_law(PARABOLA, floor_noise(0.5, 1.0), eta, 0.5, cells=8)
    assert found.mean_gradient_norm == pytest.approx(mean, abs=3 * 2e-4)


def late_gradient_norms(law, eta, c, trajectories, seed, start):
    method = cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c))
    setting = cb.Setting(PARABOLA.replace(x0=np.array([start])), law, method)
    steps = int(100 / eta)
    run = cb.simulate(setting, steps, trajectories, seed=seed, checkpoints=[steps], threads=1)
    return run.gradient_norm.values[0]


def outside(norms, found, slack=0.0):
    """Whether the mean leaves the normal band of 4.5 standard errors: false alarm 7e-6 a call.

    The trajectories are independent and |f'| at one late step has all moments (steps are at most eta c), so the normal
    band is legitimate.
    """
    error = norms.std(ddof=1) / math.sqrt(norms.size)
    return abs(norms.mean() - found.mean_gradient_norm) > 4.5 * error + found.refinement_error + slack


@pytest.mark.parametrize(
    ("law", "eta", "c"),
    [
        (noise.Gaussian(1.0), 0.05, 0.7),
        (noise.TwoPoint(1.0, 0.5), 0.05, 1.0),
        (noise.TwoPoint(1.0, 0.98), 0.05, 0.5),
        (noise.Pareto(1.5, 0.3), 0.1, 0.5),
        (noise.StudentT(1.5, 0.5), 0.1, 0.5),
    ],
)
def test_simulation_agrees(law, eta, c):
    """The start is forgotten after 100/eta steps: with probability above 1/2 a step contracts distances by 1 - eta."""
    found = stationary_law(PARABOLA, law, eta, c, cells=32)
    norms = late_gradient_norms(law, eta, c, 8192, 20, start=0.1)
    assert not outside(norms, found)
    # negative control: the law of another step size and threshold is told apart
    assert outside(norms, stationary_law(PARABOLA, law, 1.5 * eta, 0.9 * c, cells=32))


@pytest.mark.full
def test_simulation_agrees_at_a_large_step():
    """c = sigma/2, eta = 0.01: the theory page prints .430; the stationary mean is .4316 (band below 2e-3)."""
    law = floor_noise(0.5, 1.0)
    found = stationary_law(PARABOLA, law, 0.01, 0.5, cells=32)
    norms = late_gradient_norms(law, 0.01, 0.5, 2**16, 21, start=0.4)
    assert not outside(norms, found)


def test_without_noise_all_mass_is_at_the_minimiser():
    found = stationary_law(cb.problems.Quadratic([2.0], [1.0]), noise.NoNoise(), 0.1, 1.0)
    assert found.probabilities.max() == pytest.approx(1)
    assert found.mean_gradient_norm == pytest.approx(0, abs=1e-12)


def test_a_slope_below_the_floor_confines_nothing():
    """Huber with the outer slope 0.2 under noise whose stationary gradient is 0.25: the iterates leave."""
    law = noise.TwoPoint(1.0, 0.5)
    with pytest.raises(ValueError, match="may not confine"):
        stationary_law(cb.problems.Huber(1.0, 0.2, [0.0]), law, 0.2, 1.0, cells=4)
    confined = stationary_law(cb.problems.Huber(1.0, 0.6, [0.0]), law, 0.05, 1.0, cells=4)
    assert confined.mean_gradient_norm == pytest.approx(0.25, abs=0.05)
