"""The final word on a candidate: fresh trajectories, and a test that errs at most as often as it says."""

import dataclasses
import math

import numpy as np

from ..bounds import Bound
from ..exact import mean_curves, quantities
from ..methods import Setting
from ..simulate import simulate
from ..verdict import compare
from ..verdict.case import limit_of
from .candidates import is_exact

START, BUDGET = 1024, 2**17  # trajectories
LAW_WORK = 5e7  # nodes and steps
WORK = 3e8  # coordinates and samples of one test: some seconds


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What the test of one instance has said.

    Attributes
    ----------
    verdict : str, "violated" or another word of `clipbounds.compare`
    ratio : float, measured over bound; nan where the test has none
    method : str, the band; "exact" without noise, "law of the iterate" for an enclosure of the mean
    confidence, seed, trajectories : what the test rests on
    """

    verdict: str
    ratio: float
    method: str
    confidence: float
    seed: int
    trajectories: int

    @property
    def broken(self) -> bool:
        """Whether the bound is violated on this instance, at the stated confidence or exactly."""
        return self.verdict == "violated"


def confirm(
    bound: Bound, setting: Setting, steps: int, seed: int, confidence: float, threads: int | None = None
) -> Confirmation:
    """Test the bound at step `steps` of a setting with trajectories that the search has not seen.

    Parameters
    ----------
    bound : Bound
    setting : Setting
    steps : int >= 1, the only checkpoint
    seed : int, one that no evaluation of the search has used
    confidence : float in (0, 1)
    threads : int, for the simulation

    Returns
    -------
    Confirmation
    """
    found = by_law(bound, setting, steps, confidence, seed)
    if found is not None:
        return found
    sampled = not is_exact(setting)
    run = simulate(setting, steps, START if sampled else 1, seed=seed, checkpoints=[steps], threads=threads)
    if sampled and bound.aggregate != "every":
        one = steps * setting.problem.dim * setting.method.samples_per_step
        most = int(min(max(WORK / one, START), BUDGET))
        found = compare(run, [bound], confidence, until="decided", budget=most, threads=threads)
    else:
        found = compare(run, [bound], confidence)
    verdict = found.verdicts[0]
    count = int(found.run.sizes.get("trajectory", 1))
    ratio = math.nan if verdict.tightness is None else float(verdict.tightness)
    return Confirmation(verdict.verdict, ratio, verdict.method, confidence, seed, count)


def by_law(bound: Bound, setting: Setting, steps: int, confidence: float, seed: int) -> Confirmation | None:
    """The verdict of an enclosure of the mean, where the law of the iterate can be propagated and decides; else None."""
    if bound.aggregate != "mean" or bound.quantity not in quantities(setting):
        return None
    try:
        most = 3_000 if setting.noise.atoms() is None else 30_000  # a density's step costs the square
        nodes = int(min(max(LAW_WORK / steps, 2000), most))
        curves = mean_curves(setting, steps, [steps], nodes=nodes)
    except ValueError:  # steps that do not increase with the point
        return None
    low, high = (float(end[0]) for end in curves.enclosure(bound.quantity))
    at = np.array([steps])
    limit = float(limit_of(bound, setting, bound.value(setting, at), at)[0])
    upper = bound.kind == "upper"
    violated, holds = (low > limit, high <= limit) if upper else (high < limit, low >= limit)
    if not (violated or holds):
        return None
    value = float(curves.values[bound.quantity][0])
    ratio = value / limit if upper else limit / value
    return Confirmation("violated" if violated else "holds", ratio, "law of the iterate", confidence, seed, 0)


def spend(error: float, tests: int) -> float:
    """The confidence of test number `tests` = 1, 2, ..: the parts error/(k(k+1)) add up to `error`."""
    return 1 - error / (tests * (tests + 1))
