"""The driver: hand out the cells that are missing, until none is."""

import dataclasses
import math
import queue
import random
import time
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError

from .executors import SweepStopped, open_crew
from .store import open_store
from .worker import FAILED, FOUND, KEPT, REFUSED, SENT, place_of

ATTEMPTS = 3
TASK_SECONDS = 0.5  # cells that take less are handed out several at a time
LARGEST_TASK = 256
MOST_BREAKDOWNS = 9  # in a row, without a finished cell between them
WAITING = 2  # tasks that wait for each worker, so that none idles while the driver is busy


@dataclasses.dataclass
class Report:
    """What a run of a sweep did.

    Attributes
    ----------
    total : int, cells of the grid
    present : int, cells that were in the store before
    computed : int, cells computed and kept by this run
    by_others : int, cells that another driver kept meanwhile
    failures : list of dict with index, where, setting (JSON) and traceback
    damaged : list of (name, reason), files that were set aside
    seconds : float
    """

    total: int
    present: int = 0
    computed: int = 0
    by_others: int = 0
    failures: list = dataclasses.field(default_factory=list)
    damaged: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self):
        return self.present + self.computed + self.by_others == self.total


def run(
    sweep, store, executor="threads", workers=None, address=None, *, progress=None, verify=True, new_kernels=False,
):  # fmt: skip
    """Compute the cells of a sweep that its store does not hold yet.

    Parameters
    ----------
    sweep : Sweep
    store : path of a folder, which is made if it is missing
    executor : "threads", "processes", "dask" or concurrent.futures.Executor
    workers : int, optional
    address : str, optional, of a Dask scheduler
    progress : callable (done, total), optional
    verify : bool
        Read the cells that are there and compute damaged ones anew; False trusts their names.
    new_kernels : bool
        Use a store whose cells other program text has computed; they are not used.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        Before anything runs, if the sweep, the store or the executor does not fit.
    SweepStopped
        If the disk is full, or workers die again and again; run the same again to go on.
    """
    names, sources = sweep.check()
    kept = open_store(store, sweep, sources, new_kernels)
    return Driver(sweep, names, kept, progress).run(verify, executor, workers, address)


