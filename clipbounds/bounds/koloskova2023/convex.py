"""Clipped gradient descent on a convex function: D2.

**One step.** f convex with a minimiser x*, f* = f(x*); (L0, L1) on a radius >= eta c; eta L0 <= 1. Then
‖x_{t+1} - x*‖² <= ‖x_t - x*‖² - 2 alpha_t(f(x_t) - f*).

*Proof.* Write g = grad f(x_t), u = ‖g‖, alpha = alpha_t. h(z) = f(z) - <g, z> is convex with its minimum at x_t. The descent
lemma at x*, where the gradient vanishes, gives f(x* + v) <= f* + L0‖v‖²/2 for ‖v‖ <= eta c. With v = alpha g:
f(x_t) - <g, x_t> <= h(x* + v) <= f* - <g, x*> - alpha u²(1 - alpha L0/2), so <g, x_t - x*> >= f(x_t) - f* + alpha u²/2. Insert it
in ‖x_{t+1} - x*‖² = ‖x_t - x*‖² - 2 alpha <g, x_t - x*> + alpha² u². QED

The argument needs f* = f(x*): a mere lower bound of inf f would make the statements below false.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base import Hypothesis
from .common import DeterministicBound, gap_row, lower_bound_row, step_rows, theta_row

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting
    from ...problems.base import Problem
    from .common import Constants


def squared_distance(problem: Problem) -> float:
    """R0², the squared distance of x0 to the nearest minimiser; nan if none is known."""
    distance = problem.distance(problem.x0)
    return math.nan if distance is None else float(distance) ** 2


def path_curvature(k: Constants, problem: Problem) -> float:
    """Lbar >= L0 + L1 u_t along the run: the smaller of a global L and L0 + L1 u, u the largest gradient norm with gap F0.

    f(x_t) <= f(x_0) by D0 and f - f* >= u²/(2(L0 + L1 u)), so u_t <= L1 F0 + sqrt(L1² F0² + 2 L0 F0). Where a global L is
    known, the inequality f - f* >= u²/(2L), all that the proofs use Lbar for, holds with it.
    """
    along = k.L0 + k.L1 * k.gradient_below(problem.initial_gap)
    return along if problem.lipschitz is None else min(along, problem.lipschitz)


def convex_rows(problem: Problem) -> list[Hypothesis]:
    """f convex with a known minimum, attained at a known distance from the start."""
    radius = math.sqrt(squared_distance(problem))
    return [
        Hypothesis("f convex", str(bool(problem.convex)), bool(problem.convex)),
        Hypothesis("f* = f(x*) exactly", f"f* = {problem.f_star:.6g}", bool(problem.f_star_attained)),
        Hypothesis("R0 = ‖x0 - x*‖ known", f"R0 = {radius:.6g}", bool(np.isfinite(radius))),
    ]


class ConvexBound(DeterministicBound):
    """A bound on clipped gradient descent for convex f with an attained minimum."""

    source = "koloskova2023, convex deterministic; constants proved here"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        k, problem = self.constants(setting), setting.problem
        return [
            *step_rows(k),
            gap_row(k),
            theta_row(k, 1.0, strict=False),
            *convex_rows(problem),
            lower_bound_row(problem),
        ]


def with_curvature(B: FloatOrArray, c: float, curvature: float) -> FloatOrArray:
    """(a): max(B, 2 Lbar B²/c²)."""
    return np.maximum(B, 2 * curvature * (B / c) ** 2)


def without_curvature(B: FloatOrArray, c: float, L0: float, L1: float) -> FloatOrArray:
    """(b): max(B, 2 L0 B²/(c(c - 2 L1 B))) where B < c/(2 L1), inf elsewhere."""
    room = c - 2 * L1 * B
    ratio = np.divide(B, room, out=np.full_like(B, np.inf), where=room > 0)  # B²/(c·room) overflows for large c
    return np.maximum(B, 2 * L0 * (B / c) * ratio)


class D2LastIterate(ConvexBound):
    r"""f(x_T) - f* <= min of (a) and (b), with B = R0²/(2 eta T).

    (a) max( B, 2 Lbar B²/c² ) with Lbar >= max_t (L0 + L1‖g_t‖), or a global L;
    (b) max( B, 2 L0 B²/(c(c - 2 L1 B)) ) if B < c/(2 L1), without Lbar.

    **Hypotheses.** f convex with f* = f(x*); first-order constants on the radius 1/L1; eta c L1 <= 1; theta <= 1.

    **Proof.** Let delta_t = f(x_t) - f*; it does not increase (D0). Summing the one-step inequality (module docstring),
    sum_{t<T} 2 alpha_t delta_t <= R0².
    (a) u_t² <= 2 Lbar delta_t by the gap inequality, so alpha_t delta_t >= eta min(delta_t, c sqrt(delta_t/(2 Lbar))). This
    increases in delta_t >= delta_T, so min(delta_T, c sqrt(delta_T/(2 Lbar))) <= B. Solve for delta_T.
    (b) u_t <= L1 delta_t + sqrt(L1² delta_t² + 2 L0 delta_t) gives delta_t/u_t >= psi(delta_t), psi(delta) = 1/(L1 + sqrt(L1² + 2 L0/delta)),
    which increases; so min(delta_T, c psi(delta_T)) <= B. If c psi(delta_T) <= B then sqrt(L1² + 2 L0/delta_T) >= c/B - L1 > 0, and
    squaring 2 L0/delta_T >= (c/B)(c/B - 2 L1), which is (b) when c/B > 2 L1.

    Notes
    -----
    Where a global L is known `D2B` is sharper, and in dimension 1 `D2Exact1D` is the worst case. `path_curvature` is the Lbar of
    (a). Only the last iterate and the alpha-weighted average (`D2WeightedAverage`) have
    the 1/T² form.
    """

    quantity = "gap"
    statement = r"f(x_T)-f^*\le\max\{B,\,2\bar LB^2/c^2\},\ B=\frac{R_0^2}{2\eta T}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, problem = self.constants(setting), setting.problem
        B = squared_distance(problem) / (2 * k.eta * steps)
        return np.minimum(with_curvature(B, k.c, path_curvature(k, problem)), without_curvature(B, k.c, k.L0, k.L1))


class D2WeightedAverage(ConvexBound):
    r"""f(xbar) - f* <= R0²/(2S), xbar the alpha-weighted average of x_0..x_{T-1}.

    S = min over integers 0 <= n <= T of [ eta(T-n) + n² eta² c²/(Lbar R0²) ].

    **Hypotheses.** Those of `D2LastIterate`; Lbar as in (a) there (a global L, or a bound along the run).

    **Proof.** By convexity and the one-step inequality f(xbar) - f* <= sum alpha_t delta_t / sum alpha_t <= R0²/(2 sum alpha_t). Let n
    steps be clipped. On a clipped one alpha_t = eta c/u_t and delta_t >= u_t²/(2 Lbar), so alpha_t delta_t >= (eta c)²/(2 Lbar alpha_t);
    hence sum_clipped 1/alpha_t <= Lbar R0²/(eta c)², and by Cauchy-Schwarz sum_clipped alpha_t >= n² eta² c²/(Lbar R0²). The other T - n
    steps have alpha_t = eta. The minimum of this convex quadratic over integers is next to Lbar R0²/(2 eta c²).
    For the uniform average the 1/T² form is not proved.
    """

    quantity = "weighted_average_gap"
    statement = (
        r"f(\bar x)-f^*\le\frac{R_0^2}{2S},\ S=\min_{0\le n\le T}\Bigl[\eta(T-n)+\frac{n^2\eta^2c^2}{\bar LR_0^2}\Bigr]"
    )

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, problem = self.constants(setting), setting.problem
        square = squared_distance(problem)
        scale = path_curvature(k, problem) * square
        if scale == 0:  # x0 is a minimiser
            return np.zeros_like(steps)
        centre = scale / (2 * k.eta * k.c**2)
        sums = []
        for n in (np.floor(centre), np.ceil(centre)):
            n = np.minimum(n, steps)
            sums.append(k.eta * (steps - n) + (n * k.eta * k.c) ** 2 / scale)
        return square / (2 * np.minimum(*sums))
