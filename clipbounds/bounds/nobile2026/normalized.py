"""The baseline: normalised SGD under the same p-th moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...methods import NormalizedSGD
from ...specs import parameter
from ..base import Bound, Hypothesis
from .constants import group_sigma
from .expectation import EXPONENT
from .units import lipschitz_condition, moment_condition, sample_sigma

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting


class NormalizedSGDBound(Bound):
    """(1/T) sum E G_t <= F0/(eta T) + L eta/2 + 2 sigma n^{-1} (1 + K_p (n-1))^{1/p}, any eta > 0.

    For x+ = x - eta gbar/‖gbar‖ with gbar the unclipped mean of n independent samples, E‖xi‖^p <= sigma^p, f L-smooth.

    Proof. With u = gbar/‖gbar‖ (0 for gbar = 0) and e = gbar - g: <g, u> >= ‖gbar‖ - ‖e‖ >= G - 2‖e‖, so the descent lemma
    gives f(x+) <= f - eta (G - 2‖e‖) + L eta²/2. Sum; E‖e‖ <= (E‖sum xi‖^p)^{1/p}/n, `constants.moment_growth`.

    Parameters
    ----------
    p : float in (1, 2]
    """

    p: float = parameter(EXPONENT, "tail exponent: E‖xi‖^p is finite")

    quantity = "mean_gradient_norm"
    source = "proved here"
    statement = r"\frac1T\sum\mathbb E G_t\le\frac{F_0}{\eta T}+\frac{L\eta}2+\frac{2\sigma}n(1+K_p(n-1))^{1/p}"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        normalised = isinstance(setting.method, NormalizedSGD)
        return [
            Hypothesis("x+ = x - eta gbar/‖gbar‖", type(setting.method).__name__, normalised),
            moment_condition(setting, self.p),
            lipschitz_condition(setting),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatOrArray:
        method, problem = setting.method, setting.problem
        error = group_sigma(sample_sigma(setting, self.p), self.p, method.batch_size)
        return problem.initial_gap / (method.step_size * steps) + problem.lipschitz * method.step_size / 2 + 2 * error
