"""Clipped SGD with bounded variance: S1, S2, S3 and the bias floor. S0 is in `sharp`.

Notation: u = ‖grad f(x)‖, m(u) the worst-case drift and u* the bias floor (`worst_case.drift`, `worst_case.floor`),
theta = eta(L0 + c L1), Gbar = (1/T) sum_{t<T} E‖grad f(x_t)‖.

**One step.** If eta c <= radius of (L0, L1), then E f(x+) - f(x) <= -eta Psi(u) with
Psi(u) = u m(u) - (eta/2)(L0 + L1 u) min(c², u² + sigma²).

*Proof.* The step d = -eta clip_c(g) has ‖d‖ <= eta c, so f(x+d) - f(x) <= <grad f(x), d> + (L0 + L1 u)‖d‖²/2 (D0). The mean of
the first term is at most -eta u m(u) by the drift theorem; E‖clip_c(g)‖² <= E min(c², ‖g‖²) <= min(c², u² + sigma²). QED
With a global L the descent inequality holds for every d, so that no condition on eta c is needed (L0 = L, L1 = 0).

**Mini-batches.** Clip after averaging B samples: sigma is replaced by sigma/sqrt(B). Clip each sample and average: the
mean of the step is that of one clipped sample, so m keeps the single-sample sigma, and by convexity the second
moment of the average is at most that of one clipped sample; every statement holds with the single-sample sigma (`common.sigma_of`).

**Supporting line** (`worst_case.supporting_line`). u m(u) >= (c v/(c+v))(u - v) for all u >= 0 and v >= u*.

**From the mean of u m(u) to Gbar.** If (1/T) sum E[u_t m(u_t)] <= eps, then for every v >= u*, v > 0, Gbar <= v + (1/c + 1/v) eps:
average the supporting line and divide by its slope. For v = max(u*, sqrt eps) this is at most u* + 2 sqrt eps + eps/c.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...specs import NON_NEGATIVE, parameter
from ...worst_case import floor
from ..base import Hypothesis
from .common import (
    ClippedBound,
    lipschitz_row,
    lower_bound_row,
    sigma_of,
    step_rows,
    theta_row,
    variance_row,
)

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting


def from_drift_mean(eps: FloatOrArray, c: float, floor_value: float) -> FloatOrArray:
    """v + (1/c + 1/v) eps at v = max(u*, sqrt eps)."""
    v = np.maximum(floor_value, np.sqrt(eps))
    # eps = inf, for a threshold whose square overflows: the bound is inf, not nan
    return v + eps / c + np.divide(eps, v, out=np.zeros_like(eps), where=(v > 0) & np.isfinite(eps))


def large_threshold_kappa(c: float, sigma: float) -> float:
    """kappa = (2 + q² - q sqrt(q² + 4))/2, q = sigma/(2c) <= 1: the smaller root of kappa + 1/kappa = 2 + q²."""
    q = sigma / (2 * c)
    return 2 / (2 + q * q + q * math.sqrt(q * q + 4))


def excess(c: float, sigma: float) -> float:
    """K = sqrt(sigma² + c²) - c, without cancellation."""
    return sigma * (sigma / (math.hypot(sigma, c) + c))


class StochasticBound(ClippedBound):
    """A bound on the mean gradient norm of clipped SGD under bounded variance."""

    quantity = "mean_gradient_norm"
    source = "koloskova2023, stochastic; constants proved here"

    def further(self, setting: Setting) -> list[Hypothesis]:
        return [variance_row(setting), *self.smooth_rows(setting), lower_bound_row(setting.problem)]

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        """The hypotheses on the smoothness and the step."""
        raise NotImplementedError

    def budget(self, setting: Setting, steps: FloatArray) -> FloatOrArray:
        """F0/(eta T)."""
        return setting.problem.initial_gap / (setting.method.step_size * steps)


class S1(StochasticBound):
    r"""Gbar <= v + (1/c + 1/v) eps <= u* + 2 sqrt eps + eps/c, eps = F0/(eta T) + (eta L/2)(c² + V), v = max(u*, sqrt eps).

    **Hypotheses.** f L-smooth; E g = grad f, E‖g - grad f‖² <= sigma² < inf; f* <= inf f. Any eta > 0 and c > 0. V = E‖z‖² for an
    independent centred noise z added to the clipped (average) gradient, as for privacy; 0 without it.

    **Proof.** The one-step inequality (module docstring) with L0 = L, L1 = 0: the second moment of the step is at most
    eta²(c² + V), and z does not change its mean. Summed over t < T: (1/T) sum E[u_t m(u_t)] <= F0/(eta T) + (eta L/2)(c² + V) = eps. The
    module docstring turns it into Gbar. If sqrt eps >= u* the value is 2 sqrt eps + eps/c; otherwise eps/u* <= sqrt eps.

    Parameters
    ----------
    added_variance : float V in [0, inf)
    """

    added_variance: float = parameter(NON_NEGATIVE, "E‖z‖² of noise added after clipping", default=0.0)

    statement = (
        r"\bar G\le v+(\tfrac1c+\tfrac1v)\varepsilon,\ \varepsilon=\frac{F_0}{\eta T}+\frac{\eta L}{2}(c^2+V),"
        r"\ v=\max\{u^*(c,\sigma),\sqrt\varepsilon\}"
    )

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        return [lipschitz_row(setting.problem)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        eta, c = setting.method.step_size, setting.method.clip.threshold
        eps = self.budget(setting, steps) + 0.5 * eta * setting.problem.lipschitz * (c * c + self.added_variance)
        return from_drift_mean(eps, c, floor(c, sigma_of(setting)))


class S2(StochasticBound):
    r"""Gbar <= v + (1/c + 1/v) eps for (L0, L1)-smooth f, v = max(u*, sqrt eps), with

    * c >= sigma/2, q = sigma/(2c), kappa = (2 + q² - q sqrt(q²+4))/2, theta < kappa:
      eps = [F0/(eta T) + (theta/2)(min(sigma², c²) + u*²/kappa)]/(1 - theta/kappa);
    * c < sigma/2, theta < 2, K = sqrt(sigma² + c²) - c:
      eps = [F0/(eta T) + (theta/2)(c² + c K)]/(1 - theta/2).

    **Hypotheses.** First-order constants on a radius >= eta c, eta c L1 <= 1; bounded variance; f* <= inf f; theta as above.

    **Proof.** L0 + L1 u <= (theta/eta) max(1, u/c), so with phi(u) = min(u², cu)

        (eta/2)(L0 + L1 u) min(c², u² + sigma²) <= (theta/2) max(1, u/c) min(c², u² + sigma²) <= (theta/2)(min(sigma², c²) + phi(u)).   (*)

    *c >= sigma/2.* Claim: kappa phi(u) <= 2 u m(u) + u*². Then Psi(u) >= (1 - theta/kappa) u m(u) - (theta/2)(min(sigma², c²) + u*²/kappa),
    and the one-step inequality gives (1/T) sum E[u_t m(u_t)] <= eps. Proof of the claim with c = 1: sigma = 2q, u* = q², and at its
    worst two-point law (`drift_atoms`) m(u) = (u - 2qp + p²)/(1 + p²), p² being the ratio of the probability of the upper atom,
    which is clipped, to that of the lower one, which is not, or lies at -1. So it suffices that for all real p

        2u(u - 2qp + p²) + (1 + p²) q⁴ - kappa (1 + p²) phi(u) >= 0.

    For u <= 1 (phi = u²) this is a quadratic in p with the coefficients a = 2u - kappa u² + q⁴ > 0, -4uq and b = (2-kappa)u² + q⁴; it is
    >= 0 if ab >= 4u²q². With d = 1 - kappa, d² = kappa q² and b = (u - q²)² + d u² + 2uq²,
    ab - 4u²q² = a[(u - q²)² + d u²] + 2uq²(q⁴ - kappa u²); a >= u(1 + d), so this is at least
    u{(1 + d) d u² - 2 kappa q² u²} = u³ d(1 - d) >= 0. For u >= 1 (phi = u) the derivative in u of the left side is
    4u - 4qp + 2p² - kappa(1 + p²) >= (2 - kappa)p² - 4qp + 4 - kappa, which is >= 0 for all p as 4q² <= (2 - kappa)(4 - kappa): both sides
    decrease in kappa, and for q = 1 (the smallest kappa, 0.382) it reads 4 <= 5.85; for kappa <= 0.76 the right side stays above
    4 >= 4q², for kappa > 0.76 the left side is below 0.31 and the right side above 3. So u = 1 decides, which is done.

    *c < sigma/2.* The left side of (*) is at most (theta/2) c max(c, u), and c max(c, u) <= u m(u) + c² + cK by
    u(c - m(u)) <= cK (`S3`): for u >= c directly, for u < c because -u m(u) <= cK. So Psi(u) >= (1 - theta/2) u m(u) - (theta/2)(c² + cK).

    The module docstring turns the mean of u m(u) into Gbar.
    """

    statement = (
        r"\bar G\le v+(\tfrac1c+\tfrac1v)\varepsilon,\ "
        r"\varepsilon=\frac{F_0/(\eta T)+\frac\theta2(\min(\sigma^2,c^2)+u^{*2}/\kappa)}{1-\theta/\kappa}\ (c\ge\sigma/2),\ "
        r"\frac{F_0/(\eta T)+\frac\theta2(c^2+cK)}{1-\theta/2}\ (c<\sigma/2)"
    )

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        k, sigma = self.constants(setting), sigma_of(setting)
        if 2 * k.c >= sigma:
            row = theta_row(k, large_threshold_kappa(k.c, sigma), strict=True, name="kappa (c >= sigma/2)")
        else:
            row = theta_row(k, 2.0, strict=True, name="2 (c < sigma/2)")
        return [*step_rows(k), row]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, sigma = self.constants(setting), sigma_of(setting)
        least = floor(k.c, sigma)
        if 2 * k.c >= sigma:
            kappa = large_threshold_kappa(k.c, sigma)
            noise, share = min(sigma, k.c) ** 2 + least**2 / kappa, k.theta / kappa
        else:
            noise, share = k.c**2 + k.c * excess(k.c, sigma), k.theta / 2
        eps = (self.budget(setting, steps) + 0.5 * k.theta * noise) / (1 - share)
        return from_drift_mean(eps, k.c, least)


class S3(StochasticBound):
    r"""(1 - eta c L1/2) Gbar <= K + F0/(eta c T) + eta L0 c/2, K = sqrt(sigma² + c²) - c, for c <= sigma/2.

    **Hypotheses.** First-order constants on a radius >= eta c, eta c L1 <= 1; c <= sigma/2; bounded variance; f* <= inf f.

    **Proof.** For c <= sigma/2 the drift is in its regime II for every u (sigma² >= 4c² >= (3c-u)(c+u)), so with c = 1
    u(1 - m(u)) = 2 sigma² u/((1+u)² + sigma²) = 2 sigma²/(u + 2 + (1 + sigma²)/u) <= 2 sigma²/(2 + 2 sqrt(1 + sigma²)) = sqrt(1 + sigma²) - 1 = K,
    by the inequality of the means; in general u(c - m(u)) <= cK. Hence, with min(c², .) <= c²,
    Psi(u) >= c[(1 - eta c L1/2) u - K - eta L0 c/2]. Sum the one-step inequality (module docstring) and divide by eta c T.
    """

    statement = r"(1-\tfrac12\eta cL_1)\bar G\le\sqrt{\sigma^2+c^2}-c+\frac{F_0}{\eta cT}+\frac{\eta L_0c}{2}"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        k, sigma = self.constants(setting), sigma_of(setting)
        small = Hypothesis("c <= sigma/2", f"{k.c:.6g} <= {sigma / 2:.6g}", at_most_half(k.c, sigma))
        return [*step_rows(k), small]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, sigma = self.constants(setting), sigma_of(setting)
        total = excess(k.c, sigma) + self.budget(setting, steps) / k.c + 0.5 * k.eta * k.L0 * k.c
        return total / (1 - 0.5 * k.eta * k.c * k.L1)


def at_most_half(c: float, sigma: float) -> bool:
    """c <= sigma/2."""
    return bool(2 * c <= sigma)


class StochasticFloor(ClippedBound):
    r"""No step size removes the bias: sup over noise of variance sigma² of the stationary ‖grad f‖ is u*(c, sigma).

    u* = sigma²/(4c) for c >= sigma/2, sigma - c for c <= sigma/2.

    **Hypotheses.** Clipped SGD; E g = grad f, E‖g - grad f‖² <= sigma² < inf.

    **Proof.** A point is stationary for the mean step if E clip_c(g) = 0. By the drift theorem (`worst_case.drift`)
    <h/u, E clip_c(g)> >= m(u), and m increases with its only zero at u*: no stationary point has ‖grad f‖ > u*. The two-point law
    that attains m(u*) = 0 (`worst_case.drift_atoms`) makes every point with ‖grad f‖ = u* stationary. As eta -> 0 and
    eta T -> inf the upper bounds `S1`, `S2` and `S0` of Gbar tend to u*, and so does the lower bound `FiniteLowerBound`.
    Mini-batches: u*(c, sigma/sqrt B) if the average is clipped, u*(c, sigma) for every B if each sample is.

    This is the value of the worst law, reached for small steps; it is not a lower bound for the law of one setting.
    """

    kind = "floor"
    quantity = "gradient_norm"
    source = "koloskova2023, stochastic lower bound; exact value proved here"
    statement = r"u^*(c,\sigma)=\frac{\sigma^2}{4c}\ (c\ge\sigma/2),\ \ \sigma-c\ (c\le\sigma/2)"

    def further(self, setting: Setting) -> list[Hypothesis]:
        return [variance_row(setting)]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return floor(setting.method.clip.threshold, sigma_of(setting))
