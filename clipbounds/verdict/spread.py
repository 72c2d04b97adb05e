"""Proved spread of a measured quantity about its mean, from the law of the noise: what bands rest on where a range is wide.

Setting. x_{s+1} = x_s - eta · mean of P_c(grad f(x_s) + xi) over a batch, P_c the projection on a ball (norm clipping of the
mean or of each sample; c = inf for none), no momentum, independent xi. X = h(x_0, .., x_t), a Lipschitz quantity.

One source of noise. Exchange one xi for another value xi': the step moves by at most eta·w·min(‖xi - xi'‖, a), with
w = 1/b, a = 2 c b (the mean of a batch of b is clipped) or a = 2c (each sample is), because P_c moves no more than its
argument and never more than 2c. The mean of a batch is one source as well, w = 1 and a = 2c, where its law is known (`sample_law`): both are
bounded, and the smaller bound counts. Later steps stretch a displacement by at most kappa each (`stretch`), or, on average over the
noise to come, shrink it (`coupling`), and h stretches it by its constant: E[X | this xi and the past] moves by at most
l·w·min(‖xi - xi'‖, a), where l = l_s is `sensitivity`.

Martingale. D = E[X | F_s] - E[X | F_{s-1}], one source after another, sums to X - E X. As a function of its own xi it has
mean 0 and moves by at most l w min(‖xi - xi'‖, a); so with W = w min(‖xi‖, a), compared with the value at xi = 0,
E[D² | past] <= l² E W², ‖D‖_p <= 2 l ‖W‖_p, and |D| <= l w min(a, 2 sup‖xi‖). Hence, S_p being the sum of l^p,

* Var X <= S_2 E W², and with `coupling` S_2 may have E w²(x_s) in place of the largest w², x_s being independent of xi_s;
* E|X - E X|^p <= 2^{p+1} S_p E W^p for 1 < p < 2 (von Bahr and Esseen 1965, Theorem 2);
* (E|X - E X|^p)^{2/p} <= 4 (p - 1) S_2 (E W^p)^{2/p} for p >= 2 (Rio 2009, Theorem 2.1);
* P(X - E X > s) <= exp(-s²/(2 (v + j s/3))), v = S_2 E W², j = max |D| (Freedman, in the form of Tropp 2011, Theorem 1.1);
* the same with j = 0 and v = S_2 scale² for Gaussian noise, S_2 with the largest w² where `coupling` shrinks it: given the past, D is
  a Lipschitz function of its own Gaussian xi with the constant l (Tsirelson, Ibragimov and Sudakov 1976), so that E[e^{aD} | past] <=
  exp(a² l² scale²/2), and these multiply over the sources.

E min(‖xi‖, a)^p <= a^{p-r} E‖xi‖^r for every 0 <= r <= p: the smallest over a grid of r is taken.

The noise of an adversary depends on the point, so none of this applies to it. Its law at every point is recorded, and the variance of
the running mean follows by the law of total variance, exactly (`oracles.landing_chain`).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Identity
from ..oracles import Adaptive
from ..oracles.landing_chain import mean_variance
from .capped import ORDERS
from .coupling import contraction
from .meeting import Weight, contraction_on
from .meeting_energy import cells_of_quadratic, energy_stretch
from .meeting_line import cells_on_line
from .ranges import constants
from .sources import sources_of

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, RealArray
    from ..methods.base import Setting
    from ..problems.base import Problem
    from .coupling import Contraction
    from .meeting import Meeting
    from .sources import Sources

OUTWARD = 1 + 1e-9  # the formulas are evaluated in floating point
SHARE = 0.05  # ln(1/error) over the number of trajectories


@dataclasses.dataclass(frozen=True)
class Spread:
    """Facts on X_t - E X_t for the checkpoints t, arrays of one shape (n,); inf where nothing is proved.

    Attributes
    ----------
    variance : at least Var X
    moments : dict of p to a bound of E|X - E X|^p
    scale, jump : P(±(X - E X) > s) <= exp(-s²/(2 (scale + jump s/3)))
    drift : at least E|X - X'|, X' the quantity of the trajectory without noise
    """

    variance: np.ndarray
    moments: dict
    scale: np.ndarray
    jump: np.ndarray
    drift: np.ndarray

    @property
    def unit(self) -> FloatArray:
        """A proved scale of the quantity, the smallest of the roots of its moments."""
        return np.fmin.reduce([moment ** (1 / p) for p, moment in self.moments.items()])

    def exponent(self, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(h, h') of the exponential tail at s > 0; 0 where there is none."""
        with np.errstate(invalid="ignore", over="ignore"):
            width = 2 * (self.scale + self.jump * s / 3)
            h = s * s / width
            slope = (2 * s - h * 2 * self.jump / 3) / width
        known = np.isfinite(width) & (width > 0)
        return np.where(known, h, 0.0), np.where(known, slope, 0.0)

    def excess(self, cut: FloatArray) -> FloatArray:
        """A bound of E(±(X - E X) - cut)^+, for arrays cut > 0 that broadcast with (n,).

        Moments: (y - B)^+ <= y^p (p-1)^{p-1}/(p^p B^{p-1}). Tail: h is convex, so its integral is at most e^{-h}/h'.
        """
        h, slope = self.exponent(cut)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            best = np.where(slope > 0, np.exp(-h) / slope, np.inf)
            for p, moment in self.moments.items():
                best = np.fmin(best, moment * ((p - 1) / cut) ** (p - 1) / p**p)
        return np.where(np.isnan(best), np.inf, best * OUTWARD)

    def square_excess(self, centre: FloatArray, cut: FloatArray) -> FloatArray:
        """A bound of E(X² - cut)^+, for X >= 0 with E X <= centre, from P(X - E X > s) integrated over s >= sqrt(cut) - centre."""
        s = np.sqrt(cut) - centre
        h, slope = self.exponent(np.maximum(s, 1e-300))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            best = np.where(slope > 0, 2 * np.exp(-h) * ((centre + s) / slope + 1 / slope**2), np.inf)
            for p, moment in self.moments.items():
                if p > 2:
                    tail = 2 * moment * (centre * s ** (1 - p) / (p - 1) + s ** (2 - p) / (p - 2))
                    best = np.fmin(best, tail)
        return np.where((s > 0) & ~np.isnan(best), best * OUTWARD, np.inf)


