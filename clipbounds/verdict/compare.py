"""Confront a run with bounds."""

import numpy as np

from ..bounds import Bound
from ..methods import Setting
from ..simulate import simulate
from ..specs import Spec
from . import bands
from .comparison import Comparison
from .decide import decide, drawn
from .sequential import follow

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
        return follow(run, setting, bounds, confidence, draw, band, ranges, until, budget, threads)
    verdicts = decide(run, setting, bounds, confidence, band, ranges)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence)


def until_decided(
    setting,
    steps,
    bounds,
    *,
    start=256,
    budget=2**16,
    seed=0,
    confidence=0.999,
    keep="trajectories",
    checkpoints=None,
    threads=None,
    **options,
):
    """Simulate `start` trajectories and double them until no verdict is open or `budget` is reached.

    Parameters
    ----------
    setting, steps, seed, keep, checkpoints, threads : as in `clipbounds.simulate`
    bounds, confidence : as in `compare`; the confidence holds for the whole procedure
    start, budget : int >= 1, first and largest number of trajectories
    options : further arguments of `compare` (draw, band, ranges)

    Returns
    -------
    Comparison, whose `run` has all trajectories
    """
    run = simulate(setting, steps, start, seed=seed, checkpoints=checkpoints, threads=threads, keep=keep)
    return compare(run, bounds, confidence, until="decided", budget=budget, threads=threads, **options)
