"""Clipped SGD on a convex function: the average of the iterates, in expectation, with the exact bias of one clipped sample.

Notation: u = ‖grad f(x)‖, R = ‖x - x*‖, delta = f(x) - f*, X the (average of the) samples that is clipped, E X = grad f(x).

**One step.** f convex and L-smooth with f(x*) = f*. If ‖E clip_c(X) - grad f‖ <= b(u) and E‖clip_c(X)‖² <= s(u), then
E‖x+ - x*‖² <= R² - 2 eta delta + 2 eta ( b(u) R + eta s(u)/2 - u²/(2L) ).

*Proof.* For convex L-smooth f, f(x*) >= f(x) + <grad f(x), x* - x> + u²/(2L): <grad f, x - x*> >= delta + u²/(2L). With the
step eta e, E e = grad f + bias: E‖x+ - x*‖² = R² - 2 eta <E e, x - x*> + eta² E‖e‖² <= R² - 2 eta(delta + u²/(2L) - b R) + eta² s. QED

*b* is `sharp_bias_bound`, which is exact for u <= c: beta1(c - u) of `clipping_bias`; beyond, sqrt((G - l)² + min(c² - l_+², sigma²)) and
u - c + sigma. *s* is min(c², c^{2-p}(u + sigma)^p), for p = 2 min(c², u² + sigma²): min(y², c²) <= c^{2-p} y^p, and Minkowski.

**Distance.** R_t <= D at all t < T, D the least that applies of

* R0 + eta c (T - 1): a step is at most eta c long;
* R0, without noise and eta L <= 2: with the gradient step scaled by alpha = min(eta, eta c/u), ‖x - alpha grad f - x*‖² <= R² - alpha(2/L - alpha) u²;
* max(R0, w/mu), if ‖xi‖ <= w for every sample, f is mu-strongly convex and eta L <= 1. One clipped sample (or average) moves x by
  -eta s (grad f + xi), s in [0, 1]; ‖x - eta s grad f - x*‖ <= (1 - eta s mu) R, so the new distance is at most
  R - eta s(mu R - w) <= max(R, w/mu). An average of such points is no farther.

And u_t <= U = min(L D, what the problem knows of its gradients at the distance eta c (T - 1) of x0).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...noise import NoNoise
from ...specs import Interval, parameter
from ..base import Hypothesis
from ..nobile2026.constants import group_sigma
from ..nobile2026.sharp_bias import sharp_bias
from .common import ClippedBound, lipschitz_row, moment_row
from .convex import squared_distance

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting

CELLS = 300  # of gradient norms below the threshold, and as many above
GROWTHS = np.concatenate([[0.0], np.geomspace(1e-4, 20, 40)])  # 2 eta kappa T
SHARES = np.linspace(0, 0.95, 20)  # theta, where f is strongly convex


class ConvexAverage(ClippedBound):
    r"""E f(xbar) - f* <= inf over theta in [0, 1), kappa >= 0 of [ q^T R0²/(2 eta T) + A (q^T - 1)/(2 eta kappa T) ]/(1 - theta).

    xbar = (x_0 + .. + x_{T-1})/T, q = 1 + 2 eta kappa, B = kappa + theta mu/2, and

        A = sup over u in [0, U] of [ max_{0<=R<=D} (b(u) R - B R²) + eta s(u)/2 - u²/(2L) ].

    At kappa = theta = 0 it reads R0²/(2 eta T) + sup_u [ b(u) D + eta s(u)/2 - u²/(2L) ]: start, bias times distance, second moment.
    b, s, D and U are those of the module docstring.

    **Hypotheses.** f convex and L-smooth, f* = f(x*), R0 = ‖x0 - x*‖; E g = grad f, E‖g - grad f‖^p <= sigma^p < inf, given the past. Any
    eta, c > 0.

    **Proof.** Let V_t = E R_t², d_t = E delta_t. b R <= max_{0<=r<=D}(b r - B r²) + B R², as R <= D, so the one-step inequality is V_{t+1} <= V_t - 2 eta d_t
    + 2 eta (A + B V_t). With d_t >= (1 - theta) d_t + theta mu V_t/2 it becomes V_{t+1} <= q V_t - 2 eta(1 - theta) d_t + 2 eta A. Unrolled,
    2 eta (1 - theta) sum_t q^{T-1-t} d_t <= q^T R0² + 2 eta A (q^T - 1)/(q - 1), and q >= 1, A >= 0 (the bracket at u = 0 is) leave
    sum_t d_t on the left; f(xbar) <= the mean of f(x_t). QED. For `per_sample` the mean of the step is that of one clipped
    sample, and the second moment at most: sigma is that of one sample. It bounds the running mean of E f(x_t) - f* too.

    **What is computed**, an upper bound of the infimum: a grid of kappa and theta, any of which is valid, and the supremum over cells of u in
    which b and s are taken at the upper end (l of the lower one where it enters with a minus), u² at the lower. For p = 2 the last two terms
    are monotone where s = c² and where it is less, so the larger value at the ends is their supremum.

    Notes
    -----
    With a bias, D grows like eta c T where no better one applies, and the bound grows once U is beyond c: far away clipped steps
    are shorter than their share of the gap. It stays bounded under bounded gradients below c for eta T of the order of R0/b, and for
    all T on strongly convex f with bounded noise.

    Parameters
    ----------
    p : float in (1, 2]
        Which moment of the noise is used.
    """

    p: float = parameter(Interval(1, 2, closed_high=True), "the moment of the noise that is used", default=2.0)

    quantity = "gap_of_average"
    source = "proved here"
    statement = (
        r"\mathbb Ef(\bar x)-f^*\le\inf_{\theta,\kappa}\frac{1}{1-\theta}\Bigl[\frac{q^TR_0^2}{2\eta T}"
        r"+A\,\frac{q^T-1}{2\eta\kappa T}\Bigr]"
    )

    @property
    def name(self) -> str:
        return "ConvexAverage" if self.p == 2 else f"ConvexAverage(p={self.p:g})"

    def further(self, setting: Setting) -> list[Hypothesis]:
        problem = setting.problem
        radius = math.sqrt(squared_distance(problem))
        return [
            moment_row(setting, self.p),
            lipschitz_row(problem),
            Hypothesis("f convex", str(bool(problem.convex)), bool(problem.convex)),
            Hypothesis("f* = f(x*) exactly", f"f* = {problem.f_star:.6g}", bool(problem.f_star_attained)),
            Hypothesis("R0 = ‖x0 - x*‖ known", f"R0 = {radius:.6g}", bool(np.isfinite(radius))),
        ]

    def sigma(self, setting: Setting) -> float:
        """Of what is clipped: a sample or the average of a batch."""
        sigma, method = float(setting.moment(self.p)) ** (1 / self.p), setting.method
        return sigma if method.per_sample else group_sigma(sigma, self.p, method.batch_size)

    def bias(self, low: FloatArray, high: FloatArray, c: float, sigma: float) -> FloatArray:
        """b on cells [low, high] of u, none with c inside."""
        miss = sharp_bias(c - high, sigma, self.p)
        progress = np.maximum(low - sharp_bias(c - low, sigma, self.p), 0.0)  # l increases with u
        beyond = np.hypot(miss, np.sqrt(np.minimum(np.maximum(c * c - progress**2, 0.0), sigma**2)))
        return np.where(high <= c, miss, np.minimum(beyond, high - c + sigma))

    def second_moment(self, u: FloatArray, c: float, sigma: float) -> FloatArray:
        """s(u)."""
        return np.minimum(c * c, u**2 + sigma**2 if self.p == 2 else c ** (2 - self.p) * (u + sigma) ** self.p)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return np.array([self._at(setting, float(T)) for T in np.ravel(steps)]).reshape(np.shape(steps))

    def _at(self, setting: Setting, T: float) -> float:
        problem, eta, c = setting.problem, setting.method.step_size, setting.method.clip.threshold
        L, mu, sigma = problem.lipschitz, problem.strong_convexity, self.sigma(setting)
        square = squared_distance(problem)
        D, U = farthest(setting, T)
        edges = np.linspace(0.0, min(c, U), CELLS + 1)
        if c < U:
            edges = np.concatenate([edges, np.geomspace(c, U, CELLS + 1)[1:]])
        if sigma < c:  # where s stops growing, for p = 2
            edges = np.sort(np.append(edges, min(math.sqrt(c * c - sigma * sigma), U)))
        low, high = edges[:-1], edges[1:]
        b = self.bias(low, high, c, sigma)
        rest = 0.5 * eta * self.second_moment(high, c, sigma) - low**2 / (2 * L)
        if self.p == 2:  # monotone on either side of that point, so that the ends decide
            rest = 0.5 * eta * self.second_moment(edges, c, sigma) - edges**2 / (2 * L)
            rest = np.maximum(rest[:-1], rest[1:])
        theta = (SHARES if mu > 0 else np.zeros(1))[:, np.newaxis]
        B = (GROWTHS / (2 * eta * T) + 0.5 * theta * mu)[..., np.newaxis]
        at = np.minimum(D, np.divide(b, 2 * B, out=np.full(np.broadcast_shapes(B.shape, b.shape), D), where=B > 0))
        A = np.max((b - B * at) * at + rest, axis=-1)
        log_growth = T * np.log1p(GROWTHS / T)  # of q^T
        stretch = np.divide(np.expm1(log_growth), GROWTHS, out=np.ones_like(GROWTHS), where=GROWTHS > 0)
        value = (np.exp(log_growth) * square / (2 * eta * T) + np.maximum(A, 0.0) * stretch) / (1 - theta)
        return float(value.min()) * (1 + 1e-9)


def farthest(setting: Setting, T: float) -> tuple[float, float]:
    """(D, U): bounds of ‖x_t - x*‖ and ‖grad f(x_t)‖ at all t < T (module docstring)."""
    problem, noise, eta = setting.problem, setting.noise, setting.method.step_size
    L, mu, start = problem.lipschitz, problem.strong_convexity, math.sqrt(squared_distance(problem))
    way = eta * setting.method.clip.threshold * (T - 1)
    D = start + way
    if isinstance(noise, NoNoise) and eta * L <= 2:
        D = start
    elif noise.additive and mu > 0 and eta * L <= 1:
        D = min(D, max(start, noise.vector_bound(problem.dim) / mu))
    return D, float(min(L * D, np.min(problem.steepest(way))))
