"""The steps at which a run is recorded."""

import numpy as np


def default_checkpoints(steps, count=50):
    """About `count` integers from 1 to `steps`, logarithmically spaced; (0,) for no steps."""
    if steps == 0:
        return np.zeros(1, dtype=np.int64)
    return np.unique(np.round(np.geomspace(1, steps, count)).astype(np.int64))


def checked_checkpoints(checkpoints, steps):
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
