"""Confront a run with bounds."""

import numpy as np

from ..bounds import Bound
from ..methods import Setting
from ..specs import Spec
from . import bands, judge
from .comparison import Comparison
from .judge import Verdict, _Case
from .ranges import measured_range
from .sample import take

BANDS = ("empirical Bernstein", "betting")


def setting_of(run):
    """The setting that a run was made from."""
    attrs = getattr(run, "attrs", {})
    if "setting" not in attrs:
        raise ValueError(
            f"compare: expected a run from clipbounds.simulate, but {type(run).__name__} without attrs['setting'] was given"
        )
    setting = Spec.from_json(attrs["setting"])
    if not isinstance(setting, Setting):
        raise ValueError(f"compare: attrs['setting'] must describe a Setting, but it describes {setting!r}")
    return setting


def _checked(bounds, draw):
    bounds, draw = ([b] if isinstance(b, (Bound, type)) or not np.iterable(b) else list(b) for b in (bounds, draw))
    for bound in [*bounds, *draw]:
        if not isinstance(bound, Bound):
            raise ValueError(f"compare: bounds must be a list of clipbounds.bounds.Bound, but it contains {bound!r}")
        if not isinstance(getattr(bound, "quantity", None), str):
            raise ValueError(f"compare: {bound.name} needs a quantity, the name of a variable of a run, such as 'gap'")
        if bound.kind not in ("upper", "lower", "floor", "prediction"):
            raise ValueError(
                f"compare: {bound.name}.kind must be upper, lower, floor or prediction, but it is {bound.kind!r}"
            )
        if bound.aggregate not in ("mean", "every", "probability"):
            raise ValueError(
                f"compare: {bound.name}.aggregate must be mean, every or probability, but it is {bound.aggregate!r}"
            )
    for bound in bounds:
        if not bound.asserted:
            raise ValueError(
                f"compare: {bound.name} is not proved with confirmed constants, so no verdict on it is possible;"
                f" it can be drawn only: compare(run, bounds, draw=[{bound.name}(...)])"
            )
        if bound.aggregate == "probability" and not 0 < getattr(bound, "failure_probability", 0) < 1:
            raise ValueError(f"compare: {bound.name} bounds a probability and needs failure_probability in (0, 1)")
    return bounds, draw


def compare(
    run,
    bounds,
    confidence=0.999,
    *,
    draw=(),
    band="empirical Bernstein",
    ranges=None,
    until=None,
    budget=None,
    threads=None,
):
    """Confront the measured quantities of a run with bounds.

    All tests of one comparison hold together: with probability at least `confidence` no verdict "holds" or "violated" is
    wrong. 1 - confidence is divided equally (Bonferroni) over the bounds that need a test, their checkpoints, and the two
    sides of each band. How a bound is tested depends on what it says:

    * every trajectory (``aggregate = "every"``), or no noise: exact comparison, with a relative slack of 1e-9 and the
      rounding near convergence;
    * a mean: an empirical-Bernstein (or betting) band on the proved range of the quantity, valid for any number of
      trajectories. Where it does not decide, the normal band does if the variance is known to be finite and there are at
      least 256 trajectories; the method is then "asymptotic" and the confidence a limit. Otherwise "undecided";
    * a probability: Clopper-Pearson limits of the share of trajectories beyond the bound, per checkpoint, or over all
      checkpoints so far if the bound has ``simultaneous = True``;
    * a floor or a prediction: "undecided", with the ratio; they are never asserted.

    Parameters
    ----------
    run : xarray.Dataset from `clipbounds.simulate`
    bounds : Bound or list of Bound
    confidence : float in (0, 1)
    draw : list of Bound, drawn in the figure without a verdict; [recalled] statements belong here
    band : "empirical Bernstein" or "betting" (tighter, needs every trajectory)
    ranges : dict of quantity to (low, high), proved by the caller for quantities that the package does not know
    until : "decided" adds trajectories until no verdict is open or `budget` is reached; look k then uses the part
        1/(k(k+1)) of 1 - confidence, so that looking repeatedly keeps the confidence
    budget : int, largest number of trajectories, for until="decided"
    threads : int, for until="decided"

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a bound may not be asserted, or an argument is outside its domain.
    HypothesesFail
        If a bound's hypotheses fail for the run's setting; the message is the table.
    """
    bands.check_confidence(confidence)
    if band not in BANDS:
        raise ValueError(f"compare: band must be one of {', '.join(BANDS)}, but {band!r} was given")
    bounds, draw = _checked(bounds, draw)
    setting = setting_of(run)
    if until is not None:
        from .sequential import follow

        return follow(run, setting, bounds, confidence, draw, band, ranges, until, budget, threads)
    verdicts = decide(run, setting, bounds, confidence, band, ranges)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence)


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
