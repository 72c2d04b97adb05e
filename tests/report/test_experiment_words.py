"""Verdict words that experiments form from bands: a band that is refused, or that reaches across a limit, decides nothing."""

from pathlib import Path

import numpy as np
import pytest

from clipbounds.report.runner import load

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
REFUSED = (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("ratio", "slope", "word"),
    [
        ((3.0, 4.0), (-0.1, 0.05), "holds"),
        ((3.0, 4.0), (0.05, 0.15), "undecided"),  # the point .1 may be on either side
        ((3.0, 4.0), REFUSED, "undecided"),
        (REFUSED, (-0.1, 0.05), "undecided"),
        ((3.0, 4.0), (0.2, 0.3), "violated"),
        (REFUSED, (0.2, 0.3), "violated"),
        ((1.0, 1.5), (-0.1, 0.05), "violated"),
    ],
)
def test_a_floor_without_growth(ratio, slope, word):
    assert load(EXPERIMENTS / "yu2023/ablation.py").floor_word(ratio, slope) == word


def test_why_the_rule_on_other_data_is_undecided():
    why = load(EXPERIMENTS / "reisizadeh2023/other_data.py").why_undecided
    low, high = np.array([-np.inf, 0.9, 0.8]), np.array([np.inf, 1.1, 0.9])
    assert (
        why(low, high)
        == "1 of 3 have no band: one run, or none, carries the variance; 1 of 3 have a band that contains 1"
    )
    assert why(low[1:], high[1:]) == "1 of 2 have a band that contains 1"


class FakeRun:
    """What a run gives: checkpoints, and squared distances that fall like t^-.8 with lasting factors, one of them spoilt."""

    def __init__(self, deviation, spoilt=0.0):
        class Values:
            def __init__(self, values):
                self.values = values

        steps = np.unique(np.geomspace(100, 1000, 12).astype(int))
        factors = np.exp(deviation * np.random.default_rng(4).standard_normal((steps.size, 256)))
        values = steps[:, np.newaxis] ** -0.8 * factors
        values[-1, 0] += spoilt
        self.checkpoint, self.squared_distance = Values(steps), Values(values)


@pytest.mark.parametrize(
    ("deviation", "spoilt", "page", "word"),
    [(0.01, 0.0, (0.8, 0.81), "holds"), (0.01, 0.5, (0.8, 0.81), "undecided"), (2.0, 0.0, (0.8, 0.81), "undecided"),
     (0.01, 0.0, (0.9, 1.0), "violated")],
)  # fmt: skip
def test_an_exponent_is_decided_by_its_band(deviation, spoilt, page, word):
    row = load(EXPERIMENTS / "yu2023/mean_squared_error.py").slope_row
    found = row([1.0], {1.0: FakeRun(deviation, spoilt)}, {1.0: page}, "claim", "bound", "check")
    assert found.verdict == word and bool(found.reason) == (word == "undecided")
