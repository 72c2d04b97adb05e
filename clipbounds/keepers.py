"""What is kept of the measured quantities of a simulation: every trajectory, or moments and ranges merged by blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from .array_types import FloatArray, IntArray


class Trajectories:
    """Keeps every trajectory."""

    def __init__(self, names: tuple[str, ...], count: int, checkpoints: IntArray) -> None:
        self.names, self.tables, self.diverged, self.count = names, [], [], count

    def add(self, table: FloatArray, diverged: FloatArray) -> None:
        self.tables.append(table)
        self.diverged.append(diverged[-1])

    def variables(self) -> dict[str, tuple[Any, Any]]:
        table = np.concatenate(self.tables, axis=2)
        data: dict[str, tuple[Any, Any]] = {
            name: (("checkpoint", "trajectory"), table[:, k]) for k, name in enumerate(self.names)
        }
        data["diverged_at"] = ("trajectory", np.concatenate(self.diverged).astype(np.int64))
        return data


class Statistics:
    """Keeps count, mean, variance, smallest and largest value at each checkpoint, merged in the order of blocks."""

    def __init__(self, names: tuple[str, ...], count: int, checkpoints: IntArray) -> None:
        self.names = names
        shape = (len(checkpoints), len(names))
        self.count = 0
        self.mean, self.squares = np.zeros(shape), np.zeros(shape)
        self.low, self.high = np.full(shape, np.inf), np.full(shape, -np.inf)
        self.diverged = np.zeros(len(checkpoints), dtype=np.int64)
        self.first_diverged: Any = np.inf

    def add(self, table: FloatArray, diverged: FloatArray) -> None:
        """Chan's pairwise update of mean and sum of squares, block by block, so that the order is always the same."""
        count = table.shape[2]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = table.mean(axis=2)
            squares = np.square(table - mean[..., np.newaxis]).sum(axis=2)
            delta = mean - self.mean
            total = self.count + count
            self.mean = self.mean + delta * (count / total) if self.count else mean
            self.squares = (
                self.squares + squares + np.square(delta) * (self.count * count / total) if self.count else squares
            )
            self.low = np.minimum(self.low, table.min(axis=2))
            self.high = np.maximum(self.high, table.max(axis=2))
        self.count = total
        self.diverged += np.count_nonzero(diverged >= 0, axis=1)
        self.first_diverged = min(self.first_diverged, np.min(diverged[diverged >= 0], initial=np.inf))

    def variables(self) -> dict[str, tuple[Any, Any]]:
        data: dict[str, tuple[Any, Any]] = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = self.squares / (self.count - 1) if self.count > 1 else np.full_like(self.squares, np.nan)
        for k, name in enumerate(self.names):
            data[name] = ("checkpoint", self.mean[:, k])
            data[f"{name}_variance"] = ("checkpoint", variance[:, k])
            data[f"{name}_smallest"] = ("checkpoint", self.low[:, k])
            data[f"{name}_largest"] = ("checkpoint", self.high[:, k])
        data["diverged_count"] = ("checkpoint", self.diverged)
        data["diverged_at"] = ((), int(self.first_diverged) if np.isfinite(self.first_diverged) else -1)
        return data


KEEPERS: dict[str, type[Trajectories] | type[Statistics]] = {"trajectories": Trajectories, "statistics": Statistics}
