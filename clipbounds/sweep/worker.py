"""What a worker does: cells one after the other, each kept before it is reported.

A worker that sees the store writes its cells itself; one that does not (another computer without a shared file system)
sends them back, and the driver writes them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import platform
import threading
import time
import traceback
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.compile import KernelFailed
from ..lanes.kernel_cache import cache_root
from ..methods.blocks import new_block
from ..run_arguments import checked_arguments
from ..run_arrays import run_arrays
from ..version import __version__
from .cellfile import encode
from .journal import Journal
from .manifest import MANIFEST
from .memory import run_to_cell
from .sources import package_digest
from .store import CELLS
from .user_files import bring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from threading import Event
    from typing import Any

    from ..array_types import NDArray
    from ..methods.base import Setting
    from .store import Store

# what may happen to a cell: it is kept, was there, is sent to the driver, raised, has a kernel that fails (the same
# would happen again), could not be written, or came to a worker with other program text
KEPT, FOUND, SENT, FAILED, BROKEN, REFUSED, STRANGER = (
    "kept",
    "found",
    "sent",
    "failed",
    "broken",
    "refused",
    "stranger",
)
INDEX = "index in the grid"  # an array of a cell beside its variables
STRANGERS_WAIT = 0.2  # s, so that a worker that may do nothing does not take every task
WRITERS = 8  # forcing files to the disk one by one takes 3 to 4 ms each; eight at once share a commit: 0.4 ms each
_writers = None
_warm = set()
_lock = threading.Lock()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Held by one process of this computer at a time, where the system offers such locks."""
    try:
        import fcntl

        cache_root().mkdir(parents=True, exist_ok=True)
        stream = open(cache_root() / ".lock", "w")  # noqa: SIM115 (closed below, the lock with it)
    except (ImportError, OSError):
        yield
        return
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def warm(setting: Setting) -> None:
    """Compile or load the kernels of a setting, one process at a time, so that cold workers do not race for the cache."""
    parts = (setting.problem, setting.noise, setting.method, setting.method.operator)
    kinds = tuple(type(part) for part in parts)
    with _lock:
        if kinds not in _warm:
            with _alone():
                new_block(setting, 0, 0)
                with contextlib.suppress(Exception):  # of a user's kernel: the run tells which it is, and the step
                    setting.problem.gradient(setting.problem.x0)
            _warm.add(kinds)


def _pool() -> ThreadPoolExecutor:
    global _writers
    with _lock:
        if _writers is None:
            _writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="journal")
        return _writers


def own_store(place: str, digest: str) -> bool:
    """Whether this process sees the store of the sweep `digest`."""
    try:
        return json.loads((Path(place) / MANIFEST).read_text(encoding="utf-8"))["digest"] == digest
    except (OSError, ValueError, KeyError):
        return False


def compute(
    setting: Setting, options: Mapping[str, Any], stop: Event | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and `about` of one cell, without threads of its own."""
    warm(setting)
    return run_to_cell(*run_arrays(setting, *checked_arguments(setting, **options), stop=stop))


def diverged(arrays: Mapping[str, NDArray[Any]]) -> int:
    """How many trajectories of a cell have diverged by its last checkpoint."""
    if "diverged_count" in arrays:
        return int(arrays["diverged_count"][-1])
    return int(np.count_nonzero(arrays["diverged_at"] >= 0))


def run_cells(place: dict[str, Any], cells: list[Any], stop: Event | None = None) -> list[Any]:
    """Compute cells and keep them.

    Parameters
    ----------
    place : dict with root, folder, shard, digest, sources and package (digest of the package's text) of the store
    cells : list of (index, name, setting, options of simulate)
        A setting with classes of the user is pickled: its modules may have to be brought first.
    stop : threading.Event, optional

    Returns
    -------
    list of (index, what happened, detail, seconds)
        The detail is the number of diverged trajectories of a kept cell, the same with the bytes of a cell to be kept by
        the driver, the traceback of a failed one, or what a file system that refused said.
    """
    strange = None
    if place["package"] != package_digest():
        strange = (
            f"version {__version__}, package digest {package_digest()}; the driver's is {place['package']}; install the"
            " same clipbounds on driver and workers"
        )
    strange = strange or bring(place["modules"])
    if strange:
        time.sleep(STRANGERS_WAIT)
        who = platform.node(), os.getpid(), threading.get_ident()
        return [(index, STRANGER, (who, strange), 0.0) for index, *_ in cells]
    journal = Journal(place["folder"], place["shard"]) if own_store(place["root"], place["digest"]) else None
    found: list[tuple[int, str, Any, float]] = []
    pending = []
    for index, name, setting, options in cells:
        if stop is not None and stop.is_set():
            break
        started = time.perf_counter()
        if journal is not None and name in journal:  # another driver was faster
            found.append((index, FOUND, None, 0.0))
            continue
        try:
            setting = pickle.loads(setting) if isinstance(setting, bytes) else setting
            arrays, about = compute(setting, options, stop)
            lost = diverged(arrays)
            arrays[INDEX] = np.array(index, dtype=np.int64)
            about |= {"grid": place["digest"], "kernels": place["sources"]}
            data = encode(name, arrays, about)
        except CancelledError:
            break
        except KernelFailed as error:
            found.append((index, BROKEN, str(error), time.perf_counter() - started))
            continue
        except Exception:
            found.append((index, FAILED, traceback.format_exc(), time.perf_counter() - started))
            continue
        seconds = time.perf_counter() - started
        if journal is None:
            found.append((index, SENT, (data, lost), seconds))
        else:
            pending.append((index, _pool().submit(journal.write_bytes, name, data), seconds, lost))
            if len(pending) >= WRITERS:
                found.append(_settle(*pending.pop(0)))
    return found + [_settle(*entry) for entry in pending]


def _settle(index: int, future: Future[Any], seconds: float, lost: int) -> tuple[int, str, Any, float]:
    try:
        future.result()
    except OSError as error:
        return index, REFUSED, f"{error.strerror} ({error.filename or 'writing a cell'})", seconds
    return index, KEPT, lost, seconds


def place_of(store: Store, modules: Mapping[str, str]) -> dict[str, Any]:
    """What `run_cells` has to know of a store; `modules` are the user's, name to text."""
    return {
        "root": str(store.folder.resolve()),
        "folder": str((store.folder / CELLS).resolve()),
        "shard": store.journal.shard,
        "digest": store.manifest["digest"],
        "sources": store.manifest["sources"],
        "package": package_digest(),
        "modules": modules,
    }


def start_process() -> None:
    """In a worker process: leave Ctrl-C to the driver, and end when the driver is gone."""
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch(parent: Any) -> None:
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=watch, args=(parent,), daemon=True, name="watch the driver").start()
