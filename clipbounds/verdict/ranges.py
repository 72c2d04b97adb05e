"""Proved ranges of measured quantities: what finite-sample bands of means rest on. Deterministic facts only.

Reach. D_t = t·step_bound is the longest way that t steps can go, so ‖x_t - x_0‖ <= D_t.

Strongly convex contraction. f mu-strongly convex with Lipschitz constant L, minimiser x*, eta L <= 1, steps
x - eta mean_i s_i (grad f(x) + xi_i), s_i in [0, 1] (norm clipping of the mean or of each sample, or none), ‖xi_i‖ <= w.
Then ‖x_t - x*‖ <= max(‖x_0 - x*‖, w/mu) for all t.
Proof. With s the mean of s_i, ‖x - eta s grad f(x) - x*‖ <= (1 - eta s mu) r, r = ‖x - x*‖: the averaged Hessian on the
segment has its spectrum in [mu, L] and eta s L <= 1. The noise adds at most eta s w. So the new distance is at most
r - eta s (mu r - w) <= max(r, w/mu), a convex combination of r and w/mu because eta s mu <= 1.

Interval of a convex function on the line. Let -u <= xi_i <= v, a+ = sup{x: f'(x) <= u}, a- = inf{x: f'(x) >= -v}, and each
step move by -eta mean_i clip(f'(x) + xi_i) with a norm clip of threshold c (inf for none). Then x_t <= max(x_0, a+ + s)
and x_t >= min(x_0, a- - s) for all t, where s = 0 if f has the Lipschitz constant L and eta L <= 1, and s = eta c otherwise.
Proof (upper end). If f'(x_t) > u, every sample is positive and so is its clipped value: x_{t+1} < x_t. Otherwise
x_t <= a+, and x_{t+1} <= x_t + eta c <= a+ + eta c. If eta L <= 1, x -> x - eta clip(f'(x) + xi) does not decrease,
as clip is 1-Lipschitz; at a+ (finite), f'(a+) = u >= -xi gives x_{t+1} <= a+ - eta mean_i clip(u + xi_i) <= a+.
Under the noise of an adversary (`noise.Adaptive`) the iterate stays on the points that its atoms reach (`oracles.landing_chain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..bounds.yu2023.growth import displacements, estimator_sizes
from ..clipping import Identity, NormClip
from ..described import is_described
from ..methods import SGD, ClippedSGD, GrowingSmoothClip, SClipEF
from ..oracles import Adaptive
from ..oracles.landing_chain import chain_of
from .edges import edge

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, RealArray
    from ..methods.base import Setting
    from ..noise.base import Noise
    from ..problems.base import Problem

OUTWARD = 1e-9  # relative widening: the ends are computed in floating point
PIECES = 256  # steps that the bound of the running mean takes one by one, before it takes geometric pieces


def measured_range(
    setting: Setting, quantity: str, steps: ArrayLike, accept_sampled: bool = False
) -> tuple[FloatArray, FloatArray]:
    """The tightest proved range of a measured quantity after `steps` steps, for every realisation of the noise.

    Parameters
    ----------
    setting : Setting
    quantity : str, a variable of a run
    steps : array_like of int >= 0
    accept_sampled : bool, rely on constants whose certificate is only sampled

    Returns
    -------
    (low, high) : float64 arrays of the shape of `steps`; -inf or inf where nothing is proved
    """
    steps = np.asarray(steps, dtype=np.float64)
    trusted = not is_described(setting) and (setting.problem.certificate.trusted or accept_sampled)
    if quantity == "clipped_fraction":
        return np.zeros(steps.shape), np.ones(steps.shape)
    rule = RULES.get(quantity)
    if rule is None:
        return np.full(steps.shape, -np.inf), np.full(steps.shape, np.inf)
    if not trusted:
        return np.zeros(steps.shape), np.full(steps.shape, np.inf)
    # 0·inf is nan: nothing is proved by that rule, and fmin takes the other
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = rule(setting, steps.ravel())
    low = np.where(np.isnan(low), 0.0, low * (1 - OUTWARD))
    high = np.where(np.isnan(high), np.inf, high * (1 + OUTWARD))
    return low.reshape(steps.shape), high.reshape(steps.shape)


def displacement(setting: Setting, steps: RealArray) -> FloatArray:
    """D_t >= ‖x_t - x_0‖ (see "Reach" above); 0 at t = 0. For SClip-EF, sqrt(dim) times the sum that `Growth` proves; for
    growing clipping the sum of alpha_s T_s, which C_T cannot exceed, times sqrt(dim) if it acts on components.
    """
    if isinstance(setting.method, SClipEF):
        sums = displacements(setting.method, estimator_sizes(setting.method, int(steps.max(initial=0))))
        return np.sqrt(setting.problem.dim) * sums[np.asarray(steps, dtype=np.int64)]
    if isinstance(setting.method, GrowingSmoothClip):
        method: Any = setting.method
        t = np.arange(int(steps.max(initial=0)))
        sums = np.concatenate([[0.0], np.cumsum(method.step_size.at(t) * method.threshold.at(t))])
        return method.operator.bound(setting.problem.dim) * sums[np.asarray(steps, dtype=np.int64)]
    bound = setting.method.step_bound(setting.problem.dim)
    return np.where(steps > 0, np.maximum(steps, 1) * bound, 0.0)


def _plain(setting: Setting) -> bool:
    """Whether the step is x - eta_t · (mean of norm-clipped or unclipped samples), as the two lemmas need: step by step."""
    method = setting.method
    simple = type(method) in (SGD, ClippedSGD) and type(method.operator) in (NormClip, Identity)
    return simple and method.momentum == 0


def constants(problem: Problem) -> tuple[Any, float, float]:
    """(L or None, L0, L1) of a problem; (None, inf, 1) for an objective that is smooth for no pair and says so."""
    try:
        pair = problem.smoothness
        return problem.lipschitz, pair.L0, pair.L1
    except ValueError:
        return None, np.inf, 1.0


def _contracting(setting: Setting) -> bool:
    lipschitz = constants(setting.problem)[0]
    return lipschitz is not None and setting.method.largest_step_size * lipschitz <= 1


def interval(setting: Setting, steps: RealArray) -> tuple[Any, ...]:
    """Ends of an interval that holds x_t, for a problem on the line: reach and, for convex f, the second lemma."""
    problem, method = setting.problem, setting.method
    start = float(problem.x0[0])
    way = displacement(setting, steps)
    low, high = start - way, start + way
    if not (on_a_line(setting) and _plain(setting)):
        return low, high
    if isinstance(setting.noise, Adaptive):
        chain, covered = chain_of(setting.noise.policy), steps <= setting.noise.policy.steps
        return np.where(covered, np.fmax(low, chain.low), low), np.where(covered, np.fmin(high, chain.high), high)
    below, above = noise_ends(setting.noise)
    if np.isfinite(below + above):
        overshoot = 0.0 if _contracting(setting) else method.step_bound(1)
        high = np.fmin(high, max(start, edge(problem, below, 1.0) + overshoot))
        low = np.maximum(low, min(start, -edge(problem, above, -1.0) - overshoot))
    return low, high


def noise_ends(noise: Noise) -> tuple[float, float]:
    """(u, v) with -u <= xi <= v on the line."""
    atoms = noise.atoms() if noise.additive else None
    if atoms is None or noise.radial:
        return (noise.vector_bound(1),) * 2
    support = np.asarray(atoms[0]) * (1.0 if noise.along is None else noise.along[0])
    return max(-float(support.min()), 0.0), max(float(support.max()), 0.0)


def on_a_line(setting: Setting) -> bool:
    """Convex on the whole line. An objective without constants may have a smaller domain (1/x, -log x): not that one."""
    problem = setting.problem
    return problem.dim == 1 and problem.convex and np.isfinite(constants(problem)[1])


def _ends(setting: Setting, steps: FloatArray, function: Callable[..., Any]) -> list[FloatArray]:
    """`function` of points at both ends of the interval; inf where an end is infinite."""
    values = []
    for end in interval(setting, steps):
        finite = np.isfinite(end)
        value = function(np.where(finite, end, setting.problem.x0[0])[:, np.newaxis])
        values.append(np.where(finite, value, np.inf))
    return values


def distance_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance to the nearest minimiser: it is 1-Lipschitz in x; both lemmas sharpen the upper end.

    On the line the distance to a minimiser set, an interval, is convex, so the larger of both ends bounds it.
    """
    problem = setting.problem
    start = problem.distance(problem.x0)
    if start is None:
        return np.zeros(steps.shape), np.full(steps.shape, np.inf)
    way = displacement(setting, steps)
    low, high = np.maximum(start - way, 0.0), start + way
    if on_a_line(setting):
        high = np.fmin(high, np.maximum(*_ends(setting, steps, problem.distance)))
    return low, np.fmin(high, _ball(setting))


