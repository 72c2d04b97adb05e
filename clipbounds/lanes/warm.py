"""Compile kernels ahead in several processes: Numba's compiler holds a lock, so threads would take turns."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from typing import TYPE_CHECKING

from .compile import all_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _compile(package: str, indices: Sequence[int]) -> int:
    """In a process of its own: compile these kernels into the cache on disk."""
    import_module(package)
    kernels = all_kernels()
    for index in indices:
        _ = kernels[index].address
    return len(indices)


def warm(processes: int, tell: Callable[[int], object]) -> None:
    """Compile every kernel of the package into the cache on disk.

    Parameters
    ----------
    processes : int >= 1
    tell : callable, called with the number of kernels that have just been finished
    """
    package = __name__.partition(".")[0]
    kernels = all_kernels()
    # kernels of one file share most of what they inline, so a file stays together; the long ones, the methods, first
    files = {}
    for index, kernel in enumerate(kernels):
        files.setdefault(kernel.function.__module__, []).append(index)
    tasks = sorted(files.values(), key=lambda group: "methods" not in kernels[group[0]].function.__module__)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(tasks)), mp_context=context) as pool:
        pending = [pool.submit(_compile, package, group) for group in tasks]
        for done in as_completed(pending):
            tell(done.result())
