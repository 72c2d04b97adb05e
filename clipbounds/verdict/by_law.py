"""Open verdicts on means, settled by the law of the iterate where the exact engine has it: an enclosure spends no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exact import linear, product
from ..exact.means import quantities, why_not
from ..exact.run import EXACT, run_of
from ..simulate import simulate
from .decide import decide

if TYPE_CHECKING:
    import xarray as xr

    from ..array_types import ArrayLike
    from ..bounds.base import Bound
    from ..methods.base import Setting
    from .case import Verdict

FINEST, COARSEST = 1e-8, 1e-2  # relative tolerances that are asked of the exact engine
TRIES = 2
WORK = 2**23  # coordinate updates in the time of the cheapest enclosure
CLOSED_WORK = 2**19  # the same of a closed form
PANEL_WORK = 6000  # the same for one panel of a law with a density and one step
MOST_WORK = 2**29  # of an enclosure, where sampling has ended undecided: some seconds


def work_of(setting: Setting, steps: int) -> int:
    """Coordinate updates of one trajectory."""
    return steps * setting.problem.dim * setting.method.samples(setting.problem)


def law_work(setting: Setting, steps: int) -> float:
    """About how many coordinate updates take as long as an enclosure; inf where there is none. Only time depends on it.

    A law with atoms lives on a grid whose cost hardly varies. One with a density needs a panel for each clipped step (several where
    the noise varies within a step) of the region that is visited, until the means settle.
    """
    if why_not(setting) is not None:
        return np.inf
    if linear.unclipped(setting):
        return CLOSED_WORK
    if setting.problem.dim > 1:
        return sum(law_work(part, steps) for part, _ in product.parts(setting))
    if setting.noise.atoms() is not None:
        return WORK
    eta, c = setting.method.step_size, setting.method.operator.threshold
    curvature = setting.problem.strong_convexity or 1.0
    region = 2 * (float(np.abs(setting.problem.x0[0])) + 2 * c / curvature)
    panels = region / (eta * c) * max(c / (1.5 * float(setting.noise.moment(1.0))), 1.0)
    return max(WORK, PANEL_WORK * panels * min(steps, 10 / (eta * curvature)))


def settled(
    run: xr.Dataset, setting: Setting, bounds: list[Bound], verdicts: list[Verdict], confidence: float
) -> tuple[list[Verdict], xr.Dataset | None]:
    """The verdicts on a run, those that are open replaced by what an enclosure decides; the enclosure, None where there is none.

    A verdict that is undecided for another reason, such as values beyond the proved range, stands. How fine it has to be is read off the verdicts: a third of the distance of the measured mean from the bound, relative to the
    mean, at the checkpoint where that is smallest; if that does not decide, a tenth of it.
    """
    verdicts = list(verdicts)
    law: xr.Dataset | None = None
    known = quantities(setting)
    tolerance = min((_wanted(v) for v in verdicts if v.open), default=COARSEST)
    for _ in range(TRIES):
        rows = [k for k, (b, v) in enumerate(zip(bounds, verdicts, strict=True)) if v.open and is_a_mean(b, known)]
        if not rows:
            break
        try:
            at, asked = run["checkpoint"].values, {bounds[k].quantity for k in rows}
            found = run_of(setting, int(run.attrs["steps"]), at, tolerance, EXACT, asked)
        except ValueError:  # too long or too wide to enclose
            break
        if found is None:
            break
        law = found
        # an enclosure has no sampling error, so the error given here is not used
        for k, new in zip(
            rows, decide(law, setting, [bounds[k] for k in rows], confidence, 0.5, None, {}), strict=True
        ):
            if new.verdict in ("holds", "violated"):
                verdicts[k] = new
        if tolerance <= FINEST:
            break
        tolerance = max(0.1 * tolerance, FINEST)
    return verdicts, law


def by_law_alone(
    setting: Setting, steps: int, checkpoints: ArrayLike | None, bounds: list[Bound], confidence: float
) -> tuple[list[Verdict], xr.Dataset] | None:
    """Verdicts from an enclosure of the means, and that; None where it does not exist or leaves a verdict undecided."""
    known = quantities(setting)
    if not known or not all(is_a_mean(bound, known) for bound in bounds):
        return None
    try:
        law = simulate(setting, steps, checkpoints=checkpoints, engine="exact", tolerance=COARSEST)
    except ValueError:
        return None  # too long or too wide to enclose; or arguments are wrong, which sampling says next
    verdicts, finer = settled(law, setting, bounds, decide(law, setting, bounds, confidence, 0.5, None, {}), confidence)
    return None if any(v.open for v in verdicts) else (verdicts, law if finer is None else finer)


def is_a_mean(bound: Bound, known: tuple[str, ...]) -> bool:
    """Whether the bound speaks of the mean of a known quantity."""
    return bound.aggregate == "mean" and bound.quantity in known


def _wanted(verdict: Verdict) -> float:
    if not np.size(verdict.measured):
        return COARSEST
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(np.asarray(verdict.value) - verdict.measured) / np.abs(verdict.measured)
    finite = apart[np.isfinite(apart)]
    return float(np.clip(finite.min(initial=1.0) / 3, FINEST, COARSEST))
