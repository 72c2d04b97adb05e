"""The final word on a candidate: fresh trajectories, and a test that errs at most as often as it says."""

import dataclasses

from ..bounds import Bound
from ..methods import Setting
from ..noise.base import NONE
from ..simulate import simulate
from ..verdict import compare

START, BUDGET = 1024, 2**17  # trajectories


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What the test of one instance has said.

    Attributes
    ----------
    verdict : str, "violated" or another word of `clipbounds.compare`
    ratio : float or None, measured over bound
    method : str, the band; "exact" without sampling
    confidence, seed, trajectories : what the test rests on
    """

    verdict: str
    ratio: float | None
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
    sampled = setting.noise.layout != NONE
    run = simulate(setting, steps, START if sampled else 1, seed=seed, checkpoints=[steps], threads=threads)
    if sampled and bound.aggregate != "every":
        found = compare(run, [bound], confidence, until="decided", budget=BUDGET, threads=threads)
    else:
        found = compare(run, [bound], confidence)
    verdict = found.verdicts[0]
    count = int(found.run.sizes.get("trajectory", 1))
    return Confirmation(verdict.verdict, verdict.tightness, verdict.method, confidence, seed, count)


def spend(error: float, tests: int) -> float:
    """The confidence of test number `tests` = 1, 2, ..: the parts error/(k(k+1)) add up to `error`."""
    return 1 - error / (tests * (tests + 1))
