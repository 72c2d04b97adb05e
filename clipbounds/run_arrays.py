"""Run a setting: trajectories in blocks of 64, threads, checkpoints; plain arrays as the result.

`simulate` makes a Dataset of them. Sweeps need none: to import xarray takes half a second.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .keepers import KEEPERS
from .lanes.blocks import LANES
from .lanes.norms import block_norms
from .methods import averages
from .methods.base import CLIPPED, DIVERGED, MINIMUM, SQUARES, SUM, Setting
from .methods.blocks import BlockMaker
from .methods.watch import PROBLEM, Watch, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from threading import Event
    from typing import Any

    from .array_types import FloatArray, IntArray, NDArray
    from .methods.blocks import Block

MEASURED = (
    "gradient_norm", "mean_gradient_norm", "mean_squared_gradient_norm", "min_gradient_norm", "gap", "distance",
    "clipped_fraction",
)  # fmt: skip
DESCRIPTION = {
    "gradient_norm": "‖grad f(x_t)‖",
    "mean_gradient_norm": "mean of ‖grad f(x_s)‖ over s < t (over s = 0 at t = 0)",
    "mean_squared_gradient_norm": "mean of ‖grad f(x_s)‖² over s < t (over s = 0 at t = 0)",
    "min_gradient_norm": "minimum of ‖grad f(x_s)‖ over s <= t",
    "gap": "f(x_t) - f_star",
    "distance": "distance of x_t to the nearest minimiser",
    "clipped_fraction": "share of the operator's calls before t that changed their argument",
}
KEPT = [SUM, SQUARES, MINIMUM, CLIPPED, DIVERGED]  # rows of a block that quantities follow from
# points × numbers of the problem that are measured together: 0.5 MB, and no more where a value looks at all rows of a dataset
SNAPSHOT_SIZE = 2**16
CALL_WORK = 2**25  # coordinate updates in one kernel call, about 0.2 s: the longest wait for Ctrl-C


class _Snapshots:
    """What the measured quantities of one block follow from, at a group of checkpoints.

    Quantities are then computed for all of them together: one by one, NumPy's calls would take as long as a thousand
    steps in dimension one.

    Parameters
    ----------
    setting : Setting
    steps : ndarray of int, the checkpoints
    """

    def __init__(self, setting: Setting, steps: IntArray) -> None:
        dim, count = setting.problem.dim, len(steps)
        self.setting, self.steps = setting, steps
        self.gradient, self.norms = np.empty(dim * LANES), np.empty((count, LANES))
        self.points = np.empty((dim, count, LANES))  # a coordinate of all is contiguous, as in a block
        self.kept = np.empty((len(KEPT), count, LANES))
        self.names = averages.own_measured(setting.method)
        self.own: list[FloatArray] = []

    def take(self, row: int, block: Block) -> None:
        """Keep the state of the block at checkpoint number `row`."""
        setting, dim = self.setting, self.setting.problem.dim
        try:
            setting.problem.gradient_kernel(block.iterate(dim), self.gradient, dim, block.arguments[PROBLEM])
        except Exception as error:
            raise raised(setting, "problem", error, f"at step {self.steps[row]}") from error
        block_norms(self.gradient, self.norms[row], dim)
        self.points[:, row] = block.iterate(dim).reshape(dim, LANES)
        self.kept[:, row] = block.lanes.reshape(-1, LANES)[KEPT]
        if self.names:
            self.own.append(np.stack([*setting.method.observe(setting, block), *averages.observe(setting, block)]))

    def measure(self, table: FloatArray, diverged: FloatArray) -> None:
        """Write the quantities, MEASURED and the method's own, and the flags of divergence, each (checkpoints, ..., LANES)."""
        problem, norms, shape = self.setting.problem, self.norms, self.norms.shape
        x = self.points.reshape(problem.dim, -1).T
        total, squares, lowest, clipped, left = self.kept
        steps = self.steps[:, np.newaxis]
        calls = steps * self.setting.method.operator_calls_per_step
        diverged[:] = np.where((left < 0) & ~np.isfinite(norms), steps, left)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            distance = problem.distance(x)
            table[:, 0] = norms
            table[:, 1] = total / steps
            table[:, 2] = squares / steps
            table[:, 3] = np.fmin(lowest, norms)
            table[:, 4] = np.reshape(problem.gap(x), shape)
            table[:, 5] = np.nan if distance is None else np.reshape(distance, shape)
            table[:, 6] = clipped / calls
            if steps[0] == 0:  # the first checkpoint may be the start, where no step has been made
                table[0, 1], table[0, 2], table[0, 6] = norms[0], norms[0] * norms[0], 0.0
        if self.names:
            table[:, len(MEASURED) :] = self.own