def squared_distance_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    low, high = distance_range(setting, steps)
    return np.square(low), np.square(high)


def _ball(setting: Setting) -> float:
    """max(‖x_0 - x*‖, w/mu) where the first lemma applies, else inf."""
    problem = setting.problem
    mu = problem.strong_convexity
    if not (mu > 0 and problem.minimiser is not None and _plain(setting) and _contracting(setting)):
        return np.inf
    return max(float(np.linalg.norm(problem.x0 - problem.minimiser)), setting.noise.vector_bound(problem.dim) / mu)


def gradient_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """‖grad f(x_t)‖.

    General: with ‖hess f‖ <= H0 + H1‖grad f‖, or the first-order form applied to short pieces of the segment, v(s) =
    ‖grad f(x_0 + s(x_t - x_0)/D)‖ changes at a rate at most H0 + H1 v, so with g_0 = ‖grad f(x_0)‖
    (g_0 + H0/H1) e^{-H1 D} - H0/H1 <= ‖g_t‖ <= (g_0 + H0/H1) e^{H1 D} - H0/H1, and g_0 ± L D if L is global.
    Convex on the line: f' is monotone, so its values lie between those at the ends of the interval.
    First lemma: ‖grad f‖ <= L ‖x - x*‖. And what the problem knows of its gradient at a distance from x_0 (`steepest`).
    """
    problem = setting.problem
    start = float(np.linalg.norm(problem.gradient(problem.x0)))
    way = displacement(setting, steps)
    lipschitz, H0, H1 = constants(problem)
    if lipschitz is not None:
        low, high = start - lipschitz * way, start + lipschitz * way
        high = np.fmin(high, lipschitz * _ball(setting))
    else:
        low = start * np.exp(-H1 * way) + H0 / H1 * np.expm1(-H1 * way)  # (g_0 + H0/H1) - H0/H1 cancels
        high = start * np.exp(H1 * way) + H0 / H1 * np.expm1(H1 * way)
    if on_a_line(setting):
        left, right = _ends(setting, steps, lambda x: np.abs(problem.gradient(x)[:, 0]))
        high = np.fmin(high, np.maximum(left, right))
    return np.fmax(low, 0.0), np.fmin(high, problem.steepest(way))


