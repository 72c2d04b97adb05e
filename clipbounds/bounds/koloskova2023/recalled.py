"""What the paper's theorems are recalled to say. Their constants are not confirmed: drawn, never asserted.

Each value is the recalled expression with the constant 1 in front of every term.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...noise import NoNoise
from ..base import Hypothesis, Recalled
from .common import ClippedBound, at_most, lipschitz_row, lower_bound_row, sigma_of, variance_row
from .convex import squared_distance

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting

PAPER = "koloskova2023, recalled, constants unconfirmed"


class _RecalledBound(Recalled, ClippedBound):
    source = PAPER

    def _size(self, setting: Setting) -> float:
        """L0 + c L1 with the constants in the form in which the problem states them, as the paper does not say more."""
        pair = self.pair(setting)
        return pair.L0 + setting.method.clip.threshold * pair.L1


class RecalledNonConvex(_RecalledBound):
    """Deterministic, eta <~ 1/(L0 + c L1): min_t ‖grad f(x_t)‖ = O( sqrt(F0/(eta T)) + F0/(eta c T) )."""

    quantity = "min_gradient_norm"
    statement = r"\min_t\|\nabla f(x_t)\|=O\Bigl(\sqrt{\tfrac{F_0}{\eta T}}+\tfrac{F_0}{\eta cT}\Bigr)"

    def further(self, setting: Setting) -> list[Hypothesis]:
        theta = setting.method.step_size * self._size(setting)
        return [
            Hypothesis("exact gradients (NoNoise)", type(setting.noise).__name__, isinstance(setting.noise, NoNoise)),
            Hypothesis("eta(L0 + c L1) <= 1", f"{theta:.6g}", at_most(theta, 1.0)),
            lower_bound_row(setting.problem),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        average = setting.problem.initial_gap / (setting.method.step_size * steps)
        return np.sqrt(average) + average / setting.method.clip.threshold


class RecalledConvex(_RecalledBound):
    """Deterministic, convex and L-smooth: f(x_T) - f* = O( R0²/(eta T) + L R0⁴/(eta² c² T²) )."""

    quantity = "gap"
    statement = r"f(x_T)-f^*=O\Bigl(\frac{R_0^2}{\eta T}+\frac{LR_0^4}{\eta^2c^2T^2}\Bigr)"

    def further(self, setting: Setting) -> list[Hypothesis]:
        problem = setting.problem
        radius = math.sqrt(squared_distance(problem))
        return [
            Hypothesis("exact gradients (NoNoise)", type(setting.noise).__name__, isinstance(setting.noise, NoNoise)),
            Hypothesis("f convex", str(bool(problem.convex)), bool(problem.convex)),
            lipschitz_row(problem),
            Hypothesis("R0 = ‖x0 - x*‖ known", f"R0 = {radius:.6g}", bool(np.isfinite(radius))),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        method = setting.method
        rate = squared_distance(setting.problem) / (method.step_size * steps)
        return rate + setting.problem.lipschitz * (rate / method.clip.threshold) ** 2


class RecalledStochastic(_RecalledBound):
    """eta <= 1/(9(L0 + c L1)): O( min(sigma, sigma²/c) + sqrt(eta(L0 + c L1)) sigma + sqrt(F0/(eta T)) + F0/(eta c T) )."""

    quantity = "mean_gradient_norm"
    statement = (
        r"O\Bigl(\min\{\sigma,\tfrac{\sigma^2}{c}\}+\sqrt{\eta(L_0+cL_1)}\,\sigma+\sqrt{\tfrac{F_0}{\eta T}}"
        r"+\tfrac{F_0}{\eta cT}\Bigr)"
    )

    def further(self, setting: Setting) -> list[Hypothesis]:
        theta = setting.method.step_size * self._size(setting)
        return [
            variance_row(setting),
            Hypothesis("eta <= 1/(9(L0 + c L1))", f"9 eta(L0 + c L1) = {9 * theta:.6g}", at_most(9 * theta, 1.0)),
            lower_bound_row(setting.problem),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        c, sigma = setting.method.clip.threshold, sigma_of(setting)
        theta = setting.method.step_size * self._size(setting)
        average = setting.problem.initial_gap / (setting.method.step_size * steps)
        return min(sigma, sigma**2 / c) + math.sqrt(theta) * sigma + np.sqrt(average) + average / c


class RecalledFloor(_RecalledBound):
    """Fixed points with ‖grad f‖ >= sigma/12 for c <= 2 sigma and >= sigma²/(6c) for c >= 2 sigma."""

    kind = "floor"
    quantity = "gradient_norm"
    statement = r"\|\nabla f\|\ge\sigma/12\ (c\le2\sigma),\ \ \sigma^2/(6c)\ (c\ge2\sigma)"

    def further(self, setting: Setting) -> list[Hypothesis]:
        return [variance_row(setting)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        c, sigma = setting.method.clip.threshold, sigma_of(setting)
        return np.asarray(sigma / 12 if c <= 2 * sigma else sigma**2 / (6 * c))
