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
from .lanes.blocks import LANES, unpack
from .lanes.norms import block_norms
from .methods import averages
from .methods.base import CLIPPED, DIVERGED, MINIMUM, SQUARES, SUM, Setting
from .methods.blocks import BlockMaker
from .methods.watch import Watch, raised

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
CALL_WORK = 2**25  # coordinate updates in one kernel call, about 0.2 s: the longest wait for Ctrl-C


def _observe(setting: Setting, block: Block, step: int) -> tuple[FloatArray, FloatArray]:
    """The measured quantities at `step` for the 64 lanes, MEASURED and the method's own, and flags of divergence."""
    problem, method = setting.problem, setting.method
    dim = problem.dim
    gradient = np.empty(dim * LANES)
    norms = np.empty(LANES)
    try:
        problem.gradient_kernel(block.iterate(dim), gradient, dim, problem.parameters)
    except Exception as error:
        raise raised(setting, "problem", error, f"at step {step}") from error
    block_norms(gradient, norms, dim)
    x = unpack(block.iterate(dim)[np.newaxis], LANES)
    diverged = block.row(DIVERGED).copy()
    diverged[(diverged < 0) & ~np.isfinite(norms)] = step
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        distance = problem.distance(x)
        calls = step * method.operator_calls_per_step
        return (
            np.stack(
                [
                    norms,
                    block.row(SUM) / step if step else norms,
                    block.row(SQUARES) / step if step else norms * norms,
                    np.fmin(block.row(MINIMUM), norms),
                    problem.gap(x),
                    np.full(LANES, np.nan) if distance is None else distance,
                    block.row(CLIPPED) / calls if calls else np.zeros(LANES),
                    *method.observe(setting, block),
                    *averages.observe(setting, block),
                ]
            ),
            diverged,
        )


def _run_block(
    setting: Setting, make: Callable[[], Block], checkpoints: IntArray, stop: _Stop, first: int
) -> tuple[FloatArray, FloatArray]:
    """Measured quantities of 64 trajectories, shape (checkpoints, quantities, LANES), and the step of divergence."""
    stride = max(1, CALL_WORK // (LANES * setting.problem.dim * setting.method.samples(setting.problem)))
    watch = Watch(setting, make, stride, first)
    block = watch.block
    table = np.empty((len(checkpoints), len(MEASURED) + len(averages.own_measured(setting.method)), LANES))
    diverged = np.empty((len(checkpoints), LANES))
    for row, checkpoint in enumerate(checkpoints):
        while block.step < checkpoint:
            if stop.is_set():
                raise CancelledError("the simulation was told to stop")
            watch.run_to(min(checkpoint, block.step + stride))
        table[row], diverged[row] = _observe(setting, block, checkpoint)
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
