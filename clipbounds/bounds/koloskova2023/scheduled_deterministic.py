"""Clipped gradient descent with step sizes and thresholds that change: D1 and D2 with weights.

Notation: u_t = ‖grad f(x_t)‖, phi_t(u) = min(u², c_t u), alpha_t = eta_t min(1, c_t/u_t), theta_t = eta_t(L0 + c_t L1). D0 (`deterministic`) and
the one step of D2 (`convex`) speak of one step, so they hold with eta_t, c_t at each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...methods.schedules import Schedule
from ...noise import NoNoise
from ..base import Hypothesis
from .common import lipschitz_row, lower_bound_row
from .convex import convex_rows, squared_distance
from .schedules import ScheduledBound, largest_product, numbers_of, schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...array_types import FloatArray, IntArray
    from ...methods.base import Setting

HALVINGS = 120  # of the logarithm of a ratio of floats: the bracket shrinks to their spacing


def largest_root(total: Callable[[float], float], budget: float) -> float:
    """The largest m >= 0 with total(m) <= budget, rounded up; `total` increases from 0 without end. By bisection."""
    if not budget > 0:
        return 0.0
    high = 1.0
    while total(high) <= budget:
        high *= 16
        if high > 1e300:
            return math.inf
    low = high
    while total(low) > budget and low > 1e-300:
        low /= 16
    for _ in range(HALVINGS):
        middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            break
        low, high = (middle, high) if total(middle) <= budget else (low, middle)
    return high * (1 + 1e-12)  # sums of many numbers are rounded


class _ScheduledDescent(ScheduledBound):
    """Clipped gradient descent: it holds for every trajectory."""

    aggregate = "every"

    def further(self, setting: Setting) -> list[Hypothesis]:
        noise = setting.noise
        exact = Hypothesis("exact gradients (NoNoise)", type(noise).__name__, isinstance(noise, NoNoise))
        return [exact, *self.smooth_rows(setting), lower_bound_row(setting.problem)]

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        (L0, L1, _), method = self.smallest(setting), setting.method
        largest = self._largest_step(setting) * L0 + (largest_product(method) * L1 if L1 > 0 else 0.0)
        row = Hypothesis(
            "theta_t = eta_t(L0 + c_t L1) < 2 for all t", f"{largest:.6g} < 2 (L0 = {L0:.6g})", largest < 2
        )
        return [*self.step_rows(setting), row]

    @staticmethod
    def _largest_step(setting: Setting) -> float:
        found = schedule_of(setting.method, "step_size")
        return found.supremum if isinstance(found, Schedule) else found

    def numbers(
        self, setting: Setting, steps: FloatArray
    ) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
        """The different horizons, the place of each of `steps` among them, and eta_t, c_t and theta_t up to the longest."""
        horizons, where = np.unique(np.ravel(steps).astype(np.int64), return_inverse=True)
        eta, c = (numbers_of(setting.method, name, int(horizons[-1])) for name in ("step_size", "threshold"))
        L0, L1, _ = self.smallest(setting)
        return horizons, where, eta, c, eta * (L0 + c * L1)


class ScheduledD1Min(_ScheduledDescent):
    r"""min_{t<T} ‖g_t‖ <= m, the largest m with sum_{t<T} eta_t(1 - theta_t/2) phi_t(m) <= F0.

    **Hypotheses.** First-order constants on a radius >= eta_t c_t with eta_t c_t L1 <= 1 and theta_t < 2 for all t; f* <= inf f.

    **Proof.** D0 at each step, summed: sum eta_t(1 - theta_t/2) phi_t(u_t) <= f(x_0) - f(x_T) <= F0. Every phi_t increases, so the sum
    with min_s u_s in place of all u_t is no larger. QED For constants it is `D1Min`.
    """

    quantity = "min_gradient_norm"
    source = "koloskova2023, non-convex deterministic; proved here for schedules"
    statement = r"\min_{t<T}\|g_t\|\le\max\Bigl\{m:\sum_{t<T}\eta_t(1-\tfrac{\theta_t}2)\min(m^2,c_tm)\le F_0\Bigr\}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        horizons, where, eta, c, theta = self.numbers(setting, steps)
        gain = eta * (1 - theta / 2)

        def least(T: int) -> float:
            return largest_root(lambda m: float(gain[:T] @ (m * np.minimum(m, c[:T]))), setting.problem.initial_gap)

        return np.array([least(int(T)) for T in horizons])[where].reshape(np.shape(steps))


class ScheduledD1Mean(_ScheduledDescent):
    r"""sum eta_t ‖g_t‖/S <= sqrt A if A <= c²/4, else A/c + c/4; A = F0/((1 - theta/2) S), S = sum_{t<T} eta_t.

    c is the smallest of c_0, ..., c_{T-1} and theta the largest of the theta_t.

    **Hypotheses.** Those of `ScheduledD1Min`.

    **Proof.** phi_t(u) >= 2su - s² for 0 <= s <= c/2: it is the tangent of u² at s, and for u >= c_t it lies below c_t u, as
    2s <= c_t. So D0, summed, gives (1 - theta/2) sum eta_t(2s u_t - s²) <= F0, that is mean <= (A + s²)/(2s); take s = min(sqrt A, c/2). QED
    For constants it is `D1Mean`.
    """

    quantity = "weighted_mean_gradient_norm"
    source = "koloskova2023, non-convex deterministic; proved here for schedules"
    statement = r"\frac{\sum\eta_t\|g_t\|}{\sum\eta_t}\le\sqrt A\ (A\le c^2/4),\ \ \frac Ac+\frac c4\ \text{otherwise},\ A=\frac{F_0}{(1-\theta/2)\sum\eta_t}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        horizons, where, eta, c, theta = self.numbers(setting, steps)
        last = horizons - 1
        largest, least = np.maximum.accumulate(theta)[last], np.minimum.accumulate(c)[last]
        average = setting.problem.initial_gap / ((1 - largest / 2) * np.cumsum(eta)[last])
        value = np.where(average <= least**2 / 4, np.sqrt(average), average / least + least / 4)
        return (value * (1 + 1e-12))[where].reshape(np.shape(steps))


class ScheduledD2(_ScheduledDescent):
    r"""f(x_T) - f* <= D, the largest D with sum_{t<T} eta_t min( D, c_t sqrt(D/(2L)) ) <= R0²/2.

    **Hypotheses.** f convex and L-smooth with f* = f(x*), ‖x_0 - x*‖ = R0; eta_t L <= 1 for all t.

    **Proof.** One step of D2 needs the descent lemma only, which holds for steps of any length under a global L:
    ‖x_{t+1} - x*‖² <= ‖x_t - x*‖² - 2 alpha_t(f(x_t) - f*). With d_t = f(x_t) - f* and u_t <= sqrt(2 L d_t),
    alpha_t d_t = eta_t min(1, c_t/u_t) d_t >= eta_t min(d_t, c_t sqrt(d_t/(2L))), which increases in d_t; and d_t >= d_T for t <= T, as f does not
    increase (D0, theta_t <= 1). Sum over t < T. QED For constants it is (a) of `D2LastIterate`: max(B, 2 L B²/c²), B = R0²/(2 eta T).
    """

    quantity = "gap"
    source = "koloskova2023, convex deterministic; proved here for schedules"
    statement = r"f(x_T)-f^*\le\max\Bigl\{D:\sum_{t<T}\eta_t\min\bigl(D,c_t\sqrt{D/(2L)}\bigr)\le R_0^2/2\Bigr\}"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        problem, eta = setting.problem, self._largest_step(setting)
        rows = [lipschitz_row(problem)]
        if rows[0].holds:
            product = eta * problem.lipschitz
            rows.append(Hypothesis("eta_t L <= 1 for all t", f"{product:.6g}", bool(product <= 1)))
        return [
            *rows,
            *convex_rows(problem),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        horizons, where, eta, c, _ = self.numbers(setting, steps)
        L, budget = setting.problem.lipschitz, squared_distance(setting.problem) / 2
        if L == 0:
            return np.zeros_like(steps)

        def gap(T: int) -> float:
            return largest_root(lambda D: float(eta[:T] @ np.minimum(D, c[:T] * math.sqrt(D / (2 * L)))), budget)

        return np.array([gap(int(T)) for T in horizons])[where].reshape(np.shape(steps))
