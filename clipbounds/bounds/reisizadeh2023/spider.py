"""Upper bounds for SPIDER with the step rules H, P (the paper's) and N."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...methods import RuleH, RuleN, RuleP, Spider
from ..base import Hypothesis
from .common import WithRule, at_most, averaged_constants, valid_constants
from .recursion import mean_error

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting


def fresh_error(setting: Setting) -> float:
    """a_0 = sigma²/S1, or 0 where a fresh batch is the full gradient."""
    components = getattr(setting.noise, "components", None)
    batch = setting.method.large_batch
    return 0.0 if components is not None and batch >= components else setting.sigma**2 / batch


class _Spider(WithRule):
    method_type = Spider
    largest_tau: ClassVar[float] = 1.0

    def details(self, setting: Setting) -> list[Hypothesis]:
        rule = setting.method.rule
        first = fresh_error(setting)
        averaged = averaged_constants(setting, rule.radius)
        return [
            valid_constants("averaged (L0, L1) on the radius delta/L0", rule, averaged),
            at_most("tau = L1 delta/L0", rule.tau, self.largest_tau),
            Hypothesis("E‖v - grad F‖² at fresh batches is bounded", f"a_0 = {first:.6g}", math.isfinite(first)),
        ]

    def _descent(self, setting: Setting, steps: FloatArray) -> FloatOrArray:
        """Delta L0/(K delta)."""
        rule = setting.method.rule
        return setting.problem.initial_gap * rule.L0 / (steps * rule.step_scale)

    def _error(self, setting: Setting, reach: int) -> float:
        method = setting.method
        rule = method.rule
        return mean_error(fresh_error(setting), rule.step_scale, rule.tau, reach, method.small_batch, method.epoch)


class SpiderH(_Spider):
    """avg_{k<K} E psi(‖grad F(x_k)‖) <= Delta L0/(K delta) + delta/2 + (2 + tau/2) ebar, psi(t) = t/(1 + L1 t/L0).

    Hypotheses: rule H with averaged first-order constants (L0, L1) that are valid on the radius delta/L0, tau = L1 delta/L0
    <= 1, unbiased gradients with E‖g - grad F‖² <= sigma² at fresh batches (none needed where these are full gradients).

    Proof. Write t = ‖v‖, u = ‖grad F‖, e = v - grad F, and rho = delta/(L0 + L1 t) <= delta/L0 for the length of the step. By
    Jensen F has the averaged constants too, so the descent lemma holds on that radius:
    F(x_{k+1}) <= F(x_k) - rho <grad F, v>/t + (L0 + L1 u) rho²/2. Here <grad F, v>/t >= t - ‖e‖ and u <= t + ‖e‖;
    rho t = (delta/L0) psi(t), (L0 + L1 t) rho²/2 = delta rho/2 <= delta²/(2 L0), and L1‖e‖rho²/2 <= (delta/L0)(tau/2)‖e‖. Thus
    psi(t) <= (L0/delta)(F(x_k) - F(x_{k+1})) + delta/2 + (1 + tau/2)‖e‖, also for v = 0. psi is 1-Lipschitz, so psi(u) <=
    psi(t) + ‖e‖. Sum over k and take expectations; E‖e_k‖ is bounded by `mean_error`.
    """

    quantity = "mean_certified"
    statement = (
        r"\frac1K\sum_{k<K}\mathbb E\,\psi(\|\nabla F(x_k)\|)\le\frac{\Delta L_0}{K\delta}+\frac\delta2"
        r"+\left(2+\frac\tau2\right)\bar e"
    )
    source = "proved here; theory page variance-reduction, H (after Reisizadeh et al. 2023)"
    rule_type = RuleH

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        rule = setting.method.rule
        error = self._error(setting, reach=1)
        return self._descent(setting, steps) + rule.step_scale / 2 + (2 + rule.tau / 2) * error


class SpiderP(_Spider):
    """avg_{k<K} E min{‖grad F(x_k)‖, L0/L1} <= Delta L0/(K delta) + delta + (2 + tau/2) ebar, for the paper's rule.

    Hypotheses: those of `SpiderH` with rule P and tau <= 1/2. A right-hand side <= eps/2 with eps <= L0/L1 gives
    P(‖grad F(x_out)‖ <= eps) >= 1/2 for a uniformly random iterate, by Markov.

    Proof. As for H, with rho = min{t/(2 L0), delta/L0, delta/(L1 t)}. Key step: -rho t + (L0 + L1 t) rho²/2 <=
    -(delta/L0)(min{t, L0/L1} - delta). Where rho = delta/L0 (then L1 t <= L0), the square is at most delta²/L0. Where
    rho = delta/(L1 t) (then L1 t >= L0) it is at most delta²/(L1 t) <= delta²/L0. Where rho = t/(2 L0), t <= 2 delta <= L0/L1
    by tau <= 1/2, so the left side is at most -t²/(4 L0), and (t/2 - delta)² >= 0. min(., L0/L1) is 1-Lipschitz; in the
    recursion (L0 + L1 t) rho <= 2 delta.
    """

    quantity = "mean_certified"
    statement = (
        r"\frac1K\sum_{k<K}\mathbb E\min\{\|\nabla F(x_k)\|,L_0/L_1\}\le\frac{\Delta L_0}{K\delta}+\delta"
        r"+\left(2+\frac\tau2\right)\bar e"
    )
    source = "proved here; theory page variance-reduction, P (the step rule of Reisizadeh et al. 2023)"
    rule_type = RuleP
    largest_tau = 0.5

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        rule = setting.method.rule
        error = self._error(setting, reach=2)
        return self._descent(setting, steps) + rule.step_scale + (2 + rule.tau / 2) * error


def normalised_factors(tau: float, epoch: int, small_batch: int) -> tuple[float, float]:
    """kap = (2/3) sqrt(q/S2) e^{2 tau q} and the factor 1 - tau/2 - 2 kap tau on the left of N."""
    kap = 2 / 3 * math.sqrt(epoch / small_batch) * math.exp(min(2 * tau * epoch, 700.0))
    return kap, 1 - tau / 2 - 2 * kap * tau


class SpiderN(_Spider):
    """(1 - tau/2 - 2 kap tau) avg E‖grad F‖ <= Delta L0/(K delta) + delta/2 + 2 sqrt(a_0) + 2 kap delta, normalised steps.

    kap = (2/3) sqrt(q/S2) e^{2 tau q}. Hypotheses: those of `SpiderH` with rule N, K a multiple of q, and a positive factor
    on the left.

    Proof. Every step has the length delta/L0, so as for H: (1 - tau/2) u <= (L0/delta)(F(x_k) - F(x_{k+1})) + delta/2 +
    2‖e‖. Inside an epoch L0 + L1 u changes by a factor of at most 1 + tau a step, so given its start, E‖e_j‖ <= sqrt(a_0) +
    sqrt(j/S2) e^{tau q}(delta + tau u_0), and delta + tau u_0 <= e^{tau q}(delta + tau u_i) for all i < q. With
    sum_{j<q} sqrt(j) <= (2/3) q^{3/2} the mean over the epoch is E‖e‖ <= sqrt(a_0) + kap (delta + tau mean E u).
    """

    quantity = "mean_gradient_norm"
    statement = (
        r"\left(1-\frac\tau2-2\kappa\tau\right)\frac1K\sum_{k<K}\mathbb E\|\nabla F(x_k)\|\le\frac{\Delta L_0}{K\delta}"
        r"+\frac\delta2+2\sqrt{a_0}+2\kappa\delta"
    )
    source = "proved here; theory page variance-reduction, N"
    rule_type = RuleN

    def details(self, setting: Setting) -> list[Hypothesis]:
        method = setting.method
        factor = normalised_factors(method.rule.tau, method.epoch, method.small_batch)[1]
        row = Hypothesis("1 - tau/2 - 2 kap tau is positive", f"{factor:.6g}", factor > 0)
        return [*super().details(setting), row]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        method = setting.method
        rule, epoch = method.rule, method.epoch
        if np.any(steps % epoch):
            bad = int(np.ravel(steps)[np.ravel(steps % epoch) > 0][0])
            raise ValueError(
                f"SpiderN: the number of steps K must be a multiple of the epoch q = {epoch}, because the proof averages whole"
                f" epochs, but {bad} was given; use {-(-bad // epoch) * epoch}"
            )
        kap, factor = normalised_factors(rule.tau, epoch, method.small_batch)
        rest = rule.step_scale / 2 + 2 * math.sqrt(fresh_error(setting)) + 2 * kap * rule.step_scale
        return (self._descent(setting, steps) + rest) / factor