def _run_block(
    setting: Setting, make: Callable[[], Block], checkpoints: IntArray, stop: _Stop, first: int
) -> tuple[FloatArray, FloatArray]:
    """Measured quantities of 64 trajectories, shape (checkpoints, quantities, LANES), and the step of divergence."""
    dim = setting.problem.dim
    stride = max(1, CALL_WORK // (LANES * dim * setting.method.samples(setting.problem)))
    watch = Watch(setting, make, stride, first)
    block = watch.block
    group = max(1, SNAPSHOT_SIZE // (LANES * max(dim, block.arguments[PROBLEM].size)))
    table = np.empty((len(checkpoints), len(MEASURED) + len(averages.own_measured(setting.method)), LANES))
    diverged = np.empty((len(checkpoints), LANES))
    for start in range(0, len(checkpoints), group):
        part = slice(start, start + group)
        snapshots = _Snapshots(setting, checkpoints[part])
        for row, checkpoint in enumerate(checkpoints[part].tolist()):
            while block.step < checkpoint:
                if stop.is_set():
                    raise CancelledError("the simulation was told to stop")
                watch.run_to(min(checkpoint, block.step + stride))
            snapshots.take(row, block)
        snapshots.measure(table[part], diverged[part])
    watch.look()
    return table, diverged


def origin(setting: Setting, seed: int) -> np.int64:
    """What all trajectories of one setting and seed share: a coordinate of runs, by which joined runs can be told apart."""
    text = f"{setting.digest} {seed}".encode()
    return np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype="<i8")[0]


class _Stop:
    """Set when the caller's event is, or when the call itself has ended early (Ctrl-C)."""

    def __init__(self, event: Event | None) -> None:
        self.event, self.abandoned = event, False

    def is_set(self) -> bool:
        return self.abandoned or (self.event is not None and self.event.is_set())


def _in_order(
    work: Callable[..., Any], tasks: list[range], executor: Executor | None, threads: int, stopping: _Stop
) -> Generator[list[tuple[FloatArray, FloatArray]], None, None]:
    """The results of the tasks in their order, from an executor or from threads of this call's own.

    The queue is bounded: no more than a few results wait to be merged. Ending the iteration abandons the rest.
    """
    pool = executor or ThreadPoolExecutor(threads)
    pending = []
    try:
        for index in range(len(tasks)):
            while len(pending) < 2 * threads + 2 and index + len(pending) < len(tasks):
                pending.append(pool.submit(work, tasks[index + len(pending)]))
            yield pending.pop(0).result()
    finally:
        stopping.abandoned = True  # before the wait for threads that are at work
        for future in pending:
            future.cancel()
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)


def run_arrays(
    setting: Setting, steps: int, trajectories: int, seed: int, checkpoints: IntArray, keep: str, first_trajectory: int = 0,
    *, threads: int = 1, chunk: int = 1, progress: Callable[[int], object] | None = None, executor: Executor | None = None,
    stop: Event | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """What `simulate` measures, for arguments that `checked_arguments` gave.

    Returns
    -------
    variables, coordinates : dicts of name to (dims, array, attributes)
    """
    stopping = _Stop(stop)
    description = {**DESCRIPTION, **setting.noise.measured, **averages.own_measured(setting.method)}
    keeper = KEEPERS[keep](tuple(description), trajectories, checkpoints)
    firsts = range(0, trajectories, LANES)
    tasks = [firsts[k : k + chunk] for k in range(0, len(firsts), chunk)]

    make = BlockMaker(setting)

    def work(task: range) -> list[tuple[FloatArray, FloatArray]]:
        firsts = [first_trajectory + first for first in task]
        return [_run_block(setting, partial(make, seed, first), checkpoints, stopping, first) for first in firsts]

    alone = executor is None and threads == 1  # then no thread has to be woken for each result
    results = (work(task) for task in tasks) if alone else _in_order(work, tasks, executor, threads, stopping)
    try:
        for task, blocks in zip(tasks, results, strict=True):
            for first, (table, diverged) in zip(task, blocks, strict=True):
                used = min(LANES, trajectories - first)
                keeper.add(table[..., :used], diverged[:, :used])
                if progress is not None:
                    progress(first + used)
    finally:
        results.close()

    variables = keeper.variables()
    variables["evaluations"] = ("checkpoint", setting.method.evaluations(setting.problem, checkpoints))
    coordinates: dict[str, tuple[Any, Any]] = {"checkpoint": ("checkpoint", checkpoints)}
    if keep == "trajectories":
        coordinates["trajectory"] = ("trajectory", first_trajectory + np.arange(trajectories))
        coordinates["origin"] = ("trajectory", np.full(trajectories, origin(setting, seed)))

    def whole(
        name: str, dims: str | tuple[str, ...], data: Any
    ) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
        text = {"long_name": description[name]} if name in description else {}
        return (dims,) if isinstance(dims, str) else dims, np.asarray(data), text

    return (
        {name: whole(name, *content) for name, content in variables.items()},
        {name: whole(name, *content) for name, content in coordinates.items()},
    )
