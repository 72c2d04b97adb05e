"""Give it a bound; get the instance that breaks it, made simple, or the one that comes closest."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import Bound
from ..methods import Setting
from ..methods.averages import MEASURED as AVERAGES
from ..specs import check_integer
from .candidates import evaluate, is_exact
from .catalogue import Template, catalogue
from .confirm import Confirmation, confirm, spend
from .journal import Journal
from .result import Falsification
from .search import AGAIN, Budget, Search
from .shrink import shrink

if TYPE_CHECKING:
    from typing import Any

    from .candidates import Candidate

FRESH = 2**40  # seeds of the tests lie beyond those of the search
KEPT_EXCESS = 0.25  # share of the excess over 1 that a simpler counterexample must keep
WORTH = 1.1  # a candidate is tested again if its excess over 1 has grown by this factor
SEEN = 1e-3  # excess over 1 of an estimate below which no test would decide


def _measuring(bound: Bound, template: Template) -> Template:
    """The template with averages of the iterates, if the bound speaks of one."""
    if bound.quantity not in AVERAGES:
        return template
    setting = template.setting
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a step that diverges, as in the catalogue
        method = setting.method.replace(averages=True)
        return dataclasses.replace(template, setting=setting.replace(method=method))


def space_of(bound: Bound, space: Iterable[Setting | Template] | None) -> list[Template]:
    """The templates to search, or one sentence."""
    if not isinstance(bound, Bound):
        raise ValueError(f"falsify: bound must be a Bound such as koloskova2023.S1(), but {bound!r} was given")
    if bound.kind not in ("upper", "lower"):
        raise ValueError(
            f"falsify: {bound.name} is a {bound.kind}, which asserts nothing about one setting; give an upper or lower bound"
        )
    if space is None:
        return [_measuring(bound, template) for template in catalogue()]
    if isinstance(space, (Setting, Template)) or not isinstance(space, Iterable):
        space = [space]
    found = [item if isinstance(item, Template) else Template(item) for item in space]
    if not found:
        raise ValueError("falsify: the space is empty; give settings or templates, or space=None for the catalogue")
    return found


def _budget(budget: Budget | int | None) -> Budget:
    if isinstance(budget, Budget):
        return budget
    return Budget() if budget is None else Budget(check_integer("falsify", "budget", budget, 1))


def _nothing(search: Search) -> str:
    """The sentence for a search in which no setting was a candidate."""
    name = search.bound.name
    if search.reasons:
        what, count = search.reasons.most_common(1)[0]
        return (
            f"falsify: no setting of the space satisfies the hypotheses of {name}; the one that fails most often is"
            f" '{what}' ({count} of {search.evaluations} evaluations): give a space= in which it can hold"
        )
    if search.crashes:
        return f"falsify: every candidate crashed, the first with {search.crashes[0].why}"
    return f"falsify: no setting could be built from the space ({search.states.total()} tries); give another one"


class _Tester:
    """Tests candidates that seem to break the bound; the chances of a false alarm of all tests add up to 1 - confidence."""

    def __init__(self, bound: Bound, seed: int, confidence: float, threads: int | None) -> None:
        self.bound, self.seed, self.confidence, self.threads = bound, seed, confidence, threads
        self.tests, self.last = 0, 1.0

    def __call__(self, setting: Setting, steps: int) -> Confirmation:
        self.tests += 1
        confidence = spend(1 - self.confidence, self.tests)
        return confirm(self.bound, setting, steps, self.seed + FRESH + self.tests, confidence, self.threads)

    def broken(self, candidate: Any) -> Confirmation | None:
        """The confirmation that this candidate breaks the bound, or None; candidates as good as a failed one are passed by."""
        sampled = self.bound.aggregate == "mean" and not is_exact(candidate.setting)
        if candidate.ratio - 1 <= max(WORTH * (self.last - 1), SEEN if sampled else 0.0):
            return None
        try:
            found = self(candidate.setting, candidate.step)
        except ValueError:  # the run cannot be judged: it is no counterexample
            return None
        self.last = max(candidate.ratio, 1.0)
        return found if found.broken else None


def _simplified(
    bound: Bound, candidate: Any, found: Confirmation, tester: _Tester, threads: int | None
) -> tuple[Setting, int, Confirmation]:
    """(setting, steps, confirmation) of the simplest instance that is confirmed too."""
    seed = tester.seed + FRESH // 2
    least = 1 + KEPT_EXCESS * (min(candidate.ratio, 2.0) - 1)

    count = (AGAIN if bound.aggregate != "every" else 1) * 256

    def breaks(setting: Setting, steps: int) -> bool:
        simpler = evaluate(bound, setting, steps, count, seed, threads)
        return simpler.fits and simpler.step == steps and simpler.ratio > least

    setting, steps, _ = shrink(candidate.setting, candidate.step, breaks)
    if (setting, steps) == (candidate.setting, candidate.step):
        return setting, steps, found
    try:
        again = tester(setting, steps)
    except ValueError:
        again = None
    return (setting, steps, again) if again is not None and again.broken else (candidate.setting, candidate.step, found)


def falsify(
    bound: Bound,
    space: Iterable[Setting | Template] | None = None,
    budget: Budget | int | None = None,
    seed: int = 0,
    *,
    confidence: float = 0.999,
    trajectories: int = 256,
    journal: str | Path | None = None,
    progress: Callable[[int, int, float | None], None] | None = None,
    threads: int | None = None,
    keep_going: bool = False,
) -> Falsification:
    """Search for a setting in which a bound is false.

    The space is restricted by the bound's own hypotheses. A candidate counts as a counterexample only if `compare` says
    "violated" for trajectories that the search has not seen, or without sampling; the errors of all such tests add up to
    ``1 - confidence``. A counterexample is made simple before it is returned, and confirmed again.

    Parameters
    ----------
    bound : Bound of kind "upper" or "lower", anybody's
    space : iterable of Setting or Template, optional
        Starting points; all their numbers vary. Without it the catalogue of the package.
    budget : Budget or int, optional
        Evaluations, and seconds of a `Budget`; by default 20,000 evaluations or 300 s.
    seed : int >= 0
        The same seed takes the same path; the clock can only end it.
    confidence : float in (0, 1), of the word "violated", over all tests of this search
    trajectories : int >= 1, a candidate, in the search
    journal : path, optional
        A file that remembers evaluations: a search that was stopped goes on from it.
    progress : callable (evaluations, budget, best ratio or None), optional
    threads : int, optional
    keep_going : bool
        Spend the whole budget even when a counterexample is found, for the largest ratio.

    Returns
    -------
    Falsification

    Raises
    ------
    ValueError
        If nothing can be searched: no bound, an empty space, a budget of 0, or hypotheses that nothing satisfies.

    Examples
    --------
    >>> import clipbounds as cb
    >>> wrong = cb.bounds.Scaled(cb.bounds.koloskova2023.S1(), 0.9)
    >>> cb.falsify(wrong, budget=1000).broken
    True
    """
    templates = space_of(bound, space)
    budget = _budget(budget)
    seed = check_integer("falsify", "seed", seed, 0)
    if not 0 < confidence < 1:
        raise ValueError(f"falsify: confidence must be in (0, 1), but {confidence!r} was given")
    trajectories = check_integer("falsify", "trajectories", trajectories, 1)
    started = time.monotonic()
    tester = _Tester(bound, seed, confidence, threads)
    kept = []

    def test(candidate: Candidate) -> tuple[bool, bool]:
        confirmation = tester.broken(candidate)
        if confirmation is not None:
            kept[:] = [(candidate, confirmation)]
        return confirmation is not None, confirmation is not None and not keep_going

    search = Search(bound, templates, budget, seed, trajectories, Journal(journal), progress, threads, test)
    search.run()
    best = search.best
    if best is None and not search.states["candidate"]:
        raise ValueError(_nothing(search))
    setting, steps, confirmation, ratio = None, 0, None, 0.0
    if kept:
        candidate, confirmation = kept[0]
        with np.errstate(all="ignore"):
            setting, steps, confirmation = _simplified(bound, candidate, confirmation, tester, threads)
        ratio = confirmation.ratio
    elif best is not None:
        setting, steps, ratio = best.setting, best.step, best.ratio
    return Falsification(
        bound=bound,
        setting=setting,
        steps=steps,
        ratio=ratio,
        confirmation=confirmation,
        unshrunk=kept[0][0] if kept else None,
        history=tuple(search.history),
        points=tuple((arm.template.name, arm.tries, arm.fits, arm.best) for arm in search.arms),
        evaluations=search.evaluations,
        seconds=time.monotonic() - started,
        seed=seed,
        confidence=confidence,
        tests=tester.tests,
        states=dict(search.states),
        reasons=dict(search.reasons.most_common(5)),
        crashes=tuple(search.crashes[:20]),
    )