def mean_gradient_range(setting: Setting, steps: FloatArray, power: int = 1) -> tuple[FloatArray, FloatArray]:
    """Running mean over s < t of ‖g_s‖^power: the mean of its ranges.

    The ranges widen with s, so a piece of the steps is bounded by its last step. At t = 0 it is ‖g_0‖^power. Where the norm is
    evaluated at some steps only, each of which stands for its piece, the widest range holds for all.
    """
    if setting.noise.tracks_some_steps:
        low, high = gradient_range(setting, np.maximum(steps - 1, 0))
        return low**power, high**power
    last = max(int(steps.max(initial=1)) - 1, 0)
    near = np.arange(min(last, PIECES) + 1)
    far = np.round(np.geomspace(1, last, 2 * PIECES)) if last > PIECES else near
    grid = np.unique(np.concatenate([near, far, np.maximum(steps - 1, 0)]))  # every s <= t - 1 has an end >= s in it
    low, high = (end**power for end in gradient_range(setting, grid))
    weight = np.diff(grid, prepend=-1.0)
    rows = np.searchsorted(grid, np.maximum(steps - 1, 0))
    count = np.maximum(steps, 1)
    return np.cumsum(weight * low)[rows] / count, np.cumsum(weight * high)[rows] / count


def mean_squared_gradient_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Running mean over s < t of ‖g_s‖²."""
    return mean_gradient_range(setting, steps, power=2)


def weighted_mean_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A mean of ‖g_s‖ over s < t with any weights: the ranges widen with s, so that of the last step holds it."""
    return gradient_range(setting, np.maximum(steps - 1, 0))


