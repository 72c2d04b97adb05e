"""How long a sweep will take, from a timed sample."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

from ..lanes.blocks import LANES
from ..lanes.compile import KernelFailed
from .cellfile import encode
from .driver import VERIFIED
from .worker import compute, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .spec import Cell, Sweep

SAMPLE_SECONDS, ALL_SAMPLES = 0.05, 0.5  # s that a kind of cell is run for at least, or whole; all kinds together
SAMPLED_CELLS = 300
TRIED = 10  # cells of a kind, if kernels fail
SEVERAL = 50  # checkpoints, and blocks, from which the price of one is taken
SHORTEST = 5  # runs of one step
START = 0.03  # s until the first cell runs: the store is opened
READ = 0.0002  # s to read a cell that is there
OVERHEAD = 0.0012  # s a cell: building it, keeping it and reporting it, beside its computation (docs/sweeps.md)


class Costs(NamedTuple):
    """Seconds of a cell of some kind: whatever it holds, and for each block, each later checkpoint and coordinate update of it."""

    cell: float = 0.0
    block: float = 0.0
    checkpoint: float = 0.0
    update: float = 0.0


def last_step(cell: Cell) -> int:
    """The step at which the runs of a cell end: the last checkpoint."""
    return cell.checkpoints[-1]


def _blocks(cell: Cell) -> int:
    return -(-cell.trajectories // LANES)


def _updates(cell: Cell, steps: int | None = None) -> int:
    """Coordinate updates of a block, the unit in which the cost of its steps is counted."""
    steps = last_step(cell) if steps is None else steps
    return LANES * steps * cell.setting.problem.dim * cell.setting.method.samples(cell.setting.problem)


def _size(cell: Cell) -> int:
    return _blocks(cell) * _updates(cell)


def _kind(cell: Cell) -> tuple[object, ...]:
    """Cells whose costs differ by what `Costs` counts alone."""
    problem, noise, method = cell.setting.problem, cell.setting.noise, cell.setting.method
    types = type(problem), type(noise), type(method), type(method.operator)
    return *types, problem.dim, method.samples(problem)


def _run(cell: Cell, steps: int, checkpoints: int = 1, blocks: int = 1) -> float:
    """Seconds of the processor that so many blocks of the cell take for so many steps, observed at the last ones."""
    started = time.thread_time()  # not that of the clock, which runs on while other jobs have the processor
    points = range(steps - checkpoints + 1, steps + 1)
    trajectories = min(cell.trajectories, LANES * blocks)
    options = {"steps": steps, "trajectories": trajectories, "checkpoints": points, "keep": cell.keep}
    encode("", *compute(cell.setting, options))
    return time.thread_time() - started


def _long_enough(run: Callable[[int], float], most: int, enough: float) -> tuple[int, float]:
    """The first of 4, 16, ..., `most` for which `run` takes long enough, and how long it takes."""
    count = min(4, most)
    while (seconds := run(count)) < enough and count < most:
        count = min(most, 4 * count)
    return count, seconds


def _timed(cell: Cell, enough: float) -> Costs:
    """The costs of a cell's kind, from runs that are cut short."""
    warm(cell.setting)
    last, blocks, several = last_step(cell), min(_blocks(cell), SEVERAL), min(len(cell.checkpoints), SEVERAL)
    first = min(1, last)
    _run(cell, first)  # it imports and compiles what later ones find: up to a second, not to be multiplied
    shortest = [_run(cell, first)]
    while len(shortest) < SHORTEST and sum(shortest) < enough:
        shortest.append(_run(cell, first))
    least, one = statistics.median(shortest), _updates(cell, 1)
    block = checkpoint = update = 0.0
    if last > 1:
        steps, seconds = _long_enough(lambda steps: _run(cell, steps), last, least + enough)
        update = max(0.0, seconds - least) / (one * (steps - 1))
    if several > 1:
        count, seconds = _long_enough(lambda count: _run(cell, count - 1, count), several, least + enough)
        checkpoint = max(0.0, seconds - least - update * one * (count - 2)) / (count - 1)
    if blocks > 1:
        count, seconds = _long_enough(lambda count: _run(cell, first, 1, count), blocks, least + enough)
        block = min(least, max(0.0, seconds - least) / (count - 1))
    return Costs(least - block, block, checkpoint, update)


def _timed_largest(cells: list[Cell], enough: float) -> Costs:
    """`_timed` of the first of these cells whose kernels do not fail; nothing if many do: the sweep will tell."""
    for cell in cells[:TRIED]:
        try:
            return _timed(cell, enough)
        except KernelFailed:
            continue
    return Costs()


def estimate(sweep: Sweep, workers: int = 1, indices: Sequence[int] | None = None, threads: bool = True) -> float:
    """Seconds that a sweep takes on so many free workers of this kind, compilation and their start not counted.

    Of each kind of cell (problem, noise, method, operator and dimension) the largest is run for some 50 ms; of a large grid
    random cells stand for the others.

    Parameters
    ----------
    sweep : Sweep
    workers : int >= 1
    indices : sequence of int, optional
        The cells that are to be computed; all by default.
    threads : bool
        Whether the workers are threads of one process: then only kernels run at the same time, and what is around them
        one after the other.
    """
    indices = range(sweep.size) if indices is None else indices
    if not indices:
        return 0.0
    # not every n-th cell: that may meet one value of the last axis only
    sampled = random.Random(0).sample(indices, min(len(indices), SAMPLED_CELLS))
    kinds: dict[tuple[object, ...], list[Cell]] = {}
    for cell in map(sweep.cell, sampled):
        kinds.setdefault(_kind(cell), []).append(cell)
    around = inside = 0.0
    for cells in kinds.values():
        costs = _timed_largest(sorted(cells, key=_size, reverse=True), min(SAMPLE_SECONDS, ALL_SAMPLES / len(kinds)))
        for cell in cells:
            each = costs.block + costs.checkpoint * (len(cell.checkpoints) - 1)
            around += OVERHEAD + costs.cell + _blocks(cell) * each
            inside += costs.update * _blocks(cell) * (_updates(cell) - _updates(cell, 1))
    shared = (around + inside) / min(workers, len(indices))
    return START + (max(around, shared) if threads else shared) * len(indices) / len(sampled)


def reading(cells: int, verify: bool | None = None) -> float:
    """Seconds for which a run reads so many cells that are there, before it computes others; `verify` as in `run`."""
    return READ * cells if verify or (verify is None and cells <= VERIFIED) else 0.0
