"""Blocks: 64 trajectories that advance together, and the types that kernels exchange.

A block is one flat, contiguous float64 array of length dim × LANES; coordinate k of lane l is at k*LANES + l.
The extent LANES is a compile-time constant, without which LLVM gives up on vectorising.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

LANES = 64

FLOATS = types.Array(types.float64, 1, "C")
INTS = types.Array(types.int64, 1, "C")
INDICES = types.Array(types.int32, 1, "C")
WORDS = types.Array(types.uint64, 1, "C")


CACHE_LINE = 64  # bytes


def aligned_zeros(size: int) -> FloatArray:
    """A float64 vector of zeros that begins at a cache line: a vector load across two lines costs twice as much.

    What is never written to takes no memory (the system gives zeroed pages when they are first touched).
    """
    spare = CACHE_LINE // 8
    raw = np.zeros(size + spare)
    start = -raw.ctypes.data % CACHE_LINE // 8
    return raw[start : start + size]


def aligned(values: ArrayLike) -> FloatArray:
    """A float64 vector that begins at a cache line: the given one if it does, otherwise a copy."""
    values = np.ascontiguousarray(values, dtype=np.float64)
    if values.ctypes.data % CACHE_LINE == 0:
        return values
    copy = aligned_zeros(values.size)
    copy[:] = values
    return copy


def pack(rows: FloatArray) -> FloatArray:
    """Blocks of an array of vectors: (n, dim) -> (blocks, dim*LANES); the last block is filled up with zeros."""
    rows = np.asarray(rows, dtype=np.float64)
    count, dim = rows.shape
    blocks = -(-count // LANES)
    padded = np.zeros((blocks * LANES, dim))
    padded[:count] = rows
    return np.ascontiguousarray(padded.reshape(blocks, LANES, dim).transpose(0, 2, 1)).reshape(blocks, dim * LANES)


def unpack(blocks: FloatArray, count: int) -> FloatArray:
    """Inverse of `pack`: (blocks, dim*LANES) -> (count, dim)."""
    number, size = blocks.shape
    return blocks.reshape(number, size // LANES, LANES).transpose(0, 2, 1).reshape(number * LANES, -1)[:count]
