"""What several objectives have in common: a least value at the origin, and a frontier of pairs (L0, L1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..facts import HessianSmoothness
from .base import Problem

if TYPE_CHECKING:
    from ..array_types import FloatArray


class _LeastAtOrigin(Problem):
    """f has its least value at the origin, 0 unless a subclass says otherwise."""

    f_star_attained = True
    if not TYPE_CHECKING:
        f_star = 0.0

    @property
    def minimiser(self) -> FloatArray | None:
        return np.zeros(self.dim)


class _OnFrontier(Problem):
    """Smooth in Hessian form for every L1 > 0, with L0 = frontier(L1); the field `reference_L1` chooses the default pair."""

    if TYPE_CHECKING:

        @property
        def reference_L1(self) -> float: ...

    def frontier(self, L1: float) -> float:
        """The smallest L0 for an L1 in (0, inf)."""
        raise NotImplementedError

    @property
    def smoothness(self) -> HessianSmoothness:
        return self.smoothness_at(self.reference_L1)

    def smoothness_at(self, L1: float) -> HessianSmoothness:
        if not L1 > 0:
            raise ValueError(
                f"{type(self).__name__}: L1 must be in (0, inf), because its gradient has no global Lipschitz constant, but"
                f" {L1!r} was given"
            )
        return HessianSmoothness(self.frontier(L1), float(L1))
