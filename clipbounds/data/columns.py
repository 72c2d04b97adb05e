"""Columns and labels of a dataset made fit for a problem: scaled, with an intercept, as -1 and 1 or as 0, 1, ...."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from .arrays import DataArray

if TYPE_CHECKING:
    from typing import Any


logger = logging.getLogger(__name__)


def scaled_columns(features: DataArray) -> DataArray:
    """The columns divided by their root mean square (zeros stay zeros, so sparse rows stay sparse), said in the origin.

    Raises
    ------
    ValueError
        If a column is 0.
    """
    rows = features.matrix
    squares = np.asarray((rows * rows).sum(axis=0)).ravel() if features.layout == "dense" else _column_squares(rows)
    empty = np.flatnonzero(squares == 0)
    if empty.size:
        shown = ", ".join(map(str, empty[:5])) + (", ..." if empty.size > 5 else "")
        raise ValueError(
            f"data: {empty.size} columns are 0 and cannot be scaled: {shown} (counted from 0); leave them out or read the"
            " file without scale"
        )
    factor = 1 / np.sqrt(squares / len(features))
    if features.layout == "dense":
        made = rows * factor
    else:
        made = rows.copy()
        made.data = rows.data * factor[rows.indices]
    return DataArray.of(made, f"{features.origin}, columns divided by their root mean square".lstrip(", "), True)


def _column_squares(rows: Any) -> Any:
    return np.bincount(rows.indices, weights=rows.data**2, minlength=rows.shape[1])


def with_intercept(features: DataArray) -> DataArray:
    """The same rows with a column of ones behind them."""
    rows = features.matrix
    ones = np.ones((len(features), 1))
    if features.layout == "dense":
        made = np.hstack([rows, ones])
    else:
        from scipy.sparse import hstack

        made = hstack([rows, ones], format="csr")
    return DataArray.of(made, f"{features.origin}, with an intercept".lstrip(", "), True)


def two_classes(labels: DataArray, owner: str) -> DataArray:
    """The labels as -1 and 1: the smaller of the two values becomes -1, and the log says so.

    Raises
    ------
    ValueError
        If there are not exactly two values.
    """
    values = np.unique(np.asarray(labels))
    if values.size != 2:
        shown = ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if values.size > 6 else "")
        advice = "; Softmax takes more classes" if values.size > 2 else ""
        raise ValueError(f"{owner}: labels must have two values, but {values.size} were found ({shown}){advice}")
    if values.tolist() == [-1.0, 1.0]:
        return labels
    low, high = values
    logger.warning("%s: the labels %g and %g are taken as -1 and 1", owner, low, high)
    return DataArray.of(np.where(np.asarray(labels) == low, -1.0, 1.0), labels.origin)


def class_numbers(labels: DataArray, owner: str) -> DataArray:
    """The labels as 0, 1, ..., in the order of their values, and the log says so if they were others.

    Raises
    ------
    ValueError
        If all labels are the same.
    """
    values, numbers = np.unique(np.asarray(labels), return_inverse=True)
    if values.size < 2:
        raise ValueError(f"{owner}: labels must have two values or more, but all of them are {values[0]:g}")
    if np.array_equal(values, np.arange(values.size)):
        return labels
    shown = ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if values.size > 6 else "")
    logger.warning("%s: the labels %s are taken as 0, ..., %d", owner, shown, values.size - 1)
    return DataArray.of(numbers.astype(np.float64), labels.origin)
