"""Numbers as records and figures keep them: the digits that are the same on every machine.

Which processor, BLAS or C library computes a number changes its last bits; a rounded number hides them, except where
it lies at a tie, and the fewer digits are kept the rarer that is. No result here means anything beyond six digits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

RECORDED = 9  # significant digits in records
DRAWN = 6  # in figures, which show four


def _significant(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def rounded(value: Any, digits: int = RECORDED) -> Any:
    """The value with all real numbers in it rounded to significant digits; integers, text and all else as they are.

    Parameters
    ----------
    value : number, array, DataArray, or list, tuple or dict of such
    digits : int >= 1
    """
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(rounded(item, digits) for item in value)
    if isinstance(value, float):  # np.float64 too
        return _significant(float(value), digits)
    if getattr(getattr(value, "dtype", None), "kind", "") == "f":
        found = np.asarray(value, dtype=np.float64)
        return np.array([_significant(v, digits) for v in found.ravel().tolist()]).reshape(found.shape)
    return value
