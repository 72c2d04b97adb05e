"""Theorem 2 for a setting: hypotheses, exponents, and a curve of that slope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...methods import PowerSchedule, SClipEF, Setting
from ...noise import Noise, Pareto, Stable, StudentT, SymmetricLomax, SymmetricPareto
from ...specs import POSITIVE, Interval, parameter
from ..base import Bound, Hypothesis
from .drift import Clients, far_field_gamma, is_symmetric, method_rows
from .exponent import Exponents, combine
from .growth import is_standard

if TYPE_CHECKING:
    from ...array_types import FloatArray

SAME = 1e-12  # client gradients at the minimiser that count as 0, relative to L(1 + |x*|)


def has_weak_moment(noise: Noise, p: float) -> bool:
    """Whether P(|xi| > x) <= (sigma/x)^p for some sigma: a moment E|xi|^p, or a law whose tail is a power x^{-p}."""
    if math.isfinite(float(noise.moment(p))):
        return True
    power_tail = isinstance(noise, (Pareto, SymmetricLomax, SymmetricPareto, Stable, StudentT))
    index = getattr(noise, "dof", getattr(noise, "tail_index", 0.0)) if power_tail else 0.0
    return bool(p < 2 and index >= p)


def power_of(method: Any) -> float:
    """q of T = T0 s^q, or nan for other schedules."""
    schedule = method.smoothing if isinstance(method, SClipEF) else method.threshold
    if not isinstance(schedule, PowerSchedule):
        return math.nan
    return schedule.power / 2 if isinstance(method, SClipEF) else schedule.power


class StrongRate(Bound):
    """Theorem 2. E‖x_t - x*‖² = O(t^{-E}), E = min(2 theta mu, B, 1 - 2q + qp), if theta gamma < q.

    For SClip-EF with the standard powers (q = 3/10) and for `GrowingSmoothClip` with the step theta/(s + s0) and the
    threshold T0 s^q, smooth or hard, on a server. B = 2qp; 4q for the smooth operator if all clients have the same noise
    law; no B if all grad f_i(x*) = 0. Noise symmetric, E|xi|^p < inf or P(|xi| > x) <= (sigma/x)^p (then p < 2). gamma is
    the mean of max(0, -l_i) for the joint operator and in dimension 1, else the mean of `repulsion` (l_i, L_i): **no
    condition on theta for convex clients under the joint operator.** Without symmetry, for the plain method, 1 < p <= 2 and
    E xi = 0: B = 2q(p-1). Proof: page "Proofs: growing thresholds", theorems 1 and 2.

    The theorem says nothing of constants: the curve passes through (anchor_step, anchor_value), and is drawn, never asserted.
    `exponents(setting)` is proved. It supersedes the exponent of `Rate`, whose condition on theta has a factor sqrt(dim).

    Parameters
    ----------
    p : float in (0, 2], the moment of the noise; default 1
    anchor_step, anchor_value : float in (0, inf)
    """

    p: float = parameter(Interval(0, 2, closed_high=True), "a moment of the noise", default=1.0)
    anchor_step: float = parameter(POSITIVE, default=1.0)
    anchor_value: float = parameter(POSITIVE, default=1.0)

    kind = "prediction"
    asserted = False
    quantity = "squared_distance"
    statement = r"\mathbb{E}\|x^t-x^*\|^2 = O(t^{-E}),\ E=\min\{2\theta\mu, B, 1-2q+qp\}"
    source = "Theorem 2 of growing thresholds, proved here (theory page error-feedback-2, section 3)"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        rows, known = method_rows(setting)
        if not known:
            return rows
        method, noise, p = setting.method, setting.noise, self.p
        plain = not isinstance(method, SClipEF)
        q, theta = power_of(method), method.theta
        if plain:
            rows.append(
                Hypothesis("step theta/(s + s0), threshold T0 s^q", f"q = {q:.6g}", theta is not None and q > 0)
            )
        else:
            rows.append(
                Hypothesis("standard powers, beta in [0, 1)", f"beta = {method.averaging}", is_standard(method))
            )
        symmetric = is_symmetric(noise)
        if symmetric:
            rows.append(Hypothesis("q in (0, 1/2)", f"q = {q:.6g}", 0 < q < 0.5))
            rows.append(Hypothesis("E|xi|^p < inf, or a tail x^{-p}", f"p = {p:.6g}", has_weak_moment(noise, p)))
        else:
            rows.append(Hypothesis("noise symmetric, or the plain method", type(noise).__name__, plain))
            rows.append(Hypothesis("q in (0, 1)", f"q = {q:.6g}", 0 < q < 1))
            finite = p > 1 and math.isfinite(float(noise.moment(p)))
            rows.append(Hypothesis("E xi = 0, E|xi|^p < inf, 1 < p <= 2", f"p = {p:.6g}", finite))
        gamma, theta = far_field_gamma(setting), math.nan if theta is None else theta
        value = (
            f"theta = {theta:.6g}, gamma = {gamma:.6g}; theta below {q / gamma if gamma > 0 else math.inf:.6g} would do"
        )
        return [*rows, Hypothesis("theta gamma < q", value, theta * gamma < q)]

    def exponents(self, setting: Setting) -> Exponents:
        """The three exponents. Hypotheses are checked."""
        self.value(setting, 1)
        return self._exponents(setting)

    def _exponents(self, setting: Setting) -> Exponents:
        problem, method = setting.problem, setting.method
        clients = Clients.of(problem)
        size = clients.smoothness.max() * (1 + np.linalg.norm(problem.minimiser))
        return combine(
            method.theta * clients.strong_convexity,
            self.p,
            power_of(method),
            clients.equal_laws and bool(method.smooth),
            bool(clients.slopes.max() <= SAME * size),
            is_symmetric(setting.noise),
        )

    def exponent(self, setting: Setting) -> float:
        """The smallest of the three. Hypotheses are checked."""
        return self.exponents(setting).smallest

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.anchor_value * (steps / self.anchor_step) ** -self._exponents(setting).smallest
