"""How long a sweep will take, from a timed sample."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from ..lanes.blocks import LANES
from ..lanes.compile import KernelFailed
from ..run_arguments import checked_arguments
from ..run_arrays import run_arrays
from .worker import warm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .spec import Cell, Sweep

SAMPLE_SECONDS = 0.05  # a kind of cell is run for at least so long, or whole
SAMPLED_CELLS = 300
TRIED = 10  # cells of a kind, if kernels fail
OVERHEAD = 0.002  # s a cell: building, keeping and reporting it, beside its simulation (docs/sweeps.md)


def last_step(cell: Cell) -> int:
    """The step at which the runs of a cell end: the last checkpoint."""
    return cell.checkpoints[-1]


def _updates(cell: Cell, steps: int | None = None, trajectories: int | None = None) -> int:
    """Coordinate updates, the unit in which the cost of a cell is counted."""
    blocks = -(-(trajectories or cell.trajectories) // LANES)
    steps = last_step(cell) if steps is None else steps
    return LANES * blocks * steps * cell.setting.problem.dim * cell.setting.method.samples(cell.setting.problem)


def _kind(cell: Cell) -> tuple[type, ...]:
    setting = cell.setting
    return type(setting.problem), type(setting.noise), type(setting.method), type(setting.method.operator)


def _run(cell: Cell, steps: int) -> float:
    """Seconds of the processor that one block of the cell takes for so many steps."""
    started = time.thread_time()  # not that of the clock, which runs on while other jobs have the processor
    run_arrays(cell.setting, *checked_arguments(cell.setting, steps, checkpoints=[steps]))
    return time.thread_time() - started


def _timed(cell: Cell) -> tuple[float, float]:
    """Seconds that any run takes however short it is, and seconds a coordinate update; from runs that are cut short."""
    warm(cell.setting)
    _run(cell, 1)  # the first run imports and compiles what the later ones find: up to a second, not to be multiplied
    fixed = min(_run(cell, 1) for _ in range(3))
    steps = 1
    last = last_step(cell)
    while steps < last:
        steps = min(last, steps * 4)
        seconds = _run(cell, steps)
        if seconds >= fixed + SAMPLE_SECONDS or steps == last:
            return fixed, max(0.0, seconds - fixed) / _updates(cell, steps, 1)
    return fixed, 0.0


def _timed_largest(cells: list[Cell]) -> tuple[float, float]:
    """`_timed` of the first of these cells whose kernels do not fail; nothing if many do: the sweep will tell."""
    for cell in cells[:TRIED]:
        try:
            return _timed(cell)
        except KernelFailed:
            continue
    return 0.0, 0.0


def estimate(sweep: Sweep, workers: int = 1, indices: Sequence[int] | None = None) -> float:
    """Seconds that a sweep takes on so many free workers of this kind, compilation not counted.

    Of each kind of cell (problem, noise, method and operator) the largest is run for some 50 ms; of a large grid
    random cells stand for the others.

    Parameters
    ----------
    sweep : Sweep
    workers : int >= 1
    indices : sequence of int, optional
        The cells that are to be computed; all by default.
    """
    indices = range(sweep.size) if indices is None else indices
    # not every n-th cell: that may meet one value of the last axis only
    sampled = random.Random(0).sample(indices, min(len(indices), SAMPLED_CELLS))
    kinds = {}
    for cell in map(sweep.cell, sampled):
        kinds.setdefault(_kind(cell), []).append((_updates(cell), cell))
    total = 0.0
    for cells in kinds.values():
        fixed, rate = _timed_largest([cell for _, cell in sorted(cells, key=lambda pair: -pair[0])])
        total += sum(fixed + OVERHEAD + rate * updates for updates, _ in cells)
    return total * len(indices) / max(1, len(sampled)) / min(workers, max(1, len(indices)))
