"""Theorem 7 without the objects: exponential moments of the gap under the Polyak-Lojasiewicz inequality; L = F0 = 1."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from .step_exponent import COARSE, FINE
from .whole_run import ROOM, SPLITS, Plan, _best, gap_on, localise, whole_gap

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from .step_exponent import Minorant, StepExponent
    from .whole_run import Run

SLOPES = np.geomspace(0.02, 2, 24)  # values of a; each gives a valid bound
BLOCKS = 60  # of steps, in the sum over the first exit


def offsets(run: Run, minorant: Minorant, mu: float) -> tuple[FloatArray, FloatArray]:
    """(a, c) for each admissible a and the cells up to each one: Psi >= a G² - c there, c >= 0, shape (slopes, cells)."""
    a = SLOPES[run.step_size * SLOPES * mu < 1]
    excess = minorant.excess(np.zeros_like(a), a)
    return a[:, np.newaxis], np.maximum(np.maximum.accumulate(excess, axis=1), 0.0)


def log_moment(run: Run, t: FloatArray, rate: float, a: FloatArray, c: FloatArray, mu: float) -> FloatArray:
    """l_t >= ln E Z_t, with a new last axis for the steps t."""
    kept = (1 - run.step_size * a * mu)[..., np.newaxis] ** t
    with np.errstate(invalid="ignore", over="ignore"):
        level = rate * c / (2 * a * mu)
        return kept * rate * run.initial_gap + (1 - kept) * level[..., np.newaxis]


def exit_gap(run: Run, minorant: Minorant, log_term: float, rate: float, mu: float) -> float:
    """The smallest D of Theorem 7 on the cells; inf if they do not cover it. The steps of a block take its largest l_t."""
    a, c = offsets(run, minorant, mu)
    ends = np.unique(np.round(np.geomspace(1, run.steps, BLOCKS)))
    starts = np.append(1.0, ends[:-1] + 1)
    moment = np.maximum(
        log_moment(run, starts, rate, a, c, mu), log_moment(run, ends, rate, a, c, mu)
    )  # l_t is monotone
    with np.errstate(over="ignore", invalid="ignore"):
        total = logsumexp(moment + np.log(ends - starts + 1), axis=-1)
        needed = np.maximum((total + log_term) / rate, run.initial_gap) * (1 + 1e-9)
        needed = np.where(np.isnan(needed), np.inf, needed)
        enough = 2 * run.lipschitz * needed <= minorant.high**2
    return float(np.min(np.where(enough, needed, np.inf)))


def polyak_gap(run: Run, mu: float) -> float:
    """D for f(x_t) - f* <= D at all t <= T: the smaller of Theorem 7's and Theorem 6's, a choice made before the data."""
    return min(whole_gap(run), whole_gap(run, partial(exit_gap, mu=mu)))


def last_gap(run: Run, minorant: Minorant, log_term: float, rate: float, mu: float, top: float) -> float:
    """The bound of f(x_T) - f* for one lambda on the cells up to G = `top`."""
    a, c = offsets(run, minorant, mu)
    c = c[:, np.searchsorted(minorant.high, top)][:, np.newaxis]
    moment = log_moment(run, np.array([float(run.steps)]), rate, a, c, mu)
    with np.errstate(over="ignore"):
        return float(np.nanmin((moment + log_term) / rate)) * (1 + 1e-9)


def polyak_last(run: Run, mu: float, found: float) -> float:
    """With probability >= 1 - delta, f(x_T) - f* is at most this: the smaller of Theorem 7's bound and `found`.

    `found` is a bound of all f(x_t) - f* for the same delta, `polyak_gap`. It may be the smaller one, for few steps and few units,
    as all of delta goes to it.
    """
    for cut, local in SPLITS:
        smallest = partial(exit_gap, mu=mu)
        gap, gap_rate = localise(run, cut, local, smallest)
        if not gap < np.inf:
            continue
        plan = Plan(cut, local, gap_rate, np.nan, gap * ROOM)
        main = -np.log(run.failure_probability * (1 - cut - local))
        coarse = run.exponent(plan.gap, cut, COARSE)
        top = np.sqrt(2 * run.lipschitz * gap)

        def value(rate: float, exponent: StepExponent = coarse, top: float = top, main: float = main) -> float:
            return last_gap(run, exponent.minorant(rate), main, rate, mu, top)

        rate = _best(value, gap_rate / 50, gap_rate * 50, 11)
        fine = run.exponent(plan.gap, cut, FINE)
        gap = gap_on(run, fine, plan, smallest)
        if gap < np.inf:
            found = min(found, value(rate, fine, np.sqrt(2 * run.lipschitz * gap)))
    return found
