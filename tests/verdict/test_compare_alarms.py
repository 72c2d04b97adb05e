"""`compare` and until="decided" themselves err at most at the stated rate; a normal band in their place does not."""

import pytest
from compare_alarms import MODES, false_verdicts, truth
from false_alarms import CELLS, LAWS, Cell, true_mean
from scipy.stats import binom

from clipbounds.verdict import bands, means

CHANCE = 1e-6  # that a test at exactly the nominal rates fails
FEW = {"one look": (0.99, None, 12), "until decided": (0.99, "decided", 3)}
SMALL = [Cell(law, clipped, 10) for law in ("Gaussian", "Student 1.5", "Pareto 1.01") for clipped in (False, True)]


def allowed(count, confidence, parts=1):
    return binom.isf(CHANCE / parts, count, 1 - confidence)


def total(cells, modes, true=truth):
    return sum(false_verdicts(cell, true(cell), modes) for cell in cells)


def test_few_seeds():
    wrong = total(SMALL, FEW, lambda cell: true_mean(cell, count=100_000))
    for row, (confidence, _, seeds) in enumerate(FEW.values()):
        assert wrong[row].sum() <= allowed(seeds * len(SMALL), confidence, len(FEW))


def test_a_normal_band_in_compare_fails(monkeypatch):
    """Negative control: the same battery, with mean ± z s/sqrt(n) where the proved band is."""

    def normal(values, facts, error):
        return bands.normal(values.shape[1], values.mean(axis=1), values.var(axis=1, ddof=1), error=error)

    monkeypatch.setattr(means, "betting_band", normal)
    heavy = [Cell(law, True, 10) for law in ("Student 1.5", "Pareto 1.01")]
    modes = {"one look": (0.99, None, 60)}
    wrong = total(heavy, modes, lambda cell: true_mean(cell, count=200_000))
    assert wrong.sum() > allowed(60 * len(heavy), 0.99)


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_every_cell_of_a_law(law):
    """The numbers of the page on verdicts: 100 seeds a cell (24 for until decided at .99), pooled over the six cells of a law."""
    cells = [cell for cell in CELLS if cell.law == law]
    wrong = total(cells, MODES)
    for row, (confidence, _, seeds) in enumerate(MODES.values()):
        assert wrong[row].sum() <= allowed(seeds * len(cells), confidence, len(LAWS) * len(MODES))


def test_the_sizes_allow_to_show_the_nominal_rates():
    """No false verdict in all cells together gives a 99 % limit below the nominal rate."""
    for confidence, _, seeds in MODES.values():
        assert 1 - 0.01 ** (1 / (seeds * len(CELLS))) < 1 - confidence
