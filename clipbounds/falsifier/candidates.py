"""How close a setting comes to breaking a bound: one number, and why there is none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import Bound
from ..bounds.base import HypothesesFail
from ..facts import MissingConstant
from ..methods import Setting
from ..noise.base import NONE
from ..run_arguments import default_checkpoints
from ..simulate import simulate
from ..verdict.case import limit_of
from ..verdict.sample import take, why_not

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

FITS, INVALID, FAILS, CRASHES = "candidate", "no setting", "hypothesis fails", "crashed"
CHECKPOINTS = 40
MOST = 1e6  # of a ratio: a diverged run, or a bound of 0
LARGEST = 1e100  # of the gap and the gradient norm at the start: beyond, squares leave the range of floats


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A setting in a search.

    Attributes
    ----------
    setting, steps : the instance; None where no setting could be built
    state : FITS, INVALID, FAILS or CRASHES
    ratio : float
        Largest measured/bound over the checkpoints (bound/measured for a lower bound), the bound moved by the rounding of
        the steps; above 1 it would be broken. Without noise, or for statements about every trajectory, it is exact,
        otherwise an estimate. Where there is none, minus the number of hypotheses that fail.
    step : int, the checkpoint of that ratio
    why : str, the first hypothesis that fails, or the exception
    """

    setting: Setting | None
    steps: int
    state: str
    ratio: float
    step: int = 0
    why: str = ""

    @property
    def fits(self) -> bool:
        """Whether all hypotheses hold and there is a ratio."""
        return self.state == FITS


def _crash(setting: Setting, steps: int, bound: Bound, error: Exception) -> Candidate:
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return Candidate(setting, steps, CRASHES, -100.0, why=f"{bound.name}: {text}")


def _start(setting: Setting) -> str | None:
    """Why a run cannot start here, or None."""
    problem = setting.problem
    with np.errstate(all="ignore"):
        sizes: dict[str, Any] = {
            "f(x0) - f*": problem.initial_gap,
            "‖grad f(x0)‖": np.linalg.norm(problem.gradient(problem.x0)),
        }
    for name, size in sizes.items():
        if size is not None and not size <= LARGEST:
            return f"{name} = {size:.3g} is beyond {LARGEST:g}"
    return None


def is_exact(setting: Setting) -> bool:
    """Whether one trajectory decides: there is no noise."""
    return setting.noise.layout == NONE


def ratios(bound: Any, setting: Setting, run: xr.Dataset, value: Any) -> tuple[np.ndarray, np.ndarray]:
    """Checkpoints, and at each the measured quantity over the bound, or the inverse for a lower bound; nan says nothing.

    Raises
    ------
    ValueError
        If the run does not measure the bound's quantity.
    """
    sample = take(run, bound.quantity)
    if sample is None:
        raise ValueError(f"falsify: {bound.name} cannot be attacked: {why_not(run, bound.quantity)}")
    upper = bound.kind == "upper"
    if bound.aggregate == "mean":
        measured = sample.mean
    elif bound.aggregate == "every":
        measured = sample.largest if upper else sample.smallest
    else:
        level = 1 - bound.failure_probability if upper else bound.failure_probability
        values: Any = sample.values
        filled = np.where(np.isfinite(values), values, np.inf if upper else -np.inf)
        measured = np.quantile(filled, level, axis=1, method="inverted_cdf")
    limit = limit_of(bound, setting, value, sample.steps)
    with np.errstate(all="ignore"):
        ratio = measured / limit if upper else limit / measured
    lost = ~np.isfinite(measured)
    ratio = np.where(lost, MOST if upper else 0.0, ratio)
    says = np.isfinite(value) & ((value > 0) if not upper else (value >= 0))
    trivial = (limit <= 0) & (measured <= limit) if upper else limit <= 0
    return sample.steps, np.clip(np.where(says & ~trivial, ratio, np.nan), -MOST, MOST)


def evaluate(
    bound: Bound, setting: Setting, steps: int, trajectories: int = 256, seed: int = 0, threads: int | None = None
) -> Candidate:
    """Confront one setting with the bound; nothing that the bound or a component raises ends the search.

    Parameters
    ----------
    bound : Bound of kind "upper" or "lower"
    setting : Setting
    steps : int >= 1, the horizon; the ratio is taken over about 40 checkpoints up to it
    trajectories : int >= 1, one without noise
    seed : int, the same for all candidates of a search: common random numbers
    threads : int, for the simulation

    Returns
    -------
    Candidate
    """
    try:
        rows = bound.hypotheses(setting)
    except (HypothesesFail, MissingConstant) as error:
        return Candidate(setting, steps, FAILS, -10.0, why=" ".join(str(error).split())[:200])
    except Exception as error:  # the bound may be anybody's
        return _crash(setting, steps, bound, error)
    failing = [row.what for row in rows if not row.holds]
    if failing:
        return Candidate(setting, steps, FAILS, -float(len(failing)), why=failing[0])
    checkpoints = default_checkpoints(steps, CHECKPOINTS)
    epoch = getattr(setting.method, "epoch", 1)  # a theorem may speak of whole epochs only
    checkpoints = np.unique(-(-checkpoints // epoch) * epoch)
    try:
        why = _start(setting)
    except Exception as error:
        return _crash(setting, steps, bound, error)
    if why is not None:
        return Candidate(setting, steps, INVALID, -50.0, why=why)
    try:
        value = np.asarray(bound.value(setting, checkpoints), dtype=np.float64)
    except HypothesesFail as error:  # the value leaves the range of floats
        return Candidate(setting, steps, FAILS, -1.0, why=" ".join(str(error).split())[:200])
    except Exception as error:
        return _crash(setting, steps, bound, error)
    if not np.isfinite(value).any():
        return Candidate(setting, steps, FITS, 0.0)
    count = 1 if is_exact(setting) else trajectories
    try:
        run = simulate(setting, int(checkpoints[-1]), count, seed=seed, checkpoints=checkpoints, threads=threads)
    except ValueError as error:
        return Candidate(setting, steps, INVALID, -50.0, why=" ".join(str(error).split())[:200])
    except Exception as error:
        return _crash(setting, steps, bound, error)
    at, ratio = ratios(bound, setting, run, value)
    if np.isnan(ratio).all():
        return Candidate(setting, steps, FITS, 0.0)
    k = int(np.nanargmax(ratio))
    return Candidate(setting, steps, FITS, float(ratio[k]), int(at[k]))
