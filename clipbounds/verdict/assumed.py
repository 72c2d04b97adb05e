"""Verdicts that rest on something which is assumed, not proved: normal means of few seeds, and constants given by the user.

Student's band. For n independent normal variables, (mean - E)/(s/sqrt n) has Student's law with n - 1 degrees of freedom.
Means of measurements are not normal; with few seeds of a skewed law the band misses more often than it says, on the
side of the tail. So it is used for measurements from outside only, which cannot be continued, or where the caller asks
for it, after the proved bands have not decided, and the verdict says what was assumed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..described import is_described

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import BoolArray, FloatArray
    from ..methods.base import Setting
    from .case import Case, Verdict

FEWEST = 3  # seeds
NORMAL = "normal means"
CONSTANTS = "the given constants"
DECIDED = ("holds", "violated")


def student_band(count: int, mean: FloatArray, variance: FloatArray, error: float) -> tuple[FloatArray, FloatArray]:
    """mean ± t sqrt(variance/count), each side wrong with probability at most error/2 if the means are normal.

    Parameters
    ----------
    count : int, number of seeds; below 3 the band is infinite
    mean, variance : array_like, the variance with the divisor count - 1; where it is 0 the band is infinite
    error : float in (0, 1)

    Returns
    -------
    (low, high) : arrays
    """
    from scipy.special import stdtrit

    mean, variance = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if count < FEWEST:
        return np.full(mean.shape, -np.inf), np.full(mean.shape, np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        half = -stdtrit(count - 1, error / 2) * np.sqrt(variance / count)
        # equal up to rounding: such a sample does not show its variance
        half = np.where(variance > (1e-9 * mean) ** 2, half, np.inf)
        return mean - half, mean + half


def seeds_needed(distance: float, deviation: float, error: float, most: int = 10**9) -> int | None:
    """About how many seeds give a band of half width `distance`, for means with this standard deviation; None beyond `most`."""
    from scipy.special import stdtrit

    if not (distance > 0 and deviation > 0):
        return None

    def enough(n: int) -> bool:
        return -stdtrit(n - 1, error / 2) * deviation <= distance * np.sqrt(n)

    high = FEWEST
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, FEWEST)


def judge_student(case: Case, error: float, proved: Verdict) -> Verdict:
    """The verdict of `proved`, or where that is undecided the one of Student's band, marked with its assumption."""
    sample = case.sample
    if proved.verdict != "undecided" or case.outside_range(proved):
        return proved
    clean = (sample.diverged == 0) & np.isfinite(sample.mean)
    low, high = student_band(sample.count, sample.mean, sample.variance, error)
    low, high = np.where(clean, low, -np.inf), np.where(clean, high, np.inf)
    if proved.low.shape == low.shape:  # both bands hold together
        low, high = np.fmax(low, proved.low), np.fmin(high, proved.high)
    rest: dict[str, Any] = {"method": "Student", "measured": sample.mean, "low": low, "high": high}
    beyond = case.beyond(low, high)
    if beyond.any():
        return _marked(case.violated(beyond, **rest), NORMAL)
    if not clean.all():
        return proved
    inside = case.inside(low, high)
    if inside.all():
        return _marked(case.says("holds", "", **rest), NORMAL)
    return case.says("undecided", _why(case, inside, error), **rest, open=True)


def _why(case: Case, inside: BoolArray, error: float) -> str:
    sample = case.sample
    if sample.count < FEWEST:
        return f"{sample.count} {'seed' if sample.count == 1 else 'seeds'} give no band; at least {FEWEST} are needed"
    row = int(np.argmax(~inside))
    text = f"the band (assuming {NORMAL}) contains the bound at step {sample.steps[row]}"
    ahead = case.limit - sample.mean if case.upper else sample.mean - case.limit
    deviation = np.sqrt(sample.variance)
    if np.all(ahead > 0):  # every checkpoint has to be inside
        counts: list[Any] = [seeds_needed(d, s, error) for d, s in zip(ahead[~inside], deviation[~inside], strict=True)]
        needed = None if None in counts else max(counts)
    else:  # one checkpoint beyond is enough
        counts = [seeds_needed(-d, s, error) for d, s in zip(ahead, deviation, strict=True) if d < 0]
        needed = min((n for n in counts if n is not None), default=None)
    if needed is None:
        return f"{text}; the variance does not say how many seeds would decide"
    return f"{text}; about {needed} seeds would decide if mean and variance stay"


def _marked(verdict: Verdict, what: str) -> Verdict:
    """The verdict with the assumption in its words."""
    words, _, known = verdict.verdict.removesuffix(")").partition(" (assuming ")
    if words not in DECIDED:
        return verdict
    return dataclasses.replace(verdict, verdict=f"{words} (assuming {' and '.join([*filter(None, [known]), what])})")


def mark(verdict: Verdict, setting: Setting) -> Verdict:
    """The verdict, with the constants of a described setting among its assumptions."""
    return _marked(verdict, CONSTANTS) if is_described(setting) else verdict
