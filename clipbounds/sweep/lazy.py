"""Arrays on the grid of a sweep whose values are read or computed when they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import IntArray, NDArray


def on_grid(shape: tuple[int, ...], axes: int, dtype: Any, read: Callable[[IntArray], NDArray[Any]]) -> Any:
    """An array that xarray reads on demand.

    Parameters
    ----------
    shape : tuple, of the grid and then of one cell
    axes : int >= 1, how many dimensions the grid has
    dtype : numpy.dtype
    read : callable (flat positions of cells, int array) -> array of the type `dtype`, shape (positions, *shape of a cell)
    """
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class OnGrid(BackendArray):
        def __init__(self) -> None:
            self.shape, self.dtype = shape, np.dtype(dtype)

        def __getitem__(self, key: Any) -> NDArray[Any]:
            return indexing.explicit_indexing_adapter(key, shape, indexing.IndexingSupport.OUTER, self._get)

        def _get(self, key: Any) -> NDArray[Any]:
            taken: list[Any] = [np.atleast_1d(np.arange(n)[k]) for n, k in zip(shape, key, strict=True)]
            grid, inside = taken[:axes], taken[axes:]
            flat = np.ravel_multi_index(np.ix_(*grid), shape[:axes])
            values = read(flat.ravel()).reshape(*flat.shape, *shape[axes:])
            if inside:
                values = values[(..., *np.ix_(*inside))]
            return np.asarray(
                values[tuple(0 if np.ndim(k) == 0 and not isinstance(k, slice) else slice(None) for k in key)]
            )

    return indexing.LazilyIndexedArray(OnGrid())
