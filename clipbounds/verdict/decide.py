"""The verdicts on several bounds from one run, at a joint confidence: what `compare` and `follow` both stand on."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import HypothesesFail
from . import assumed, judge
from .case import Case, Verdict, is_sampled
from .enclosed import judge_enclosure
from .ranges import measured_range
from .sample import MEASURED, Sample, take, why_not

if TYPE_CHECKING:
    import xarray as xr

    from ..array_types import FloatArray, IntArray
    from ..bounds.base import Bound
    from ..methods.base import Setting


def decide(
    run: xr.Dataset,
    setting: Setting,
    bounds: list[Bound],
    confidence: float,
    error: float,
    band: str | None,
    ranges: dict[str, tuple[FloatArray, FloatArray]],
    assume: str | None = None,
    values: dict[int, FloatArray] | None = None,
) -> list[Verdict]:
    """The verdicts on `bounds`; all that may err together err with probability at most `error`.

    `confidence` is the number that the verdicts show. Hypotheses that fail, and bounds that say nothing, take no part of
    the error: they do not depend on the run. `assume` is None or "normal means" (`assumed`). `values` keeps what the bounds are, by their
    numbers, from one look at the same checkpoints to the next.
    """
    samples = {quantity: take(run, quantity) for quantity in {bound.quantity for bound in bounds}}
    known: dict[int, FloatArray] = {} if values is None else values
    cases = [
        _case(bound, samples[bound.quantity], run, setting, confidence, known, k) for k, bound in enumerate(bounds)
    ]
    tests = sum(isinstance(case, Case) and is_sampled(case) for case in cases)
    error = error / max(tests, 1)
    return [
        assumed.mark(_decide(case, error, band, ranges or {}, assume), setting) if isinstance(case, Case) else case
        for case in cases
    ]


def _case(
    bound: Bound,
    sample: Sample | None,
    run: xr.Dataset,
    setting: Setting,
    confidence: float,
    values: dict[int, FloatArray],
    number: int,
) -> Case | Verdict:
    """A `Case` to be judged, or a `Verdict` where there is nothing to judge."""

    def says(verdict: str, reason: str) -> Verdict:
        return Verdict(bound.name, bound.kind, bound.quantity, verdict, reason)

    try:
        if number not in values:
            values[number] = bound.value(setting, [1] if sample is None else sample.steps)
    except HypothesesFail as failure:
        return says("does not apply", str(failure))
    if sample is None:
        return says("not measured", why_not(run, bound.quantity))
    return Case(bound, setting, sample, values[number], confidence, run.attrs.get("source") == MEASURED)


def _decide(
    case: Case, error: float, band: str | None, ranges: dict[str, tuple[FloatArray, FloatArray]], assume: str | None
) -> Verdict:
    bound, setting, sample = case.bound, case.setting, case.sample
    if bound.kind in ("floor", "prediction"):
        return judge.judge_display(case)
    if case.vacuous:
        return case.says("vacuous", case.vacuous, "", sample.mean, sample.smallest, sample.largest)
    if sample.enclosed:
        return judge_enclosure(case)
    if not is_sampled(case):
        return judge.judge_exact(case)
    error = error / len(sample.steps)
    if bound.aggregate == "probability":
        return judge.judge_probability(case, error)
    if bound.quantity in ranges:
        low, high = ranges[bound.quantity]
        proved = np.broadcast_to(low, sample.steps.shape), np.broadcast_to(high, sample.steps.shape)
    else:
        proved = proved_range(setting, bound.quantity, tuple(sample.steps.tolist()), bound.accept_sampled)
    if assume is None:
        return judge.judge_mean(case, error, proved, band)
    proved_verdict = judge.judge_mean(case, error / 2, proved, band)
    return assumed.judge_student(case, error / 2, proved_verdict)


@functools.lru_cache(maxsize=256)  # every look of a sequence of looks asks again
def proved_range(
    setting: Setting, quantity: str, steps: tuple[int, ...], accept_sampled: bool
) -> tuple[FloatArray, FloatArray]:
    return measured_range(setting, quantity, np.array(steps), accept_sampled)


def drawn(run: xr.Dataset, setting: Setting, draw: list[Bound]) -> list[tuple[str, str, str, IntArray, FloatArray]]:
    """(name, kind, quantity, steps, value) of the bounds that are drawn only."""
    curves = []
    for bound in draw:
        sample = take(run, bound.quantity)
        if sample is not None:
            curves.append((bound.name, bound.kind, bound.quantity, sample.steps, bound.value(setting, sample.steps)))
    return curves
