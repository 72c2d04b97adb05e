"""Double well and sombrero: non-convex objectives with certified constants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..specs import POSITIVE, Vector, parameter, vector
from . import kernels
from .convex import CLOSED_FORM
from .profile import Profile
from .shapes import _OnFrontier

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray


def well_frontier(L1: float) -> float:
    """L0*(L1) of (x² - 1)²/4: 2 for L1 >= 3, below it 3x² - 1 - L1 (x³ - x) at its stationary point."""
    if L1 >= 3:
        return 2.0
    x = 1 / L1 + math.sqrt(1 / L1**2 + 1 / 3)
    return 3 * x**2 - 1 - L1 * (x**3 - x)


class Sombrero(_OnFrontier):
    """f(x) = (‖x‖² - 1)²/4, f* = 0 on the unit sphere.

    Frontier (Hessian form), attained on a ray: `well_frontier`. `reference_L1` chooses the default pair.

    Parameters
    ----------
    x0 : array_like, (dim,)
    reference_L1 : float in (0, inf), default 3
    """

    x0: Vector = vector()
    reference_L1: float = parameter(POSITIVE, default=3.0)

    gradient_kernel = kernels.sombrero
    certificate = CLOSED_FORM
    f_star = 0.0
    f_star_attained = True

    def value(self, x: ArrayLike) -> FloatOrArray:
        return 0.25 * np.square(np.sum(np.square(x), axis=-1) - 1)

    @property
    def minimiser(self) -> FloatArray | None:
        return np.eye(1, self.dim)[0]

    def distance(self, x: ArrayLike) -> FloatOrArray:
        return np.abs(np.linalg.norm(x, axis=-1) - 1)

    def frontier(self, L1: float) -> float:
        return well_frontier(L1)

    def profile(self, L1: float) -> Profile | None:
        high = 2 + L1 + 3 / L1
        return Profile(
            value=lambda r, m: (r * r - 1) ** 2 / 4,
            slope=lambda r, m: r**3 - r,
            curvature=lambda r, m: 3 * r * r - 1,
            low=0.0,
            high=high,
            tail=3 * high**2 - 1 - L1 * (high**3 - high),
            reason="3r² - 1 - L1 (r³ - r) falls for r >= 3/L1 and r >= L1/3",
            transverse=(lambda r, m: r * r - 1) if self.dim > 1 else None,
        )


class DoubleWell(Sombrero):
    """f(x) = (x² - 1)²/4 on the line: the one-dimensional Sombrero."""

    def validate(self) -> None:
        if self.dim != 1:
            raise ValueError(f"DoubleWell is one-dimensional, but x0 has {self.dim} entries; use Sombrero")
