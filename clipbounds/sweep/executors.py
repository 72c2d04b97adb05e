"""Who computes: threads, processes, a Dask cluster, or any executor that the caller brings.

A crew is an executor with what the driver has to know about it: how many workers it has now, how to replace it when its
workers died with it, and how to stop it at once.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import signal
import socket
import threading
import time
import warnings
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..specs import check_integer
from .values import nearest
from .worker import run_cells, start_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KINDS = ("threads", "processes", "dask")
TIMEOUT = 8.0  # s, to reach a scheduler and its first worker, and until their absence is told
PATIENCE = 600.0  # s without any worker, after which the sweep stops
ADDRESS = re.compile(r"(?:[a-z]+://)?(?:\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):\d{1,5}/?|inproc://\S+")
ASK_AGAIN = 1.0  # s, how often a cluster is asked for its size


class SweepStopped(RuntimeError):
    """The sweep cannot go on; what has been computed is kept."""


class Crew:
    """An executor that the caller brings (mpi4py.futures, submitit, ...); it is left running."""

    def __init__(self, executor: Any, workers: int | None = None) -> None:
        self.executor = executor
        self._workers = workers or getattr(executor, "_max_workers", None) or 64

    def workers(self) -> int:
        """How many tasks can run at once."""
        return self._workers

    def submit(self, place: dict[str, Any], cells: list[Any]) -> Any:
        """A future of `run_cells`."""
        return self.executor.submit(run_cells, place, cells)

    def check(self) -> None:
        """Raise SweepStopped if the executor can no longer be reached."""

    def renew(self) -> bool:
        """Replace a broken executor; False if that is not in our hands."""
        return False

    def close(self, at_once: bool = False) -> None:
        """Let the workers go, `at_once` without waiting for what they do."""


class Threads(Crew):
    """Threads of this process; kernels release the GIL."""

    def __init__(self, workers: int) -> None:
        super().__init__(ThreadPoolExecutor(workers, thread_name_prefix="sweep"), workers)
        self.stop = threading.Event()

    def submit(self, place: dict[str, Any], cells: list[Any]) -> Any:
        return self.executor.submit(run_cells, place, cells, self.stop)

    def close(self, at_once: bool = False) -> None:
        if at_once:
            self.stop.set()
        self.executor.shutdown(wait=True, cancel_futures=True)


class Processes(Crew):
    """Processes of this computer, started afresh (spawn), so that no lock or thread is inherited."""

    def __init__(self, workers: int) -> None:
        self._count = workers
        super().__init__(self._start(), workers)

    def _start(self) -> Executor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self._others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, mp_context=context, initializer=start_process)

    def renew(self) -> bool:
        self.executor.shutdown(wait=True, cancel_futures=True)
        self.executor = self._start()
        return True

    def close(self, at_once: bool = False) -> None:
        import multiprocessing

        if at_once:
            self.executor.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()  # every cell is written under a temporary name, so there is nothing to tidy up
        self.executor.shutdown(wait=True, cancel_futures=True)


def _quiet() -> None:
    """Leave to this program what to say of Dask's troubles: its own logs are pages of tracebacks."""
    for name in ("distributed", "tornado", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at an address of TCP: the client would ask again and again, for twice its own timeout."""
    from distributed.comm.addressing import parse_address, parse_host_port

    scheme, place = parse_address(address)
    if scheme in ("tcp", "tls"):
        socket.create_connection(parse_host_port(place), timeout=TIMEOUT).close()


class Dask(Crew):
    """A Dask cluster: the one at `address`, or one of our own on this computer."""

    def __init__(self, workers: int | None, address: str | None) -> None:
        try:
            from dask.distributed import Client, LocalCluster
        except ImportError:
            raise ValueError('the executor dask needs dask.distributed; pip install "clipbounds[cluster]"') from None
        _quiet()
        self._cluster, self._address = None, address
        if address is None:
            try:
                self._cluster = LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, silence_logs=50,
                    dashboard_address="127.0.0.1:0",  # any free port; None takes 8787 and warns where that is taken
                )  # fmt: skip
            except (OSError, RuntimeError) as error:
                raise ValueError(f"no Dask cluster could be started on this computer: {error}") from None
        try:
            if address is not None:
                _knock(address)
            self._client = Client(self._cluster or address, timeout=TIMEOUT, set_as_default=False)
        except (
            OSError,
            ValueError,
            MemoryError,
        ) as error:  # what is no scheduler answers with what is read as a huge length
            raise ValueError(
                f"no Dask scheduler answered at {address} within {TIMEOUT:g} s ({type(error).__name__}); check the"
                " address, and that `dask scheduler` runs there"
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=TIMEOUT)
        except TimeoutError:
            self.close()
            raise ValueError(
                f"the Dask scheduler at {address} has no workers after {TIMEOUT:g} s; start `dask worker {address}`"
            ) from None
        super().__init__(self._client.get_executor(pure=False))

        self._asked, self._count, self._told = 0.0, 1, False
        self._last_seen = self._last_worker = time.monotonic()

    def _ask(self) -> Any:
        """Ask the scheduler, every second at most, how many tasks its workers run at once."""
        now = time.monotonic()
        if now - self._asked > ASK_AGAIN:
            try:
                self._count = sum(self._client.nthreads().values())
            except Exception:  # it has just gone: `check` tells after a while
                return
            self._asked = now
            if self._count:
                self._last_worker, self._told = now, False

    def workers(self) -> int:
        self._ask()
        return max(1, self._count)

    def check(self) -> None:
        if self._client.status != "running":
            if time.monotonic() - self._last_seen > TIMEOUT:
                raise SweepStopped(
                    f"the Dask scheduler has been out of reach for {TIMEOUT:g} s; what was computed is kept, run again"
                )
            return
        self._last_seen = time.monotonic()
        self._ask()
        alone = time.monotonic() - self._last_worker
        if alone > PATIENCE:
            raise SweepStopped(
                f"the Dask scheduler has had no workers for {alone / 60:.0f} min; start some and run again"
            )
        if alone > TIMEOUT and not self._told:
            self._told = True
            warnings.warn(
                f"the Dask scheduler has no workers any more; waiting {PATIENCE / 60:g} min for new ones,"
                f" `dask worker {self._address or ''}`, before the sweep stops",
                stacklevel=2,
            )

    def close(self, at_once: bool = False) -> None:
        if not at_once:
            self._client.close(timeout=TIMEOUT)
            if self._cluster is not None:
                self._cluster.close(timeout=TIMEOUT)
            return
        # what had finished is kept in the store, so that nothing is worth waiting for
        with contextlib.suppress(Exception):
            self.executor.shutdown(wait=False)
        if self._cluster is not None:
            for nanny in self._cluster.workers.values():
                with contextlib.suppress(Exception):
                    nanny.auto_restart = False
                    os.kill(nanny.pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self._client.close(timeout=0.5)
        if self._cluster is not None:
            with contextlib.suppress(Exception):
                self._cluster.close(timeout=0.5)


def check_executor(executor: Any, workers: int | None = None, address: str | None = None) -> int | None:
    """The number of workers as an int or None; raises the errors of `open_crew` that need no cluster."""
    if workers is not None:
        workers = check_integer("sweep", "workers", workers, 1)
    if address is not None and executor != "dask":
        raise ValueError(f"sweep: an address is for the executor 'dask', but the executor {executor!r} was given")
    if address is not None and not ADDRESS.fullmatch(str(address)):
        raise ValueError(f"the address of a Dask scheduler looks like tcp://host:8786, but {address!r} was given")
    if not isinstance(executor, Executor) and executor not in KINDS:
        raise ValueError(f"sweep: there is no executor {executor!r}; {nearest(executor, KINDS)}")
    return workers


def open_crew(executor: Any = "threads", workers: int | None = None, address: str | None = None) -> Crew:
    """The crew for a name or an executor.

    Parameters
    ----------
    executor : "threads", "processes", "dask" or concurrent.futures.Executor
    workers : int >= 1, by default one for each processor
    address : str, of a Dask scheduler; "dask" starts a cluster on this computer without one

    Raises
    ------
    ValueError
        If there is no such executor, or no scheduler or worker answers within 8 s.
    """
    workers = check_executor(executor, workers, address)
    if isinstance(executor, Executor):
        return Crew(executor, workers)
    workers = workers or os.cpu_count() or 1
    make: dict[str, Callable[..., Crew]] = {
        "threads": Threads,
        "processes": Processes,
        "dask": functools.partial(Dask, address=address),
    }
    return make[executor](workers)
