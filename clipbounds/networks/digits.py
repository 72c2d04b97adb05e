"""scikit-learn's bundled digits: 1797 images of 8 x 8 pixels, with clean or corrupted training labels."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .training import Data

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray

AVAILABLE = importlib.util.find_spec("sklearn") is not None


@cache
def _raw() -> tuple[FloatArray, IntArray]:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def corrupt(labels: IntArray, share: float, classes: int, generator: np.random.Generator) -> IntArray:
    """A copy in which exactly round(share·n) labels, chosen at random, are replaced by a different class."""
    if not 0 <= share <= 1:
        raise ValueError(f"corrupt: the share must be in [0, 1], but {share!r} was given")
    wrong = generator.permutation(len(labels))[: round(share * len(labels))]
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + generator.integers(1, classes, len(wrong))) % classes
    return noisy


def load(corrupted: float = 0.0, seed: int = 0) -> Data:
    """The digits, pixels in [0, 1]: 1088 to train, 300 to validate, 409 to test, split at random by the seed.

    Parameters
    ----------
    corrupted : float in [0, 1], share of wrong labels in training and validation; the test labels stay clean
    seed : int

    Raises
    ------
    ValueError
        If scikit-learn is not installed.
    """
    if not AVAILABLE:
        raise ValueError('the digits need scikit-learn; pip install "clipbounds[data]"')
    x, labels = _raw()
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    x, labels = x[order] / 16.0, labels[order]
    noisy = corrupt(labels, corrupted, 10, generator)
    return Data((x[:1088], noisy[:1088]), (x[1088:1388], noisy[1088:1388]), (x[1388:], labels[1388:]))