def mean_certified_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Running mean of a step rule's certified quantity, a concave non-decreasing function of ‖g_s‖: Jensen."""
    rule = getattr(setting.method, "rule", None)
    if rule is None:
        return np.full(steps.shape, -np.inf), np.full(steps.shape, np.inf)
    return np.zeros(steps.shape), rule.certify(mean_gradient_range(setting, steps)[1])


def min_gradient_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minimum over s <= t of ‖g_s‖: at most ‖g_0‖, at least the lower end at t, which does not rise with t."""
    low, _ = gradient_range(setting, steps)
    return low, np.full(steps.shape, float(np.linalg.norm(setting.problem.gradient(setting.problem.x0))))


def gap_range(setting: Setting, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """f(x_t) - f_star >= 0.

    General: |f(x_t) - f(x_0)| is at most the integral over [0, D] of the upper end for ‖grad f‖. Convex on the line: at
    most the larger value at the ends of the interval. First lemma: f(x) <= f(x*) + L‖x - x*‖²/2.
    """
    problem: Any = setting.problem
    start = problem.initial_gap
    gradient = float(np.linalg.norm(problem.gradient(problem.x0)))
    way = displacement(setting, steps)
    lipschitz, H0, H1 = constants(problem)
    if lipschitz is not None:
        change = gradient * way + 0.5 * lipschitz * way**2
    else:
        # expm1(s) - s cancels for small s; s²/2·e^s is above it
        growth = np.minimum(
            np.where(H1 * way > 1e-4, np.expm1(H1 * way) - H1 * way, np.inf), (H1 * way) ** 2 / 2 * np.exp(H1 * way)
        )
        change = gradient * np.expm1(H1 * way) / H1 + H0 / H1**2 * growth
    high = start + change
    if on_a_line(setting):
        high = np.fmin(high, np.maximum(*_ends(setting, steps, problem.gap)))
    radius = _ball(setting)
    if np.isfinite(radius):
        high = np.fmin(high, float(problem.gap(problem.minimiser)) + 0.5 * lipschitz * radius**2)
    return np.fmax(start - change, 0.0), high


def _of_average(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A mean of x_s over some s < t lies where x_{t-1} may: the balls and intervals of a rule are convex and widen with t."""
    return lambda setting, steps: rule(setting, np.maximum(steps - 1, 0))


RULES = {
    "gradient_norm": gradient_range,
    "mean_gradient_norm": mean_gradient_range,
    "mean_squared_gradient_norm": mean_squared_gradient_range,
    "weighted_mean_gradient_norm": weighted_mean_range,
    "mean_certified": mean_certified_range,
    "min_gradient_norm": min_gradient_range,
    "gap": gap_range,
    "distance": distance_range,
    "squared_distance": squared_distance_range,
    **dict.fromkeys(("gap_of_average", "gap_of_tail_average"), _of_average(gap_range)),
    **dict.fromkeys(("distance_of_average", "distance_of_tail_average"), _of_average(distance_range)),
}
