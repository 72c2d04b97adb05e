"""Normal bands that are only shown: refused where one trajectory carries the variance."""

import re
from pathlib import Path

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.verdict import bands

ROOT = Path(__file__).parents[2]
# where a plain normal band is made: the function itself and its guarded form
GUARDED = {"clipbounds/verdict/bands.py": 2}


def test_it_is_the_normal_band_where_many_carry_the_variance():
    values = np.random.default_rng(3).standard_normal((4, 1000))
    expected = bands.normal(1000, values.mean(axis=1), values.var(axis=1, ddof=1), 0.99)
    assert np.array_equal(bands.guarded_normal(values, 0.99), expected)


@pytest.mark.parametrize("values", [np.r_[np.zeros(999), 1.0], np.ones(100), np.array([3.0]), np.r_[np.ones(99), 1e9]])
def test_it_is_infinite_where_one_carries_it_or_none(values):
    assert [float(end) for end in bands.guarded_normal(values, 0.99)] == [-np.inf, np.inf]


def test_it_misses_the_mean_of_a_heavy_tail_far_less_often():
    """Centred Pareto 1.1, 256 values: the mean 0 is above the plain band of most samples, and the guard refuses these."""
    draws = cb.noise.Pareto(1.1, 1.0).sample((300, 256), seed=5)
    plain = bands.normal(256, draws.mean(axis=1), draws.var(axis=1, ddof=1), 0.99)
    guarded = bands.guarded_normal(draws, 0.99)
    missed, kept = (int(np.sum((low > 0) | (high < 0))) for low, high in (plain, guarded))
    assert missed > 60 and kept <= 10  # at the nominal rate more than 10 of 300 have probability 3e-4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wild", [np.inf, -np.inf, np.nan, 1e308])
def test_what_overflows_has_no_band_and_warns_of_nothing(wild):
    values = np.stack([np.r_[np.arange(99.0), wild], np.arange(100.0)])
    low, high = bands.guarded_normal(values, 0.99)
    assert (low[0], high[0]) == (-np.inf, np.inf) and np.isfinite([low[1], high[1]]).all()


def plain_bands(text):
    """How often a text calls or defines the normal band without its guard."""
    return len(re.findall(r"(?<![\w.])(?:bands\.)?normal\(", text))


def test_no_one_makes_a_normal_band_without_the_guard():
    """Experiments and verdicts take `guarded_normal`, or `means.normal_band`, which asks the guard itself."""
    files = [
        p
        for folder in ("experiments", "clipbounds/verdict", "clipbounds/report")
        for p in (ROOT / folder).rglob("*.py")
    ]
    found = {str(p.relative_to(ROOT)): plain_bands(p.read_text()) for p in files}
    assert {name: count for name, count in found.items() if count} == GUARDED


def test_a_call_without_the_guard_is_noticed():
    assert (
        plain_bands("low, high = bands.normal(n, mean, var, 0.99)")
        == plain_bands("from .bands import normal\nnormal(3)")
        == 1
    )
    assert plain_bands("bands.guarded_normal(v); rng.normal(0, 1); means.normal_band(s, e)") == 0
