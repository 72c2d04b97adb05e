"""The pair of functions on which no fixed step size without clipping is fast (theory page variance-reduction, section 3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import POSITIVE, parameter
from . import ramp_kernels
from .base import Problem

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness

CLOSED_FORM = Certificate("proved", "closed form, theory page variance-reduction, section 3")


class FixedStepWall(Problem):
    """f_A, even: f_A' = L0 x inside |x| <= 1/L1 and (L0/L1) e^{L1|x|-1} outside; the start has f_A' = M.

    Gradient descent from there diverges iff h > 2 (ln(L1 M/L0) + 1)/(L1 M); at equality it cycles.
    Smoothness (Hessian form): (L0, L1). f_A* = 0 at 0.

    Parameters
    ----------
    steepness : float M in [L0/L1, inf)
    L0, L1 : float in (0, inf)
    """

    steepness: float = parameter(POSITIVE, "M = f_A'(x0)")
    L0: float = parameter(POSITIVE, default=1.0)
    L1: float = parameter(POSITIVE, default=1.0)

    gradient_kernel = ramp_kernels.fixed_step_wall
    certificate = CLOSED_FORM
    convex = True
    f_star = 0.0
    f_star_attained = True

    def validate(self) -> None:
        if self.steepness < self.L0 / self.L1:
            raise ValueError(
                f"FixedStepWall: steepness must be at least L0/L1 = {self.L0 / self.L1:g}, but {self.steepness:g} was given"
            )

    @property
    def x0(self) -> FloatArray:
        return np.array([(math.log(self.L1 * self.steepness / self.L0) + 1) / self.L1])

    @property
    def largest_step(self) -> float:
        """2 (ln(L1 M/L0) + 1)/(L1 M): above it gradient descent diverges."""
        return 2 * float(self.x0[0]) / self.steepness

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.L0, self.L1])

    def value(self, x: ArrayLike) -> FloatOrArray:
        size = np.abs(np.asarray(x, dtype=np.float64)[..., 0])
        inner = 0.5 * self.L0 * np.square(np.minimum(size, 1 / self.L1))
        with np.errstate(over="ignore"):
            return inner + self.L0 / self.L1**2 * np.expm1(np.maximum(self.L1 * size - 1, 0.0))

    @property
    def minimiser(self) -> FloatArray | None:
        return np.zeros(1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.L0, self.L1)


class FixedStepRamp(Problem):
    """f_B, even: derivative 2 eps for x > 1 and 3 eps x - eps x³ inside [-1, 1]; f_B(x0) = gap, f_B* = 0 at 0.

    Smoothness: (3 eps, 0).

    Parameters
    ----------
    target : float eps in (0, inf)
    gap_at_start : float Delta in [5 eps/4, inf)
    """

    target: float = parameter(POSITIVE, "eps")
    gap_at_start: float = parameter(POSITIVE, "Delta", default=1.0)

    gradient_kernel = ramp_kernels.fixed_step_ramp
    certificate = CLOSED_FORM
    convex = True
    f_star = 0.0
    f_star_attained = True

    def validate(self) -> None:
        if self.gap_at_start < 1.25 * self.target:
            raise ValueError(
                f"FixedStepRamp: gap_at_start must be at least 5 target/4 = {1.25 * self.target:g}, so that the start lies"
                f" on the ramp, but {self.gap_at_start:g} was given"
            )

    @property
    def x0(self) -> FloatArray:
        return np.array([1 + (self.gap_at_start - 1.25 * self.target) / (2 * self.target)])

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.target])

    def value(self, x: ArrayLike) -> FloatOrArray:
        size = np.abs(np.asarray(x, dtype=np.float64)[..., 0])
        t = np.square(np.minimum(size, 1.0))
        return self.target * (t * (1.5 - 0.25 * t) + 2 * np.maximum(size - 1, 0.0))

    @property
    def minimiser(self) -> FloatArray | None:
        return np.zeros(1)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(3 * self.target, 0.0)
