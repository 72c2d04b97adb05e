"""Upper bounds without variance reduction: mini-batch clipping, clipped SGD, gradient descent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import methods
from ...clipping import NormClip
from ...methods import ClippedStep, MiniBatch, RuleH
from ...oracles import Adaptive
from ..base import Hypothesis
from .common import SLACK, WithRule, at_most, mean_constants, valid_constants

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting

# threshold of C over sigma, and the free constants of its proof
REACH, SMALL, WEIGHT, LARGEST = 5.0, 0.1, 0.391, 1.6


def batch_error(setting: Setting) -> float:
    """Bound on E‖v - grad F‖: sigma/sqrt B, or 0 where the batch is the full gradient."""
    components = getattr(setting.noise, "components", None)
    batch = setting.method.batch_size
    return 0.0 if components is not None and batch >= components else setting.sigma / math.sqrt(batch)


class MiniBatchClipping(WithRule):
    """avg_{k<K} E psi(‖grad F(x_k)‖) <= Delta L0/(K delta) + delta/2 + (2 + tau/2) sigma/sqrt B: rule H, no variance reduction.

    Hypotheses: rule H with first-order constants (L0, L1) of F that are valid on the radius delta/L0, tau <= 1, variance at
    most sigma². Proof: that of `SpiderH` with E‖e_k‖ <= sigma/sqrt B.
    """

    quantity = "mean_certified"
    statement = (
        r"\frac1K\sum_{k<K}\mathbb E\,\psi(\|\nabla F(x_k)\|)\le\frac{\Delta L_0}{K\delta}+\frac\delta2"
        r"+\left(2+\frac\tau2\right)\frac\sigma{\sqrt B}"
    )
    source = "proved here; theory page variance-reduction, M"
    method_type, rule_type = MiniBatch, RuleH

    def details(self, setting: Setting) -> list[Hypothesis]:
        rule = setting.method.rule
        error = batch_error(setting)
        return [
            valid_constants("(L0, L1) of F on the radius delta/L0", rule, mean_constants(setting.problem, rule.radius)),
            at_most("tau = L1 delta/L0", rule.tau, 1.0),
            Hypothesis("E‖v - grad F‖ is bounded", f"{error:.6g}", math.isfinite(error)),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        rule = setting.method.rule
        descent = setting.problem.initial_gap * rule.L0 / (steps * rule.step_scale)
        return descent + rule.step_scale / 2 + (2 + rule.tau / 2) * batch_error(setting)


class GradientDescent(MiniBatchClipping):
    """min_{k<K}‖grad F(x_k)‖ <= psi^{-1}(Delta L0/(K delta) + delta/2) for rule H without noise.

    With delta = psi(eps) the right side is eps from K = 2 Delta (L0 + L1 eps)²/(L0 eps²) on. Where the argument is at least
    L0/L1, the supremum of psi, the bound is inf.

    Hypotheses: those of `MiniBatchClipping` with sigma = 0. Proof: a minimum is at most a mean, and psi is increasing.
    """

    quantity = "min_gradient_norm"
    statement = r"\min_{k<K}\|\nabla F(x_k)\|\le\psi^{-1}\left(\frac{\Delta L_0}{K\delta}+\frac\delta2\right)"
    source = "proved here; theory page variance-reduction, GD"
    aggregate = "every"

    def details(self, setting: Setting) -> list[Hypothesis]:
        error = batch_error(setting)
        return [*super().details(setting), Hypothesis("gradients are exact", f"error {error:g}", error == 0)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        mean = super().evaluate(setting, steps)
        ratio = setting.method.rule.ratio
        with np.errstate(divide="ignore"):
            return np.where(ratio * mean < 1, mean / np.maximum(1 - ratio * mean, 0.0), np.inf)


class ClippedSGD(WithRule):
    """avg_{k<K} E‖grad F(x_k)‖ <= sqrt(4N/3), N = Delta/(K eta) + L0 eta sigma²/2 + .391 L1² eta² sigma⁴, whenever <= 1.6 sigma.

    Hypotheses: x <- x - min{eta, gamma/‖g‖} g with one sample a step, which is `methods.MiniBatch` with `ClippedStep(eta, gamma)`
    and `methods.ClippedSGD(eta, NormClip(gamma/eta))` alike, ‖g - grad F‖ <= sigma always, gamma = 5 sigma eta,
    eta L0 <= .1, gamma L1 <= .1, (L0, L1) first-order constants of F on the radius gamma (all steps are at most that long).
    Where sqrt(4N/3) > 1.6 sigma the bound is inf.

    Proof. Let u = ‖grad F‖. (a) u <= 4 sigma: nothing is clipped, and E F(x+) <= F - eta u² + (L0 + L1 u) eta² (u² + sigma²)/2.
    Here eta L0 <= .1 and eta L1 u <= .1 u/(5 sigma) <= .08, so the terms in u² leave -.91 eta u²; and L1 u eta² sigma²/2 <=
    .16 eta u² + eta³ L1² sigma⁴/(16·.16). What is left is -.75 eta u². (b) u > 4 sigma: if ‖g‖ >= 5 sigma, the angle between g
    and grad F has a cosine of at least sqrt(15/16), so the step gains 4.84 eta sigma u; otherwise at least eta u (u - sigma) >=
    3 eta sigma u. The square costs at most (L0 + L1 u) gamma²/2 <= eta (1.25 sigma² + .25 sigma u). So F falls by at least
    eta (2.75 sigma u - 1.25 sigma²). Together: the expected fall is at least .75 eta phi(u) - eta (N - Delta/(K eta)) with
    phi(u) = u² up to 1.6 sigma and its tangent 3.2 sigma u - 2.56 sigma² beyond, which is convex. Sum: phi(avg E u) <= 4N/3,
    and where that is at most (1.6 sigma)², phi is the square.
    """

    quantity = "mean_gradient_norm"
    statement = (
        r"\frac1K\sum_{k<K}\mathbb E\|\nabla F(x_k)\|\le\sqrt{\tfrac43\left(\frac{\Delta}{K\eta}+\frac{L_0\eta\sigma^2}2"
        r"+.391\,L_1^2\eta^2\sigma^4\right)}"
    )
    source = "proved here; theory page variance-reduction, C"
    method_type, rule_type = MiniBatch, ClippedStep

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        if not getattr(setting.noise, "unbiased", True):
            shown = f"{type(setting.noise).__name__}: the rest of an epoch"
            return [Hypothesis("given the past, E g = grad F", shown, False)]
        if isinstance(setting.noise, Adaptive):  # made for clipped SGD in its own words
            return [Hypothesis("‖noise‖ <= sigma always", "Adaptive: a moment is bounded, the norm is not", False)]
        return super().conditions(_with_rule(setting))

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self._value(_with_rule(setting), steps)

    def _sigma(self, setting: Setting) -> float:
        return float(setting.noise.vector_bound(setting.problem.dim))

    def details(self, setting: Setting) -> list[Hypothesis]:
        method, sigma = setting.method, self._sigma(setting)
        rule = method.rule
        rows = [
            Hypothesis("one sample a step", f"B = {method.batch_size}", method.batch_size == 1),
            Hypothesis("‖noise‖ <= sigma always", f"sigma = {sigma:.6g}", math.isfinite(sigma) and sigma > 0),
        ]
        if not rows[1].holds:
            return rows
        gamma = REACH * sigma * rule.step_size
        constants = mean_constants(setting.problem, rule.reach)
        return [
            *rows,
            Hypothesis(
                "gamma = 5 sigma eta", f"{rule.reach:.6g} and {gamma:.6g}", abs(rule.reach - gamma) <= SLACK * gamma
            ),
            at_most("eta L0 <= 0.1", rule.step_size * constants.L0, SMALL),
            at_most("gamma L1 <= 0.1", rule.reach * constants.L1, SMALL),
        ]

    def _value(self, setting: Setting, steps: FloatArray) -> FloatArray:
        rule, sigma = setting.method.rule, self._sigma(setting)
        eta = rule.step_size
        constants = mean_constants(setting.problem, rule.reach)
        floor = constants.L0 * eta * sigma**2 / 2 + WEIGHT * constants.L1**2 * eta**2 * sigma**4
        value = np.sqrt(4 / 3 * (setting.problem.initial_gap / (steps * eta) + floor))
        return np.where(value <= LARGEST * sigma * (1 + SLACK), value, np.inf)


def _with_rule(setting: Setting) -> Setting:
    """Clipped SGD in the words of step rules: eta clip_c(g) = min{eta, eta c/‖g‖} g; other settings as they are."""
    method = setting.method
    if not isinstance(method, methods.ClippedSGD) or not isinstance(method.clip, NormClip) or method.momentum != 0:
        return setting
    step = ClippedStep(method.step_size, method.step_size * method.clip.threshold)
    return setting.replace(method=MiniBatch(step, method.batch_size))
