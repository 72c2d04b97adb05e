"""The linear program against the closed forms. It prices atoms by its own multipliers and knows no worst law."""

import numpy as np
import pytest

from clipbounds.worst_case import drift, drift_atoms, floor, moment_floor, moment_problem


def random_instances(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        c = 10 ** rng.uniform(-2, 2)
        yield c * rng.choice([0.3, 1, 5, 15]) * rng.uniform(), c, c * 10 ** rng.uniform(-1.5, 1.5)


def disagreement(count, seed, factor=1.0):
    return max(
        abs(moment_problem(u, c, sigma).value - factor * drift(u, c, sigma)) / c
        for u, c, sigma in random_instances(count, seed)
    )


def test_closed_form_of_the_drift():
    assert disagreement(60, seed=11) < 1e-7


@pytest.mark.full
def test_closed_form_of_the_drift_on_200_instances():
    assert disagreement(200, seed=10) < 1e-7


def test_a_closed_form_wrong_by_a_thousandth_is_seen():
    assert disagreement(5, seed=11, factor=1.001) > 1e-5


def test_certificate_encloses_the_infimum():
    for u, c, sigma in random_instances(30, seed=12):
        found = moment_problem(u, c, sigma)
        assert found.lower_bound <= found.value + 1e-12 * c
        assert found.value - found.lower_bound < 1e-7 * c
        assert found.lower_bound - 1e-12 * c <= drift(u, c, sigma)
        assert found.probabilities @ found.atoms == pytest.approx(u, abs=1e-8 * (c + u + sigma))
        assert found.probabilities @ (found.atoms - u) ** 2 <= sigma**2 * (1 + 1e-8)
        assert found.probabilities @ np.clip(found.atoms, -c, c) == pytest.approx(found.value, abs=1e-9 * c)


@pytest.mark.parametrize(
    ("u", "sigma"), [(3.0, 1e4), (1e-3, 100.0), (0.1, 1e-4), (1.0, 1e-3), (100.0, 1.0), (0.0, 1.0)]
)
def test_lengths_of_very_different_size(u, sigma):
    found = moment_problem(u, 1.0, sigma)
    assert found.value == pytest.approx(drift(u, 1.0, sigma), abs=1e-7)
    assert found.value - found.lower_bound < 1e-6


def test_worst_atoms_of_both_regimes():
    for u, c, sigma in [(0.5, 1.0, 0.7), (2.5, 1.0, 3.0)]:
        found, (atoms, weights) = moment_problem(u, c, sigma), drift_atoms(u, c, sigma)
        near = np.abs(found.atoms[:, np.newaxis] - atoms)
        # every atom found is one of the two, and each of the two carries its probability
        assert np.all(near.min(axis=1) < 1e-3)
        owner = near.argmin(axis=1)
        np.testing.assert_allclose(np.bincount(owner, found.probabilities, 2), weights, atol=1e-4)


def test_a_grid_without_refinement_gives_an_upper_value():
    coarse = moment_problem(0.5, 1.0, 0.7, grid=np.linspace(-3, 4, 8), refine=False)
    assert coarse.value > drift(0.5, 1.0, 0.7) + 1e-4
    assert coarse.lower_bound <= drift(0.5, 1.0, 0.7)
    refined = moment_problem(0.5, 1.0, 0.7, grid=np.linspace(-3, 4, 8))
    assert refined.value == pytest.approx(drift(0.5, 1.0, 0.7), abs=1e-8)
    assert refined.rounds > coarse.rounds == 1


def heavy_disagreement(count, seed):
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(count):
        p, c = rng.uniform(1.05, 2), 10 ** rng.uniform(-1.5, 1.5)
        worst = max(worst, abs(moment_floor(c, 1.0, p, tolerance=1e-7) - floor(c, 1.0, p)))
    return worst


def test_heavy_tailed_floor_is_optimal():
    assert heavy_disagreement(6, seed=13) < 1e-5
    assert moment_floor(0.8, 1.0) == pytest.approx(floor(0.8, 1.0), abs=1e-8)
    assert moment_floor(0.8, 0.0) == 0.0


@pytest.mark.full
def test_heavy_tailed_floor_is_optimal_on_80_instances():
    assert heavy_disagreement(80, seed=14) < 1e-5


def test_a_heavy_tailed_floor_wrong_by_a_percent_is_seen():
    for c, p in [(0.3, 1.5), (2.0, 1.2), (8.0, 1.8)]:
        u = floor(c, 1.0, p)
        assert moment_problem(1.01 * u, c, 1.0, p).lower_bound > 0  # proved: nothing is stationary there
        assert moment_problem(0.99 * u, c, 1.0, p).value < 0


def test_without_noise():
    assert moment_problem(0.5, 1.0, 0.0).value == 0.5
    assert moment_problem(5.0, 1.0, 0.0).value == 1.0
