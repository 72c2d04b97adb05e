"""Confront a run with bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..bounds import Bound
from ..run_arguments import checked_arguments
from ..simulate import simulate
from ..specs import check_integer
from . import bands
from .assumed import NORMAL
from .by_law import by_law_alone, law_work, work_of
from .comparison import Comparison
from .decide import decide, drawn
from .first_look import first_count
from .looks import look_error, looks_of
from .provenance import setting_of
from .sample import MEASURED, why_not
from .sequential import follow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    import xarray as xr

    from ..array_types import ArrayLike, FloatArray
    from ..methods.base import Setting

BANDS = ("empirical Bernstein", "betting")


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, (Bound, type)) or not np.iterable(given) else list(given)


def _checked(bounds: Any, draw: Any) -> tuple[list[Any], list[Any]]:
    bounds, draw = (_listed(given) for given in (bounds, draw))
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


def _checked_ranges(ranges: Any, run: xr.Dataset) -> dict[str, tuple[FloatArray, FloatArray]]:
    """`ranges` with every end an array, or one sentence."""
    checked: dict[str, tuple[FloatArray, FloatArray]] = {}
    if not isinstance(ranges, dict | None):
        raise ValueError(f"compare: ranges must be a dict of quantity to (low, high), but {ranges!r} was given")
    for quantity, ends in (ranges or {}).items():
        if quantity not in run:
            raise ValueError(f"compare: ranges: {why_not(run, quantity)}")
        try:
            low, high = (np.asarray(end, dtype=np.float64) for end in ends)
            valid = bool(np.all(low <= high)) and low.ndim <= 1 and high.ndim <= 1
        except (TypeError, ValueError):
            valid = False
        if not valid:
            raise ValueError(
                f"compare: ranges[{quantity!r}] must be (low, high) with low <= high, but {ends!r} was given"
            )
        checked[quantity] = (low, high)
    return checked


def _checked_options(confidence: float, band: str | None, engine: str, assume: str | None = None) -> float:
    """1 - confidence, or one sentence about one of them."""
    error = bands.error_of(confidence)
    if band is not None and band not in BANDS:
        raise ValueError(f"compare: band must be one of {', '.join(BANDS)}, but {band!r} was given")
    if assume not in (None, NORMAL, "data"):
        raise ValueError(f"compare: assume must be None, {NORMAL!r} or 'data', but {assume!r} was given")
    if engine not in ("sample", "auto"):
        raise ValueError(f"compare: engine must be 'sample' or 'auto', but {engine!r} was given")
    return error


def compare(
    run: xr.Dataset,
    bounds: Bound | Iterable[Bound],
    confidence: float = 0.999,
    *,
    draw: Bound | Iterable[Bound] = (),
    band: Literal["betting", "empirical Bernstein"] | None = None,
    ranges: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    until: Literal["decided"] | None = None,
    budget: int | None = None,
    threads: int | None = None,
    assume: Literal["normal means", "data"] | None = "data",
    engine: Literal["sample", "auto"] = "auto",
) -> Comparison:
    """Confront the measured quantities of a run with bounds.

    All tests of one comparison hold together: with probability at least `confidence` no verdict "holds" or "violated" is
    wrong. 1 - confidence is divided equally (Bonferroni) over the bounds that need a test, their checkpoints, and the two
    sides of each band. Verdicts speak of the checkpoints of the run. How a bound is tested depends on what it says:

    * every trajectory (``aggregate = "every"``), or no noise: exact comparison, with a relative slack of 1e-9 and the
      rounding of the steps (`verdict.rounding`);
    * a mean: a band that is valid for any number of trajectories, from what is proved about the quantity: its range, and its
      variance, moments and tail, which follow from the law of the noise (`verdict.spread`). Betting (`verdict.wealth`)
      where every trajectory is kept, otherwise empirical Bernstein and the band of the spread. Where that does not
      decide, no spread is known and the law of the noise justifies it (`verdict.means.normal_from`), a normal band
      may; the method is then "asymptotic" and the confidence a limit. Otherwise "undecided";
    * a probability: Clopper-Pearson limits of the share of trajectories beyond the bound, per checkpoint, or over all
      checkpoints so far if the bound has ``simultaneous = True``;
    * a floor or a prediction: "undecided", with the ratio; they are never asserted;
    * a bound whose hypotheses fail: "does not apply", with the table as the reason; a bound that is infinite, or a lower
      bound that is not positive: "vacuous".

    Parameters
    ----------
    run : xarray.Dataset from `clipbounds.simulate`
    bounds : Bound or list of Bound
    confidence : float in (0, 1)
    draw : list of Bound, drawn in the figure without a verdict; [recalled] statements belong here
    band : "betting" (needs every trajectory) or "empirical Bernstein"; by default betting where the run allows it
    ranges : dict of quantity to (low, high), proved by the caller for quantities that the package does not know
    until : "decided" adds trajectories until no verdict is open or `budget` is reached; look k is at 2^(k-1) times the first
        number and uses the part 1/(k(k+1)) of 1 - confidence, so that one call keeps the confidence; looks that are not
        expected to decide are left out; the run of the result knows the number of its last look, and a comparison of it is the next one
    budget : int, largest number of trajectories, for until="decided"
    threads : int, for until="decided"
    engine : "auto" or "sample", for until="decided": whether verdicts on means that sampling leaves undecided are settled by an
        enclosure of the mean (`clipbounds.exact`) where there is one; their method is then "exact"
    assume : None, "normal means" or "data": whether means that no proved band decides get Student's band; the verdict is then
        "holds (assuming normal means)". "data": for runs from `clipbounds.measured` only, as others can be continued

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a bound may not be asserted, an argument is outside its domain, or the run is no longer the data of one setting:
        averaged, masked, joined with copies or with other settings.
    """
    error = _checked_options(confidence, band, engine, assume)
    bounds, draw = _checked(bounds, draw)
    setting = setting_of(run)
    ranges = _checked_ranges(ranges, run)
    outside = run.attrs.get("source") == MEASURED
    if assume == "data":
        assume = NORMAL if outside else None
    if until is not None and outside:
        raise ValueError(
            "compare: measurements from outside cannot be continued, so until='decided' needs a run from simulate"
        )
    if until is not None:
        return follow(run, setting, bounds, confidence, error, draw, band, ranges, until, budget, threads, engine)
    if looks_of(run):  # the run was continued because of what was seen: this is one more look
        run = run.assign_attrs(looks=looks_of(run) + 1)
        error = look_error(error, looks_of(run))
    verdicts = decide(run, setting, bounds, confidence, error, band, ranges, assume)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence, [*bounds, *draw])


def until_decided(
    setting: Setting,
    steps: int,
    bounds: Bound | Iterable[Bound],
    *,
    start: int | None = None,
    budget: int = 2**16,
    seed: int = 0,
    confidence: float = 0.999,
    keep: Literal["trajectories", "statistics"] = "trajectories",
    checkpoints: ArrayLike | None = None,
    threads: int | None = None,
    engine: Literal["sample", "auto"] = "auto",
    draw: Bound | Iterable[Bound] = (),
    band: Literal["betting", "empirical Bernstein"] | None = None,
    ranges: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
) -> Comparison:
    """Simulate `start` trajectories and two, four or eight times as many until no verdict is open or `budget` is reached.

    Where one block of trajectories costs more than an enclosure of the mean (`clipbounds.exact`) and that decides everything,
    nothing is sampled: the run of the result is then that of ``simulate(..., engine="exact")``.

    Parameters
    ----------
    setting, steps, seed, keep, checkpoints, threads : as in `clipbounds.simulate`
    bounds, confidence : as in `compare`; the confidence holds for the whole procedure
    start, budget : int >= 1, first and largest number of trajectories; by default the start follows from what is proved (`verdict.first_look`)
    engine, draw, band, ranges : as in `compare`

    Returns
    -------
    Comparison, whose `run` has all trajectories
    """
    listed, draw = _checked(bounds, draw)
    arguments = checked_arguments(setting, steps, 1, seed, checkpoints, keep, 0)
    budget = check_integer("until_decided", "budget", budget, 1, "the largest number of trajectories")
    error = _checked_options(confidence, band, engine)
    values: dict[int, FloatArray] = {}
    if start is None:
        at = arguments[3][arguments[3] >= 1]
        start = min(first_count(setting, steps, at, listed, error, values), budget)
    else:
        start = check_integer("until_decided", "start", start, 1)
    if engine == "auto" and not ranges and law_work(setting, steps) < work_of(setting, steps) * start:
        found = by_law_alone(setting, steps, checkpoints, listed, confidence)
        if found is not None:
            return Comparison(found[1], found[0], drawn(found[1], setting, draw), confidence, [*listed, *draw])
    run = simulate(setting, steps, start, seed=seed, checkpoints=checkpoints, threads=threads, keep=keep)
    proved = _checked_ranges(ranges, run)
    return follow(
        run, setting, listed, confidence, error, draw, band, proved, "decided", budget, threads, engine, values
    )
