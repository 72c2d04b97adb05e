"""Arrays are values by content: a digest stands for the numbers, which are held once in memory and kept once on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import re
import tempfile
import weakref
import zipfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..spec_text import short
from ..specs import Spec, note

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self, overload

    from numpy.typing import DTypeLike

    from ..array_types import FloatArray

LAYOUTS = ("dense", "csr")
DIGEST = re.compile(r"[0-9a-f]{32}")
FOLDER = Path(".clipbounds", "data")
_held = weakref.WeakValueDictionary()  # digest -> _Content, as long as somebody uses it
logger = logging.getLogger(__name__)


class _Content:
    """The numbers themselves, read-only: `parts` is (values,) of a dense array or (data, indices, indptr) of CSR rows."""

    def __init__(self, shape: Iterable[int], parts: Iterable[Any]) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.parts = tuple(np.ascontiguousarray(part) for part in parts)
        for part in self.parts:
            part.setflags(write=False)

    @property
    def layout(self) -> str:
        return "dense" if len(self.parts) == 1 else "csr"

    @cached_property
    def digest(self) -> str:
        """Of the shape and the numbers."""
        found = hashlib.sha256(f"{self.layout} {self.shape}".encode())
        for part in self.parts:
            found.update(part.view(np.uint8).data if part.size else b"")
        return found.hexdigest()[:32]


def _from_sparse(matrix: Any, owned: bool) -> _Content:
    """CSR rows with sorted columns, float64 numbers, 32-bit columns and starts; a copy unless the caller gives it up."""
    rows = matrix.tocsr()
    if rows is matrix and not owned:
        rows = rows.copy()
    if not (rows.has_sorted_indices and rows.has_canonical_format):
        rows.sum_duplicates()  # sorts too
    if max(rows.shape[1], rows.nnz) >= 2**31:
        raise ValueError(
            "data: sparse rows have 32-bit indices: fewer than 2^31 columns and entries are possible, but"
            f" {rows.shape[1]} columns and {rows.nnz} entries were given"
        )
    narrow = (part.astype(np.int32, copy=False) for part in (rows.indices, rows.indptr))
    return _Content(rows.shape, (rows.data.astype(np.float64, copy=False), *narrow))


class DataField:
    """The annotation of a field that takes arrays, dense or sparse, and holds a `DataArray`."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, spec: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, spec: object, owner: Any) -> DataArray: ...
        def __get__(self, spec: Any, owner: Any) -> Any: ...
        def __set__(self, spec: object, value: Any) -> None: ...


def folders() -> list[Path]:
    """Where arrays are looked for: $CLIPBOUNDS_DATA if it is set, then .clipbounds/data here; the first one is written to."""
    chosen = os.environ.get("CLIPBOUNDS_DATA")
    return ([Path(chosen)] if chosen else []) + [FOLDER]


def _write(file: Any, arrays: dict[str, Any]) -> None:
    """What `np.savez` writes, from the arrays as they lie: that function would copy them, up to 16 MiB at a time."""
    with zipfile.ZipFile(file, "w", allowZip64=True) as kept:
        for name, array in arrays.items():
            with kept.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(entry, np.lib.format.header_data_from_array_1_0(array))
                entry.write(memoryview(array).cast("B"))


def _read(file: Path) -> _Content:
    # opened here, because np.load leaves a damaged archive open
    with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as kept:
        shape = kept["shape"]
        return _Content(shape, [kept[f"part{k}"] for k in range(len(kept.files) - 1)])


