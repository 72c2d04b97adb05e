"""False verdicts come at most at the stated rate, for light and heavy tails, clipped and not."""

import itertools

import numpy as np
import pytest
from alarm_cells import CELLS, LAWS, Cell, true_mean
from false_alarms import CONFIDENCES, false_alarms
from scipy.integrate import quad
from scipy.stats import binom

import clipbounds as cb
from clipbounds.verdict import bands

CHANCE = 1e-6  # that a cell at exactly the nominal rate fails


def allowed(seeds, confidence):
    return binom.isf(CHANCE / len(CELLS), seeds, 1 - confidence)


@pytest.mark.parametrize("law", LAWS)
def test_the_reference_means_agree_with_quadrature(law):
    """One step: E|eta clip(xi)| = eta times the integral of P(|xi| > s) over [0, c], for the laws with a density."""
    noise, threshold, _ = LAWS[law]
    mean, error = true_mean(Cell(law, True, 1), count=200_000)
    if noise.atoms() is not None:
        support, weights = noise.atoms()
        exact = 0.1 * np.minimum(np.abs(support), threshold) @ weights
    else:
        ends = [0.0, *np.geomspace(1e-2, threshold, 60)]
        pieces = [quad(lambda s: float(noise.sf(s) + noise.cdf(-s)), a, b)[0] for a, b in itertools.pairwise(ends)]
        exact = 0.1 * sum(pieces)
    assert abs(mean - exact) <= 5 * error + 1e-12


@pytest.mark.parametrize("cell", [c for c in CELLS if c.steps == 10], ids=str)
def test_few_seeds(cell):
    """60 runs a cell, of 256 and 512 trajectories; the whole battery is below."""
    wrong = false_alarms(cell, CONFIDENCES, 60, looks=2, mean=true_mean(cell, count=100_000))
    for k, confidence in enumerate(CONFIDENCES):
        assert wrong[k].max() <= allowed(60, confidence)


@pytest.mark.full
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_two_thousand_seeds(cell):
    wrong = false_alarms(cell, CONFIDENCES, 2000)
    for k, confidence in enumerate(CONFIDENCES):
        assert wrong[k].max() <= allowed(2000, confidence)


@pytest.mark.parametrize("law", ["Pareto 1.01", "Pareto 1.05", "Student 1.5"])
def test_the_normal_band_fails_this_test(law):
    """Negative control: what decided before, mean ± z s/sqrt(n), misses the mean of a heavy tail far too often."""
    cell = Cell(law, True, 10)
    mean, _ = true_mean(cell, count=200_000)
    misses = 0
    for seed in range(200):
        x = cb.simulate(cell.setting, 10, 256, seed=seed, checkpoints=[10], threads=1)["gradient_norm"].values[0]
        low, high = bands.normal(256, x.mean(), x.var(ddof=1), 0.99)
        misses += not low <= mean <= high
    assert misses > allowed(200, 0.99)


def test_the_cases_that_were_wrong_end_to_end():
    """Bounds at 80 % and 125 % of the true mean by `compare`, 15 seeds each: no false verdict at confidence .99 or .999."""
    from toy_bounds import Level, LevelBelow

    for law, clipped, steps, confidence in (
        ("Pareto 1.01", True, 10, 0.999),
        ("Pareto 1.05", True, 1, 0.999),
        ("Student 1.5", True, 10, 0.99),
    ):
        cell = Cell(law, clipped, steps)
        mean, _ = true_mean(cell, count=200_000)
        for seed in range(15):
            run = cb.simulate(cell.setting, steps, 256, seed=seed, checkpoints=[steps], threads=1)
            below, above = cb.compare(run, [Level(0.8 * mean), LevelBelow(0.999 * mean)], confidence).verdicts
            assert below.verdict in ("undecided", "violated")
            assert above.verdict in ("undecided", "holds")
