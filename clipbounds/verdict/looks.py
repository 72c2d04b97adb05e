"""The plan of a sequence of looks: at how many trajectories they are, what each may err, and which of them are left out.

Look k = 1, 2, ... is at 2^(k-1) times the first number of trajectories, at most at the budget, and may err with probability error/(k(k+1)); these
sum to `error`. What is seen changes neither the size nor the error of any look, only whether it is made. A look that is left out cannot err, so all
looks together err with probability at most `error` however they are chosen.

The confidence is that of one call. A later call on its result goes on with the numbers, so that it errs less than a first call would; what calls err together, or under
a budget that was chosen because of a result, is not covered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from ..array_types import FloatArray
    from .case import Verdict

FARTHEST = 3  # looks ahead: what one look says of the width of the next bands is not to be trusted further
POWER = 1.5  # widths shrink between 1/n and 1/sqrt(n)


def look_error(error: float, look: int) -> float:
    """Part of the error that look k = 1, 2, ... may spend: error/(k(k+1)). The parts sum to `error` over all k."""
    return error / (look * (look + 1))


def looks_of(run: xr.Dataset) -> int:
    """The number of the last look at verdicts on this run, or on a part of it, before it was continued; 0 if there was none."""
    return int(run.attrs.get("looks", 0))


def share_of_band(kind: str, mean: FloatArray, low: FloatArray, high: FloatArray, limit: FloatArray) -> float:
    """By which factor a band that contains a limit has to shrink about its mean so that the limit is outside, or 0.

    The smallest over the checkpoints where the mean is on the side that a bound of this kind claims; where it is beyond the
    limit at one, one such band outside suffices.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead, behind = (limit - mean) / (high - mean), (mean - limit) / (mean - low)
        if kind != "upper":
            ahead, behind = (mean - limit) / (mean - low), (limit - mean) / (high - mean)
        share = float(behind.max() if np.any(behind > 0) else ahead.min())
    return share if 0 < share < 1 else 0.0


def needed(count: int, share: float, enough: float) -> float:
    """About how many trajectories would decide what `count` do not: by the share above, or from where on a normal band is used."""
    by_width = count / share**POWER if share > 0 else np.inf
    return min(by_width, enough) if count < enough else by_width


def next_look(verdicts: list[Verdict], count: int) -> int:
    """How many looks ahead of one at `count` trajectories the next one is: as many as the open verdicts seem to need, `FARTHEST` at most."""
    most = max((v.needed for v in verdicts if v.open and not np.isnan(v.needed)), default=0.0)
    return int(np.clip(np.floor(np.log2(max(most / max(count, 1), 1.0))), 1, FARTHEST))
