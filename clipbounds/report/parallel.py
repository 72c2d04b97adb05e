"""Several settings at once: a run of at most 64 trajectories fills one core, so different settings share the cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

    from ..methods.base import Setting
    from .lab import Lab


def simulate_all(lab: Lab, jobs: dict[float, tuple[Setting, int, int, Any]]) -> dict[float, xr.Dataset]:
    """Simulate every job, one thread each, and tell the lab's progress bar.

    Parameters
    ----------
    lab : Lab
    jobs : dict of name to (setting, steps, trajectories, options), the longest first

    Returns
    -------
    dict of name to run, in the order of `jobs`
    """
    done, runs = 0, {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        pending = {}
        for name, (setting, steps, trajectories, options) in jobs.items():
            pending[pool.submit(lab.simulate, setting, steps, trajectories, threads=1, **options)] = name
        for future in as_completed(pending):
            runs[pending[future]] = future.result()
            done += 1
            lab.step(done, len(jobs), str(pending[future]))
    return {name: runs[name] for name in jobs}
