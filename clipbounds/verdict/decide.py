"""The verdicts on several bounds from one run, at a joint confidence: what `compare` and `follow` both stand on."""

import numpy as np

from ..bounds import HypothesesFail
from . import assumed, judge
from .enclosed import judge_enclosure
from .judge import Case, Verdict
from .ranges import measured_range
from .sample import MEASURED, take, why_not


def decide(run, setting, bounds, confidence, error, band, ranges, assume=None):
    """The verdicts on `bounds`; all that may err together err with probability at most `error`.

    `confidence` is the number that the verdicts show. Hypotheses that fail, and bounds that say nothing, take no part of
    the error: they do not depend on the run. `assume` is None or "normal means" (`assumed`).
    """
    cases = [_case(bound, run, setting, confidence) for bound in bounds]
    tests = sum(isinstance(case, Case) and judge.is_sampled(case) for case in cases)
    error = error / max(tests, 1)
    return [
        assumed.mark(_decide(case, error, band, ranges or {}, assume), setting) if isinstance(case, Case) else case
        for case in cases
    ]


def _case(bound, run, setting, confidence):
    """A `Case` to be judged, or a `Verdict` where there is nothing to judge."""

    def says(verdict, reason):
        return Verdict(bound.name, bound.kind, bound.quantity, verdict, reason)

    sample = take(run, bound.quantity)
    try:
        value = bound.value(setting, [1] if sample is None else sample.steps)
    except HypothesesFail as failure:
        return says("does not apply", str(failure))
    if sample is None:
        return says("not measured", why_not(run, bound.quantity))
    return Case(bound, setting, sample, value, confidence, run.attrs.get("source") == MEASURED)


def _decide(case, error, band, ranges, assume):
    bound, setting, sample = case.bound, case.setting, case.sample
    if bound.kind in ("floor", "prediction"):
        return judge.judge_display(case)
    if case.vacuous:
        return case.says("vacuous", case.vacuous, "", sample.mean, sample.smallest, sample.largest)
    if sample.enclosed:
        return judge_enclosure(case)
    if not judge.is_sampled(case):
        return judge.judge_exact(case)
    error = error / len(sample.steps)
    if bound.aggregate == "probability":
        return judge.judge_probability(case, error)
    if bound.quantity in ranges:
        proved = tuple(
            np.broadcast_to(np.asarray(end, dtype=np.float64), sample.steps.shape) for end in ranges[bound.quantity]
        )
    else:
        proved = measured_range(setting, bound.quantity, sample.steps, bound.accept_sampled)
    if assume is None:
        return judge.judge_mean(case, error, proved, band)
    proved_verdict = judge.judge_mean(case, error / 2, proved, band)
    return assumed.judge_student(case, error / 2, proved_verdict)


def drawn(run, setting, draw):
    """(name, kind, quantity, steps, value) of the bounds that are drawn only."""
    curves = []
    for bound in draw:
        sample = take(run, bound.quantity)
        if sample is not None:
            curves.append((bound.name, bound.kind, bound.quantity, sample.steps, bound.value(setting, sample.steps)))
    return curves
