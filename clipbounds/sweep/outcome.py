"""What a run of a sweep did."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Report:
    """What a run of a sweep did.

    Attributes
    ----------
    total : int, cells of the grid or of the shard
    present : int, cells that were in the store before
    computed : int, cells computed and kept by this run
    by_others : int, cells that another driver kept meanwhile
    failures : list of dict with index, where, setting (JSON), message and traceback
    damaged : list of (name, reason), files that were set aside
    diverged : list of dict with index, where and trajectories
        Cells in which trajectories have diverged, among those that were computed or read by this run.
    trusted : int, cells that were counted by their names, without being read
    seconds : float
    """

    total: int
    present: int = 0
    computed: int = 0
    by_others: int = 0
    failures: list = dataclasses.field(default_factory=list)
    damaged: list = dataclasses.field(default_factory=list)
    diverged: list = dataclasses.field(default_factory=list)
    trusted: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        return self.present + self.computed + self.by_others == self.total