def stretch(problem: Any, method: Any) -> float:
    """Lipschitz constant of one step in x, the noise being fixed; inf if it is unknown.

    Unclipped, f convex: max(|1 - eta mu|, |1 - eta L|), as the Hessians' mean over a segment has its spectrum in [mu, L]. On
    the line, f convex: P_c(f'(x) + xi) does not decrease and its slope is at most L, so the step's slope is in
    [1 - eta L, 1]. Otherwise 1 + eta L.
    """
    lipschitz, eta = constants(problem)[0], method.step_size
    if lipschitz is None:
        return np.inf
    if problem.convex and isinstance(method.operator, Identity):
        return max(abs(1 - eta * problem.strong_convexity), abs(1 - eta * lipschitz))
    if problem.convex and problem.dim == 1:
        return max(1.0, eta * lipschitz - 1)
    return 1 + eta * lipschitz


def geometric(ratio: float, steps: RealArray) -> FloatArray:
    """1 + ratio + .. + ratio^(steps-1)."""
    if abs(ratio - 1) < 1e-12:
        return steps * np.maximum(ratio, 1.0) ** steps
    with np.errstate(over="ignore"):
        return np.expm1(steps * np.log(ratio)) / (ratio - 1) if ratio > 0 else np.ones_like(steps)


def running_mean(kappa: float, steps: RealArray, p: float) -> FloatArray:
    """A bound of sum_{j<t} (1 + kappa + .. + kappa^{j-1})^p/t^p: the sum of an increasing function is below its integral."""
    if kappa > 1:
        with np.errstate(over="ignore"):
            return steps * (geometric(kappa, steps) / steps) ** p
    longest = 1 / (1 - kappa) if kappa < 1 else np.inf
    short = np.minimum(steps, longest)
    with np.errstate(invalid="ignore"):
        rest = np.where(steps > short, (steps - short) * longest**p, 0.0)
    return (short ** (p + 1) / (p + 1) + rest) / steps**p


