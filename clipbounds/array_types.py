"""Names of array types. They serve annotations only: nothing imports this file when it runs."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]  # float64, as all numbers here; NumPy's own signatures say less
IntArray: TypeAlias = NDArray[np.int64]
RealArray: TypeAlias = NDArray[np.floating[Any] | np.integer[Any]]
BoolArray: TypeAlias = NDArray[np.bool_]
# a number for numbers, an array for arrays: no checker can tell which, so it does not complain of either use
FloatOrArray: TypeAlias = Any

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "FloatOrArray", "IntArray", "NDArray", "RealArray"]
