"""Theorem D1: the mean squared error of SClip-EF under symmetric noise with a first moment."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...methods import SClipEF
from ...problems import ClientProblem
from ..base import Bound, Hypothesis
from .growth import displacements, estimator_sizes, is_standard

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatArray
    from ...methods.base import Setting

NEGLECTED = 2 / 5  # the exponent that the averaging m_i and the length of a step leave


@cache
def smoothing_constant() -> float:
    """C1 = max over z > 0 of (1 - (1 + z²)^{-3/2})/z = .6560656959: 1 - Psi'(y)/kappa <= C1 |y|/sqrt(eps)."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda z: -(1 - (1 + z * z) ** -1.5) / z, bounds=(0.5, 2.0), method="bounded", options={"xatol": 1e-10}
    )
    return -float(found.fun)


class Rate(Bound):
    """Theorem D1. E‖x_t - x*‖² = O(t^{-delta}) for every delta < min(2/5, 2 theta (mu - rho L)), and V_t, explicitly.

    Hypotheses: f = sum_i w_i f_i mu-strongly convex, f_i L_i-smooth, L = max L_i; server form, component-wise Psi_t,
    standard powers, beta in [0, 1); noise independent over time, symmetric in each component, E|xi_k| <= sigma_i for
    client i; rho L < mu with rho = (5/3) C1 sqrt(d) L theta, theta = a c_phi/sqrt(tau).

    Non-asymptotic form, which `value` computes. Write w_t = sqrt(eps_t), alpha_t = eta_t (1 - beta_t) phi_t/w_t, M_t and
    D_t as in `EstimatorSize` and `Growth`, R0 = ‖x_0 - x*‖, E_t = R0 + sqrt(d) D_t, G_i = |grad f_i(x*)|_inf and
    H_i = ‖grad f_i(x*)‖. Then E‖x_t - x*‖² <= V_t, V_0 = R0², and V_{t+1} is the smaller of E_{t+1}² and

        max(0, 1 - 2 alpha_t (mu - sum_i w_i (r_i L_i + C1 H_i L_i/(2 w_t)))) V_t + 2 c_t sqrt(V_t) + d eta_t² M_{t+1}²,
        r_i = min(1, C1 ((L_i E_t + G_i + M_t)/2 + sigma_i)/w_t),
        c_t = sqrt(d) M_t max(eta_t beta_t, alpha_t) + alpha_t C1 sum_i w_i H_i ((G_i + M_t)/2 + sigma_i)/w_t.

    Proof. Let e = x_t - x*, kappa = phi_t/w_t, u_i = grad f_i(x_t) - m_i. For symmetric xi, h(u) = E Psi_t(u + xi) is
    odd and increasing, and h(u) = (1/2) E int_{-u}^{u} Psi_t'(xi + v) dv with 1 - Psi_t'(y)/kappa <= C1 |y|/w_t; so
    h(u) = kappa lambda u with 0 <= 1 - lambda <= min(1, C1 (|u|/2 + E|xi|)/w_t). Hence E m_i^{t+1} = beta_t m_i +
    (1 - beta_t) kappa Lambda_i u_i with a diagonal Lambda_i. In the one-step expansion ‖e‖² - 2 eta_t <e, sum w_i m_i'>
    + eta_t² ‖sum w_i m_i'‖² the last term is at most d eta_t² M_{t+1}². In the middle one
    sum w_i Lambda_i grad f_i(x) = grad f(x) - sum w_i (I - Lambda_i)(grad f_i(x) - grad f_i(x*))
    - sum w_i (I - Lambda_i) grad f_i(x*), the multiplier 1 that all clients share having cancelled by
    sum w_i grad f_i(x*) = 0. Its product with e is at least mu ‖e‖² - sum w_i r_i L_i ‖e‖²
    - ‖e‖ sum w_i H_i C1 ((L_i ‖e‖ + G_i + M_t)/2 + sigma_i)/w_t, because |u_i|_inf <= L_i ‖e‖ + G_i + M_t and
    ‖e‖ <= E_t (growth bound). The m_i enter with the factor eta_t beta_t - alpha_t Lambda_i, of size at most
    max(eta_t beta_t, alpha_t). Jensen gives E‖e‖ <= sqrt(E‖e‖²). Asymptotically sum w_i r_i L_i -> at most rho L, as
    E_t ~ sqrt(d) (10/3) a c_phi t^{3/10}; alpha_t ~ theta/t, c_t = O(t^{-6/5}) and eta_t² M_{t+1}² = O(t^{-7/5}), so
    that Chung's lemma gives every exponent below min(2/5, 2 theta (mu - rho L)).
    """

    quantity = "squared_distance"
    aggregate = "mean"
    superseded_by = "MomentRecursion"  # below V_t wherever both apply (a test); the exponent by that of `StrongRate`
    statement = r"\mathbb{E}\|x^t-x^*\|^2 = O(t^{-\delta}),\ \delta<\min\{\frac25, 2\theta(\mu-\rho L)\}"
    source = "Theorem D1, proved here; a substitute for the rate of yu2023 (arXiv 2310.16920)"

    def _constants(self, setting: Setting) -> tuple[float, float, float]:
        """theta, L, rho and sqrt(d); theta is nan where the schedules give none."""
        problem, theta = setting.problem, getattr(setting.method, "theta", None)
        theta = math.nan if theta is None else theta
        L = float(problem.client_lipschitz.max())
        return theta, L, 5 / 3 * smoothing_constant() * math.sqrt(problem.dim) * L * theta

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        problem, method, noise = setting.problem, setting.method, setting.noise
        shared = isinstance(problem, ClientProblem)
        rows = [Hypothesis("f = sum of w_i f_i over clients, f_i L_i-smooth", type(problem).__name__, shared)]
        right = isinstance(method, SClipEF)
        plain = right and method.smooth and method.error_feedback and not method.joint and method.network is None
        rows.append(
            Hypothesis("SClip-EF, component-wise, with feedback, on a server", repr(type(method).__name__), plain)
        )
        if not (shared and right):
            return rows
        rows.append(Hypothesis("standard powers, beta in [0, 1)", f"beta = {method.averaging}", is_standard(method)))
        mu = problem.strong_convexity
        rows.append(Hypothesis("f is mu-strongly convex, mu > 0", f"mu = {mu:.6g}", mu > 0))
        symmetric = bool(noise.symmetric or noise.radial)
        rows.append(Hypothesis("noise symmetric in each component", type(noise).__name__, symmetric))
        first = float(noise.moment(1.0))
        rows.append(Hypothesis("E|xi_k| <= sigma < inf", f"sigma = {first:.6g}", math.isfinite(first)))
        theta, L, rho = self._constants(setting)
        value = f"rho = {rho:.6g}, L = {L:.6g}, rho L = {rho * L:.6g}, mu = {mu:.6g}, theta = {theta:.6g}"
        rows.append(Hypothesis("rho L < mu, rho = (5/3) C1 sqrt(d) L theta", value, rho * L < mu))
        return rows

    def exponent(self, setting: Setting) -> float:
        """min(2/5, 2 theta (mu - rho L)): every smaller delta is a rate. Hypotheses are checked."""
        self.value(setting, 1)
        theta, L, rho = self._constants(setting)
        return min(NEGLECTED, 2 * theta * (setting.problem.strong_convexity - rho * L))

    @staticmethod
    def best_theta(problem: Any) -> float:
        """theta = 3 mu/(10 C1 sqrt(d) L²), which maximises 2 theta (mu - rho L)."""
        L = float(problem.client_lipschitz.max())
        return 0.3 * problem.strong_convexity / (smoothing_constant() * math.sqrt(problem.dim) * L * L)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        problem, method = setting.problem, setting.method
        last, d, C1 = int(steps.max()), problem.dim, smoothing_constant()
        t = np.arange(last)
        eta, phi, beta = method.step_size.at(t), method.level.at(t), method.averaging.at(t)
        width = np.sqrt(method.smoothing.at(t))
        alpha = eta * (1 - beta) * phi / width
        sizes = estimator_sizes(method, last)
        reach = float(problem.distance(problem.x0)) + math.sqrt(d) * displacements(method, sizes)

        pull, linear = np.full(last, problem.strong_convexity), np.zeros(last)
        sigma = float(setting.noise.moment(1.0))
        for weight, scale, L, g in zip(
            problem.weights, problem.noise_scales, problem.client_lipschitz, problem.gradients_at_minimiser, strict=True
        ):
            G, H = np.abs(g).max(), np.linalg.norm(g)
            offset = 0.5 * (G + sizes[:-1]) + scale * sigma
            multiplier = np.minimum(1.0, C1 * (0.5 * L * reach[:-1] + offset) / width)
            pull -= weight * (multiplier * L + C1 * H * L / (2 * width))
            linear += weight * C1 * H * offset / width
        linear = math.sqrt(d) * sizes[:-1] * np.maximum(eta * beta, alpha) + alpha * linear
        factors = np.maximum(0.0, 1 - 2 * alpha * pull)
        extra = d * np.square(eta * sizes[1:])

        curve = [reach[0] ** 2]
        for factor, c, s, far in zip(
            factors.tolist(), linear.tolist(), extra.tolist(), np.square(reach[1:]).tolist(), strict=True
        ):
            v = curve[-1]
            curve.append(min(factor * v + 2 * c * math.sqrt(v) + s, far))
        return np.array(curve)[steps.astype(int)]
