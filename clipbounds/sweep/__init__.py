"""Grids, journal, resume, executors (threads, processes, Dask).

sweep = cb.sweep.Sweep.from_toml("thresholds.toml")
cb.sweep.run(sweep, "results", executor="processes")
dataset = cb.sweep.load("results")
"""

from typing import TYPE_CHECKING

from .collect import load
from .estimate import estimate
from .executors import SweepStopped
from .export import export
from .manifest import ManifestDamaged
from .one import load_cell
from .outcome import Report
from .repair import repair
from .run import run
from .shards import read_shard
from .spec import Cell, Sweep
from .store import Store

__all__ = [
    "Cell", "ManifestDamaged", "Overlay", "Report", "Store", "Sweep", "SweepStopped", "estimate", "export", "load",
    "load_cell", "overlay", "read_shard",
    "repair", "run",
]  # fmt: skip


def _later(name: str) -> object:
    if name in ("Overlay", "overlay"):  # they bring the bounds and the verdicts, half a second that no worker needs
        from . import overlays

        return getattr(overlays, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if TYPE_CHECKING:
    from .overlays import Overlay, overlay
else:
    __getattr__ = _later


def __dir__() -> list[str]:
    return __all__
