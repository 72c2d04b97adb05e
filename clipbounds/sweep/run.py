"""The driver: hand out the cells that are missing, until none is."""

import contextlib
import math
import pickle
import queue
import random
import time
import warnings
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError

from .executors import SweepStopped, check_executor, open_crew
from .outcome import Report
from .shards import part_of
from .store import open_store
from .worker import BROKEN, FAILED, FOUND, KEPT, REFUSED, SENT, STRANGER, diverged, place_of

ATTEMPTS = 3
TASK_SECONDS = 0.5  # cells that take less are handed out several at a time
LARGEST_TASK = 256
MOST_BREAKDOWNS = 9  # in a row, without a finished cell between them
MOST_FAILURES = 20  # before the first cell is kept
VERIFIED = 100_000  # cells that are read before a run, in half a minute at most
LARGEST = 10**7  # cells: some 5 GB of names and lists
DIVERGED = ("diverged_count", "diverged_at")
WAITING = 2  # tasks that wait for each worker, so that none idles while the driver is busy


def run(
    sweep, store, executor="threads", workers=None, address=None, *, progress=None, verify=None, new_kernels=False,
    accept_kernels=False, shard=None,
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


class Driver:
    """Cells of one sweep on their way from missing to kept."""

    def __init__(self, sweep, store, progress=None, mine=None, shard=None):
        self.sweep, self.store, self.progress, self.shard = sweep, store, progress, shard
        self.mine = range(sweep.size) if mine is None else mine
        self.report = Report(len(self.mine))
        self.suspects, self.alone = deque(), False  # cells whose worker was lost; whether one runs by itself
        self.attempts, self.mean_seconds, self.breakdowns = {}, None, 0
        self.crew, self.strangers, self.modules = None, set(), sweep.program()

    def run(self, verify, executor, workers, address):
        """All missing cells; the Report."""
        started = time.perf_counter()
        journal = self.store.journal
        journal.sweep_out()
        self.names = self.store.names(self.sweep)
        missing = self._look(verify)
        # each driver in an order of its own: two on one store rarely meet, and the time left is extrapolated without bias
        random.SystemRandom().shuffle(missing)
        self.pending = deque(missing)
        self.report.present = len(self.mine) - len(missing)
        self._tell()
        try:
            if self.pending:
                crew = self.crew = open_crew(executor, workers, address)
                finished = False
                try:
                    self._work(crew)
                    finished = True
                finally:
                    crew.close(at_once=not finished)
        finally:
            self.report.damaged = journal.damaged
            self.report.seconds = time.perf_counter() - started
            with contextlib.suppress(OSError):  # a full disk, which has been told
                self.store.note_failures(self.report.failures, self.shard)
        return self.report

    def _look(self, verify):
        """The cells of this run that are missing."""
        journal = self.store.journal
        present = journal.names()
        if not present:
            return list(self.mine)
        held = self.store.held(self.sweep, present)
        found = [index for index in self.mine if held[index] is not None]
        if verify or (verify is None and len(found) <= VERIFIED):
            whole = set()
            for index in found:
                record = journal.read_record(held[index])
                if record is not None:
                    whole.add(index)
                    self._note_diverged(index, diverged({n: record[n] for n in record.dtype.names if n in DIVERGED}))
        else:
            whole, self.report.trusted = set(found), len(found)
        return [index for index in self.mine if index not in whole]

    def _note_diverged(self, index, trajectories):
        if trajectories:
            where = self.sweep.where(index)
            self.report.diverged.append({"index": index, "where": where, "trajectories": trajectories})

    def _work(self, crew):
        place, arrived, running = place_of(self.store, self.modules), queue.SimpleQueue(), {}
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
            tasks = self._tasks(indices)
            indices = [index for index, *_ in tasks]
            if not tasks:
                continue
            try:
                future = crew.submit(place, tasks)
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

    def _tasks(self, indices):
        """What the workers are told of these cells; one that cannot be executed fails here."""
        made = []
        for index in indices:
            try:
                made.append(self._task(index))
            except ValueError as error:
                self._fail(index, str(error), str(error))
        return made

    def _task(self, index):
        cell = self.sweep.cell(index)
        options = {
            "steps": cell.steps, "trajectories": cell.trajectories, "seed": cell.seed,
            "checkpoints": cell.checkpoints, "keep": cell.keep,
        }  # fmt: skip
        setting = pickle.dumps(cell.setting) if self.modules else cell.setting
        return index, self.names[index], setting, options

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
            if what == STRANGER:
                self._estranged(*detail)
                continue
            left.discard(index)
            if what == SENT:
                what, detail = self._keep(index, *detail)
            if what == REFUSED:
                raise SweepStopped(
                    f"the store {self.store.folder} takes no more cells: {detail};"
                    " what was written before is kept; make room and run again to go on"
                )
            if what == FAILED:
                self._failed(index, detail)
            elif what == BROKEN:
                self._fail(index, detail, detail)
            else:
                self.breakdowns = 0
                self.report.computed += what == KEPT
                self.report.by_others += what == FOUND
            if what == KEPT:
                self._note_diverged(index, detail)
                self.mean_seconds = seconds if self.mean_seconds is None else 0.9 * self.mean_seconds + 0.1 * seconds
        self.pending.extend(sorted(left))
        self._tell()
        return None

    def _estranged(self, who, text):
        """A task came to a worker that must not compute it, because its program text is another."""
        new = who not in self.strangers
        self.strangers.add(who)
        if len(self.strangers) >= self.crew.workers():
            raise SweepStopped(f"all workers have other program text than the driver: {text}")
        if new and len(self.strangers) == 1:
            warnings.warn(
                f"a worker has other program text than the driver and gets nothing to do: {text}", stacklevel=2
            )

    def _keep(self, index, data, trajectories):
        try:
            self.store.journal.write_bytes(self.names[index], data)
        except OSError as error:
            return REFUSED, error.strerror
        return KEPT, trajectories

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
        self._fail(index, text.strip().splitlines()[-1], text)

    def _fail(self, index, message, text):
        """A cell that will not be tried again."""
        try:
            setting = self.sweep.cell(index).setting.to_json()
        except ValueError:
            setting = None
        self.report.failures.append(
            {
                "index": index,
                "where": self.sweep.where(index),
                "setting": setting,
                "message": message,
                "traceback": text,
            }
        )
        self._tell()
        if len(self.report.failures) > MOST_FAILURES and not self.report.computed + self.report.by_others:
            raise SweepStopped(f"every cell that was tried has failed; the last: {self.sweep.where(index)}: {message}")

    def _tell(self):
        if self.progress is not None:
            report = self.report
            self.progress(report.present + report.computed + report.by_others + len(report.failures), report.total)
