"""How long a sweep will take, from a timed sample."""

import time

from ..lanes.blocks import LANES
from ..simulate import simulate
from .worker import Inline, warm

SAMPLE_SECONDS = 0.05  # a kind of cell is run for at least so long, or whole
SAMPLED_CELLS = 1000
OVERHEAD = 0.004  # s a cell: building, keeping and reporting it (docs/sweeps.md)


def _updates(cell, steps=None, trajectories=None):
    """Coordinate updates, the unit in which the cost of a cell is counted."""
    blocks = -(-(trajectories or cell.trajectories) // LANES)
    steps = cell.steps if steps is None else steps
    return LANES * blocks * steps * cell.setting.problem.dim * cell.setting.method.samples(cell.setting.problem)


def _kind(cell):
    setting = cell.setting
    return type(setting.problem), type(setting.noise), type(setting.method), type(setting.method.operator)


def _timed(cell):
    """Seconds a coordinate update, from a run that is cut short."""
    warm(cell.setting)
    steps = 1
    while True:
        started = time.perf_counter()
        simulate(cell.setting, steps, 1, checkpoints=[steps], executor=Inline(), threads=1)
        seconds = time.perf_counter() - started
        if seconds >= SAMPLE_SECONDS or steps >= cell.steps:
            return seconds / max(1, _updates(cell, steps, 1))
        steps = min(cell.steps, steps * 4)


def estimate(sweep, workers=1):
    """Seconds that the whole sweep takes on so many workers of this kind.

    One cell of each kind (problem, noise, method and operator) is run for some 50 ms; of a large grid 1000 cells stand
    for the others. Good to a factor of 2.
    """
    indices = range(0, sweep.size, -(-sweep.size // SAMPLED_CELLS))
    rates, total = {}, 0.0
    for index in indices:
        cell = sweep.cell(index)
        if _kind(cell) not in rates:
            rates[_kind(cell)] = _timed(cell) if cell.steps else 0.0
        total += _updates(cell) * rates[_kind(cell)] + OVERHEAD
    return total * sweep.size / len(indices) / workers