class Driver:
    """Cells of one sweep on their way from missing to kept."""

    def __init__(self, sweep, names, store, progress=None):
        self.sweep, self.names, self.store, self.progress = sweep, names, store, progress
        self.report = Report(sweep.size)
        self.suspects, self.alone = deque(), False  # cells whose worker was lost; whether one runs by itself
        self.attempts, self.mean_seconds, self.breakdowns = {}, None, 0

    def run(self, verify, executor, workers, address):
        """All missing cells; the Report."""
        started = time.perf_counter()
        journal = self.store.journal
        journal.sweep_out()
        present = journal.names().intersection(self.names)
        present = journal.check(present) if verify else present
        missing = [index for index, name in enumerate(self.names) if name not in present]
        # each driver in an order of its own: two on one store rarely meet, and the time left is extrapolated without bias
        random.SystemRandom().shuffle(missing)
        self.pending = deque(missing)
        self.report.present = len(self.names) - len(self.pending)
        self._tell()
        if self.pending:
            crew = open_crew(executor, workers, address)
            finished = False
            try:
                self._work(crew)
                finished = True
            finally:
                crew.close(at_once=not finished)
        self.report.damaged = journal.damaged
        self.report.seconds = time.perf_counter() - started
        self.store.note_failures(self.report.failures)
        return self.report

    def _work(self, crew):
        place, arrived, running = place_of(self.store), queue.SimpleQueue(), {}
        try:
            while self.pending or self.suspects or running:
                crew.check()
                broken = self._hand_out(crew, place, arrived, running)
                try:
                    future = arrived.get(timeout=0.5) if running and broken is None else None
                except queue.Empty:
                    continue
                while future is not None:
                    broken = self._settle(future, running.pop(future)) or broken
                    future = None if arrived.empty() else arrived.get()
                if isinstance(broken, BrokenExecutor):
                    self._mend(crew, broken, running)
                    arrived = queue.SimpleQueue()
        finally:
            for future in running:
                future.cancel()

    def _hand_out(self, crew, place, arrived, running):
        """Keep the workers busy; the error if the executor turns out to be broken."""
        workers = crew.workers()
        while len(running) < WAITING * workers + 1:
            alone = not self.pending
            if alone and (running or not self.suspects):
                return None
            indices = [self.suspects.popleft()] if alone else self._next_task(workers)
            self.alone = alone
            try:
                future = crew.submit(place, [self._task(index) for index in indices])
            except BrokenExecutor as error:
                self._lost(indices, error)
                return error
            running[future] = indices
            future.add_done_callback(arrived.put)
        return None

    def _mend(self, crew, broken, running):
        """Replace a broken executor after taking back what it was given."""
        for future, indices in running.items():
            self._settle(future, indices)
        running.clear()
        if not crew.renew():
            raise SweepStopped(f"the executor broke ({broken}); what it had finished is kept, run again to go on")

    def _next_task(self, workers):
        size = 1
        if self.mean_seconds is not None:
            fair = math.ceil(len(self.pending) / (2 * workers))
            size = max(1, min(int(TASK_SECONDS / max(self.mean_seconds, 1e-6)), fair, LARGEST_TASK))
        return [self.pending.popleft() for _ in range(min(size, len(self.pending)))]

    def _task(self, index):
        cell = self.sweep.cell(index)
        options = {
            "steps": cell.steps, "trajectories": cell.trajectories, "seed": cell.seed,
            "checkpoints": cell.checkpoints, "keep": cell.keep,
        }  # fmt: skip
        return index, self.names[index], cell.setting, options

    def _settle(self, future, indices):
        """Book what a task did; the error if its worker was lost."""
        try:
            results = future.result()
        except CancelledError as error:
            raise SweepStopped("the executor or its scheduler has gone; run again to go on") from error
        except Exception as error:
            self._lost(indices, error)
            return error
        left = set(indices)
        for index, what, detail, seconds in results:
            left.discard(index)
            if what == SENT:
                what, detail = self._keep(index, detail)
            if what == REFUSED:
                raise SweepStopped(
                    f"the store {self.store.folder} takes no more cells: {detail};"
                    " what was written before is kept; make room and run again to go on"
                )
            if what == FAILED:
                self._failed(index, detail)
            else:
                self.breakdowns = 0
                self.report.computed += what == KEPT
                self.report.by_others += what == FOUND
            if what == KEPT:
                self.mean_seconds = seconds if self.mean_seconds is None else 0.9 * self.mean_seconds + 0.1 * seconds
        self.pending.extend(sorted(left))
        self._tell()
        return None

    def _keep(self, index, data):
        try:
            self.store.journal.write_bytes(self.names[index], data)
        except OSError as error:
            return REFUSED, error.strerror
        return KEPT, None

    def _lost(self, indices, error):
        """A worker went with its cells. Which of them was to blame is found out by running them alone, at the end."""
        text = f"the worker was lost: {type(error).__name__}: {error}"
        if self.alone:
            self._failed(indices[0], text, self.suspects)
            return
        self.suspects.extend(indices)
        self.breakdowns += isinstance(error, BrokenExecutor)
        if self.breakdowns > MOST_BREAKDOWNS:
            raise SweepStopped(f"workers fail again and again before a cell is done; the last error: {text}")

    def _failed(self, index, text, again=None):
        self.attempts[index] = self.attempts.get(index, 0) + 1
        if self.attempts[index] < ATTEMPTS:
            (self.pending if again is None else again).append(index)
            return
        setting = self.sweep.cell(index).setting.to_json()
        self.report.failures.append(
            {"index": index, "where": self.sweep.where(index), "setting": setting, "traceback": text}
        )
        self._tell()

    def _tell(self):
        if self.progress is not None:
            report = self.report
            self.progress(report.present + report.computed + report.by_others + len(report.failures), report.total)
