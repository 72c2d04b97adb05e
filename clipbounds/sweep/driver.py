"""The driver: hand out the cells that are missing, until none is."""

from __future__ import annotations

import contextlib
import math
import pickle
import queue
import random
import time
import warnings
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError
from typing import TYPE_CHECKING

from .executors import SweepStopped, open_crew
from .outcome import Report
from .worker import BROKEN, FAILED, FOUND, KEPT, REFUSED, SENT, STRANGER, diverged, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Any

    from .executors import Crew
    from .spec import Sweep
    from .store import Store

ATTEMPTS = 3
TASK_SECONDS = 0.5  # cells that take less are handed out several at a time
LARGEST_TASK = 256
MOST_BREAKDOWNS = 9  # in a row, without a finished cell between them
MOST_FAILURES = 20  # before the first cell is kept
VERIFIED = 100_000  # cells that are read before a run, in half a minute at most
DIVERGED = ("diverged_count", "diverged_at")
WAITING = 2  # tasks that wait for each worker, so that none idles while the driver is busy


class Driver:
    """Cells of one sweep on their way from missing to kept."""

    def __init__(
        self,
        sweep: Sweep,
        store: Store,
        progress: Callable[[int, int], object] | None = None,
        mine: range | None = None,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self.sweep, self.store, self.progress, self.shard = sweep, store, progress, shard
        self.mine = range(sweep.size) if mine is None else mine
        self.report = Report(len(self.mine))
        self.suspects, self.alone = deque(), False  # cells whose worker was lost; whether one runs by itself
        self.attempts, self.mean_seconds, self.breakdowns = {}, None, 0
        self.crew: Crew | None = None
        self.strangers, self.modules = set(), sweep.program()

    def run(self, verify: bool | None, executor: Any, workers: int | None, address: str | None) -> Report:
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

    def _look(self, verify: bool | None) -> list[int]:
        """The cells of this run that are missing."""
        journal = self.store.journal
        present = journal.names()
        if not present:
            return list(self.mine)
        held = self.store.held(self.sweep, present)
        found = {index: name for index in self.mine if (name := held[index]) is not None}
        if verify or (verify is None and len(found) <= VERIFIED):
            whole = set()
            for index, name in found.items():
                record = journal.read_record(name)
                if record is not None:
                    whole.add(index)
                    self._note_diverged(index, diverged({n: record[n] for n in record.dtype.names if n in DIVERGED}))
        else:
            whole, self.report.trusted = set(found), len(found)
        return [index for index in self.mine if index not in whole]

    def _note_diverged(self, index: int, trajectories: int) -> None:
        if trajectories:
            where = self.sweep.where(index)
            self.report.diverged.append({"index": index, "where": where, "trajectories": trajectories})

    def _work(self, crew: Crew) -> None:
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

    def _hand_out(
        self, crew: Crew, place: dict[str, Any], arrived: SimpleQueue[Any], running: dict[Any, list[int]]
    ) -> BrokenExecutor | None:
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

    def _mend(self, crew: Crew, broken: BrokenExecutor, running: dict[Any, list[int]]) -> None:
        """Replace a broken executor after taking back what it was given."""
        for future, indices in running.items():
            self._settle(future, indices)
        running.clear()
        if not crew.renew():
            raise SweepStopped(f"the executor broke ({broken}); what it had finished is kept, run again to go on")

    def _next_task(self, workers: int) -> list[int]:
        size = 1
        if self.mean_seconds is not None:
            fair = math.ceil(len(self.pending) / (2 * workers))
            size = max(1, min(int(TASK_SECONDS / max(self.mean_seconds, 1e-6)), fair, LARGEST_TASK))
        return [self.pending.popleft() for _ in range(min(size, len(self.pending)))]

    def _tasks(self, indices: list[int]) -> list[Any]:
        """What the workers are told of these cells; one that cannot be executed fails here."""
        made = []
        for index in indices:
            try:
                made.append(self._task(index))
            except ValueError as error:
                self._fail(index, str(error), str(error))
        return made

    def _task(self, index: int) -> tuple[int, str, Any, dict[str, Any]]:
        cell = self.sweep.cell(index)
        options = {
            "steps": cell.steps, "trajectories": cell.trajectories, "seed": cell.seed,
            "checkpoints": cell.checkpoints, "keep": cell.keep,
        }  # fmt: skip
        setting = pickle.dumps(cell.setting) if self.modules else cell.setting
        return index, self.names[index], setting, options

    def _settle(self, future: Any, indices: list[int]) -> Exception | None:
        """Book what a task did; the error if its worker was lost."""
        try:
            results = future.result()
        except CancelledError as error:
            raise SweepStopped("the executor or its scheduler has gone; run again to go on") from error
        except Exception as error:
            self._lost(indices, error)
            return error
        left = set(indices)
        detail: Any
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

    def _estranged(self, who: tuple[str, int, int], text: str) -> None:
        """A task came to a worker that must not compute it, because its program text is another."""
        new = who not in self.strangers
        self.strangers.add(who)
        if self.crew is not None and len(self.strangers) >= self.crew.workers():
            raise SweepStopped(f"all workers have other program text than the driver: {text}")
        if new and len(self.strangers) == 1:
            warnings.warn(
                f"a worker has other program text than the driver and gets nothing to do: {text}", stacklevel=2
            )

    def _keep(self, index: int, data: bytes, trajectories: int) -> tuple[str, int | str | None]:
        try:
            self.store.journal.write_bytes(self.names[index], data)
        except OSError as error:
            return REFUSED, error.strerror
        return KEPT, trajectories

    def _lost(self, indices: list[int], error: BaseException) -> None:
        """A worker went with its cells. Which of them was to blame is found out by running them alone, at the end."""
        text = f"the worker was lost: {type(error).__name__}: {error}"
        if self.alone:
            self._failed(indices[0], text, self.suspects)
            return
        self.suspects.extend(indices)
        self.breakdowns += isinstance(error, BrokenExecutor)
        if self.breakdowns > MOST_BREAKDOWNS:
            raise SweepStopped(f"workers fail again and again before a cell is done; the last error: {text}")

    def _failed(self, index: int, text: str, again: Any = None) -> None:
        self.attempts[index] = self.attempts.get(index, 0) + 1
        if self.attempts[index] < ATTEMPTS:
            (self.pending if again is None else again).append(index)
            return
        self._fail(index, text.strip().splitlines()[-1], text)

    def _fail(self, index: int, message: str, text: str) -> None:
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

    def _tell(self) -> None:
        if self.progress is not None:
            report = self.report
            self.progress(report.present + report.computed + report.by_others + len(report.failures), report.total)
