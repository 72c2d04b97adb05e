"""What an experiment is given and what it returns.

An experiment is a file ``experiments/<paper>/<claim>.py`` with a docstring and a function ``run(lab) -> Outcome``.
"""

import dataclasses

from ..simulate import simulate

BUDGETS = ("quick", "standard", "full")


@dataclasses.dataclass
class Row:
    """One row of paper_checks.md.

    Attributes
    ----------
    claim : str, in our words, with constants
    check : str, how it is checked: instances, trajectories, confidence
    measured, bound : str, what to print
    tightness : float or None, measured/bound (upper) or bound/measured (lower), 1 being tight
    verdict : "holds", "violated", "undecided" or "not measured"
    asserted : bool, False for displays and for claims of a paper that nobody has proved here: "violated" is then news, not a failure
    reason : str, why it is undecided or not measured
    """

    claim: str
    check: str
    measured: str
    bound: str
    tightness: float | None
    verdict: str
    asserted: bool = True
    reason: str = ""

    def __post_init__(self):
        if self.verdict not in ("holds", "violated", "undecided", "not measured"):
            raise ValueError(
                f"Row: verdict must be holds, violated, undecided or not measured, but {self.verdict!r} was given"
            )


@dataclasses.dataclass
class Outcome:
    """Rows of paper_checks.md, the figure, and the numbers behind it.

    Attributes
    ----------
    rows : list of Row
    figure : matplotlib Figure
    data : dict of str to dict of str to sequence, tables to be saved as CSV
    bounds : list of (Bound, Setting), the statements that the gallery prints, each with its hypotheses table for a setting
    """

    rows: list
    figure: object
    data: dict = dataclasses.field(default_factory=dict)
    bounds: list = dataclasses.field(default_factory=list)


class Lab:
    """Budget, seed and simulation for one experiment."""

    def __init__(self, budget="standard", seed=0, progress=None):
        if budget not in BUDGETS:
            raise ValueError(f"the budget must be one of {', '.join(BUDGETS)}, but {budget!r} was given")
        self.budget, self.seed, self.progress = budget, seed, progress

    def choose(self, quick, standard, full):
        """The value for this budget."""
        return {"quick": quick, "standard": standard, "full": full}[self.budget]

    def simulate(self, setting, steps, trajectories=1, **options):
        """`clipbounds.simulate` with this experiment's seed."""
        options.setdefault("seed", self.seed)
        return simulate(setting, steps, trajectories, **options)

    def step(self, done, total, what=""):
        """Tell the progress bar that `done` of `total` parts are finished."""
        if self.progress is not None:
            self.progress(done, total, what)
