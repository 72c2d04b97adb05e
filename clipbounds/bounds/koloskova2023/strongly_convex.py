"""Clipped gradient descent on a strongly convex function: D3."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base import Hypothesis
from .common import ROUNDING
from .convex import ConvexBound, path_curvature, squared_distance

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting


class StronglyConvexBound(ConvexBound):
    """A bound on the distance to the minimiser for mu-strongly convex f."""

    quantity = "distance"
    source = "proved here"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        mu = setting.problem.strong_convexity
        return [*super().smooth_rows(setting), Hypothesis("mu-strongly convex, mu > 0", f"mu = {mu:.6g}", bool(mu > 0))]


class D3(StronglyConvexBound):
    r"""‖x_t - x*‖² <= r_t², r_0 = R0, r_{t+1}² = max( (1 - eta mu) r_t², r_t² - 2 eta c/(L1 + sqrt(L1² + 4 L0/(mu r_t²))) ).

    **Hypotheses.** f mu-strongly convex with f* = f(x*); first-order constants on the radius 1/L1; eta c L1 <= 1; theta <= 1.

    **Proof.** Let rho = ‖x_t - x*‖², delta = f(x_t) - f* >= mu rho/2. The one-step inequality of `convex` gives rho - 2 alpha_t delta for the
    next square. Unclipped: 2 eta delta >= eta mu rho. Clipped: 2 eta c delta/u >= 2 eta c/(L1 + sqrt(L1² + 2 L0/delta)) by the gap inequality, and
    this increases in delta >= mu rho/2. So the next square is at most M(rho), the maximum in the statement. It remains that M does
    not decrease, so that it may be iterated on upper bounds. The first entry increases, as mu <= L0 and eta L0 <= 1. With
    w = sqrt(L1² + 4 L0/(mu rho)) the second has the derivative 1 - eta c (w - L1)/(rho w (w + L1)); where it is the larger one,
    2c/(L1 + w) <= mu rho, so the derivative is at least 1 - (eta mu/2)(w - L1)/w >= 1/2. M is continuous, so it increases. QED

    Where the first entry is the larger it remains so for all smaller rho (2c >= mu rho (L1 + w), whose right side increases in
    rho): from there on the recursion is geometric.
    """

    statement = r"\|x_t-x^*\|\le r_t,\ r_{t+1}^2=\max\Bigl\{(1-\eta\mu)r_t^2,\ r_t^2-\frac{2\eta c}{L_1+\sqrt{L_1^2+4L_0/(\mu r_t^2)}}\Bigr\}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, mu = self.constants(setting), setting.problem.strong_convexity
        last = steps.max(initial=0)  # inf is allowed: the recursion ends at its geometric part
        contraction = max(1 - k.eta * mu, 0.0)
        squares = [squared_distance(setting.problem)]
        while len(squares) <= last and squares[-1] > 0:
            square = squares[-1]
            clipped = square - 2 * k.eta * k.c / (k.L1 + math.hypot(k.L1, 2 * math.sqrt(k.L0 / mu / square)))
            if clipped <= contraction * square:
                break
            squares.append(clipped)
        known = len(squares) - 1
        geometric = contraction ** np.maximum(steps - known, 0)
        return np.sqrt(np.asarray(squares)[np.minimum(steps, known).astype(np.int64)] * geometric)


class D3ClosedForm(StronglyConvexBound):
    r"""‖x_T - x*‖² <= R0² (1 - eta mu)^{max(0, T-N)}, N = floor( 2 R0 sqrt(Lbar/mu)/(eta c) ).

    **Hypotheses.** Those of `D3`; Lbar >= max_t (L0 + L1‖g_t‖), or a global L (`path_curvature`).

    **Proof.** On a clipped step u <= sqrt(2 Lbar delta) and delta >= mu rho/2, so rho decreases by at least 2 eta c sqrt(delta/(2 Lbar)) >= a sqrt rho,
    a = eta c sqrt(mu/Lbar), and sqrt(rho - a sqrt rho) <= sqrt rho - a/2. Distances do not increase on the other steps, so at most 2 R0/a
    steps are clipped: N. Each of the others multiplies the square by 1 - eta mu at most.
    """

    statement = (
        r"\|x_T-x^*\|^2\le R_0^2(1-\eta\mu)^{(T-N)_+},\ N=\Bigl\lfloor\frac{2R_0\sqrt{\bar L/\mu}}{\eta c}\Bigr\rfloor"
    )

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, problem = self.constants(setting), setting.problem
        mu, square = problem.strong_convexity, squared_distance(problem)
        count = 2 * math.sqrt(square * path_curvature(k, problem) / mu) / (k.eta * k.c)
        clipped = math.floor(count * (1 + ROUNDING))
        return np.sqrt(square * max(1 - k.eta * mu, 0.0) ** np.maximum(steps - clipped, 0))
