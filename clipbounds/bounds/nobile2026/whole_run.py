"""Theorem 6 without the objects: localisation, the average of q(G_t), and the search for the parameters."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from .mean_step import MeanStep
from .search import lowest_point
from .step_exponent import COARSE, FINE, StepExponent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...array_types import FloatArray, FloatOrArray
    from .step_exponent import Grid, Minorant

SPLITS = ((0.0, 0.1), (0.08, 0.08))  # shares of delta for the cuts and for the localisation
EASED = (
    1.0,
    0.93,
    0.8,
    0.6,
)  # lambda_D on the fine grid: the coarse one may be just beyond the cliff where no D exists
ROOM = 1.02  # the cells cover a little more than D, and the fine grid rounds differently
LARGEST = 1e8  # of F0: no localisation is sought beyond


@dataclasses.dataclass(frozen=True)
class Run:
    """What Theorem 6 needs: a batch (thresholds, sigma, p), L, eta, F0, the number of steps T and delta."""

    thresholds: tuple
    sigma: float
    p: float
    lipschitz: float
    step_size: float
    initial_gap: float
    steps: float
    failure_probability: float

    def exponent(self, gap: float, cut: float, grid: Grid) -> StepExponent:
        """`StepExponent` for f - f* <= gap, with the share `cut` of delta for the cuts of all steps."""
        step = MeanStep(self.thresholds, self.sigma, self.p, min(1.0, self.lipschitz * self.step_size), grid.groups)
        edges = step.even_edges(np.sqrt(2 * self.lipschitz * gap) * (1 + 1e-9), grid.cells)
        return StepExponent(step, self.step_size, edges, cut * self.failure_probability / self.steps, grid)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Parameters of Theorem 6, chosen before the data: shares of delta, lambda_D, lambda, and a gap that the cells must cover."""

    cut: float
    local: float
    gap_rate: float
    rate: float
    gap: float


def excursion(run: Run, minorant: Minorant, log_term: float, rate: float) -> float:
    """The smallest D of Theorem 6 on the cells; inf if they do not cover it."""
    lowest = np.minimum.accumulate(minorant.least)  # on the cells up to this one
    with np.errstate(over="ignore"):
        needed = run.initial_gap + log_term / rate + 0.5 * run.step_size * run.steps * np.maximum(0.0, -lowest)
        needed = np.where(np.isnan(needed), np.inf, needed) * (1 + 1e-9)
        enough = 2 * run.lipschitz * needed <= minorant.high**2
    return float(needed[np.argmax(enough)]) if enough.any() else np.inf


@dataclasses.dataclass(frozen=True)
class Average:
    """q(G) in the average of Theorem 6: "square" G², "norm" G, or "corner" min(G², corner·G)."""

    kind: str
    corner: float = np.inf

    def excess(self, minorant: Minorant, a: FloatArray, top: float) -> FloatArray:
        """max over G <= top of a q(G) - Psi(G), for an array of a."""
        inside = minorant.low <= top
        if self.kind == "norm":
            parts = minorant.excess(a, np.zeros_like(a))
        else:
            parts = minorant.excess(np.zeros_like(a), a)
            if self.kind == "corner":  # the smaller of two functions has at most the smaller of their maxima
                parts = np.minimum(parts, minorant.excess(a * self.corner, np.zeros_like(a)))
        return parts[:, inside].max(axis=1)

    def range(self, top: float) -> tuple[float, float]:
        """Where the best a is looked for."""
        if self.kind == "norm":
            return 1e-3 * top, 4 * top
        return 1e-3, 2.0


def average(run: Run, minorant: Minorant, log_term: float, rate: float, gap: float, quantity: Average) -> float:
    """inf over a of [2 D0/(eta T) + max over G <= sqrt(2 L D) of (a q(G) - Psi(G))]/a."""
    if not gap < np.inf:
        return np.inf
    top = np.sqrt(2 * run.lipschitz * gap)
    level = 2 * (run.initial_gap + log_term / rate) / (run.step_size * run.steps)

    def value(a: FloatOrArray) -> FloatArray:
        a = np.atleast_1d(a)
        with np.errstate(over="ignore", invalid="ignore"):
            found = (level + np.maximum(quantity.excess(minorant, a, top), 0.0)) / a
        return np.where(np.isnan(found), np.inf, found)

    a = lowest_point(value, *quantity.range(top), count=25, rounds=4)
    return float(value(a)[0]) * (1 + 1e-9)


