"""What a clipping operator is: a compiled map of gradients, applied to 64 lanes at a time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS, LANES, pack, unpack
from ..lanes.compile import check_kernel, named_signature, require_kernel
from ..specs import Spec, real_array

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

# (v, lanes, dim, index, params): clips the block v in place. lanes[l] += 1 where lane l was changed; the LANES
# numbers behind are scratch. `index` is the position k = 0, 1, ... of the sample in its batch, for thresholds that
# grow with it.
CLIP = named_signature(v=FLOATS, lanes=FLOATS, dim=types.int64, index=types.int64, params=FLOATS)

# what an operator may declare, and clipbounds.testing then checks
PROPERTIES = {
    "bounded": "‖clip(u)‖ <= bound(dim)",
    "full_length": "‖clip(u)‖ = min(c, ‖u‖), c being the threshold",
    "direction": "clip(u) = t u with t >= 0",
    "identity_inside": "clip(u) = u for ‖u‖ <= c",
    "idempotent": "clip(clip(u)) = clip(u)",
    "nonexpansive": "‖clip(u) - clip(v)‖ <= ‖u - v‖",
    "monotone": "<clip(u) - clip(v), u - v> >= 0",
    "cocoercive": "<clip(u) - clip(v), u - v> >= ‖clip(u) - clip(v)‖²/K, K being the Lipschitz constant",
    "odd": "clip(-u) = -clip(u)",
    "permutation_equivariant": "permuting components commutes with clipping",
    "rotation_equivariant": "rotations commute with clipping",
    "scaling": "scaled(t)(t u) = t clip(u) for t > 0",
    "keeps_nan": "clip(u) has a nan where u has one: a broken gradient is never silently repaired",
    "tames_inf": "for infinite entries clip(u) is the limit along growing ones: no nan, and ‖clip(u)‖ <= bound(dim)",
    "rowwise": "a batch of any leading shape is clipped row by row",
    "every_scale": "all this for entries from 1e-200 to 1e200, not only where squares are normal numbers",
}


class Clip(Spec):
    """Base of all operators. A subclass provides

    * ``kernel``: a kernel of signature `CLIP`;
    * ``bound(dim)``;

    and, as far as it has them, ``properties`` (names from `PROPERTIES`), ``lipschitz`` (1 unless overridden) and
    ``scaled(t)``, the operator with clip_t(t u) = t clip(u).
    """

    if TYPE_CHECKING:

        @property
        def lipschitz(self) -> float: ...

    else:
        lipschitz = 1.0
    kernel: ClassVar[Any] = None
    properties: ClassVar[frozenset] = frozenset()
    non_finite: ClassVar[bool] = False  # whether nan or inf for a finite gradient is meant

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_kernel(cls.__name__, "kernel", cls.kernel, CLIP)

    @property
    def parameters(self) -> FloatArray:
        """Parameter vector of the kernel: all real fields in the order of declaration."""
        fields = [f.name for f in dataclasses.fields(self) if f.metadata.get("kind") == "real"]
        return np.array([getattr(self, name) for name in fields] or [0.0], dtype=np.float64)

    @property
    def dimension(self) -> int | None:
        """The only dimension whose vectors it takes; None: every one."""
        return None

    def check_dimension(self, owner: str, dim: int) -> None:
        """Raise ValueError, about the `owner`, if this operator does not take vectors of the dimension."""

    def bound(self, dim: int) -> float:
        """sup of the output's norm in dimension `dim`; inf if it is unbounded."""
        raise NotImplementedError(
            f"{type(self).__name__} states no bound: define bound(self, dim), the largest norm of its output"
        )

    def __call__(self, gradients: ArrayLike, index: int = 0) -> FloatArray:
        """Clip gradients of shape (..., dim), each vector by itself; `index` is the position in the batch.

        Raises
        ------
        ValueError
            If they are no array of real numbers (complex, ragged, objects), a scalar, or of a dimension that the operator does not take.
        """
        require_kernel(type(self).__name__, "kernel", self.kernel, CLIP)
        gradients = real_array(type(self).__name__, "gradients", gradients)
        if gradients.ndim == 0:
            raise ValueError("gradients need the shape (..., dim), but a scalar was given; pass [g] for one coordinate")
        dim = gradients.shape[-1]
        self.check_dimension(f"{type(self).__name__}: gradients", dim)
        if gradients.size == 0:
            return gradients.copy()
        blocks = pack(gradients.reshape(-1, dim))
        lanes = np.zeros(2 * LANES)
        for block in blocks:
            self.kernel(block, lanes, dim, index, self.parameters)
        return np.ascontiguousarray(unpack(blocks, gradients.size // dim).reshape(gradients.shape))
