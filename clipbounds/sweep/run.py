"""Run a sweep: check what was asked, open the store, and let a driver work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .driver import Driver
from .executors import check_executor
from .shards import part_of
from .store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from .outcome import Report
    from .spec import Sweep

LARGEST = 10**7  # cells: some 5 GB of names and lists


def run(
    sweep: Sweep, store: str | Path, executor: Any="threads", workers: int | None=None, address: str | None=None, *, progress: Callable[[int, int], object] | None=None, verify: bool | None=None, new_kernels: bool=False,
    accept_kernels: bool=False, shard: tuple[int, int] | None=None,
) -> Report:  # fmt: skip
    """Compute the cells of a sweep that its store does not hold yet.

    Parameters
    ----------
    sweep : Sweep
    store : path of a folder, which is made if it is missing
    executor : "threads", "processes", "dask" or concurrent.futures.Executor
    workers : int, optional
    address : str, optional, of a Dask scheduler
    progress : callable (done, total), optional
    verify : bool, optional
        Read the cells that are there and compute damaged ones anew; False trusts their names. By default up to 100000
        cells are read; `load` and `export` read with the checksum in any case.
    new_kernels : bool
        Use a store whose cells other program text has computed; they are not used.
    accept_kernels : bool
        Use such a store and keep its cells; `load` marks them.
    shard : (int, int), optional
        (k, n): only the k-th of n parts of the grid, k = 1, ..., n. Runs of all parts may share the store.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        Before anything runs, if the sweep, the store or the executor does not fit.
    SweepStopped
        If the disk is full, workers die again and again, or every cell fails; run the same again to go on.
    """
    check_executor(executor, workers, address)
    mine = part_of(sweep.size, shard)
    if sweep.size > LARGEST:
        raise ValueError(
            f"{sweep.size} cells are more than one store holds ({LARGEST}); make several sweeps and stores"
        )
    sources = sweep.check()
    kept = open_store(store, sweep, sources, new_kernels, accept_kernels)
    return Driver(sweep, kept, progress, mine, shard).run(verify, executor, workers, address)
