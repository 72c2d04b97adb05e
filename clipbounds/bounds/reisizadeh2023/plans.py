"""Parameter plans: batches, epochs, step scale and length that bring a bound to eps, and what they cost."""

from __future__ import annotations

import dataclasses
import math
import warnings
from functools import cache
from typing import TYPE_CHECKING

from ...methods import ClippedStep, MiniBatch, RuleH, RuleN, RuleP, Spider
from ...oracles import Oracle, constants_of_mean
from ...problems import Problem
from .baselines import LARGEST, REACH, WEIGHT
from .recursion import mean_error
from .spider import normalised_factors

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatArray
    from ...noise.base import Noise

METHODS = ("H", "P", "N", "M", "C", "GD")
# lim of ebar/delta as tau -> 0 with S1 = (sigma/delta)², q = S2 -> inf: int_0^1 sqrt(1 + reach² s) ds
MEAN_ERROR = {1: (2**1.5 - 1) * 2 / 3, 2: (5**1.5 - 1) / 6}
# below this ratio sigma/delta the batches are so small that rounding them up changes the cost
SMALLEST_RATIO = 3.0


def ceiling(value: float) -> int:
    """The least integer >= value, forgiving rounding errors."""
    return max(1, math.ceil(value * (1 - 1e-12)))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a method needs for the accuracy eps, according to its bound.

    Attributes
    ----------
    name : one of "H", "P", "N", "M", "C", "GD"
    eps : float
    method : Spider or MiniBatch with the parameters of the plan
    steps : int K, the least that brings the bound to eps (a multiple of q for N)
    evaluations : int, component gradients in K steps: the `total` cost
    L0, L1 : float, the first-order constants that the method uses
    S1, S2, q : int, batches and epoch (q = 1 without variance reduction)
    step_scale : float delta (for C the step size eta)
    hit_evaluations : float or None, closed-form prediction of the hit on RampValley
    """

    name: str
    eps: float
    method: object
    steps: int
    evaluations: int
    L0: float
    L1: float
    S1: int
    S2: int
    q: int
    step_scale: float
    hit_evaluations: float | None = None

    @property
    def predicted_cost(self) -> int:
        """The same as `evaluations`."""
        return self.evaluations


@cache
def normalised_design(r: float) -> tuple[float, ...]:
    """(S1 eps²/sigma², q eps/sigma, delta/eps) that minimise the cost of N as eps -> 0 with S2 = q and r = L1 sigma/L0.

    Returns
    -------
    tuple of float
        The three ratios, and the cost over Delta L0 sigma/eps³.
    """
    from scipy.optimize import minimize

    def cost(logarithms: FloatArray) -> float:
        first, epoch, scale = (math.exp(v) for v in logarithms)
        kap, _ = normalised_factors(r * scale * epoch, 1, 1)
        left = 1 - scale / 2 - 2 / math.sqrt(first) - 2 * kap * scale
        return (first / epoch + 2 * epoch) / (scale * left) if left > 0 else 1e6 * (2 - left)

    start = [math.log(v) for v in (22.2, 2.52, 0.0924)]  # the design at r = 1
    options = {"xatol": 1e-6, "fatol": 1e-6, "maxiter": 4000}
    best = minimize(cost, start, method="Nelder-Mead", options=options)
    return (*(math.exp(v) for v in best.x), float(best.fun))


def _least_steps(name: str, eps: float, gap: float, L0: float, delta: float, room: float) -> int:
    """K with Delta L0/(K delta) <= room."""
    if not room > 0:
        raise ValueError(
            f"plan: the bound {name} cannot reach eps = {eps:g} with these batches and delta = {delta:g}: the part that does"
            " not depend on the number of steps is larger already; lower eps"
        )
    return ceiling(gap * L0 / (delta * room))


def _check_tau(name: str, tau: float, limit: float, eps: float) -> None:
    if tau > limit * (1 + 1e-9):
        raise ValueError(
            f"plan: the bound {name} needs tau = L1 delta/L0 <= {limit:g}, but eps = {eps:g} gives tau = {tau:.4g}; lower eps"
        )


def _spider(name: str, eps: float, problem: Problem, oracle: Any) -> Plan:
    reach, rule, limit = {"H": (1, RuleH, 1.0), "P": (2, RuleP, 0.5), "N": (1, RuleN, 1.0)}[name]
    n, gap = oracle.components, problem.initial_gap
    if n is not None:
        # a_0 = 0, ebar -> reach (2/3) delta with q = S2 = sqrt(n); for N the same with kap -> 2/3
        fixed = {"H": 0.5 + 4 / 3, "P": 1 + 8 / 3, "N": 0.5 + 4 / 3}[name]
        delta, S1, q = eps / (2 * fixed), n, ceiling(math.sqrt(n))
    elif name == "N":
        sigma = math.sqrt(oracle.variance)
        averaged = oracle.averaged_at_step(eps / 10)
        first, epoch, scale, _ = normalised_design(round(averaged.L1 * sigma / averaged.L0, 6))
        delta, S1, q = scale * eps, ceiling(first * sigma**2 / eps**2), ceiling(epoch * sigma / eps)
    else:
        # K ∝ 1/(delta (eps - c delta)) and cost a step ∝ 1/delta: least at delta = 2 eps/(3c)
        fixed = {"H": 0.5, "P": 1.0}[name] + 2 * MEAN_ERROR[reach]
        sigma = math.sqrt(oracle.variance)
        delta = 2 * eps / (3 * fixed)
        S1, q = ceiling((sigma / delta) ** 2), ceiling(sigma / delta)
    if n is None and sigma / delta < SMALLEST_RATIO:
        warnings.warn(
            f"plan: sigma/delta = {sigma / delta:.3g} < {SMALLEST_RATIO:g}, so rounding S1, S2 and q up to integers dominates the"
            " cost; the rates of the theory do not show at this eps",
            stacklevel=3,
        )
    averaged = oracle.averaged_at_step(delta)
    L0, L1 = averaged.L0, averaged.L1
    tau = L1 * delta / L0
    _check_tau(name, tau, limit, eps)
    first_error = 0.0 if n is not None else oracle.variance / S1
    if name == "N":
        kap, factor = normalised_factors(tau, q, q)
        room = eps * factor - delta / 2 - 2 * math.sqrt(first_error) - 2 * kap * delta
        steps = -(-_least_steps(name, eps, gap, L0, delta, room) // q) * q
    else:
        error = mean_error(first_error, delta, tau, reach, q, q)
        room = eps - {"H": 0.5, "P": 1.0}[name] * delta - (2 + tau / 2) * error
        steps = _least_steps(name, eps, gap, L0, delta, room)
    method = Spider(rule(delta, L0, L1), q, S1, q)
    hit = None
    if name == "H" and hasattr(problem, "ramp_length"):
        hit = (S1 / q + 2 * q) * problem.ramp_length * (L0 + 2 * eps * L1) / delta
    return Plan(name, eps, method, steps, int(method.evaluations(problem, steps)), L0, L1, S1, q, q, delta, hit)


def _mini_batch(eps: float, problem: Problem, oracle: Any) -> Plan:
    delta, gap = eps / 2, problem.initial_gap
    constants = constants_of_mean(problem, delta)
    L0, L1 = constants.L0, constants.L1
    tau = L1 * delta / L0
    _check_tau("M", tau, 1.0, eps)
    batch = ceiling(4 * oracle.variance / delta**2)
    room = eps - delta / 2 - (2 + tau / 2) * math.sqrt(oracle.variance / batch)
    steps = _least_steps("M", eps, gap, L0, delta, room)
    method = MiniBatch(RuleH(delta, L0, L1), batch)
    return Plan("M", eps, method, steps, steps * batch, L0, L1, batch, batch, 1, delta)


def _clipped(eps: float, problem: Problem, oracle: Any) -> Plan:
    sigma, gap = float(oracle.vector_bound(problem.dim)), problem.initial_gap
    if not 0 < sigma < math.inf:
        raise ValueError(
            f"plan: C needs ‖noise‖ <= sigma always, but {type(oracle).__name__} gives {sigma:g}; use RademacherNoise"
        )
    if eps > LARGEST * sigma:
        raise ValueError(f"plan: C speaks about eps <= 1.6 sigma = {LARGEST * sigma:g}, but eps = {eps:g} was given")
    # gamma = 5 sigma eta = (5 eps²/(2 sigma))/L0: a step of the scale delta = 5 eps²/(2 sigma)
    constants = constants_of_mean(problem, REACH * eps**2 / (2 * sigma))
    L0, L1 = constants.L0, constants.L1
    eta = eps**2 / (2 * L0 * sigma**2)
    for what, value in (("eta L0", eta * L0), ("gamma L1", REACH * sigma * eta * L1)):
        if value > 0.1 * (1 + 1e-9):
            raise ValueError(f"plan: C needs {what} <= 0.1, but eps = {eps:g} gives {value:.4g}; lower eps")
    room = 0.75 * eps**2 - L0 * eta * sigma**2 / 2 - WEIGHT * L1**2 * eta**2 * sigma**4
    steps = _least_steps("C", eps, gap, 1.0, eta, room)
    method = MiniBatch(ClippedStep(eta, REACH * sigma * eta), 1)
    hit = gap * problem.smoothness.L0 * sigma**2 / (2 * eps**4) if hasattr(problem, "ramp_length") else None
    return Plan("C", eps, method, steps, steps, L0, L1, 1, 1, 1, eta, hit)


def _gradient_descent(eps: float, problem: Problem, oracle: Any) -> Plan:
    n = oracle.components
    if n is None and oracle.variance > 0:
        raise ValueError(
            f"plan: GD needs full gradients, which {type(oracle).__name__} has at no finite cost; use a finite sum or Exact"
        )

    def psi(L0: float, L1: float) -> float:
        return eps / (1 + L1 * eps / L0)

    constants = constants_of_mean(problem, eps)  # psi(eps) <= eps: valid on the shorter step too
    L0, L1 = constants.L0, constants.L1
    delta = psi(L0, L1)
    _check_tau("GD", L1 * delta / L0, 1.0, eps)
    steps = ceiling(2 * problem.initial_gap * L0 / delta**2)
    method = MiniBatch(RuleH(delta, L0, L1), n or 1)
    return Plan("GD", eps, method, steps, steps * (n or 1), L0, L1, n or 1, n or 1, 1, delta)


def plan(eps: float, problem: Problem, oracle: Noise, method: str = "H") -> Plan:
    """Parameters of a method for the accuracy eps, and the predicted cost.

    The table of the theory page variance-reduction, section 2: S1, S2, q are rounded up, K is the least integer that
    brings the right-hand side of the bound, with these actual parameters, to eps.

    Parameters
    ----------
    eps : float in (0, inf)
    problem : Problem with a certified gap
    oracle : Oracle of that problem; a finite sum gets the finite-sum plan
    method : "H", "P", "N" (SPIDER), "M" (mini-batch clipping), "C" (clipped SGD), "GD"

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If a hypothesis of the bound fails at this eps, or the oracle does not fit the method.

    Warns
    -----
    UserWarning
        If sigma/delta < 3, where rounding up to integers dominates.
    """
    if not (isinstance(eps, (int, float)) and 0 < eps < math.inf):
        raise ValueError(f"plan: eps must be in (0, inf), but {eps!r} was given")
    if not isinstance(problem, Problem) or not isinstance(oracle, Oracle) or oracle.problem != problem:
        raise ValueError(
            f"plan: expected a problem and an oracle of that problem, but {problem!r} and {oracle!r} were given"
        )
    if method not in METHODS:
        raise ValueError(f"plan: method must be one of {', '.join(METHODS)}, but {method!r} was given")
    if method in ("H", "P", "N", "M") and oracle.components is None and not 0 < oracle.variance < math.inf:
        raise ValueError(
            f"plan: {method} needs a variance in (0, inf), but {type(oracle).__name__} has {oracle.variance:g}; use GD for"
            " exact gradients"
        )
    if method in ("M", "C") and not math.isfinite(oracle.variance):
        raise ValueError(f"plan: {method} needs a bounded variance, which {type(oracle).__name__} does not have")
    eps = float(eps)
    if method in ("H", "P", "N"):
        return _spider(method, eps, problem, oracle)
    return {"M": _mini_batch, "C": _clipped, "GD": _gradient_descent}[method](eps, problem, oracle)
