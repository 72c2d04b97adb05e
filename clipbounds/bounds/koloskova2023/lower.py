"""Lower bounds, attained: the Huber function without noise, two-point noise on a parabola."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...clipping import NormClip
from ...methods import ClippedSGD, Setting
from ...noise import NoNoise, TwoPoint
from ...problems import Huber, Quadratic
from ..base import Hypothesis
from .common import ClippedBound, DeterministicBound, phi, sigma_of
from .convex import squared_distance

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import ArrayLike, FloatArray, FloatOrArray

ARRIVAL = 1e-9  # the step of arrival at the knee is an integer computed from rounded numbers


def hardest_slope(F0: float, L: float, eta: float, c: float, steps: int) -> FloatArray:
    """G with F0 = eta T phi(G) + G²/(2L): after T steps on the Huber function of slope G the gradient norm is still G.

    G = sqrt(F0/(eta T + 1/(2L))) if that is at most c, else L(-eta T c + sqrt((eta T c)² + 2 F0/L)). Arrays broadcast.
    """
    steps = np.asarray(steps, dtype=np.float64)
    free = np.sqrt(F0 / (eta * steps + 1 / (2 * L)))
    reach = eta * steps * c
    return np.where(free <= c, free, 2 * F0 / (reach + np.sqrt(reach**2 + 2 * F0 / L)))


def hardest_gap(R0: float, L: float, eta: float, c: float, steps: ArrayLike) -> tuple[Any, ...]:
    """The larger gap that the two Huber functions of `D2LowerBound` keep for `steps` steps, and its slope.

    Returns
    -------
    gap, slope : ndarray
    """
    steps = np.asarray(steps, dtype=np.float64)
    free = np.minimum(c, R0 / (2 * eta * steps + 1 / L))
    steep = L * np.maximum(R0 - eta * c * steps, 0.0)
    gap = free * (R0 - eta * steps * free) - free**2 / (2 * L)
    steep_gap = np.where(steep >= c, steep**2 / (2 * L), 0.0)
    return np.maximum(gap, steep_gap), np.where(steep_gap > gap, steep, free)


def huber_setting(slope: float, L: float, eta: float, c: float, steps: int) -> Setting:
    """Clipped GD on the Huber function, started so that it reaches the knee G/L after exactly `steps` steps."""
    x0 = slope / L + eta * steps * min(slope, c)
    return Setting(Huber(L, slope, [x0]), NoNoise(), ClippedSGD(eta, NormClip(c)))


def hardest_huber(F0: float, L: float, eta: float, c: float, steps: int) -> Setting:
    """The setting that attains D1-LB: f(x0) - f* = F0, f is L-smooth, and ‖g_t‖ = `hardest_slope` for all t <= T.

    Parameters
    ----------
    F0, L, eta, c : float in (0, inf)
    steps : int >= 1, the horizon T

    Returns
    -------
    Setting
    """
    return huber_setting(float(hardest_slope(F0, L, eta, c, steps)), L, eta, c, steps)


def hardest_convex_huber(R0: float, L: float, eta: float, c: float, steps: int) -> Setting:
    """The setting that attains D2-LB: ‖x0 - x*‖ = R0, f convex and L-smooth, f(x_T) - f* = `hardest_gap`."""
    _, slope = hardest_gap(R0, L, eta, c, steps)
    return Setting(Huber(L, float(slope), [R0]), NoNoise(), ClippedSGD(eta, NormClip(c)))


def _arrived(setting: Setting, steps: FloatArray) -> FloatOrArray:
    """Whether the run is still on the slope of its Huber function, or has just reached the knee."""
    problem, method = setting.problem, setting.method
    distance = abs(float(problem.x0[0])) - problem.slope / problem.curvature
    return method.step_size * steps * min(problem.slope, method.clip.threshold) <= distance * (1 + ARRIVAL)


def _least_position(setting: Setting, steps: FloatArray) -> FloatOrArray:
    """Lower bound of |x_T|: the straight way, less what T subtractions may lose by rounding.

    No step is longer than eta min(G, c), so this also holds if the knee was passed within the tolerance of `_arrived`.
    """
    problem, method = setting.problem, setting.method
    start = abs(float(problem.x0[0]))
    rounding = np.finfo(np.float64).eps * start * steps
    return np.maximum(start - method.step_size * steps * min(problem.slope, method.clip.threshold) - rounding, 0.0)


class _HuberBound(DeterministicBound):
    kind = "lower"
    source = "proved here"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        problem = setting.problem
        row = Hypothesis("Huber function on the line", repr(type(problem).__name__), isinstance(problem, Huber))
        if not row.holds:
            return [row]
        outside = bool(abs(problem.x0[0]) * problem.curvature >= problem.slope * (1 - ARRIVAL))
        return [
            Hypothesis("dimension 1", str(problem.dim), problem.dim == 1),
            Hypothesis("|x0| >= G/L", f"{abs(problem.x0[0]):.6g} >= {problem.slope / problem.curvature:.6g}", outside),
        ]


class D1LowerBound(_HuberBound):
    r"""For every eta, c, L, F0, T some L-smooth f with f(x0) - f* = F0 has ‖g_t‖ = G for all t <= T, F0 = eta T phi(G) + G²/(2L).

    G = sqrt(F0/(eta T + 1/(2L))) if that is at most c, else G = L(-eta T c + sqrt((eta T c)² + 2 F0/L)).

    **Proof.** f(x) = L x²/2 on |x| <= G/L, G|x| - G²/(2L) outside, x0 = G/L + eta T min(G, c). The gradient is G up to the knee
    G/L, each step has the length eta min(G, c), and the knee is reached at t = T. F0 = G x0 - G²/(2L) = G²/(2L) + eta T phi(G); the
    two cases solve this for G. Against `D1Refined` with L1 = 0 the only gap is the factor 1 - theta/2, which tends to 1.

    `value` speaks of the run of such a setting (`hardest_huber` builds it): G while the knee is not passed, 0 (no claim)
    afterwards. `of_class` is the lower bound of the class, a function of (F0, L, eta, c, T).
    """

    quantity = "min_gradient_norm"
    statement = r"\min_{t\le T}\|g_t\|=G,\ F_0=\eta T\varphi(G)+\frac{G^2}{2L}"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        problem = setting.problem
        slope = np.minimum(problem.slope, problem.curvature * _least_position(setting, steps))
        return np.where(_arrived(setting, steps), slope, 0.0)

    @staticmethod
    def of_class(setting: Setting, steps: int) -> FloatArray:
        """G for the F0, L, eta and c of any L-smooth setting; each horizon has its own worst function."""
        eta, c, L = class_constants("D1LowerBound", setting)
        return hardest_slope(setting.problem.initial_gap, L, eta, c, steps)


class D2LowerBound(_HuberBound):
    r"""For every eta, c, L, R0, T some convex L-smooth f with ‖x0 - x*‖ = R0 has f(x_T) - f* at least the larger of

    * G_A(R0 - eta T G_A) - G_A²/(2L), G_A = min(c, R0/(2 eta T + 1/L));
    * L(R0 - eta c T)²/2 if G_B = L(R0 - eta c T) >= c.

    **Proof.** Huber functions of curvature L with the slopes G_A and G_B, started at R0. While the run is outside the knee the
    step is eta min(G, c), so x_T = R0 - eta T min(G, c), and f(x_T) - f* = G x_T - G²/(2L). For G_A <= c: x_T >= G_A/L because
    G_A(eta T + 1/L) <= R0. For G_B >= c: x_T = R0 - eta c T = G_B/L is the knee, and the gap is L x_T²/2.

    `value` speaks of the run of such a setting (`hardest_convex_huber` builds it): the exact gap while the knee is not
    passed, 0 (no claim) afterwards. `of_class` is the lower bound of the class.
    """

    quantity = "gap"
    statement = (
        r"f(x_T)-f^*\ge\max\bigl\{G_A(R_0-\eta TG_A)-\tfrac{G_A^2}{2L},\ \tfrac L2(R_0-\eta cT)^2\,[G_B\ge c]\bigr\}"
    )

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        G, L = setting.problem.slope, setting.problem.curvature
        # below the knee this line is the tangent of f there, so it still bounds the gap from below
        gap = G * _least_position(setting, steps) - G * G / (2 * L)
        return np.where(_arrived(setting, steps), np.maximum(gap, 0.0), 0.0)

    @staticmethod
    def of_class(setting: Setting, steps: int) -> float:
        """The lower bound for the R0, L, eta and c of any L-smooth setting with a known minimiser."""
        eta, c, L = class_constants("D2LowerBound", setting)
        return hardest_gap(math.sqrt(squared_distance(setting.problem)), L, eta, c, steps)[0]


def class_constants(name: str, setting: Setting) -> tuple[float, float, float]:
    """(eta, c, L) of clipped SGD on an L-smooth problem, or ValueError."""
    method, L = setting.method, setting.problem.lipschitz
    if not isinstance(method, ClippedSGD) or not isinstance(method.clip, NormClip) or L is None:
        raise ValueError(
            f"{name}.of_class: expected ClippedSGD with NormClip on a problem with a global Lipschitz constant of the gradient,"
            f" but {setting!r} was given"
        )
    return method.step_size, method.clip.threshold, L


def least_iterations(F0: float, L: float, eta: float, c: float, eps: float) -> float:
    """For every count below (F0 - eps²/(2L))/(eta phi(eps)) some L-smooth f keeps ‖g_t‖ > eps that long (D1-LB)."""
    return np.maximum(F0 - np.square(eps) / (2 * L), 0.0) / (eta * phi(np.asarray(eps, dtype=np.float64), c))


def two_point_setting(c: float, sigma: float, skew: float, L: float, eta: float) -> Setting:
    """Clipped SGD on f = L x²/2 with two-point noise, started at the stationary point x0 = u_q/L, u_q = sigma q - c q²."""
    x0 = (sigma * skew - c * skew**2) / L
    return Setting(Quadratic([L], [x0]), TwoPoint(sigma, skew), ClippedSGD(eta, NormClip(c)))


def finite_value(
    c: float, sigma: float, skew: FloatOrArray, L: float, eta: float, steps: FloatOrArray, offset: float = 0.0
) -> FloatOrArray:
    """The right-hand side of `FiniteLowerBound`; `offset` is z0 = L x0 - u_q."""
    q2 = skew * skew
    drifted = (np.sqrt(offset**2 + steps * (eta * L * c) ** 2) - offset) / (eta * L * steps)
    below = (eta * L * c**2 + np.minimum(offset, 0.0) ** 2 / (eta * L * steps)) / (2 * c * (1 - q2))
    return sigma * skew - c * q2 - (1 + q2) * (drifted + below)


def best_skew(c: float, sigma: float, L: float, eta: float, steps: int) -> tuple[float, float]:
    """The skew q in (0, min(1, sigma/c)) that makes the finite lower bound largest (on a grid), and the bound.

    Returns
    -------
    skew, value : float
    """
    end = min(1.0, sigma / c)
    q = end * np.concatenate([np.linspace(0.001, 0.99, 2000), 1 - np.geomspace(1e-6, 1e-2, 200)])
    values = finite_value(c, sigma, q, L, eta, float(steps))
    best = int(np.argmax(values))
    return float(q[best]), float(values[best])


class FiniteLowerBound(ClippedBound):
    r"""Gbar >= sigma q - c q² - (1+q²)c/sqrt T - (1+q²) eta L c/(2(1-q²)) on f = Lx²/2 with two-point noise, x0 = u_q/L.

    **Hypotheses.** f = L x²/2 on the line; xi = -sigma q with probability 1/(1+q²), sigma/q with probability q²/(1+q²); 0 < q < 1,
    q <= sigma/c; any eta > 0, c > 0, T >= 1.

    **Proof.** Let h_t = L x_t, u_q = sigma q - c q² >= 0, z = h - u_q, b = c(1 - q²), M(h) = E clip_c(h + xi). As clip(y) <= max(y, -c) and
    clip(y) <= c, (1+q²) M(h) <= max(h - sigma q, -c) + q² c = max(z, -b) =: W(z). At h = u_q the atoms u_q - sigma q = -c q² and
    u_q + sigma/q >= c give M = 0, and M does not decrease; so z M >= 0 for z > 0, while for z < 0, z M >= z W/(1+q²) =
    y min(y, b)/(1+q²) with y = max(-z, 0).
    (i) E z_{t+1}² <= E z_t² - 2 eta L E[z_t M] + (eta L c)², so E z_T <= sqrt(z_0² + T(eta L c)²).
    (ii) z_{t+1} = z_t - eta L clip sums to sum E M(h_t) = (z_0 - E z_T)/(eta L), so sum E W(z_t) >= -(1+q²)(sqrt(z_0² + T(eta L c)²) - z_0)/(eta L).
    (iii) V(z) = min(z, 0)² has a 2-Lipschitz derivative: E V_{t+1} <= E V_t - 2 eta L E[y_t min(y_t, b)]/(1+q²) + (eta L c)², so
    sum E[y_t min(y_t, b)] <= (1+q²)[V_0 + T(eta L c)²]/(2 eta L).
    Finally z = W - (y - b)_+ and (y - b)_+ <= y min(y, b)/b, so T Gbar >= sum E h_t = T u_q + sum E z_t >= T u_q + (ii) - (iii)/b. With z_0 = 0
    this is the statement; the code keeps z_0 = L x0 - u_q, so that any start is allowed. Where the value is negative, 0 holds.

    `best_skew` maximises over q; as eta -> 0, eta T -> inf the maximum tends to u*(c, sigma), the limit of S0, S1 and S2.
    """

    kind = "lower"
    quantity = "mean_gradient_norm"
    source = "proved here"
    statement = r"\bar G\ge\sigma q-cq^2-\frac{(1+q^2)c}{\sqrt T}-\frac{(1+q^2)\eta Lc}{2(1-q^2)}"

    def further(self, setting: Setting) -> list[Hypothesis]:
        problem, noise, method = setting.problem, setting.noise, setting.method
        rows = [
            Hypothesis("f = L x²/2", type(problem).__name__, isinstance(problem, Quadratic)),
            Hypothesis("dimension 1", str(problem.dim), problem.dim == 1),
            Hypothesis("two-point noise", type(noise).__name__, isinstance(noise, TwoPoint)),
            Hypothesis("batch size 1", str(method.batch_size), method.batch_size == 1),
        ]
        if not rows[2].holds:
            return rows
        upright = not noise.radial and (noise.along is None or bool(noise.along[0] > 0))
        q, c = noise.skew, method.clip.threshold
        return [
            *rows,
            Hypothesis("noise along +x", "radial" if noise.radial else f"along = {noise.along}", upright),
            Hypothesis("q < 1", f"q = {q:.6g}", bool(q < 1)),
            Hypothesis("q <= sigma/c", f"{q:.6g} <= {noise.sigma / c:.6g}", bool(q * c <= noise.sigma)),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        noise, method = setting.noise, setting.method
        c, q, L = method.clip.threshold, noise.skew, float(setting.problem.eigenvalues[0])
        offset = L * float(setting.problem.x0[0]) - (noise.sigma * q - c * q * q)
        value = finite_value(c, sigma_of(setting), q, L, method.step_size, steps, offset)
        return np.maximum(value, 0.0)
