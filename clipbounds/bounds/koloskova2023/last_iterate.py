"""Clipped gradient descent on an L-smooth convex function: the last iterate, with the path to the minimiser accounted for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..base import Hypothesis
from .common import DeterministicBound, at_most, lipschitz_row, lower_bound_row
from .convex import convex_rows, squared_distance, with_curvature
from .lower import hardest_gap
from .path import largest_gap, largest_norm

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...array_types import FloatArray
    from ...methods.base import Setting


class _SmoothConvex(DeterministicBound):
    """f convex and L-smooth with a minimiser at distance R0, eta L <= 1."""

    source = "proved here"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        problem = setting.problem
        rows = [lipschitz_row(problem)]
        if rows[0].holds:
            product = setting.method.step_size * problem.lipschitz
            rows.append(Hypothesis("eta L <= 1", f"{product:.6g}", at_most(product, 1.0)))
        return [
            *rows,
            *convex_rows(problem),
            lower_bound_row(problem),
        ]

    def in_units(self, setting: Setting) -> tuple[float, float, float, float]:
        """eta L, c/(L R0), L and R0."""
        L, R0 = setting.problem.lipschitz, math.sqrt(squared_distance(setting.problem))
        method = setting.method
        return min(method.step_size * L, 1.0), method.clip.threshold / (L * R0) if L * R0 > 0 else np.inf, L, R0

    def for_each(self, function: Callable[..., Any], setting: Setting, steps: FloatArray) -> FloatArray:
        """`function(eta L, c/(L R0), T)` for each horizon; 0 where x0 is a minimiser or f is constant."""
        eta, c, L, R0 = self.in_units(setting)
        if L * R0 == 0:
            return np.zeros_like(steps)
        c = min(c, 1e100)  # a threshold above the largest gradient, L R0, is never reached
        found = {T: function(eta, c, T) for T in set(np.ravel(steps).tolist())}
        return np.array([found[T] for T in np.ravel(steps).tolist()]).reshape(np.shape(steps))


class D2B(_SmoothConvex):
    r"""f(x_T) - f* <= Dbar, the largest D with min over D/R0 <= G <= sqrt(2LD) of Phi(D, G) <= R0² (`path.largest_gap`); never above D2(a).

    In the units L = 1: Phi(D, G) = (D/G + G/2)² + sum_{k=1}^T kappa_k(D, G), kappa_k = C_k for G >= c and min(U_k, C_k) for G < c, with
    Delta_k = D + (k-1) eta min(G, c) G, U_k = 2 eta Delta_k + eta(1 + eta) G² for an unclipped step and
    C_k = 2 eta c max(w1, w2) - (eta c)² for a clipped one (`path.least_sum`).

    **Hypotheses.** f convex and L-smooth with f* = f(x*), eta L <= 1, exact gradients; every dimension.

    **Proof.** D = d_T, G = a_T in the notation of `path`, whose (I1)-(I3) are used. d_t >= a_t²/2 gives G <= sqrt(2D). r_T >= w_T and r_T <= R0 give
    D/G + G/2 <= R0, so G >= D/R0. Sum (I3): R0² >= w_T² + sum_{t<T}(2 m_t w_t - m_t²). By (I1) a_t >= G, so m_t >= eta min(G, c), and (I2)
    gives d_{t+1} >= Delta_k for k = T - t. With a = a_t, b' = a_{t+1}, G <= b' <= a:

    * a <= c: the term is 2 eta d_t + eta(1 - eta) a² and d_t >= Delta_k + eta a b' >= Delta_k + eta G²: at least U_k. It needs G <= c; at G = c exactly a
      step with a = c counts as clipped.
    * a >= c: the term is 2 m w_t - m², m = eta c. d_t >= Delta_k + m b' >= e_k, and w_t = d_t/a + a/2 minimised over a >= c is at least w1. Also
      by (I2) w_t >= (d_{t+1} + m b' + b'²/2)/a + a - b' >= 2 sqrt(Delta_k + m b' + b'²/2) - b'; in b' its derivative has the sign of
      b'²/2 + m b' + m² - Delta_k, so its minimum over b' >= G is w2.

    So (D, G) satisfies Phi <= R0². If a gradient vanishes, d_T = 0. QED
    For c -> inf this is the exact value R0²/(2(2 eta T + 1/L)) of Drori and Teboulle, by U_k alone.

    **Sharper than D2(a)**, which it replaces where a global L is known; `D2LastIterate` stays the only bound without one.
    In dimension 1 `D2Exact1D` is smaller still.

    **Rounding.** Bisection in D keeps the upper end; on a cell of G the first term is taken at the upper end and the sum at the
    lower one; blocks of steps are summed by chords of concave sequences. The value is never below Dbar.
    """

    quantity = "gap"
    statement = r"f(x_T)-f^*\le\sup\Bigl\{D:\min_{D/R_0\le G\le\sqrt{2LD}}\Bigl(\tfrac DG+\tfrac G{2L}\Bigr)^2+\sum_{k\le T}\kappa_k(D,G)\le R_0^2\Bigr\}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        _, _, L, R0 = self.in_units(setting)
        value = L * R0**2 * self.for_each(largest_gap, setting, steps)
        method = setting.method
        B = R0**2 / (2 * method.step_size * steps)
        return np.minimum(value, with_curvature(B, method.clip.threshold, L))


class D2G(_SmoothConvex):
    r"""‖grad f(x_T)‖ <= sup{ G : G² + sum_{k=1}^T kappa_k(G²/2, G) <= R0² } in the units L = 1, with the kappa_k of `D2B`.

    **Hypotheses.** Those of `D2B`.

    **Proof.** In the proof of `D2B` d_T >= G²/2 and w_T >= G, and Phi does not decrease in D. The left side increases in G (it jumps up at
    G = c). For c -> inf it gives R0/(eta T + 1/L), attained by a Huber function.
    """

    quantity = "gradient_norm"
    statement = r"\|\nabla f(x_T)\|\le\sup\Bigl\{G:G^2/L^2+\sum_{k\le T}\kappa_k(\tfrac{G^2}{2L},G)\le R_0^2\Bigr\}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        _, _, L, R0 = self.in_units(setting)
        return L * R0 * self.for_each(largest_norm, setting, steps)


class D2Exact1D(_SmoothConvex):
    r"""Dimension 1: f(x_T) - f* <= max_{G>=0} [ G R0 - eta T G min(G, c) - G²/(2L) ], attained by a Huber function (D2-LB).

    **Hypotheses.** Those of `D2B`, and dimension 1.

    **Proof.** eta L <= 1: x_t - x* keeps its sign and a_t = |f'(x_t)| does not increase. With G = a_T, |x_T - x*| = R0 - sum m_t <= R0 - eta T min(G, c),
    and d_T <= G|x_T - x*| - G²/(2L). The bracket is concave in G on [0, c] and on [c, inf); its maxima there are the two values of
    `D2LowerBound`, whose Huber functions attain it. QED

    In dimension 2 it is false: f = (x² + .222 y²)/2 from (55/73, 48/73), eta = 1, c = .009 has the gap .007017 after 100 steps, and
    this maximum is .005. Clipped steps have constant speed, and the path to the minimiser may be longer than R0.
    """

    quantity = "gap"
    statement = r"f(x_T)-f^*\le\max_{G\ge0}\Bigl[GR_0-\eta TG\min(G,c)-\tfrac{G^2}{2L}\Bigr]\quad(d=1)"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        dim = setting.problem.dim
        return [Hypothesis("dimension 1", str(dim), dim == 1), *super().smooth_rows(setting)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        _, _, L, R0 = self.in_units(setting)
        method = setting.method
        value, _ = hardest_gap(R0, L, method.step_size, method.clip.threshold, steps)
        return value + 4e-15 * (value + L * R0**2)  # R0 - eta c T may cancel
