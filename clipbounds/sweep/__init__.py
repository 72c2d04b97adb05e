"""Grids, journal, resume, executors (threads, processes, Dask).

sweep = cb.sweep.Sweep.from_toml("thresholds.toml")
cb.sweep.run(sweep, "results", executor="processes")
dataset = cb.sweep.load("results")
"""

from .collect import load
from .estimate import estimate
from .executors import SweepStopped
from .export import export
from .manifest import ManifestDamaged
from .one import load_cell
from .outcome import Report
from .overlay import Overlay, overlay
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
