"""Verdicts of experiment rows from bands."""

import numpy as np
import pytest

from clipbounds.report import within


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
