"""The rules by which a verdict on a case is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import means
from .case import SLACK
from .looks import needed, share_of_band
from .proportions import clopper_pearson
from .quantiles import quantile_limits
from .rounding import rounding

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from .case import Case, Verdict


def judge_exact(case: Case) -> Verdict:
    """Every trajectory is compared: no sampling error."""
    sample = case.sample
    low, high = sample.smallest, sample.largest
    if sample.values is not None and sample.diverged.any():
        # a diverged trajectory says nothing; the others still may be beyond the bound
        finite = np.isfinite(sample.values)
        low = np.min(sample.values, axis=1, initial=np.inf, where=finite)
        high = np.max(sample.values, axis=1, initial=-np.inf, where=finite)
    usable = (low <= high) & (np.isfinite(high) | (sample.diverged == 0))
    extreme = high if case.upper else low
    beyond = usable & (extreme > case.limit if case.upper else extreme < case.limit)
    rest: dict[str, Any] = {"method": "exact", "measured": extreme, "low": low, "high": high}
    if beyond.any():
        return case.violated(beyond, **rest)
    if sample.diverged.any():
        return case.says("undecided", case.diverged(), **rest)
    if not usable.all():
        return case.says("undecided", "the measured values are not numbers at some checkpoint", **rest)
    return case.says("holds", "", **rest)


def judge_mean(case: Case, error: float, proved: tuple[FloatArray, FloatArray], band: str | None) -> Verdict:
    """A band for the mean, each checkpoint with its part `error`, on the proved range (low, high).

    What is proved comes first: betting where every trajectory is kept, empirical Bernstein and the band of the spread where
    only statistics are. Where a normal band is justified (`means.normal_from`), it is looked at if that does not decide,
    and both have half of the error.
    """
    sample, bound = case.sample, case.bound
    a, b = proved
    facts = means.facts_of(case.setting, bound.quantity, sample.steps, proved, bound.accept_sampled)
    enough = means.normal_from(case.setting, bound.quantity, facts, bound.accept_sampled)
    normal = sample.count >= enough
    if normal:
        error = error / 2
    clean = (sample.diverged == 0) & np.isfinite(sample.mean)
    spare = SLACK * np.abs(np.where(np.isfinite(b), b, 0.0)) + rounding(case.setting, bound.quantity, b, sample.steps)
    outside = clean & ((sample.smallest < a - spare) | (sample.largest > b + spare))
    band = band or ("empirical Bernstein" if sample.values is None else "betting")
    if band == "betting":
        if sample.values is None:
            raise ValueError(
                "betting bands need every trajectory: simulate with keep='trajectories', or use band='empirical Bernstein'"
            )
        low, high = means.betting_band(sample.values, facts, error)
    else:
        low, high = means.statistics_band(sample, facts, error)
    low, high = np.where(clean, low, -np.inf), np.where(clean, high, np.inf)
    rest: dict[str, Any] = {"method": band, "measured": sample.mean, "low": low, "high": high}
    if outside.any():
        step = int(sample.steps[np.argmax(outside)])
        return case.says(
            "undecided",
            f"a value leaves the proved range at step {step}: {case.suspect}",
            **rest,
        )
    beyond = case.beyond(low, high)
    if beyond.any():
        return case.violated(beyond, **rest)
    if sample.diverged.any():
        return case.says("undecided", f"{case.diverged()}, and the mean contains them", **rest)
    if not clean.all():
        return case.says("undecided", "the mean is not a finite number at some checkpoint", **rest)
    if case.inside(low, high).all():
        return case.says("holds", "", **rest)
    if normal:
        first, last = means.normal_band(sample, error)
        both = np.fmax(first, low), np.fmin(last, high)
        rest = {"method": "asymptotic", "measured": sample.mean, "low": both[0], "high": both[1]}
        beyond = case.beyond(*both)
        if beyond.any():
            return case.violated(beyond, **rest)
        if case.inside(*both).all():
            return case.says("holds", "", **rest)
        return _open(case, rest, enough)
    if not facts.says_something(case.upper) and not np.isfinite(enough):
        reason = (
            f"no proved finite range, spread or variance of {bound.quantity} that a band for its mean could rest on;"
            " use quantiles (verdict.quantile_limits)"
        )
        return case.says("undecided", reason, **rest)
    return _open(case, rest, enough)


def _open(case: Case, rest: dict[str, Any], enough: float) -> Verdict:
    """Undecided: at which step, and about how many trajectories would decide, as widths shrink between 1/n and 1/sqrt(n)."""
    low, high, mean, limit = rest["low"], rest["high"], rest["measured"], case.limit
    step = int(case.sample.steps[np.argmax(~case.inside(low, high))])
    share = share_of_band(case.bound.kind, mean, low, high, limit)
    ends = [case.sample.count / share**power for power in (1, 2)] if share > 0 else [np.inf]
    if case.sample.count < enough < np.inf:
        count = f"; a normal band is used from {enough} on"
    elif ends[-1] < 1e12:
        first, last = (float(f"{n:.2g}") for n in ends)
        count = f", about {first:.0f} to {last:.0f} if the mean stays"
    else:
        count = ""
    reason = f"the band contains the bound at step {step}; more than {case.sample.count} trajectories are needed{count}"
    return case.says("undecided", reason, **rest, open=True, needed=needed(case.sample.count, share, enough))


def judge_probability(case: Case, error: float) -> Verdict:
    """The share of trajectories beyond the bound against ``failure_probability``, by Clopper-Pearson limits.

    Share at each checkpoint, or, for a bound with ``simultaneous = True``, at any checkpoint up to it. The curve shown is
    the quantile of level 1 - failure_probability (of level failure_probability for a lower bound) with its limits; where
    only statistics were kept, it is the extreme trajectory. A diverged trajectory counts as beyond and as not beyond,
    whichever is worse.
    """
    sample, allowed = case.sample, float(case.bound.failure_probability)
    n = sample.count
    if sample.values is not None:
        values = sample.values
        crossed = values > case.limit[:, np.newaxis] if case.upper else values < case.limit[:, np.newaxis]
        unknown = ~np.isfinite(values)
        crossed &= ~unknown
        quantile = 1 - allowed if case.upper else allowed
        measured = np.quantile(
            np.where(unknown, np.inf if case.upper else -np.inf, values), quantile, axis=1, method="inverted_cdf"
        )
        limits = quantile_limits(values, quantile, error=error)
        if getattr(case.bound, "simultaneous", False):
            crossed, unknown = np.logical_or.accumulate(crossed), np.logical_or.accumulate(unknown)
        at_least, at_most = crossed.sum(axis=1), (crossed | unknown).sum(axis=1)
    else:
        extreme = sample.largest if case.upper else sample.smallest
        some = ~case.inside(sample.smallest, sample.largest)
        if getattr(case.bound, "simultaneous", False):
            some = np.logical_or.accumulate(some)
        at_least, at_most = np.zeros(n_rows := len(some), dtype=int), np.where(some, n, 0)
        measured, limits = extreme, (np.full(n_rows, np.nan), np.full(n_rows, np.nan))
    lower = clopper_pearson(at_least, n, error=error)[0]
    upper = clopper_pearson(at_most, n, error=error)[1]
    rest: dict[str, Any] = {"method": "Clopper-Pearson", "measured": measured, "low": limits[0], "high": limits[1]}
    beyond = lower > allowed
    if beyond.any():
        return case.violated(beyond, **rest)
    if (upper <= allowed).all():
        return case.says("holds", "", **rest)
    row = int(np.argmax(upper > allowed))
    if sample.values is None and at_most[row]:
        reason = "some trajectories are beyond the bound and statistics do not say how many: simulate with keep='trajectories'"
        return case.says("undecided", reason, **rest)
    reason = f"the share beyond the bound is {at_most[row]}/{n} at step {sample.steps[row]}, at most {upper[row]:.2g} with confidence, and {allowed:.2g} is allowed"
    return case.says("undecided", reason, **rest, open=True)


def judge_display(case: Case) -> Verdict:
    """Floors and predictions: a ratio, no verdict."""
    words = {
        "floor": "a floor is the worst case of a class, which one setting need not attain: shown with its ratio",
        "prediction": "a prediction is never asserted: shown with its ratio",
    }
    sample = case.sample
    rest: dict[str, Any] = {"method": "", "measured": sample.mean, "low": sample.mean, "high": sample.mean}
    return case.says("undecided", words[case.bound.kind], **rest)