class DataArray(Spec):
    """An array, dense or in CSR rows, named by the digest of its content; `DataArray.of(array)` makes one.

    The JSON form has the digest, the shape, the layout and the origin, never the numbers. `to_json` of any spec that
    contains the array keeps the numbers in ``.clipbounds/data/<digest>.npz`` (or in the folder $CLIPBOUNDS_DATA), once;
    `from_json` finds them in memory or there, or says what is missing. The origin tells no two arrays apart.

    Parameters
    ----------
    content : str, 32 hexadecimal digits
    shape : tuple of int, (n,) or (n, d)
    layout : "dense" or "csr"
    origin : str, where the numbers come from
    """

    content: str
    shape: tuple
    layout: str = "dense"
    origin: str = note(default="")

    def validate(self) -> None:
        if not (isinstance(self.content, str) and DIGEST.fullmatch(self.content)):  # it names a file
            raise ValueError(
                f"DataArray: content must be a digest of 32 hexadecimal digits, but {short(self.content)} was given; use"
                " DataArray.of(array)"
            )
        if not (isinstance(self.shape, (tuple, list)) and isinstance(self.origin, str)):
            raise ValueError(
                f"DataArray: expected a shape (n,) or (n, d) and a text, but {short(self.shape)} and {short(self.origin)}"
                " were given"
            )
        held = _held.get(self.content)
        if held is None:
            held = self._load()
        if list(held.shape) != list(self.shape) or held.layout != self.layout:
            raise ValueError(
                f"DataArray: the array {self.content} is {held.layout} of shape {held.shape}, but {self.layout} of shape"
                f" {tuple(self.shape)} was asked for"
            )
        self._normalise(shape=held.shape)
        object.__setattr__(self, "_held", held)

    @classmethod
    def of(cls, array: Any, origin: str = "", owned: bool = False) -> DataArray:
        """The value of an array, which is copied.

        Parameters
        ----------
        array : DataArray, array_like of one or two axes, or a scipy.sparse matrix
        origin : str
        owned : bool, True if nobody else writes to the array: it is not copied, and becomes read-only

        Raises
        ------
        ValueError
            If it has other axes, or an entry is not a finite number.
        """
        if isinstance(array, DataArray):
            return array
        if hasattr(array, "tocsr"):
            made = _from_sparse(array, owned)
        else:
            try:
                dense = np.asarray(array, dtype=np.float64) if owned else np.array(array, dtype=np.float64)
            except (TypeError, ValueError):
                raise ValueError(f"data: expected an array of numbers, but {type(array).__name__} was given") from None
            if dense.ndim not in (1, 2) or not dense.size:
                raise ValueError(
                    f"data: expected an array (n,) or (n, d) with entries, but the shape {dense.shape} was given"
                )
            made = _Content(dense.shape, (dense,))
        bad = int(np.count_nonzero(~np.isfinite(made.parts[0])))
        if bad:
            raise ValueError(f"data: all entries must be finite numbers, but {bad} of them are inf or nan")
        held = _held.setdefault(made.digest, made)
        return cls(held.digest, held.shape, held.layout, origin)

    def _load(self) -> _Content:
        for folder in folders():
            file = folder / f"{self.content}.npz"
            if file.is_file():
                try:
                    found = _read(file)
                except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
                    raise ValueError(f"DataArray: {file} cannot be read ({error}); copy it again") from None
                if found.digest != self.content:
                    raise ValueError(f"DataArray: {file} does not hold what its name says; copy it again")
                return _held.setdefault(self.content, found)
        wanted = " x ".join(map(str, self.shape))
        raise ValueError(
            f"DataArray: the data {self.content} ({wanted}, from {self.origin or 'an array'}) are missing: no file"
            f" {self.content}.npz in {' or '.join(map(str, folders()))}; copy it there, or set CLIPBOUNDS_DATA to its folder"
        )

    def keep(self) -> None:
        """Write the numbers to the store unless they are there; a folder that cannot be written is logged, not fatal."""
        if any((folder / f"{self.content}.npz").is_file() for folder in folders()):
            return
        folder = folders()[0]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
                try:
                    _write(file, {"shape": np.array(self.shape), **{f"part{k}": a for k, a in enumerate(self.parts)}})
                except BaseException:
                    os.unlink(file.name)
                    raise
            os.replace(file.name, folder / f"{self.content}.npz")
        except OSError as error:
            logger.warning("the data %s could not be kept in %s: %s", self.content, folder, error.strerror)

    @property
    def parts(self) -> tuple[Any, ...]:
        """(values,) or (data, indices, indptr), read-only."""
        return vars(self)["_held"].parts

    @property
    def matrix(self) -> Any:
        """The array: a NumPy array, or a scipy.sparse.csr_array that shares its memory."""
        if self.layout == "dense":
            return self.parts[0].reshape(self.shape)
        from scipy.sparse import csr_array

        found = csr_array(self.shape)
        found.data, found.indices, found.indptr = self.parts
        return found

    @property
    def size(self) -> int:
        """Number of entries, zeros included."""
        return int(np.prod(self.shape))

    @property
    def stored(self) -> int:
        """Number of entries that are stored: all of a dense array."""
        return self.parts[0].size

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        return self.matrix[key]

    def reshape(self, *shape: Any) -> FloatArray:
        """The numbers as a dense array of another shape."""
        return np.asarray(self).reshape(*shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> FloatArray:
        found = self.matrix if self.layout == "dense" else self.matrix.toarray()
        return np.array(found, dtype=dtype) if copy else np.asarray(found, dtype=dtype)

    def renamed(self, origin: str) -> DataArray:
        """The same array with another origin."""
        return dataclasses.replace(self, origin=origin)
