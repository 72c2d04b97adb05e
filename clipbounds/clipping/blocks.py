"""Clipping of blocks of coordinates, such as the layers of a network."""

from __future__ import annotations

import math

import numpy as np

from ..specs import POSITIVE, Interval, Vector, parameter, vector
from . import kernels
from .base import Clip
from .coordinate import CoordinateClip


class BlockClip(Clip):
    """Each block of coordinates to the RMS norm c: block b, of n_b coordinates, is projected on ‖u_b‖ <= c sqrt(n_b).

    The RMS norm of a block is ‖u_b‖/sqrt(n_b), so that one threshold serves blocks of every size. One block is
    `NormClip` (c sqrt(dim)), blocks of one coordinate are `CoordinateClip` (c), and the operator is a projection on a
    product of balls as these are. It has one dimension, the sum of the sizes. Infinite entries and nan as for
    `NormClip`, within their block.

    Parameters
    ----------
    sizes : array_like of int >= 1 (blocks,), how many coordinates each block has, in their order
    threshold : float c in (0, inf), the largest RMS norm of a block
    """

    sizes: Vector = vector(Interval(1, math.inf, closed_low=True), "coordinates of each block")
    threshold: float = parameter(POSITIVE, "the largest RMS norm of a block")

    kernel = kernels.block_clip
    # what a projection on any set around 0 that is symmetric by coordinates has: all that the cube has but permutations
    properties = CoordinateClip.properties - {"permutation_equivariant"}

    def validate(self) -> None:
        if np.any(self.sizes != np.floor(self.sizes)):
            raise ValueError(f"BlockClip: sizes must be integers >= 1, but {self.sizes.tolist()} was given")

    @property
    def dimension(self) -> int | None:
        return int(self.sizes.sum())

    @property
    def parameters(self) -> np.ndarray:
        return np.concatenate([[self.threshold, self.sizes.size], self.sizes])

    def check_dimension(self, owner: str, dim: int) -> None:
        if dim != self.dimension:
            raise ValueError(
                f"{owner} must have the dimension that the block sizes sum to, but the {self.sizes.size} sizes of the"
                f" BlockClip sum to {self.dimension} and the dimension is {dim}; give sizes that sum to {dim}"
            )

    def bound(self, dim: int) -> float:
        return self.threshold * math.sqrt(dim)

    def scaled(self, factor: float) -> BlockClip:
        return BlockClip(self.sizes, factor * self.threshold)
