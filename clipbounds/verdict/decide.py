"""The verdicts on several bounds from one run, at a joint confidence: what `compare` and `follow` both stand on."""

import numpy as np

from . import bands, judge
from .judge import Verdict, _Case
from .ranges import measured_range
from .sample import take


def decide(run, setting, bounds, confidence, band, ranges):
    """The verdicts on `bounds`, at a joint confidence."""
    samples = [take(run, bound.quantity) for bound in bounds]
    values = [None if s is None else bound.value(setting, s.steps) for bound, s in zip(bounds, samples, strict=True)]
    for bound, sample in zip(bounds, samples, strict=True):
        if sample is None:
            bound.value(setting, [1])  # a bound that does not apply is refused even where nothing was measured
    tests = sum(s is not None and judge.is_sampled(b, setting, s) for b, s in zip(bounds, samples, strict=True))
    verdicts = []
    for bound, sample, value in zip(bounds, samples, values, strict=True):
        verdicts.append(_decide(bound, setting, sample, value, confidence, tests, band, ranges or {}))
    return verdicts


def _decide(bound, setting, sample, value, confidence, tests, band, ranges):
    if sample is None:
        reason = f"the run has no values of {bound.quantity} at a checkpoint >= 1"
        return Verdict(bound.name, bound.kind, bound.quantity, "not measured", reason)
    case = _Case(bound, setting, sample, value, confidence)
    if bound.kind in ("floor", "prediction"):
        return judge.judge_display(case)
    if np.isnan(value).any():
        return case.says(
            "undecided", "the bound is nan at some checkpoint", "", sample.mean, sample.smallest, sample.largest
        )
    if not judge.is_sampled(bound, setting, sample):
        return judge.judge_exact(case)
    level = bands.split(confidence, tests * len(sample.steps))
    if bound.aggregate == "probability":
        return judge.judge_probability(case, level)
    if bound.quantity in ranges:
        proved = tuple(
            np.broadcast_to(np.asarray(end, dtype=np.float64), sample.steps.shape) for end in ranges[bound.quantity]
        )
    else:
        proved = measured_range(setting, bound.quantity, sample.steps, bound.accept_sampled)
    return judge.judge_mean(case, level, proved, band)


def drawn(run, setting, draw):
    """(name, kind, quantity, steps, value) of the bounds that are drawn only."""
    curves = []
    for bound in draw:
        sample = take(run, bound.quantity)
        if sample is not None:
            curves.append((bound.name, bound.kind, bound.quantity, sample.steps, bound.value(setting, sample.steps)))
    return curves
