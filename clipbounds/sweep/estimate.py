"""How long a sweep will take, from a timed sample."""

import random
import time

from ..lanes.blocks import LANES
from ..simulate import simulate
from .worker import Inline, warm

SAMPLE_SECONDS = 0.05  # a kind of cell is run for at least so long, or whole
SAMPLED_CELLS = 1000
OVERHEAD = 0.004  # s a cell: building, keeping and reporting it, beside its simulation (docs/sweeps.md)


def _updates(cell, steps=None, trajectories=None):
    """Coordinate updates, the unit in which the cost of a cell is counted."""
    blocks = -(-(trajectories or cell.trajectories) // LANES)
    steps = cell.steps if steps is None else steps
    return LANES * blocks * steps * cell.setting.problem.dim * cell.setting.method.samples(cell.setting.problem)


def _kind(cell):
    setting = cell.setting
    return type(setting.problem), type(setting.noise), type(setting.method), type(setting.method.operator)


def _run(cell, steps):
    """Seconds that one block of the cell takes for so many steps."""
    started = time.perf_counter()
    simulate(cell.setting, steps, 1, checkpoints=[steps], executor=Inline(), threads=1)
    return time.perf_counter() - started


def _timed(cell):
    """Seconds that any run takes however short it is, and seconds a coordinate update; from runs that are cut short."""
    warm(cell.setting)
    _run(cell, 1)  # the first run imports and compiles what the later ones find: up to a second, not to be multiplied
    fixed = min(_run(cell, 1) for _ in range(3))
    steps = 1
    while steps < cell.steps:
        steps = min(cell.steps, steps * 4)
        seconds = _run(cell, steps)
        if seconds >= fixed + SAMPLE_SECONDS or steps == cell.steps:
            return fixed, max(0.0, seconds - fixed) / _updates(cell, steps, 1)
    return fixed, 0.0


def estimate(sweep, workers=1):
    """Seconds that the whole sweep takes on so many workers of this kind, compilation not counted.

    Of each kind of cell (problem, noise, method and operator) the largest is run for some 50 ms; of a large grid 1000
    random cells stand for the others. Good to a factor of 2.
    """
    # not every n-th cell: that may meet one value of the last axis only
    indices = random.Random(0).sample(range(sweep.size), min(sweep.size, SAMPLED_CELLS))
    kinds = {}
    for cell in map(sweep.cell, indices):
        kinds.setdefault(_kind(cell), []).append((_updates(cell), cell))
    total = 0.0
    for cells in kinds.values():
        fixed, rate = _timed(max(cells, key=lambda pair: pair[0])[1])
        total += sum(fixed + OVERHEAD + rate * updates for updates, _ in cells)
    return total * sweep.size / len(indices) / min(workers, sweep.size)
