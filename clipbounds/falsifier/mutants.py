"""Wrong versions of a bound: how many of them a search breaks says how much it can see."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import Bound, Scaled
from ..facts import FirstOrderSmoothness, HessianSmoothness, Moment
from ..methods import Setting
from .api import falsify, space_of
from .catalogue import catalogue
from .result import Falsification, number
from .search import Budget

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..bounds.base import Hypothesis
    from .catalogue import Template

FACTORS = (0.9, 0.98)
LOWER_P = 0.75  # of the exponent of the moment that a bound uses


class Mutant(Bound):
    """Base of the mutants of a bound: what it speaks about stays, its value or its hypotheses change.

    Parameters
    ----------
    bound : Bound
    """

    bound: Bound

    source = "negative control"

    kind = property(lambda self: self.bound.kind)
    quantity = property(lambda self: self.bound.quantity)
    aggregate = property(lambda self: self.bound.aggregate)
    failure_probability = property(lambda self: self.bound.failure_probability)
    simultaneous = property(lambda self: getattr(self.bound, "simultaneous", False))

    def validate(self) -> None:
        self._normalise(accept_sampled=self.bound.accept_sampled)

    def changed(self, setting: Setting) -> Setting:
        """The setting as the mutant sees it."""
        return setting

    def hypotheses(self, setting: Setting) -> list[Hypothesis]:
        return self.bound.hypotheses(self.changed(setting))

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.bound.evaluate(self.changed(setting), steps)


class Dropped(Mutant):
    """The bound without one of its hypotheses.

    Parameters
    ----------
    bound : Bound
    what : str, the hypothesis
    """

    what: str = ""

    @property
    def name(self) -> str:
        return f"{self.bound.name} without '{self.what}'"

    def hypotheses(self, setting: Setting) -> list[Hypothesis]:
        return [
            dataclasses.replace(row, holds=True) if row.what == self.what else row
            for row in self.bound.hypotheses(setting)
        ]


class LaterHorizon(Mutant):
    """The bound of T + 1 steps asserted after T."""

    @property
    def name(self) -> str:
        return f"{self.bound.name} with T + 1"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.bound.evaluate(setting, steps + 1)


class _LowerMoment(Setting):
    """A setting whose p-th moment is computed from one of a lower order, as if sigma_p did not grow with p."""

    def moment(self, p: float) -> Moment:
        lower = max(LOWER_P * p, 1.0)
        found = super().moment(lower)
        return Moment(float(found) ** (p / lower), found.upper_bound, found.reason)


class LowerMoment(Mutant):
    """The bound with sigma_q in the place of sigma_p, q = .75 p."""

    @property
    def name(self) -> str:
        return f"{self.bound.name} with sigma of a lower p"

    def changed(self, setting: Setting) -> Setting:
        return _LowerMoment(setting.problem, setting.noise, setting.method)


class OtherForm(Mutant):
    """The bound with Hessian constants used as first-order ones, without the factor 1/ln 2, or the reverse."""

    @property
    def name(self) -> str:
        return f"{self.bound.name} with the other smoothness form"

    def changed(self, setting: Setting) -> Setting:
        problem = setting.problem
        pair = problem.smoothness
        if pair.L1 == 0 or not setting.noise.additive:
            return setting
        other = (
            FirstOrderSmoothness(pair.L0, pair.L1, np.inf)
            if isinstance(pair, HessianSmoothness)
            else HessianSmoothness(pair.L0, pair.L1)
        )
        # a problem of the same class that claims other constants; it is only asked for facts
        claimed = object.__new__(type(type(problem).__name__, (type(problem),), {"smoothness": other}))
        claimed.__dict__.update(problem.__dict__)
        return setting.replace(problem=claimed)


@dataclasses.dataclass(frozen=True)
class MutantRow:
    """One mutant and what the search said.

    Attributes
    ----------
    kind : str, the class of mutants
    bound : Bound
    result : Falsification or None, with `why` where nothing could be searched
    """

    kind: str
    bound: Bound
    result: Falsification | None
    why: str = ""

    @property
    def caught(self) -> bool:
        """Whether a counterexample was found and confirmed."""
        return self.result is not None and self.result.broken


@dataclasses.dataclass(frozen=True)
class MutantTable:
    """The rows of all mutants of one bound."""

    bound: Bound
    rows: tuple

    def rates(self) -> dict[str, tuple[int, int]]:
        """Kind of mutant to (caught, searched)."""
        found = {}
        for row in self.rows:
            if row.result is not None:
                caught, count = found.get(row.kind, (0, 0))
                found[row.kind] = (caught + row.caught, count + 1)
        return found

    def to_dict(self) -> dict:
        """For JSON."""
        return {
            "bound": self.bound.name,
            "rates": {kind: list(rate) for kind, rate in self.rates().items()},
            "mutants": [
                {
                    "kind": row.kind,
                    "name": row.bound.name,
                    "caught": row.caught,
                    "ratio": number(row.result.ratio) if row.result else None,
                    "evaluations": row.result.evaluations if row.result else 0,
                    "why": row.why,
                }
                for row in self.rows
            ],
        }

    def __str__(self) -> str:
        lines = [f"mutants of {self.bound.name}:"]
        for row in self.rows:
            if row.result is None:
                lines.append(f"  not searched  {row.bound.name}: {row.why}")
            else:
                word = "caught    " if row.caught else "not caught"
                lines.append(f"  {word}  {row.result.ratio:8.4g}  {row.result.evaluations:6d}  {row.bound.name}")
        lines += [f"{kind}: {caught} of {count} caught" for kind, (caught, count) in self.rates().items()]
        return "\n".join(lines)


def _varying_rows(bound: Bound, templates: list[Template]) -> list[str]:
    """Hypotheses that fail in some template of the space: those that can be dropped."""
    found = {}
    for template in templates:
        try:
            rows = bound.hypotheses(template.setting)
        except ValueError:
            continue
        for row in rows[1:]:
            found[row.what] = found.get(row.what, False) or row.holds is False
    return list(found)


def mutants(bound: Bound, templates: list[Template] | None = None) -> list[tuple[str, Bound]]:
    """(kind, mutant) for constants by .9 and .98, each hypothesis dropped, sigma of a lower p, the other form, T + 1."""
    inverse = bound.kind == "lower"
    found: list[tuple[str, Bound]] = [(f"constants by {f:g}", Scaled(bound, 1 / f if inverse else f)) for f in FACTORS]
    found += [("hypothesis dropped", Dropped(bound, what)) for what in _varying_rows(bound, templates or catalogue())]
    found += [
        ("sigma of a lower p", LowerMoment(bound)),
        ("other smoothness form", OtherForm(bound)),
        ("T + 1", LaterHorizon(bound)),
    ]
    return found


def _differs(mutant: Bound, bound: Bound, templates: list[Template]) -> bool:
    """Whether the mutant's value differs from the bound's somewhere in the space."""
    steps = np.array([3.0])
    for template in templates:
        try:
            if not np.array_equal(mutant.value(template.setting, steps), bound.value(template.setting, steps)):
                return True
        except Exception:  # either refuses the setting
            continue
    return False


def attack_mutants(
    bound: Bound, space: list | None = None, budget: Budget | None = None, seed: int = 0, confidence: float = 0.999
) -> MutantTable:
    """Search for counterexamples to all mutants of a bound; the budget is shared equally.

    Parameters
    ----------
    bound : Bound
    space, budget, seed, confidence : as for `falsify`

    Returns
    -------
    MutantTable
    """
    templates = space_of(bound, space)
    budget = budget or Budget()
    todo = mutants(bound, templates)
    started, rows = time.monotonic(), []
    for k, (kind, mutant) in enumerate(todo):
        if not isinstance(mutant, Dropped) and not _differs(mutant, bound, templates):
            rows.append(MutantRow(kind, mutant, None, "the bound does not depend on it"))
            continue
        left = (budget.seconds - (time.monotonic() - started)) / (len(todo) - k)
        share = Budget(max(budget.evaluations // len(todo), 1), max(left, 1.0))
        try:
            result, why = falsify(mutant, templates, share, seed, confidence=confidence), ""
        except ValueError as error:
            result, why = None, str(error)
        rows.append(MutantRow(kind, mutant, result, why))
    return MutantTable(bound, tuple(rows))