def lipschitz_of(quantity: str, problem: Problem) -> float | None:
    """Lipschitz constant of a quantity in x: 1, L, or sqrt(L/2) for the root of the gap, as ‖grad f‖² <= 2 L gap; None for others."""
    lipschitz = constants(problem)[0]
    if lipschitz is None:
        return None
    if quantity == "distance":
        return 1.0 if problem.distance(problem.x0) is not None else None
    if quantity == "gap":
        return np.sqrt(lipschitz / 2)
    return lipschitz if quantity in ("gradient_norm", "min_gradient_norm", "mean_gradient_norm") else None


def sensitivity(quantity: str, kappa: float, steps: RealArray, p: float) -> tuple[Any, Any]:
    """Sums over s < t of (l_s/(eta h))^p for steps that stretch by kappa, and the largest of l_s/(eta h); one source a step."""
    with np.errstate(over="ignore"):
        if quantity == "mean_gradient_norm":
            return running_mean(kappa, steps, p), geometric(kappa, np.maximum(steps - 1, 0)) / steps
        if quantity == "min_gradient_norm" and kappa <= 1:
            return steps, np.ones_like(steps)
        return geometric(kappa**p, steps), np.maximum(1.0, kappa ** (steps - 1))


def fading(quantity: str, shrink: float, fade: float, steps: RealArray, largest: FloatArray) -> FloatArray:
    """A bound of the sum over s < t of (l_s/(eta h))^p fade^s, shrink being kappa^p and `largest` the largest (l_s/(eta h))^p."""
    whole = largest / (1 - fade) if fade < 1 else largest * steps
    if quantity == "mean_gradient_norm":
        return whole
    # l_s is kappa^(t-1-s): each term is at most the larger base to the power t - 1
    return np.fmin(whole, steps * np.maximum(shrink, fade) ** (steps - 1))


def _of_variance(variance: FloatArray) -> Spread | None:
    """The `Spread` of which only the variance is known; None if it is not."""
    unknown = np.full(variance.shape, np.inf)
    return Spread(variance, {2.0: variance}, unknown, unknown, unknown) if np.all(np.isfinite(variance)) else None


def meeting_of(setting: Setting, last: float) -> Meeting | Contraction | None:
    """The contraction on average that makes the spread smallest, in the norm in which steps do not stretch; None without one."""
    if setting.problem.dim > 1:
        cells = cells_of_quadratic(setting, last)
        return None if cells is None else contraction_on(cells, last)
    cells = cells_on_line(setting, last)
    smooth, atoms = None if cells is None else contraction_on(cells, last), contraction(setting, last)
    found = [one for one in (smooth, atoms) if one is not None]
    return min(found, key=lambda one: np.sqrt(one.weight(2.0).level) / (1 - one.kappa), default=None)


def spread_of(setting: Setting, quantity: str, steps: ArrayLike, accept_sampled: bool = False) -> Spread | None:
    """The `Spread` of a quantity (for "gap": of its root) after `steps` steps, or None where the lemma does not apply.

    Parameters
    ----------
    setting : Setting
    quantity : "distance", "gradient_norm", "mean_gradient_norm", "min_gradient_norm" or "gap"
    steps : array_like of int >= 1
    accept_sampled : bool, rely on constants whose certificate is only sampled
    """
    problem, noise, method = setting.problem, setting.noise, setting.method
    steps = np.asarray(steps, dtype=np.float64)
    if isinstance(noise, Adaptive) and quantity == "mean_gradient_norm":
        return _of_variance(mean_variance(noise.policy, steps))
    trusted = problem.certificate.trusted or accept_sampled
    models = sources_of(setting) if noise.additive and trusted else []
    kappa = stretch(problem, method) if models else np.inf
    lipschitz = lipschitz_of(quantity, problem)
    if not np.isfinite(kappa) or lipschitz is None:
        return None
    if problem.dim > 1 and (gentle := energy_stretch(setting)) < kappa:
        # the norm in which steps do not stretch: sqrt(L)‖x‖ >= ‖x‖_A >= sqrt(mu)‖x‖, and ‖grad f‖ <= sqrt(L)‖x‖_A
        kappa = gentle
        lipschitz *= np.sqrt(problem.lipschitz / problem.strong_convexity) if quantity == "distance" else 1.0
    faster = meeting_of(setting, float(steps.max())) if kappa >= 1 and quantity != "min_gradient_norm" else None
    unit = method.step_size * lipschitz
    return functools.reduce(_sharper, [_spread(quantity, steps, kappa, faster, unit, model) for model in models])


