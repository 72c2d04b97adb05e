"""Datasets that scikit-learn brings along, as rows with labels -1 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import FloatArray

BUNDLED = ("breast_cancer", "digits")


def bundled(name: str) -> tuple[FloatArray, FloatArray]:
    """Standardised columns (constant ones left out) and an intercept, and labels.

    Parameters
    ----------
    name : "breast_cancer" (569 x 31, benign or not) or "digits" (1797 x 62, even or odd)

    Returns
    -------
    features : ndarray, (n, d)
    labels : ndarray, (n,), each -1 or 1

    Raises
    ------
    ValueError
        If there is no such dataset or scikit-learn is not installed.
    """
    if name not in BUNDLED:
        raise ValueError(f"bundled: the data set must be one of {', '.join(BUNDLED)}, but {name!r} was given")
    try:
        from sklearn import datasets
    except ImportError:
        raise ValueError('the bundled datasets need scikit-learn; pip install "clipbounds[data]"') from None
    raw, target = getattr(datasets, f"load_{name}")(return_X_y=True)
    positive = target == 1 if name == "breast_cancer" else target % 2 == 0
    spread = raw.std(axis=0)
    columns = (raw - raw.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    return np.column_stack([columns, np.ones(len(raw))]), np.where(positive, 1.0, -1.0)
