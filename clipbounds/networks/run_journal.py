"""A journal of training runs: one JSON line a finished run, so that hours of work survive an interruption."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path

from .images import VERSION, ImageRun, carry_out

PROCESSES = 2  # of one thread each


class RunJournal:
    """Finished runs in a file that only grows.

    Parameters
    ----------
    file : path; it need not exist; None keeps nothing

    Raises
    ------
    ValueError
        If a line was written by another version of the training, or is none of a journal.
    """

    def __init__(self, file: str | Path | None) -> None:
        self.file, self.runs = None if file is None else Path(file), {}
        text = self.file.read_text(encoding="utf-8") if self.file and self.file.is_file() else ""
        lines = text.splitlines(keepends=True)
        if self.file and lines and not lines[-1].endswith("\n"):  # cut off in the middle of a line, which is run again
            text = text[: -len(lines.pop())]
            self.file.write_text(text, encoding="utf-8")
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                version, found = entry["run"]["version"], entry["found"]
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f"line {number} of {self.file} is no finished run; remove it, and it is run again"
                ) from None
            if version != VERSION:
                raise ValueError(
                    f"line {number} of {self.file} was written by version {version} of the training, but this is version"
                    f" {VERSION}; move the file away, and its runs are made anew"
                )
            self.runs[ImageRun(**entry["run"])] = found

    def add(self, run: ImageRun, found: dict) -> None:
        """Append a finished run."""
        self.runs[run] = found
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"run": dataclasses.asdict(run), "found": found}) + "\n")

    def complete(
        self, runs: list[ImageRun], folder: str | Path, tell: Callable[[int, int], None] | None = None
    ) -> None:
        """Carry out the runs that are missing, in order, in `PROCESSES` processes.

        Parameters
        ----------
        runs : list of ImageRun
        folder : path of the dataset
        tell : callable of (done, total), after every finished run
        """
        missing = [run for run in dict.fromkeys(runs) if run not in self.runs]
        if not missing:
            return
        spawn = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        pool = concurrent.futures.ProcessPoolExecutor(PROCESSES, spawn, _one_thread)
        try:
            waiting = {pool.submit(carry_out, run, str(folder)): run for run in missing}
            for future in concurrent.futures.as_completed(waiting):
                self.add(waiting[future], future.result())
                if tell is not None:
                    tell(sum(run in self.runs for run in runs), len(runs))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    from ..torch.library import library

    library().set_num_threads(1)