def gap_on(
    run: Run, exponent: StepExponent, plan: Plan, smallest: Callable[[Run, Minorant, float, float], float] = excursion
) -> float:
    """D on the cells of `exponent`, with the plan's lambda_D or, where that has none, a smaller one."""
    for ease in EASED:
        rate = plan.gap_rate * ease
        gap = smallest(run, exponent.minorant(rate), -np.log(run.failure_probability * plan.local), rate)
        if gap < np.inf:
            break
    return gap


def evaluate(run: Run, plan: Plan, quantity: Average, grid: Grid = FINE) -> tuple[float, float]:
    """(bound of the average of q(G_t), D): Theorem 6 with the parameters of a plan; inf if the plan's gap is too small."""
    exponent = run.exponent(plan.gap, plan.cut, grid)
    gap = gap_on(run, exponent, plan)
    main = -np.log(run.failure_probability * (1 - plan.cut - plan.local))
    return average(run, exponent.minorant(plan.rate), main, plan.rate, gap, quantity), gap


def _rates(run: Run) -> tuple[float, float]:
    """Ends of the search for lambda: lambda from 1e-6/F0 up to where the largest step alone has lambda Y of size 100."""
    step = run.lipschitz * run.step_size**2 * max(run.thresholds) ** 2
    high = 100 * len(run.thresholds) / min(step, run.initial_gap) if step > 0 else 1e6 / run.initial_gap
    return 1e-6 / run.initial_gap, max(high, 1e4 / run.initial_gap)


def _best(function: Callable[[float], float], low: float, high: float, count: int) -> float:
    """An approximate minimiser of a function of one number: a logarithmic grid, refined twice."""
    for size in (count, 9, 9):
        rates = np.geomspace(low, high, size)
        k = int(np.argmin([function(rate) for rate in rates]))
        low, high = rates[max(k - 1, 0)], rates[min(k + 1, size - 1)]
    return float(rates[k])


def localise(
    run: Run, cut: float, local: float, smallest: Callable[[Run, Minorant, float, float], float] = excursion
) -> tuple[float, float]:
    """(D, lambda_D) on a coarse grid: the gap that the cells must cover grows until some lambda admits a D."""
    gap = 4 * run.initial_gap
    while gap < LARGEST * run.initial_gap:
        exponent = run.exponent(gap, cut, COARSE)

        def found(rate: float, exponent: StepExponent = exponent) -> float:
            return smallest(run, exponent.minorant(rate), -np.log(run.failure_probability * local), rate)

        rate = _best(found, *_rates(run), 23)
        value = found(rate)
        if value < np.inf:
            return value, rate
        gap *= 8
    return np.inf, np.nan


def search(run: Run, quantity: Average) -> Plan | None:
    """The best `Plan` on a coarse grid, or None where no localisation is finite. It uses the setting only, no data.

    For each split of delta: lambda_D by a logarithmic grid that minimises D, then lambda in the same way for the average.
    """
    best = (np.inf, None)
    for cut, local in SPLITS:
        gap, gap_rate = localise(run, cut, local)
        if not gap < np.inf:
            continue
        exponent = run.exponent(gap * ROOM, cut, COARSE)
        main = -np.log(run.failure_probability * (1 - cut - local))

        def value(rate: float, gap: float = gap, exponent: StepExponent = exponent, main: float = main) -> float:
            return average(run, exponent.minorant(rate), main, rate, gap, quantity)

        rate = _best(value, gap_rate / 50, gap_rate * 50, 11)
        found = value(rate)
        if best[1] is None or found < best[0]:
            best = found, Plan(cut, local, gap_rate, rate, gap * ROOM)
    return best[1]


def whole_run(run: Run, quantity: Average) -> tuple[float, float, Plan | None]:
    """(bound of the average of q(G_t), D, plan): Theorem 6 with searched parameters; (inf, inf, None) without a localisation."""
    plan = search(run, quantity)
    if plan is None:
        return np.inf, np.inf, None
    value, gap = evaluate(run, plan, quantity)
    return value, gap, plan


def whole_gap(run: Run, smallest: Callable[[Run, Minorant, float, float], float] = excursion) -> float:
    """The smallest D over the splits with all of delta for cuts and localisation: f(x_t) - f* <= D for all t <= T."""
    found = np.inf
    for cut, _ in SPLITS:
        gap, rate = localise(run, cut, 1 - cut, smallest)
        if gap < np.inf:
            plan = Plan(cut, 1 - cut, rate, np.nan, gap * ROOM)
            found = min(found, gap, gap_on(run, run.exponent(plan.gap, cut, FINE), plan, smallest))
    return found
