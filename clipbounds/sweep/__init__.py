"""Grids, journal, resume, executors (threads, processes, Dask).

sweep = cb.sweep.Sweep.from_toml("thresholds.toml")
cb.sweep.run(sweep, "results", executor="processes")
dataset = cb.sweep.load("results")
"""

from .collect import load
from .estimate import estimate
from .executors import SweepStopped
from .export import export
from .run import Report, run
from .spec import Cell, Sweep
from .store import Store

__all__ = ["Cell", "Report", "Store", "Sweep", "SweepStopped", "estimate", "export", "load", "run"]
