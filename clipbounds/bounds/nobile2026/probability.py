"""Theorems 4 and 5: PS-Clip-SGD with high probability, constant threshold; superseded by Theorem 6, which needs no condition on tau."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...specs import Interval, parameter
from .expectation import _PerSample, half_threshold_bias, inverse_of_minorant
from .units import constant_condition, units_of

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting
    from ..base import Hypothesis
    from .units import Units


class _Probable(_PerSample):
    """Base: all but a share `failure_probability` of the trajectories satisfy the bound at each number of steps."""

    failure_probability: float = parameter(Interval(0, 1), "delta")

    aggregate = "probability"
    superseded_by = "Theorem6"

    def constants(self, setting: Setting) -> tuple[Units, float, float, float, float]:
        """(units, tau, L, eta, beta')."""
        units = self.units(setting)
        tau = float(units.thresholds[0])
        return units, tau, setting.problem.lipschitz, setting.method.step_size, half_threshold_bias(
            tau, units.sigma, self.p
        )  # fmt: skip

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        units = units_of(setting, self.p)
        return [*super().conditions(setting), constant_condition(units, 0, "constant threshold")]


class Theorem4(_Probable):
    """A union over the steps: with probability >= 1 - delta, (1/T) sum min{G_t², (3/8) tau G_t} <= R_T.

    R_T = 2F0/(eta T) + (beta' + r)², r = sqrt(2 (2 tau)^{2-p} sigma^p L_T/n) + 4 tau L_T/(3n), L_T = ln(2T/delta), for
    eta <= 1/L and tau >= 4 (sigma + r). The value is the consequence for (1/T) sum G_t (`inverse_of_minorant` with
    a = 3 tau/8); +inf at those T where tau >= 4 (sigma + r) fails, because then nothing is claimed.

    Proof. By Theorem 2 (Bernstein, a <= 2 tau, V <= (2 tau)^{2-p} sigma^p/n) and a union over T steps, given the past:
    ‖ghat - E ghat‖ <= r at all steps with probability >= 1 - delta. Then ‖ghat - g‖ <= B(G) + r =: e and, for
    eta <= 1/L, f(x+) <= f - (eta/2)(G² - e²). If G <= tau/2, e <= beta' + r. Otherwise G² - e² >= (3/8) tau G: either
    e <= sigma/p + r <= tau/4 < G/2, or G >= 7 tau/8 and e = G - x with x = tau - sigma - r in [3 tau/4, tau], where
    x (2G - x) is concave in x and at least (6/7) tau·G·(3/4) at both ends. Sum over t.

    Parameters
    ----------
    p : float in (1, 2]
    failure_probability : float delta in (0, 1)
    """

    statement = (
        r"\Pr\Big[\tfrac1T\sum\min\{G_t^2,\tfrac38\tau G_t\}\le\tfrac{2F_0}{\eta T}+(\beta'+r)^2\Big]\ge1-\delta"
    )

    def radius(self, setting: Setting, steps: FloatArray) -> FloatArray:
        """r at T = steps."""
        units, tau, _, _, _ = self.constants(setting)
        log_term = np.log(2 * steps / self.failure_probability)
        spread = (2 * tau) ** (2 - self.p) * units.sigma**self.p / units.count
        return np.sqrt(2 * spread * log_term) + 4 * tau * log_term / (3 * units.count)

    def truncated_square(self, setting: Setting, steps: FloatArray) -> FloatArray:
        """R_T; +inf where nothing is claimed."""
        units, tau, _, _, bias = self.constants(setting)
        r = self.radius(setting, steps)
        level = self.level(setting, steps) + (bias + r) ** 2
        return np.where(tau >= 4 * (units.sigma + r), level, np.inf)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        _, tau, _, _, _ = self.constants(setting)
        return inverse_of_minorant(self.truncated_square(setting, steps), 3 * tau / 8)


class Theorem5(_Probable):
    """Freedman along the trajectory, any n: with probability >= 1 - delta, (1/T) sum G_t² <= 4D/(eta T), f(x_t) - f* <= D.

    Vb = (1.5 tau)^{2-p} sigma^p/n, W = max(sqrt(2LD), beta'), lg = ln(2/delta), and D the smallest number with
    D >= F0 + (3/4) eta T beta'² + ((e-1)/2) L eta² T Vb + lg (max{4(e-2) eta Vb, 2 eta tau W/n} + 2L eta² tau²), for
    eta <= 1/L and tau >= 2 sqrt(2LD). The value is sqrt(4D/(eta T)) >= (1/T) sum G_t, and +inf at those T where
    tau >= 2 sqrt(2LD) fails, because then nothing is claimed.

    Proof. While f(x_s) - f* <= D the gradient has G <= sqrt(2LD) <= tau/2, so the bias is at most beta' and, given the
    past, theta = ghat - E ghat has E‖theta‖² <= Vb (M = tau + G <= 1.5 tau), ‖theta‖ <= 2 tau. As in Theorem 3,
    f(x+) <= f - (eta/2) G² + (eta/2) beta'² - eta <w, theta> + (L eta²/2)‖theta‖² with w = (1 - L eta) g + L eta (g - m), so
    ‖w‖² <= G² + beta'² and ‖w‖ <= W. theta is a mean of n independent terms of norm at most 2 tau: for
    lam = 1/max{4(e-2) eta Vb, 2 eta tau W/n} each exponent is at most 1 in size, e^x - 1 - x <= (e-2) x² there, and
    E exp(-lam eta <w, theta>) <= exp(lam² eta² (e-2) Vb (G² + beta'²)) <= exp(lam (eta/4)(G² + beta'²)). Also
    e^x <= 1 + (e-1) x on [0, 1] with x = ‖theta‖²/(4 tau²). Ville's inequality for both supermartingales, stopped at the
    first exit from f - f* <= D, each with delta/2: (eta/4) sum G² + f(x_t) - f* <= right side <= D for all t <= T, so there
    is no exit.
    """

    statement = r"\Pr\Big[\tfrac1T\sum G_t^2\le\tfrac{4D}{\eta T},\ \max_t f(x_t)-f^*\le D\Big]\ge1-\delta"

    def excursion(self, setting: Setting, steps: FloatOrArray) -> FloatArray:
        """D at T = steps, in closed form: the inequality is quadratic in sqrt D; +inf where nothing is claimed."""
        units, tau, lipschitz, eta, bias = self.constants(setting)
        log_term = np.log(2 / self.failure_probability)
        spread = (1.5 * tau) ** (2 - self.p) * units.sigma**self.p / units.count
        base = (
            setting.problem.initial_gap
            + 0.75 * eta * steps * bias**2
            + (math.e - 1) / 2 * lipschitz * eta**2 * steps * spread
            + log_term * 2 * lipschitz * eta**2 * tau**2
        )
        pull = log_term * 2 * eta * tau / units.count
        slope = pull * np.sqrt(2 * lipschitz)
        root = 0.5 * (slope + np.sqrt(slope**2 + 4 * base))
        gap = np.maximum(root**2, base + np.maximum(log_term * 4 * (math.e - 2) * eta * spread, pull * bias))
        gap = gap * (1 + 1e-12)
        return np.where(tau >= 2 * np.sqrt(2 * lipschitz * gap), gap, np.inf)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return np.sqrt(4 * self.excursion(setting, steps) / (setting.method.step_size * steps))


class Theorem5Gap(Theorem5):
    """The second half of Theorem 5: f(x_t) - f* <= D for all t <= T with probability >= 1 - delta."""

    quantity = "gap"
    superseded_by = "Theorem6Gap"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.excursion(setting, steps)
