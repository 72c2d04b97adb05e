"""`compare` and until="decided" themselves err at most at the stated rate; a normal band in their place does not."""

import compare_alarms
import numpy as np
import pytest
from alarm_cells import CELLS, LAWS, Cell, true_mean
from compare_alarms import MODES, SEEDS, bounds_of, false_verdicts, simulated, suspects, truth
from scipy.stats import binom

import clipbounds as cb
from clipbounds.verdict import bands, means

CHANCE = 1e-6  # that a test at exactly the nominal rates fails
SMALL = [Cell(law, clipped, 10) for law in ("Gaussian", "Student 1.5", "Pareto 1.01") for clipped in (False, True)]


def allowed(count, confidence, parts=1):
    return binom.isf(CHANCE / parts, count, 1 - confidence)


def total(cells, true=truth, **options):
    return sum(false_verdicts(cell, true(cell), **options)[0] for cell in cells)


def test_few_seeds():
    wrong = total(SMALL, lambda cell: true_mean(cell, count=100_000), seeds=60, direct=2)
    for row, (confidence, _) in enumerate(MODES.values()):
        assert wrong[row].sum() <= allowed(60 * len(SMALL), confidence, len(MODES))


@pytest.mark.parametrize("law", ["Rademacher", "Pareto 1.5"])
def test_the_wealth_announces_every_verdict_of_compare(law):
    """At a "true mean" that is wrong by 15 % and low confidence many verdicts fall: each one is announced, and few others are."""
    cell, modes, seeds = Cell(law, True, 10), {"one look": (0.5, None), "until decided": (0.5, "decided")}, 24
    right = true_mean(cell, count=100_000)[0]
    for factor in (0.85, 1.15):
        mean = factor * right, 0.0
        suspect, given = suspects(cell, mean, seeds, modes), np.zeros((2, seeds), dtype=bool)
        for seed in range(seeds):
            run = simulated(cell, seed, compare_alarms.FIRST)
            for row, until in enumerate((None, "decided")):
                more = {"until": until, "budget": compare_alarms.BUDGET} if until else {}
                low, high = cb.compare(run, bounds_of(mean), 0.5, **more).verdicts
                given[row, seed] = low.verdict == "holds" or high.verdict == "violated"
        assert not np.any(given & ~suspect)
        assert suspect.sum() <= given.sum() + 2  # one whose band ends at the bound up to the bisection
        if law == "Rademacher":
            assert given[1].sum() >= 6


def test_a_normal_band_in_compare_fails(monkeypatch):
    """Negative control: the same battery, with mean ± z s/sqrt(n) where the proved band is; every seed goes to `compare`."""

    def normal(values, facts, error):
        return bands.normal(values.shape[1], values.mean(axis=1), values.var(axis=1, ddof=1), error=error)

    monkeypatch.setattr(means, "betting_band", normal)
    monkeypatch.setattr(compare_alarms, "suspects", lambda cell, mean, seeds, modes: np.ones((len(modes), seeds), bool))
    heavy = [Cell(law, True, 10) for law in ("Student 1.5", "Pareto 1.01")]
    wrong = total(heavy, lambda cell: true_mean(cell, count=200_000), seeds=60, modes={"one look": (0.99, None)})
    assert wrong.sum() > allowed(60 * len(heavy), 0.99)


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_every_cell_of_a_law(law):
    """The battery of the page on verdicts with 2000 seeds a cell, each cell by itself."""
    for cell in CELLS:
        if cell.law == law:
            wrong, _ = false_verdicts(cell, truth(cell), seeds=2000, direct=5)
            for row, (confidence, _) in enumerate(MODES.values()):
                assert wrong[row].sum() <= allowed(2000, confidence, len(CELLS) * len(MODES))


def test_the_size_allows_to_show_the_nominal_rates():
    """No false verdict in a cell gives a 99 % limit below the nominal rate of .001."""
    assert min(1 - confidence for confidence, _ in MODES.values()) > 1 - 0.01 ** (1 / SEEDS)
