"""What an experiment is given and what it returns.

An experiment is a file ``experiments/<paper>/<claim>.py`` with a docstring and a function ``run(lab) -> Outcome``.
"""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..first_passage import FirstPassage, first_passage
from ..sweep.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    import xarray as xr

    from ..methods.base import Setting

BUDGETS = ("quick", "standard", "full")
VERDICTS = ("holds", "violated", "undecided", "vacuous", "not measured")  # of a row


@dataclasses.dataclass
class Row:
    """One row of paper_checks.md.

    Attributes
    ----------
    claim : str, in our words, with constants
    check : str, how it is checked: instances, trajectories, confidence
    measured, bound : str, what to print
    tightness : float or None, measured/bound (upper) or bound/measured (lower), 1 being tight
    verdict : "holds", "violated", "undecided", "vacuous" (the bound says nothing) or "not measured"
    asserted : bool, False for displays and for claims of a paper that nobody has proved here: "violated" is then news, not a failure
    reason : str, why it is undecided or not measured
    clock : bool
        Whether it is about wall-clock times. They belong to the machine that measured them, so the record keeps the claim
        alone, and what was measured goes to a file beside it that is not committed.
    """

    claim: str
    check: str
    measured: str
    bound: str
    tightness: float | None
    verdict: str
    asserted: bool = True
    reason: str = ""
    clock: bool = False

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"Row: verdict must be one of {', '.join(VERDICTS)}, but {self.verdict!r} was given")


@dataclasses.dataclass
class Outcome:
    """Rows of paper_checks.md, the figure, and the numbers behind it.

    Attributes
    ----------
    rows : list of Row
    figure : matplotlib Figure
    data : dict of str to dict of str to sequence, tables to be saved as CSV
    bounds : list of (Bound, Setting), the statements that the gallery prints, each with its hypotheses table for a setting
    times : dict of str to dict of str to sequence, tables of wall-clock times; kept with the rows marked `clock`
    times_figure : matplotlib Figure or None, what is drawn against time
    """

    rows: list[Row]
    figure: Any
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    bounds: list[Any] = dataclasses.field(default_factory=list)
    times: dict[str, Any] = dataclasses.field(default_factory=dict)
    times_figure: Any = None


class Lab:
    """Budget, seed, simulation and memory for one experiment.

    Parameters
    ----------
    budget : "quick", "standard" or "full"
    seed : int
    progress : callable (done, total, what), optional
    journal : path, optional
        Folder that keeps every result, so that it is computed once; nothing is kept by default.
    records : path, optional
        Folder of the experiment's record, for what is kept beside it.
    """

    def __init__(
        self,
        budget: str = "standard",
        seed: int = 0,
        progress: Callable[[int, int, str], object] | None = None,
        journal: Path | str | None = None,
        records: Path | None = None,
    ) -> None:
        if budget not in BUDGETS:
            raise ValueError(f"the budget must be one of {', '.join(BUDGETS)}, but {budget!r} was given")
        self.budget, self.seed, self.progress = budget, seed, progress
        self.memory, self.records = Memory(journal), records

    def choose(self, quick: Any, standard: Any, full: Any) -> Any:
        """The value for this budget."""
        return {"quick": quick, "standard": standard, "full": full}[self.budget]

    def simulate(self, setting: Setting, steps: int, trajectories: int = 1, **options: Any) -> xr.Dataset:
        """`clipbounds.simulate` with this experiment's seed; read from the journal if it is there.

        The name in the journal is the digest of the setting, steps, trajectories, seed, checkpoints, keep,
        first_trajectory and of the program text that determines the numbers (kernels, simulation, files of the user's
        own classes). Bounds and verdicts are no part of it: changing them simulates nothing again.
        """
        options.setdefault("seed", self.seed)
        return self.memory.simulate(setting, steps, trajectories, **options)

    def remember(self, key: Any, compute: Callable[[], Any]) -> Any:
        """Arrays of a computation that is no `simulate`, computed once.

        Parameters
        ----------
        key : dict
            All that the result depends on (specs, numbers, text, lists, arrays), with a name for the computation.
        compute : callable without arguments, giving a dict of str to array
            It is called anew when the key, its file (with the files of the functions that it names) or the package's
            text on simulation and exact analysis has changed. It must not depend on bounds or verdicts.

        Returns
        -------
        dict of str to ndarray
        """
        return self.memory.remember(key, compute)

    def first_passages(self, jobs: Sequence[Any], **options: Any) -> list[FirstPassage]:
        """`clipbounds.first_passage` with this experiment's seed for many settings, on all cores.

        Parameters
        ----------
        jobs : list of (setting, target, steps); long ones had better come first
        options : of every call

        Returns
        -------
        list of FirstPassage, in the order of `jobs`
        """
        options.setdefault("seed", self.seed)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            waiting = [pool.submit(self._first_passage, job, options) for job in jobs]
            results = []
            for job, future in zip(jobs, waiting, strict=True):
                results.append(future.result())
                self.step(len(results), len(jobs), f"eps = {job[1]:g}")
        return results

    def _first_passage(self, job: tuple[Setting, float, int, int], options: dict[str, Any]) -> FirstPassage:
        if any(callable(option) for option in options.values()):  # a condition of the caller's own: no key names it
            return first_passage(*job, threads=1, **options)
        key = {"first_passage": list(job), **options}
        found = self.remember(key, lambda: dataclasses.asdict(first_passage(*job, threads=1, **options)))
        return FirstPassage(**found)

    def step(self, done: int, total: int, what: str = "") -> None:
        """Tell the progress bar that `done` of `total` parts are finished."""
        if self.progress is not None:
            self.progress(done, total, what)
