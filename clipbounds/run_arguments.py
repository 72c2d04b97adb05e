"""What determines the result of `simulate`, besides the setting: checked before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .keepers import KEEPERS
from .lanes.blocks import LANES
from .methods.base import Setting
from .specs import check_integer

if TYPE_CHECKING:
    from .array_types import ArrayLike, IntArray


def default_checkpoints(steps: int, count: int = 50) -> IntArray:
    """About `count` integers from 1 to `steps`, logarithmically spaced; (0,) for no steps."""
    if steps == 0:
        return np.zeros(1, dtype=np.int64)
    return np.unique(np.round(np.geomspace(1, steps, count)).astype(np.int64))


def _checked_checkpoints(checkpoints: ArrayLike | None, steps: int) -> IntArray:
    if checkpoints is None:
        return default_checkpoints(steps)
    try:
        given = np.asarray(checkpoints)
    except ValueError:  # lists of different lengths
        given = np.zeros((0, 0))
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise ValueError(
            f"checkpoints must be a non-empty list of integers in [0, {steps}], but {checkpoints!r} was given"
        )
    if given.min() < 0 or given.max() > steps:
        raise ValueError(
            f"checkpoints must lie in [0, steps] = [0, {steps}], but {given.min()}..{given.max()} was given"
        )
    return np.unique(given).astype(np.int64)


def checked_arguments(
    setting: Setting,
    steps: int,
    trajectories: int = 1,
    seed: int = 0,
    checkpoints: ArrayLike | None = None,
    keep: str = "trajectories",
    first_trajectory: int = 0,
) -> tuple[int, int, int, IntArray, str, int]:
    """What determines the result of `simulate`, besides the setting, in canonical form; raises its ValueErrors.

    Returns
    -------
    steps, trajectories, seed : int
    checkpoints : ndarray of int64, sorted and without repetition
    keep : str
    first_trajectory : int
    """
    if not isinstance(setting, Setting):
        raise ValueError(f"simulate: setting must be a Setting(problem, noise, method), but {setting!r} was given")
    if setting.problem.gradient_kernel is None:
        raise ValueError("simulate: Constants describe no objective that could be run; give a Setting with a problem")
    steps = check_integer("simulate", "steps", steps, 0)
    if steps >= 2**62:
        raise ValueError(f"simulate: steps must be below 2^62, but a number of {steps.bit_length()} bits was given")
    setting.check_horizon("simulate", steps)
    trajectories = check_integer("simulate", "trajectories", trajectories, 1)
    seed = check_integer("simulate", "seed", seed, 0)
    if seed >= 2**64:
        raise ValueError(f"simulate: seed must be below 2^64, but {seed} was given")
    first_trajectory = check_integer("simulate", "first_trajectory", first_trajectory, 0)
    if first_trajectory % LANES:
        raise ValueError(f"simulate: first_trajectory must be a multiple of {LANES}, but {first_trajectory} was given")
    if first_trajectory + trajectories > 2**63:
        raise ValueError(
            f"simulate: first_trajectory + trajectories must be at most 2^63, but {first_trajectory + trajectories} was given"
        )
    if not isinstance(keep, str) or keep not in KEEPERS:
        raise ValueError(f"simulate: keep must be one of {sorted(KEEPERS)}, but {keep!r} was given")
    return steps, trajectories, seed, _checked_checkpoints(checkpoints, steps), keep, first_trajectory
