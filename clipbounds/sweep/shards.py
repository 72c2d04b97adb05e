"""Parts of a grid for the jobs of a job array: the k-th of n jobs takes every n-th cell.

All of them may share one store: each cell has a name and a file of its own.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARD = re.compile(r"(\d+)/(\d+)")
# how schedulers number the jobs of an array: its own number, the first, the last, the distance between two
SCHEDULERS = {
    "Slurm": ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"),
    "Grid Engine": ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE"),
    "LSF": ("LSB_JOBINDEX", "", "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP"),
}


def part_of(size: int, shard: tuple[int, int] | None = None) -> range:
    """The cells of the k-th of n parts of a grid, a range; all of them for None.

    Raises
    ------
    ValueError
        If `shard` is not a pair of integers with 1 <= k <= n.
    """
    if shard is None:
        return range(size)
    part, parts = shard if isinstance(shard, tuple) and len(shard) == 2 else (0, 0)
    if not 1 <= part <= parts:
        raise ValueError(f"a shard is a pair k, n of integers with 1 <= k <= n, but {shard!r} was given")
    return range(part - 1, size, parts)


def read_shard(text: str, environment: Mapping[str, str] | None = None) -> tuple[int, int]:
    """The pair (k, n) that ``"K/N"`` stands for, or, for "auto", that the scheduler of a job array tells.

    Parameters
    ----------
    text : str
    environment : dict, optional; os.environ by default

    Raises
    ------
    ValueError
        If the text has another form, or no scheduler has set its variables.
    """
    environment = os.environ if environment is None else environment
    if text == "auto":
        for number, first, last, step in SCHEDULERS.values():
            try:
                index = int(environment[number])
                low, high = int(environment.get(first, 1)), int(environment[last])
                stride = int(environment.get(step, 1))
            except (KeyError, ValueError):
                continue
            shard = (index - low) // stride + 1, (high - low) // stride + 1
            break
        else:
            known = ", ".join(variables[0] for variables in SCHEDULERS.values())
            raise ValueError(f"--shard auto: this is no job of an array (none of {known} is set); write --shard K/N")
    else:
        match = SHARD.fullmatch(text)
        if not match:
            raise ValueError(f"--shard must be K/N, such as 3/8, or auto, but {text!r} was given")
        shard = int(match[1]), int(match[2])
    part_of(1, shard)
    return shard
