"""What floating point may add to a measured quantity: derived from the arithmetic of one step.

Let x_0, x_1, .. be the computed iterates. Each is the exact step from the one before, moved by rho_s,
‖rho_s‖ <= C (‖x*‖ + r_s), r_s >= ‖x_s - x*‖, C = (64 + dim + clients) eps: a gradient of L-smooth f, a norm, a quotient and a
difference are each rounded a few times, relative to ‖x_s‖ <= ‖x*‖ + r_s and to eta‖grad f‖ <= eta L r_s, norms are
sums over dim, and a server or a network sums over its clients. (x_0 stands for an unknown minimiser; where no L is known,
eta‖clip‖ is part of the displacement.)

* Contraction. Unclipped steps (also those under a threshold above L r_0, without noise) on convex f contract by
  kappa = max(|1 - eta mu|, |1 - eta L|) + C. If kappa < 1, r_s = kappa^s r_0 and the computed x_t differs from the exact one by at most
  E_t = C (‖x*‖ (1 + .. + kappa^{t-1}) + t kappa^{t-1} r_0).
* Otherwise a bound that holds from every start holds for the exact trajectory from each computed point: the moves add up, and
  E_t = C t (‖x*‖ + r), r the largest r_s. With clipping, or without it and kappa = 1, steps of a convex f with eta L <= 2 and
  no noise do not increase the distance to x*: the step is 1 - eta s H with s in [0, 1], 0 <= H <= L. So r = r_0. Other
  methods reach at most r_0 + displacement; where that is infinite and there is no noise, descent by at least
  eta (1 - eta L/2)‖grad f‖² gives the path length sqrt(t eta gap_0/(1 - eta L/2)) for eta L < 2.

A distance moves by E, and so does a displacement, however short the way is beside ‖x_0‖; a gradient norm by
(L0 + L1‖grad f‖) E, a gap by ‖grad f‖ E + L E²/2 with ‖grad f‖² <= 2 L gap, a square of a distance by 2 d E + E²; the difference
f - f_star cancels C |f_star|. A mean over steps has the mean of the errors. A step rule certifies c(G) = min(1/(1/G + a), cap),
c'(G) <= (c/G)² <= 1, so it moves by (L0 + L1 G) E c'(G) <= (L0 + L1 c) E. Each client's iterate moves by E and their mean too, the
root of the consensus error by 2 E. An estimator is a sum of non-negative parts of its bound, beta_t M_t + (1 - beta_t) phi_t,
each rounded a few times a step: relative to M_t, 16 eps t. Counts (the clipped fraction) are not rounded.
A mean of iterates moves by the largest E_s and by 2 eps t (‖x*‖ + r), for the sum of t points and the division.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Identity, NormClip
from ..described import is_described
from ..methods import SGD, ClippedSGD
from ..noise.base import NONE
from .ranges import constants, displacement

if TYPE_CHECKING:
    from ..array_types import FloatArray, RealArray
    from ..methods.base import Setting

EPS = np.finfo(np.float64).eps
COUNTED = ("clipped_fraction",)  # nothing is rounded
# of adaptive methods, for which no theorem is claimed: 0 is allowed, and one last bit may turn the comparison that moves a threshold
UNRULED = ("effective_step_size", "threshold")


def displaced(setting: Setting, steps: RealArray, running: bool = False, summed: bool = False) -> FloatArray:
    """E_t, or for `running` a bound of E_s for all s <= t, where the contraction would make the last one smaller.

    `summed`: of a mean of iterates, whose sum is rounded too.
    """
    problem, method = setting.problem, setting.method
    unit = ((66 if summed else 64) + problem.dim + getattr(problem, "clients", 0)) * EPS
    centre = problem.minimiser if problem.minimiser is not None else problem.x0
    size, start = float(np.linalg.norm(centre)), float(np.linalg.norm(problem.x0 - centre))
    lipschitz = constants(problem)[0]
    plain = type(method) in (SGD, ClippedSGD) and method.momentum == 0 and not method.scheduled
    curve = method.step_size * lipschitz if plain and lipschitz is not None else np.inf
    silent = setting.noise.layout == NONE
    clip = method.operator
    idle = type(clip) is NormClip and silent and curve <= 2 and lipschitz * start <= 0.999 * clip.threshold
    unclipped = plain and (isinstance(clip, Identity) or idle)
    kappa = max(abs(1 - method.step_size * problem.strong_convexity), abs(1 - curve)) + unit if unclipped else np.inf
    with np.errstate(over="ignore", under="ignore"):
        if problem.convex and silent and kappa < 1:
            total = np.minimum(steps, 1 / (1 - kappa))
            forgotten = total if running else steps * kappa ** (steps - 1)
            return unit * (size * total + start * forgotten) + (2 * EPS * steps * (size + start) if summed else 0.0)
        farthest = start
        if not (problem.convex and silent and curve <= 2):
            reach = displacement(setting, steps)
            if silent and curve < 2:
                reach = np.fmin(reach, np.sqrt(steps * method.step_size * problem.initial_gap / (1 - curve / 2)))
            farthest = start + np.where(np.isfinite(reach), reach, 0.0)
        return unit * steps * (size + farthest)


def rounding(setting: Setting, quantity: str, value: FloatArray, steps: RealArray) -> FloatArray:
    """What floating point may add to a quantity near `value` after `steps` steps; 0 for quantities without a rule."""
    if is_described(setting):
        return np.zeros(np.shape(value))  # measured elsewhere: nothing is known of its arithmetic
    problem = setting.problem
    steps = np.asarray(steps, dtype=np.float64)
    running = quantity.startswith(("mean_", "min_", "weighted_mean_"))
    summed = quantity.endswith("_average")
    quantity = quantity.replace("_of_tail_average", "").replace("_of_average", "")
    shift = displaced(setting, steps, running or summed, summed)
    lipschitz, L0, L1 = constants(problem)
    L0 = L0 if np.isfinite(L0) else 0.0
    size = np.where(np.isfinite(value), np.abs(value), 0.0)
    with np.errstate(over="ignore"):
        if quantity in ("distance", "displacement"):
            return shift
        if quantity == "squared_distance":
            return 2 * np.sqrt(size) * shift + shift**2
        if quantity == "consensus_error":
            return 4 * np.sqrt(size) * shift + 4 * shift**2
        if quantity == "estimator_size":
            return 16 * EPS * steps * size
        if quantity == "gap":
            slope = np.sqrt(2 * lipschitz * size) if lipschitz is not None else np.sqrt(2 * L0 * size) + 2 * L1 * size
            return (64 + problem.dim) * EPS * abs(problem.f_star) + slope * shift + 0.5 * (1 + L0) * shift**2
        if (
            quantity == "mean_squared_gradient_norm"
        ):  # Cauchy-Schwarz: the mean of ‖g_s‖ is at most the root of the value
            moved = shift * (L0 + L1 * np.sqrt(size))
            return 2 * np.sqrt(size) * moved + moved**2 + (steps + 4) * EPS * size
        if quantity.endswith("gradient_norm") or quantity == "mean_certified":
            summed = steps * EPS * size if running else 0.0
            return shift * (L0 + L1 * size) + summed
    return np.zeros(size.shape)
