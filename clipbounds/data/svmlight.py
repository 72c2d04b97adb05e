"""Files in the svmlight/LIBSVM format: a label, then index:value pairs, a row a line."""

from __future__ import annotations

import dataclasses
import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arrays import DataArray

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from ..array_types import ArrayLike

DENSE_FROM = 0.25  # share of entries that are not 0 from which the rows are stored dense
PAIR = re.compile(r"([+-]?\d+):(\S+)$")
GZIP = b"\x1f\x8b"
LARGEST = 2**31 - 2


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Rows with labels.

    Attributes
    ----------
    features : DataArray, (n, d)
    labels : DataArray, (n,)
    """

    features: DataArray
    labels: DataArray


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        yield from enumerate(file, 1)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _fault(text: str, lowest: int) -> str | None:
    """What is wrong with a line of the file, or None."""
    body = text.partition("#")[0].split()
    if not body:
        return None
    if "," in body[0]:
        return "several labels in a row are not supported"
    label = _number(body[0])
    if label is None:
        return f"the label {body[0]!r} is no number"
    if not np.isfinite(label):
        return f"the label is {body[0]}"
    before = -1
    for item in body[1:]:
        if item.startswith("qid:"):
            continue
        pair = PAIR.match(item)
        value = _number(pair.group(2)) if pair else None
        if pair is None or value is None:
            return f"{item!r} is no pair index:value"
        index = int(pair.group(1))
        if index < lowest:
            return f"the feature index {index} is below {lowest}, the first one of this file"
        if index > LARGEST:
            return f"the feature index {index} is above {LARGEST}, the largest that fits"
        if not np.isfinite(value):
            return f"the value of feature {index} is {pair.group(2)}"
        if index <= before:
            return f"the feature index {index} comes after {before}: indices must increase along a row"
        before = index
    return None


def _complain(path: Path, lowest: int, otherwise: str) -> None:
    """Raise ValueError with the first line that is at fault."""
    try:
        for number, raw in _lines(path):
            try:
                fault = _fault(raw.decode("utf-8"), lowest)
            except UnicodeDecodeError:
                fault = "it is no text"
            if fault:
                shown = raw[:60].decode("utf-8", "replace").strip()
                raise ValueError(f"{path.name}, line {number}: {fault}: {shown!r}")
    except (OSError, EOFError) as error:
        otherwise = f"it cannot be unpacked ({error})"
    raise ValueError(f"{path.name} is no svmlight file: {otherwise}")


def read_svmlight(path: str | Path, zero_based: bool | Literal["auto"] = "auto") -> Dataset:
    """The rows and labels of a svmlight/LIBSVM file, by scikit-learn's reader (extra `data`); a name in .gz is unpacked.

    Parameters
    ----------
    path : str or path
    zero_based : "auto", True or False
        Whether the first feature has the index 0; "auto": it has if the file names an index 0.

    Returns
    -------
    Dataset
        Dense if a quarter of the entries are not 0, else CSR.

    Raises
    ------
    ValueError
        If the file does not exist, is empty, is no such file (with the line), has entries that are not finite, or an
        index 0 where zero_based is False; or scikit-learn is not installed.
    """
    path = Path(path)
    if not (zero_based == "auto" or zero_based is True or zero_based is False):
        raise ValueError(f'read_svmlight: zero_based must be "auto", True or False, but {zero_based!r} was given')
    try:
        with open(path, "rb") as file:
            head = file.read(2)
    except OSError as error:
        raise ValueError(f"read_svmlight: {path} cannot be read: {error.strerror}") from None
    if not head:
        raise ValueError(f"{path.name} is empty: expected a label and index:value pairs in each line")
    if head == GZIP and path.suffix != ".gz":
        raise ValueError(f"{path.name} is a gzip file: name it {path.name}.gz, or unpack it")
    try:
        from sklearn.datasets import load_svmlight_file
    except ImportError:
        raise ValueError('read_svmlight needs scikit-learn; pip install "clipbounds[data]"') from None
    lowest = 1 if zero_based is False else 0
    try:
        rows, labels = load_svmlight_file(str(path), zero_based=zero_based)
    except (ValueError, OverflowError, OSError, EOFError, IndexError) as error:
        _complain(path, lowest, str(error).strip().splitlines()[0] if str(error) else type(error).__name__)
    if not labels.size or not rows.shape[1]:
        raise ValueError(f"{path.name} has no rows with features: expected a label and index:value pairs in each line")
    if not (np.isfinite(rows.data).all() and np.isfinite(labels).all()) or rows.indices.min(initial=0) < 0:
        _complain(path, lowest, "it has entries that are not finite")
    dense = rows.nnz >= DENSE_FROM * labels.size * rows.shape[1]
    return Dataset(
        DataArray.of(rows.toarray() if dense else rows, path.name, True), DataArray.of(labels, path.name, True)
    )


def write_svmlight(path: str | Path, features: Any, labels: ArrayLike) -> None:
    """Write rows and labels as a svmlight file with indices from 1, every number in its shortest exact form.

    Parameters
    ----------
    path : str or path
    features : array_like or scipy.sparse matrix, (n, d)
    labels : array_like, (n,)

    Raises
    ------
    ValueError
        If the shapes do not fit or an entry is not finite; nothing is written.
    """
    from scipy.sparse import csr_array

    rows = DataArray.of(features).matrix
    labels = np.asarray(labels, dtype=np.float64)
    if rows.ndim != 2 or labels.shape != (rows.shape[0],):
        raise ValueError(
            f"write_svmlight: features (n, d) and labels (n,) are needed, but the shapes are {rows.shape} and {labels.shape}"
        )
    rows = csr_array(rows)
    with open(path, "w", encoding="ascii") as file:
        for i, label in enumerate(labels):
            part = slice(rows.indptr[i], rows.indptr[i + 1])
            pairs = (
                f" {k + 1}:{v!r}" for k, v in zip(rows.indices[part].tolist(), rows.data[part].tolist(), strict=True)
            )
            file.write(f"{float(label)!r}{''.join(pairs)}\n")