def _spread(
    quantity: str, steps: FloatArray, kappa: float, faster: Meeting | Contraction | None, unit: float, model: Sources
) -> Spread:
    """What the lemma says with these sources; `unit` is eta times the Lipschitz constant of the quantity."""
    unit = unit * model.weight

    def sums(p: float, weight: Weight | None) -> FloatArray:
        """S_p, where l_s may have the factor w, whose p-th power counts for what `weight` says."""
        alike, longest = sensitivity(quantity, kappa, steps, p)
        if faster is not None and weight is not None:
            meeting, longest = sensitivity(quantity, faster.kappa, steps, p)
            early = fading(quantity, faster.kappa**p, weight.fade, steps, longest**p)
            alike = np.fmin(alike, meeting * weight.level + early * weight.excess)
        return alike * unit**p * OUTWARD

    def weight(p: float, power: float = 1.0) -> Weight | None:
        """What bounds (E w^p)^power, power <= 1."""
        if faster is None:
            return None
        whole = faster.weight(p)
        return Weight(whole.level**power, whole.excess**power, whole.fade**power)

    total = model.total
    with np.errstate(over="ignore", invalid="ignore"):
        variance = sums(2.0, weight(2.0)) * total(2.0)
        moments = {p: 2 ** (p + 1) * sums(p, weight(p)) * total(p) for p in ORDERS if p < 2}
        moments[2.0] = variance
        moments |= {
            p: (4 * (p - 1) * sums(2.0, weight(p, 2 / p)) * total(p, 2 / p)) ** (p / 2) for p in ORDERS if p > 2
        }
        longest = sensitivity(quantity, kappa, steps, 1.0)[1]
        if faster is not None:
            longest = np.fmin(longest, sensitivity(quantity, faster.kappa, steps, 1.0)[1] * faster.top)
        jump = longest * unit * min(float(model.caps.max()), 2 * model.largest) * OUTWARD
        second = sums(2.0, None if faster is None else Weight(float(np.float64(faster.top) ** 2)))
        drift = sensitivity(quantity, kappa, steps, 1.0)[0] * unit * total(1.0) * OUTWARD
        scale = second * total(2.0)
        if model.gaussian < np.inf:
            gaussian = second * model.counts.sum() * model.gaussian
            better = ~np.isfinite(jump) | (gaussian <= scale * (1 + 1e-6))
            scale, jump = np.where(better, gaussian, scale), np.where(better, 0.0, jump)
    # nothing is said by a moment that may have underflowed
    moments = {p: np.where(m >= 1e-300, m, np.inf) for p, m in moments.items()}
    return Spread(variance, moments, scale, jump, drift)


def _sharper(one: Spread, other: Spread) -> Spread:
    """Of two true spreads of a quantity the smaller of each fact; of the tails the one that is narrower for some hundred trajectories."""
    with np.errstate(over="ignore", invalid="ignore"):
        widths = [v.jump * SHARE / 3 + np.sqrt((v.jump * SHARE / 3) ** 2 + 2 * v.scale * SHARE) for v in (one, other)]
    first = ~(widths[1] < widths[0])
    return Spread(
        np.fmin(one.variance, other.variance),
        {p: np.fmin(moment, other.moments[p]) for p, moment in one.moments.items()},
        np.where(first, one.scale, other.scale),
        np.where(first, one.jump, other.jump),
        np.fmin(one.drift, other.drift),
    )
