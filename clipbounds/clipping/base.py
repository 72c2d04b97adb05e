"""What a clipping operator is: a compiled map of gradients, applied to 64 lanes at a time."""

import dataclasses
from typing import ClassVar

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS, LANES, pack, unpack
from ..specs import Spec

# (v, lanes, dim, index, params): clips the block v in place. lanes[l] += 1 where lane l was changed; the LANES
# numbers behind are scratch. `index` is the position k = 0, 1, ... of the sample in its batch, for thresholds that
# grow with it.
CLIP = types.void(FLOATS, FLOATS, types.int64, types.int64, FLOATS)


class Clip(Spec):
    """Base of all operators. A subclass provides `kernel` (signature `CLIP`) and `bound(dim)`."""

    kernel: ClassVar = None

    @property
    def parameters(self):
        """Parameter vector of the kernel: all real fields in the order of declaration."""
        fields = [f.name for f in dataclasses.fields(self) if f.metadata.get("kind") == "real"]
        return np.array([getattr(self, name) for name in fields] or [0.0], dtype=np.float64)

    def bound(self, dim):
        """sup of the output's norm in dimension `dim`; inf if it is unbounded."""
        raise NotImplementedError

    def __call__(self, gradients, index=0):
        """Clip gradients of shape (..., dim), each vector by itself; `index` is the position in the batch."""
        gradients = np.asarray(gradients, dtype=np.float64)
        if gradients.ndim == 0:
            raise ValueError("gradients need the shape (..., dim), but a scalar was given; pass [g] for one coordinate")
        dim = gradients.shape[-1]
        if gradients.size == 0:
            return gradients.copy()
        blocks = pack(gradients.reshape(-1, dim))
        lanes = np.zeros(2 * LANES)
        for block in blocks:
            self.kernel(block, lanes, dim, index, self.parameters)
        return unpack(blocks, gradients.size // dim).reshape(gradients.shape)
