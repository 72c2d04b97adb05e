"""Clipped gradient descent on a non-convex function: D1.

Notation: u_t = ‖grad f(x_t)‖, phi(u) = min(u², c u), alpha_t = eta min(1, c/u_t), theta = eta(L0 + c L1).

**Descent D0.** If eta c <= radius of (L0, L1) and theta < 2, then f(x_t) - f(x_{t+1}) >= eta(1 - theta/2) phi(u_t).

*Proof.* For ‖d‖ <= radius, f(x+d) - f(x) - <grad f(x), d> = int_0^1 <grad f(x+sd) - grad f(x), d> ds <= (L0 + L1 u)‖d‖²/2.
Put d = -alpha_t grad f(x_t), ‖d‖ = eta min(u, c) <= eta c. If u <= c, alpha = eta: the decrease is at least
eta u²(1 - eta(L0 + L1 u)/2) >= eta u²(1 - theta/2). If u > c, alpha u = eta c: it is at least
eta c u - (eta c)²(L0 + L1 u)/2 = eta c u [1 - (eta/2)(L0 c/u + c L1)] >= eta c u (1 - theta/2), because c/u < 1. QED

**Gap.** If the constants hold on the radius 1/L1: f(x) - f* >= u²/(2(L0 + L1 u)).

*Proof.* f* <= f(x+d) <= f(x) - u²/(2(L0 + L1 u)) for d = -grad f(x)/(L0 + L1 u), whose length is below 1/L1. QED
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...facts import HessianSmoothness
from ...specs import POSITIVE, parameter
from ..base import Hypothesis
from .common import DeterministicBound, gap_row, lower_bound_row, phi, step_rows, theta_row

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import ArrayLike, FloatArray, FloatOrArray
    from ...methods.base import Setting
    from .common import Constants

HALVINGS = 200  # the bracket shrinks to the spacing of floats long before


def curvature_factor(s: float) -> float:
    """Phi(s) = 2(e^s - 1 - s)/s², Phi(0) = 1, increasing; inf where it overflows."""
    if s < 0.05:  # the closed form cancels; the first term left out is below 1e-17
        return sum(2 * s**k / math.factorial(k + 2) for k in range(9))
    return 2 * (math.expm1(s) - s) / s**2 if s < 700 else math.inf


def first_order_rate(k: Constants) -> float:
    """1 - theta/2 of the descent D0."""
    return 1 - k.theta / 2


def least_average(bound: Any, setting: Setting, steps: ArrayLike) -> FloatOrArray:
    """A = F0/(eta (1 - theta/2) T)."""
    k = bound.constants(setting)
    return setting.problem.initial_gap / (k.eta * first_order_rate(k) * steps)


def refined_minimum(F0: float, rate: float, steps: FloatArray, k: Constants) -> FloatArray:
    """The largest m with rate·steps·phi(m) + m²/(2(L0 + L1 m)) <= F0, rounded up, by bisection.

    Both terms increase in m, and the first alone gives the bracket [0, max(sqrt A, A/c)], A = F0/(rate·steps).
    """
    average = F0 / (rate * steps)
    low = np.zeros_like(average)
    high = np.maximum(np.sqrt(average), average / k.c)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        slope = k.L0 + k.L1 * middle
        end = np.divide(middle**2, 2 * slope, out=np.zeros_like(middle), where=slope > 0)
        inside = rate * steps * phi(middle, k.c) + end <= F0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return high


class _NonConvex(DeterministicBound):
    source = "koloskova2023, non-convex deterministic; constants proved here"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        k = self.constants(setting)
        return [*step_rows(k), theta_row(k, 2.0, strict=True), lower_bound_row(setting.problem)]


class D1Phi(_NonConvex):
    r"""(1/T) sum_{t<T} phi(‖g_t‖) <= A, A = F0/(eta (1 - theta/2) T).

    **Hypotheses.** x_{t+1} = x_t - eta clip_c(grad f(x_t)); first-order constants (L0, L1) on a radius >= eta c, with
    eta c L1 <= 1 and theta = eta(L0 + c L1) < 2; f* <= inf f.

    **Proof.** Sum the descent D0 (module docstring) over t < T: eta(1 - theta/2) sum phi(u_t) <= f(x_0) - f(x_T) <= F0.
    """

    quantity = "mean_phi"
    statement = r"\frac1T\sum_{t<T}\varphi(\|g_t\|)\le A=\frac{F_0}{\eta(1-\theta/2)T}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return least_average(self, setting, steps)


class D1Min(_NonConvex):
    r"""min_{t<T} ‖g_t‖ <= max( sqrt A, A/c ), A = F0/(eta (1 - theta/2) T).

    **Hypotheses.** Those of `D1Phi`.

    **Proof.** phi increases, so phi(min_{t<T} u_t) <= A by `D1Phi`. phi(u) = u² up to c, where it is c², and c u beyond:
    its inverse at A is sqrt A for A <= c² and A/c otherwise, which is the larger of the two in both cases. The minimum
    over t <= T, which a run records, is at most that over t < T.
    """

    quantity = "min_gradient_norm"
    statement = r"\min_{t<T}\|g_t\|\le\max\{\sqrt A,\,A/c\},\ A=\frac{F_0}{\eta(1-\theta/2)T}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        average = least_average(self, setting, steps)
        return np.maximum(np.sqrt(average), average / self.constants(setting).c)


class D1Mean(_NonConvex):
    r"""(1/T) sum_{t<T} ‖g_t‖ <= sqrt A if A <= c²/4, else A/c + c/4; A = F0/(eta (1 - theta/2) T).

    **Hypotheses.** Those of `D1Phi`.

    **Proof.** H(u) = u² for u <= c/2, c u - c²/4 beyond, is convex, increasing and <= phi (c u - c²/4 is the tangent of
    u² at c/2; it is below c u). By Jensen H(mean of u_t) <= mean of H(u_t) <= mean of phi(u_t) <= A by `D1Phi`, and the
    right-hand side is the inverse of H at A.
    """

    quantity = "mean_gradient_norm"
    statement = r"\frac1T\sum_{t<T}\|g_t\|\le\sqrt A\ (A\le c^2/4),\ \ \frac Ac+\frac c4\ \text{otherwise}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        c = self.constants(setting).c
        average = least_average(self, setting, steps)
        return np.where(average <= c * c / 4, np.sqrt(average), average / c + c / 4)


class D1Refined(_NonConvex):
    r"""m = min_{0<=t<=T} ‖g_t‖ satisfies eta(1 - theta/2) T phi(m) + m²/(2(L0 + L1 m)) <= F0.

    **Hypotheses.** Those of `D1Phi`, and (L0, L1) valid on the radius 1/L1.

    **Proof.** Sum D0: eta(1 - theta/2) sum_{t<T} phi(u_t) + (f(x_T) - f*) <= F0. The last gap is at least
    u_T²/(2(L0 + L1 u_T)) by the gap inequality of the module docstring; phi and this function increase, and every
    u_t, t <= T, is at least m. The bound returned is the largest such m. `D1LowerBound` attains it up to 1 - theta/2.
    """

    quantity = "min_gradient_norm"
    statement = r"\eta(1-\tfrac\theta2)T\varphi(m)+\frac{m^2}{2(L_0+L_1m)}\le F_0,\ m=\min_{t\le T}\|g_t\|"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        return [*super().smooth_rows(setting), gap_row(self.constants(setting))]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k = self.constants(setting)
        return refined_minimum(setting.problem.initial_gap, k.eta * first_order_rate(k), steps, k)


class D1Hessian(DeterministicBound):
    r"""D1 from Hessian constants: eta(1 - theta_H Phi(s)/2) T phi(m) + m²/(2(L0 + L1 m)) <= F0, m = min_{t<=T} ‖g_t‖.

    s = eta c H1, theta_H = eta(H0 + c H1), Phi(s) = 2(e^s - 1 - s)/s², and (L0, L1) = (H0, H1)/ln 2 in the end term.

    **Hypotheses.** ‖hess f‖ <= H0 + H1‖grad f‖, theta_H Phi(s) < 2, f* <= inf f. There is no condition on eta c H1.

    **Proof.** Along x + rd, D = ‖d‖, the function y(r) = ‖grad f(x+rd) - grad f(x)‖ satisfies
    y(r) <= int_0^r (H0 + H1 u + H1 y) D, so by Gronwall y(r) <= (H0 + H1 u)(e^{H1 D r} - 1)/H1. Integrated against D:
    f(x+d) - f(x) - <grad f(x), d> <= (H0 + H1 u)(e^{H1 D} - 1 - H1 D)/H1² = (H0 + H1 u) Phi(H1 D) D²/2. Phi increases
    and D <= eta c, so the descent lemma of D0 holds with (H0, H1) Phi(s) in the place of (L0, L1); the rest of D0 is
    the same computation, with theta_H Phi(s) in the place of theta. The end term is that of `D1Refined`: a Hessian
    pair gives the first-order pair (H0, H1)/ln 2 on the radius ln2/H1 (facts.HessianSmoothness).
    """

    quantity = "min_gradient_norm"
    source = "proved here"
    statement = (
        r"\eta\bigl(1-\tfrac12\theta_H\Phi(\eta cH_1)\bigr)T\varphi(m)+\frac{m^2}{2(L_0+L_1m)}\le F_0,"
        r"\ \Phi(s)=\frac{2(e^s-1-s)}{s^2}"
    )

    def _theta(self, setting: Setting) -> float:
        """theta_H Phi(s)."""
        k, pair = self.constants(setting), self.pair(setting)
        return k.eta * (pair.L0 + k.c * pair.L1) * curvature_factor(k.eta * k.c * pair.L1)

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        pair = self.pair(setting)
        rows = [Hypothesis("constants in Hessian form", type(pair).__name__, isinstance(pair, HessianSmoothness))]
        if rows[0].holds:
            theta = self._theta(setting)
            rows.append(Hypothesis("theta_H Phi(eta c H1) < 2", f"{theta:.6g}", bool(theta < 2)))
        return [*rows, lower_bound_row(setting.problem)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k = self.constants(setting)
        return refined_minimum(setting.problem.initial_gap, k.eta * (1 - self._theta(setting) / 2), steps, k)


class D1Iterations(_NonConvex):
    r"""Some t <= N = F0/(eta (1 - theta/2) phi(eps)) has ‖grad f(x_t)‖ <= eps: flat in c for c >= eps, 1/c below.

    **Hypotheses.** Those of `D1Phi`.

    **Proof.** If u_t > eps for all t < T then T phi(eps) < F0/(eta(1 - theta/2)) by `D1Phi` (T >= 1), that is, T < N. So the
    first such index is smaller than max(1, ceil N), hence <= N. With theta fixed, N depends on c through phi(eps) =
    eps min(eps, c) only.

    Parameters
    ----------
    accuracy : float eps in (0, inf)

    Notes
    -----
    The value does not depend on `steps`; `iterations` takes several accuracies.
    """

    accuracy: float = parameter(POSITIVE, "the gradient norm to be reached")

    quantity = "iterations"
    statement = r"\min\{t:\|g_t\|\le\epsilon\}\le\frac{F_0}{\eta(1-\theta/2)\,\epsilon\min(\epsilon,c)}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return least_average(self, setting, 1.0) / phi(self.accuracy, self.constants(setting).c)


def iterations(setting: Setting, eps: float) -> float:
    """The count N of `D1Iterations` for one or several accuracies.

    Parameters
    ----------
    setting : Setting
    eps : array_like, in (0, inf)

    Returns
    -------
    ndarray of the shape of `eps`, or float64

    Raises
    ------
    HypothesesFail
        If a hypothesis of D1 fails.
    ValueError
        If an accuracy is not positive.
    """
    eps = np.asarray(eps, dtype=np.float64)
    return np.vectorize(lambda e: float(D1Iterations(e).value(setting, 1)), otypes=[np.float64])(eps)[()]
