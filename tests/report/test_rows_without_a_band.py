"""Rows of experiments where the guard refuses every band, or a bound is infinite: they decide nothing and say why."""

from pathlib import Path

import numpy as np
import pytest

from clipbounds.report import Lab
from clipbounds.report.runner import load
from clipbounds.verdict import bands

EXPERIMENTS = Path(__file__).parents[2] / "experiments" / "nobile2026"
REFUSED = "one trajectory carries 50 % of the sample variance, 10 % is allowed"


@pytest.fixture
def refusing(monkeypatch):
    """Every normal band is refused, as if one trajectory carried half of the variance."""
    monkeypatch.setattr(bands, "carried", lambda values: np.full(np.shape(values)[:-1], 0.5))


def rows_of(name, **constants):
    module = load(EXPERIMENTS / f"{name}.py")
    for key, value in constants.items():
        setattr(module, key, value)
    return {row.claim: row for row in module.run(Lab("quick")).rows}


def test_a_refused_band_contains_nothing(refusing):
    found = rows_of("mse_against_batch", worst=lambda n, thresholds: (0.5, 0.3))
    for words in ("Pareto noise", "agrees with the exact evaluation"):
        (row,) = [row for claim, row in found.items() if words in claim]
        assert row.verdict == "undecided" and REFUSED in row.reason


def test_retuned_units_without_bands(refusing):
    found = rows_of("accumulation", GROUPS=(64, 1))
    compared = [row for claim, row in found.items() if ("Retuned" in claim and row.asserted) or "Theorem 1" in claim]
    assert len(compared) == 5
    assert all(row.verdict == "undecided" and REFUSED in row.reason for row in compared)


@pytest.mark.parametrize("infinite", [True, False])
def test_infinite_bounds_have_no_slope(infinite):
    def whole_run(run, quantity):  # the logarithm of 1/delta to the fourth, if it is finite: more than is claimed
        large = np.inf if infinite and run.failure_probability < 1e-6 else np.log(1 / run.failure_probability) ** 4
        return large * run.steps**-0.2, 0.0, None

    found = rows_of("high_probability_rate", whole_run=whole_run)
    words = {row.verdict for row in found.values()}
    assert words == {"undecided"} if infinite else "violated" in words
    assert all("infinite at some N" in row.reason for row in found.values() if infinite)
