"""Normal bands that are only shown: refused where one trajectory carries the variance."""

import re
from pathlib import Path

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.verdict import bands

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


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


def test_no_experiment_shows_a_normal_band_without_the_guard():
    """`normal` itself serves where the law of the mean is known; experiments take `guarded_normal`."""
    texts = {path: path.read_text() for path in EXPERIMENTS.glob("*/*.py")}
    assert texts and not [str(path) for path, text in texts.items() if re.search(r"bands\.normal\(", text)]
