"""Looking again and again by sampling errs at most at the stated rate; a range that is not true shows."""

import pytest
from scipy.stats import binom
from sequence_alarms import CONFIDENCE, SETTINGS, errors, mean_of

from clipbounds.verdict import clopper_pearson

CHANCE = 1e-6  # that a procedure at exactly the nominal rate fails


@pytest.mark.parametrize("name", SETTINGS)
def test_a_few_sequences(name):
    mean = mean_of(SETTINGS[name])
    assert errors(SETTINGS[name], mean, 40) <= binom.isf(CHANCE, 40, 1 - CONFIDENCE)


def test_a_range_that_is_too_narrow_is_noticed():
    """Negative control: the lower half of what the mean gradient norm may be, told as proved."""
    setting = SETTINGS["Gaussian"]
    mean = mean_of(setting)
    # every value is moved into the range, so the mean is underestimated, and "at most a little less" seems to hold
    wrong = errors(setting, mean, 40, facts=(0.0, 0.9 * mean))
    assert wrong == 0  # a value outside of the proved range is named, and no verdict is given
    assert errors(setting, 1.3 * mean, 40) > binom.isf(CHANCE, 40, 1 - CONFIDENCE)


@pytest.mark.full
@pytest.mark.parametrize("name", SETTINGS)
def test_ten_thousand_sequences(name):
    wrong = errors(SETTINGS[name], mean_of(SETTINGS[name]), 10_000)
    assert clopper_pearson(wrong, 10_000, 0.99, sides=1)[1] <= 1 - CONFIDENCE
