"""The file of one cell: arrays and what is said about them, behind a checksum.

16 bytes   magic, the version of the format
32 bytes   SHA-256 of all that follows
 8 bytes   length n of the header, little-endian
 n bytes   header, JSON: name of the cell, names, types and shapes of the arrays, anything else that JSON holds
 arrays    one after the other, each starting at a multiple of 8, little-endian, in C order
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..array_types import NDArray

MAGIC = b"clipbounds-cell1"
START = len(MAGIC) + hashlib.sha256().digest_size
NAME, LENGTH = 32, 8  # bytes
# types of arrays: numbers, text and times, never Python objects. Asked of the text, because NumPy parses others as Python
KINDS = re.compile(r"[<|][biufcSU][1-9]\d{0,7}|<[mM]8\[\w{1,9}\]")


class Damaged(ValueError):
    """The file is truncated, altered, or not a cell."""


def _padding(length: int) -> int:
    return -length % 8


def encode(name: str, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """The bytes of a cell.

    Parameters
    ----------
    name : str, the name under which it will be kept
    arrays : dict of str to array of numbers, booleans or fixed-length text
    about : dict that JSON can hold
    """
    listed, parts = [], []
    for key, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.hasobject:
            raise ValueError(f"a journal keeps arrays of numbers or text, but {key!r} holds Python objects")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        data = array.tobytes()
        listed.append([key, array.dtype.str, list(array.shape)])
        parts += [data, bytes(_padding(len(data)))]
    header = json.dumps({"arrays": listed, "about": about}, separators=(",", ":")).encode()
    header += b" " * _padding(len(header))
    body = b"".join([name.encode().ljust(NAME), len(header).to_bytes(LENGTH, "little"), header, *parts])
    return MAGIC + hashlib.sha256(body).digest() + body


def _verified(name: str, data: bytes) -> tuple[bytes, memoryview]:
    """The header's text and the bytes of the arrays, once everything has been found as `encode` wrote it."""
    if data[: len(MAGIC)] != MAGIC:
        raise Damaged("it does not start like a cell of this version")
    body = memoryview(data)[START:]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : START]:
        raise Damaged("its checksum does not fit its contents")
    owner = bytes(body[:NAME]).decode(errors="replace").rstrip()
    if owner != name:
        raise Damaged(f"it is the cell {owner}")
    first = NAME + LENGTH + int.from_bytes(body[NAME : NAME + LENGTH], "little")
    return bytes(body[NAME + LENGTH : first]), body[first:]


def decode(name: str, data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and `about` of a cell.

    Raises
    ------
    Damaged
        If anything is not as `encode` wrote it, or the cell belongs under another name.
    """
    header, body = _verified(name, data)
    layout, about = _header(header)
    _check_length(layout, body)
    arrays = {}
    for key, kind, shape, count, position in layout:
        found = np.frombuffer(body, kind, count, position) if count else np.empty(0, kind)
        arrays[key] = found.reshape(shape).astype(kind.newbyteorder("="))
    return arrays, json.loads(about)


def decode_record(name: str, data: bytes) -> Any:
    """The arrays of a cell as one read-only record with their names as fields; much faster for many cells.

    Cells with equal headers share the type of their records. Raises `Damaged` like `decode`.
    """
    header, body = _verified(name, data)
    _check_length(_header(header)[0], body)
    try:
        return np.frombuffer(body, _record_type(header), 1)[0]
    except (ValueError, IndexError) as error:  # no array at all, or one name twice
        raise Damaged(f"its arrays make no record: {error}") from None


def _check_length(layout: Any, body: memoryview) -> None:
    needed = max((position + kind.itemsize * count for _, kind, _, count, position in layout), default=0)
    if len(body) < needed:
        raise Damaged(f"its arrays need {needed} bytes, but {len(body)} follow the header")


@lru_cache(maxsize=64)
def _record_type(header: bytes) -> Any:
    layout, _ = _header(header)
    names, kinds, shapes, counts, positions = zip(*layout, strict=True)
    end = positions[-1] + kinds[-1].itemsize * counts[-1]
    formats = [(kind, shape) for kind, shape in zip(kinds, shapes, strict=True)]
    return np.dtype({"names": names, "formats": formats, "offsets": positions, "itemsize": end + _padding(end)})


@lru_cache(maxsize=64)
def _header(text: bytes) -> tuple[list[Any], str]:
    """Name, type, shape, count and position of each array, and the JSON of the rest."""
    try:
        header = json.loads(text)
        listed, about = header["arrays"], json.dumps(header["about"])
        layout, position = [], 0
        for key, kind, shape in listed:
            kind, count = _checked(key, kind, shape)
            layout.append((key, kind, tuple(shape), count, position))
            position += kind.itemsize * count
            position += _padding(position)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Damaged(f"its header is not one that this program writes: {str(error)[:80]}") from None
    return layout, about


def _checked(key: str, kind: str, shape: list[int]) -> Any:
    """The type and the number of entries of an array that `encode` may have listed so."""
    if not isinstance(kind, str) or not KINDS.fullmatch(kind):
        raise ValueError(f"an array of the type {kind!r}")
    if not isinstance(key, str) or not isinstance(shape, list):
        raise ValueError(f"an array named {key!r} of the shape {shape!r}")
    if not all(type(length) is int and 0 <= length < 2**40 for length in shape):
        raise ValueError(f"an array of the shape {shape!r}")
    return np.dtype(kind), math.prod(shape)
