"""The state of 64 trajectories, and what makes it for a setting."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lanes.blocks import LANES, aligned, aligned_zeros
from ..noise.window import window_plan
from . import average_kernels
from .base import DIVERGED, LANE_ROWS, MINIMUM

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..array_types import FloatArray
    from .base import Setting


@dataclasses.dataclass
class Block:
    """The state of 64 trajectories between two calls of the kernel."""

    vectors: np.ndarray
    lanes: np.ndarray
    arguments: tuple[Any, ...]
    advance: Callable[..., Any]
    step: int = 0

    def run_to(self, step: int) -> None:
        """Advance to `step`."""
        self.advance(self.vectors, self.lanes, *self.arguments, self.step, step)
        self.step = step

    def row(self, index: int) -> FloatArray:
        """One row of per-lane numbers, a view."""
        return self.lanes[index * LANES : (index + 1) * LANES]

    def iterate(self, dim: int) -> FloatArray:
        """The iterates as a block, a view."""
        return self.vectors[: dim * LANES]


class BlockMaker:
    """Makes the blocks of a setting; what they have in common is computed once, and no kernel writes into it."""

    def __init__(self, setting: Setting) -> None:
        problem, noise, method = setting.problem, setting.noise, setting.method
        self.problem, self.method = problem, method
        self.plan, buffer_size, self.noise_parameters = window_plan(noise, problem.dim)
        self.buffer_size = max(buffer_size, LANES)
        self.problem_parameters, self.method_parameters = problem.parameters, method.parameters
        self.clip_parameters = method.operator.parameters
        self.advance: Any = method.kernel_for(noise)
        rows = self.advance is method.row_advance
        self.extra = method.extra_rows(noise, problem.dim) * LANES
        fill = noise.row_kernel if rows else noise.fill
        first = [problem.gradient_kernel.address, fill.address, method.operator.kernel.address]
        more = method.extra_addresses(problem)
        if method.averages:
            more = [*more, self.advance.address]
            self.advance = average_kernels.averaged
            self.extra += average_kernels.BLOCKS * problem.dim * LANES
        self.addresses = np.array(first + more, dtype=np.int64)

    def __call__(self, seed: int, first_trajectory: int) -> Block:
        """The state of trajectories first_trajectory, ..., +63 at step 0."""
        lanes = aligned_zeros(LANE_ROWS * LANES)
        lanes[MINIMUM * LANES : (MINIMUM + 1) * LANES] = np.inf
        lanes[DIVERGED * LANES : (DIVERGED + 1) * LANES] = -1.0
        arguments = (
            aligned_zeros(self.buffer_size), self.plan.copy(), np.array([seed, first_trajectory], dtype=np.uint64),
            self.problem_parameters, self.noise_parameters, np.array(self.clip_parameters), self.method_parameters,
            self.addresses,
        )  # fmt: skip
        vectors = self.method.initial_state(self.problem)
        if self.extra:
            initial, vectors = vectors, aligned_zeros(vectors.size + self.extra)
            vectors[: initial.size] = initial
        return Block(aligned(vectors), lanes, arguments, self.advance)


def new_block(setting: Setting, seed: int, first_trajectory: int) -> Block:
    """One block of a setting, at step 0."""
    return BlockMaker(setting)(seed, first_trajectory)
