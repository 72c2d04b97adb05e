"""Normalised SGD with momentum (NSGD-M) on L-smooth functions: the mean gradient norm, with explicit constants.

Notation: x_{t+1} = x_t - eta m_t/‖m_t‖, m_t = beta m_{t-1} + (1 - beta) gbar_t, m_{-1} = 0; u_t = ‖grad f(x_t)‖, xi_t = gbar_t - grad f(x_t). m_t/‖m_t‖ is
the direction of the weighted mean v_t = sum_{j<=t} w_{tj} gbar_{t-j}, w_{tj} = (1 - beta) beta^j/(1 - beta^{t+1}), whose weights sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...methods import NormalizedMomentumSGD
from ...specs import Interval, parameter
from ..base import Bound, Hypothesis
from ..koloskova2023.common import lipschitz_row, lower_bound_row, moment_row
from ..nobile2026.constants import group_sigma, moment_growth

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting

EXACT, PIECES = 4096, 4096  # steps that are taken one by one, and pieces behind them


def delay(t: FloatArray, beta: float) -> FloatArray:
    """Delta_t = sum_j j w_{tj} = beta/(1 - beta) - (t + 1) beta^{t+1}/(1 - beta^{t+1}): the mean age of a gradient in v_t.

    The difference is rounded up. It is at most t/2, the mean age under equal weights, as the weights fall with the age.
    """
    if beta == 0:
        return np.zeros_like(t)
    exponent, longest = (t + 1) * np.log(beta), beta / (1 - beta)
    found = longest + (t + 1) * np.exp(exponent) / np.expm1(exponent)
    return np.minimum(np.maximum(found, 0.0) + 8 * np.finfo(float).eps * (longest + t), t / 2)


def concentration(t: FloatArray, beta: float, p: float) -> FloatArray:
    """sum_j w_{tj}^p."""
    if beta == 0:
        return np.ones_like(t)
    log = np.log(beta)
    shares = np.expm1(p * (t + 1) * log) / np.expm1(p * log)
    return shares * (np.expm1(log) / np.expm1((t + 1) * log)) ** p


def summed(values: FloatArray, ends: FloatArray, steps: FloatArray) -> FloatArray:
    """sum over t < steps, values[k] standing for the steps ends[k - 1], ..., ends[k] - 1."""
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(ends, prepend=0.0))])
    place = np.searchsorted(ends, steps)
    before = np.concatenate([[0.0], ends])[place]
    return total[place] + (steps - before) * values[place]


class NormalizedMomentumMean(Bound):
    r"""(1/T) sum_{t<T} E u_t <= F0/(eta T) + L eta/2 + (2/T) sum_{t<T} [ L eta Delta_t + sigma (K_p W_t)^{1/p} ].

    Delta_t = sum_j j w_{tj} <= beta/(1 - beta), W_t = sum_j w_{tj}^p, K_p of `moment_growth` (K_2 = 1). For p = 2 and T -> inf:
    L eta (1/2 + 2 beta/(1 - beta)) + 2 sigma sqrt((1 - beta)/(1 + beta)).

    **Hypotheses.** f L-smooth, f* <= inf f; E gbar = grad f, E‖gbar - grad f‖^p <= sigma^p < inf, given the past. Any eta > 0, beta in [0, 1). A batch has the
    sigma of its mean (`group_sigma`).

    **Proof.** *Descent along m/‖m‖.* e = v_t - grad f(x_t). If v_t != 0, <grad f, v/‖v‖> = ‖v‖ - <e, v/‖v‖> >= ‖v‖ - ‖e‖ >= u_t - 2‖e‖. With the
    L-smoothness, f(x_{t+1}) <= f(x_t) - eta (u_t - 2‖e_t‖) + L eta²/2. If v_t = 0 there is no step and ‖e_t‖ = u_t: it holds too.
    The sum over t < T is (1/T) sum u_t <= F0/(eta T) + L eta/2 + (2/T) sum ‖e_t‖, for every trajectory.
    *Error of the mean.* e_t = sum_j w_{tj} (grad f(x_{t-j}) - grad f(x_t)) + sum_j w_{tj} xi_{t-j}. No step is longer than eta, so the first sum has a norm of
    at most L eta Delta_t. For the second, `moment_growth` gives ‖a + b‖^p <= ‖a‖^p + p‖a‖^{p-2}<a, b> + K_p‖b‖^p; let a be the sum of the earlier noise,
    b the next term: the middle term has mean 0 given the past, so E‖sum_j w_{tj} xi_{t-j}‖^p <= K_p sigma^p W_t, and Jensen takes the root. QED

    **What is computed.** Delta_t increases with t and W_t decreases: the weights of t + 1 in falling order have smaller partial sums, so they are
    majorised by those of t, and w^p is convex. Beyond some thousand steps a piece is taken at the end where each is larger.

    The factor 2 of the error is the price of not knowing its direction. With beta = 0 the noise does not average, and the bound stays above
    2 sigma. Such a floor there is: under Rademacher noise of size sigma on the line the sign of the estimate has mean 0 wherever u < sigma.

    Parameters
    ----------
    p : float in (1, 2]
        Which moment of the noise is used.
    """

    p: float = parameter(Interval(1, 2, closed_high=True), "the moment of the noise that is used", default=2.0)

    quantity = "mean_gradient_norm"
    source = "proved here, for the method of Cutkosky and Mehta 2020"
    statement = (
        r"\bar G\le\frac{F_0}{\eta T}+\frac{L\eta}{2}+\frac2T\sum_{t<T}\Bigl[L\eta\Delta_t+\sigma(K_pW_t)^{1/p}\Bigr]"
    )

    @property
    def name(self) -> str:
        return "NormalizedMomentumMean" if self.p == 2 else f"NormalizedMomentumMean(p={self.p:g})"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        method = setting.method
        row = Hypothesis("NormalizedMomentumSGD", type(method).__name__, isinstance(method, NormalizedMomentumSGD))
        if not row.holds:
            return [row]
        return [
            row,
            moment_row(setting, self.p),
            lipschitz_row(setting.problem),
            lower_bound_row(setting.problem),
        ]

    def sigma(self, setting: Setting) -> float:
        """Of the mean of a batch."""
        return group_sigma(float(setting.moment(self.p)) ** (1 / self.p), self.p, setting.method.batch_size)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        method, L = setting.method, setting.problem.lipschitz
        eta, beta, last = method.step_size, method.momentum, float(steps.max())
        ends = np.arange(1.0, min(EXACT, last) + 1)
        if last > EXACT:
            ends = np.unique(np.concatenate([ends, np.ceil(np.geomspace(EXACT, last, PIECES))]))
        starts = np.concatenate([[0.0], ends[:-1]])
        drift = L * eta * delay(ends - 1, beta)
        noise = self.sigma(setting) * (moment_growth(self.p) * concentration(starts, beta, self.p)) ** (1 / self.p)
        errors = summed(drift + noise, ends, steps)
        return (setting.problem.initial_gap / eta + 2 * errors) / steps + 0.5 * L * eta
