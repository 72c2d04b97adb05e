"""CIFAR-100 from the binary files that its authors publish, in a folder that the user names.

Format (A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009): train.bin has 50000 and test.bin 10000
records of 3074 bytes: coarse label, fine label, then 32 x 32 pixels in red, green and blue planes, row by row.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import IntArray, NDArray

SIDE, CHANNELS, CLASSES, COARSE_CLASSES = 32, 3, 100, 20
RECORD = 2 + CHANNELS * SIDE * SIDE
RECORDS = {"train.bin": 50_000, "test.bin": 10_000}
# SHA-256 of the sorted SHA-256 of all records: copies of the dataset differ in the order of the records
DIGESTS = {
    "train.bin": "7077d87fc363f92dbf1245f13ba80561d7b33a96c79ad57168d49dc172aaa92b",
    "test.bin": "96adb3db8da7632dbb350559a17b9f585fab5b17675de5fc8f6761384196b294",
}


def content_digest(table: NDArray[np.uint8]) -> str:
    """Digest of the records, whatever their order; `table` is uint8 (records, 3074)."""
    return hashlib.sha256(b"".join(sorted(hashlib.sha256(record).digest() for record in table))).hexdigest()


def read_part(file: Path, records: int, digest: str | None = None) -> tuple[NDArray[np.uint8], IntArray]:
    """One binary file.

    Parameters
    ----------
    file : path
    records : int, how many the file must hold
    digest : str, its `content_digest`; not looked at by default

    Returns
    -------
    (images, labels) : uint8 arrays (records, 3, 32, 32) and fine labels (records,) as int64

    Raises
    ------
    ValueError
        If the file is missing, has another size than records·3074 bytes, holds labels outside their range, or has
        another digest.
    """
    file, expected = Path(file), records * RECORD
    if not file.is_file():
        raise ValueError(
            f"{file} is missing; expected the binary version of CIFAR-100, {records} records of {RECORD} bytes ="
            f" {expected} bytes: unpack cifar-100-binary.tar.gz and give the folder that holds train.bin and test.bin"
        )
    size = file.stat().st_size
    if size != expected:
        raise ValueError(
            f"{file} has {size} bytes, but {records} records of {RECORD} bytes are {expected} bytes; it is truncated or"
            " another version of the dataset: unpack it again"
        )
    table = np.fromfile(file, dtype=np.uint8).reshape(records, RECORD)
    if table[:, 0].max() >= COARSE_CLASSES or table[:, 1].max() >= CLASSES:
        raise ValueError(
            f"{file} holds labels up to {table[:, 0].max()} (coarse) and {table[:, 1].max()} (fine), expected at most"
            f" {COARSE_CLASSES - 1} and {CLASSES - 1}; it is not the binary version of CIFAR-100"
        )
    if digest is not None and content_digest(table) != digest:
        raise ValueError(f"{file} has the right size, but its records are not those of CIFAR-100; unpack it again")
    return table[:, 2:].reshape(records, CHANNELS, SIDE, SIDE), table[:, 1].astype(np.int64)


def load(
    folder: str | Path, records: dict[str, int] | None = None
) -> tuple[tuple[NDArray[np.uint8], IntArray], tuple[NDArray[np.uint8], IntArray]]:
    """(train, test), each (images, labels), from the folder that holds train.bin and test.bin.

    Parameters
    ----------
    folder : path
    records : dict, records in each file; those of the published dataset by default, whose digests are checked then
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the folder that holds train.bin and test.bin of CIFAR-100")
    digests = DIGESTS if records is None else {}
    records = RECORDS if records is None else records
    train, test = (read_part(folder / name, records[name], digests.get(name)) for name in RECORDS)
    return train, test
