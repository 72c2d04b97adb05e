"""Verdicts of experiment rows from bands."""

import numpy as np
import pytest

from clipbounds.report import refusals, within
from clipbounds.verdict import bands


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        ([0.995, 1.995], [1.005, 2.005], "holds"),
        ([0.995, 1.90], [1.005, 2.1], "undecided"),
        ([0.995, 2.1], [1.005, 2.2], "violated"),  # one wrong place is enough, however good the other is
        ([0.7, 1.9], [0.8, 2.1], "violated"),
        ([np.nan, 1.995], [np.nan, 2.005], "undecided"),
    ],
)
def test_the_verdict_on_values_within_a_tolerance(low, high, word):
    assert within(low, high, [1.0, 2.0], 0.01) == word


def test_the_reason_of_refused_bands_is_what_the_guard_said():
    """A heavy sample, one without spread, and a good one; and the words agree with which bands are infinite."""
    good = np.random.default_rng(4).standard_normal(400)
    heavy, equal = np.append(np.zeros(399), 1.0), np.ones(400)
    assert refusals([bands.carried(good)]) == ""
    for values, words in (
        ([good, heavy], "1 of 2 bands are refused: one trajectory carries 99.8 % of the sample variance, 10 % is allowed"),
        ([good, equal], "1 of 2 bands are refused: in 1 all values are equal"),
        ([heavy, equal], "2 of 2 bands are refused: one trajectory carries 99.8 % of the sample variance, 10 % is allowed; in 1 all values are equal"),
    ):  # fmt: skip
        assert refusals(bands.carried(values)) == words
        assert np.isinf(bands.guarded_normal(values, 0.99)[1]).sum() == int(words[0])
    # exactly: (1 - 1/400)² over the sum of squares (399/400² + (399/400)²)
    assert bands.carried(heavy) == pytest.approx(399 / 400)
