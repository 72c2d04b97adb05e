"""The file of one cell: arrays and what is said about them, behind a checksum.

16 bytes   magic, the version of the format
32 bytes   SHA-256 of all that follows
 8 bytes   length n of the header, little-endian
 n bytes   header, JSON: name of the cell, names, types and shapes of the arrays, anything else that JSON holds
 arrays    one after the other, each starting at a multiple of 8, little-endian, in C order
"""

import hashlib
import json
import math
from functools import lru_cache

import numpy as np

MAGIC = b"clipbounds-cell1"
START = len(MAGIC) + hashlib.sha256().digest_size
NAME, LENGTH = 32, 8  # bytes


class Damaged(ValueError):
    """The file is truncated, altered, or not a cell."""


def _padding(length):
    return -length % 8


def encode(name, arrays, about):
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


def decode(name, data, wanted=None):
    """Arrays and `about` of a cell; if `wanted` is given only those arrays, and None.

    Raises
    ------
    Damaged
        If anything is not as `encode` wrote it, or the cell belongs under another name.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise Damaged("it does not start like a cell of this version")
    body = memoryview(data)[START:]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : START]:
        raise Damaged("its checksum does not fit its contents")
    owner = bytes(body[:NAME]).decode().rstrip()
    if owner != name:
        raise Damaged(f"it is the cell {owner}")
    first = NAME + LENGTH + int.from_bytes(body[NAME : NAME + LENGTH], "little")
    layout, about = _header(bytes(body[NAME + LENGTH : first]))
    arrays = {}
    for key, kind, shape, count, position in layout:
        if wanted is None or key in wanted:
            found = np.frombuffer(body, kind, count, first + position) if count else np.empty(0, kind)
            arrays[key] = found.reshape(shape).astype(kind.newbyteorder("="))
    return arrays, json.loads(about) if wanted is None else None


@lru_cache(maxsize=64)
def _header(text):
    """Name, type, shape, count and position of each array, and the JSON of the rest."""
    header = json.loads(text)
    layout, position = [], 0
    for key, kind, shape in header["arrays"]:
        kind, count = np.dtype(kind), math.prod(shape)
        layout.append((key, kind, tuple(shape), count, position))
        position += kind.itemsize * count
        position += _padding(position)
    return layout, json.dumps(header["about"])
