"""The search: random points of all templates, then differential evolution and CMA-ES in turn on the most promising ones.

No optimiser wins on every fault, so slices of the budget go to both, on the template with the largest upper confidence index: its
best ratio plus what it may still hide. A template is given up when its random points never met the hypotheses. A candidate that
looks like the best one so far is evaluated again with fresh and more trajectories, and counts as that: the maximum of many
noisy ratios says nothing.

All choices come from the seed and from the ratios, never from the clock, so the same search takes the same path; the clock can
only end it.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from .candidates import FAILS, INVALID, Candidate, evaluate, is_exact
from .coordinates import read, rebuild
from .journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..array_types import FloatArray
    from ..bounds.base import Bound
    from ..methods.base import Setting
    from .catalogue import Template
    from .coordinates import Coordinate

RANDOM = 0.25  # share of the evaluations for random points
SLICE = 80  # evaluations before the choice of the template is made anew
KEPT = 24  # best points of a template, from which optimisers start
BETTER = 5e-4  # relative gain of an estimate that is worth a second look
AGAIN = 16  # times as many trajectories when a candidate is looked at again
CURIOUS = 0.08  # weight of what a template may still hide
TRIED = 12  # random points without a candidate, after which a template is given up


class Spent(Exception):
    """The budget is spent."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """When a search ends. `evaluations` or `seconds`, whichever comes first."""

    evaluations: int = 20_000
    seconds: float = 300.0


@dataclasses.dataclass(eq=False)
class Arm:
    """A template, its coordinates, and what is known of it."""

    template: Template
    axes: list[Coordinate]
    points: list[tuple[float, FloatArray]] = dataclasses.field(default_factory=list)  # (ratio, u), the best first
    tries: int = 0
    fits: int = 0

    @property
    def best(self) -> float:
        return self.points[0][0] if self.points else -np.inf

    def keep(self, ratio: float, u: Sequence[float] | FloatArray) -> None:
        self.points.append((ratio, np.array(u)))
        self.points.sort(key=lambda point: -point[0])
        del self.points[KEPT:]


class Search:
    """The state of one search; `run` makes it go on until the budget is spent."""

    def __init__(
        self,
        bound: Bound,
        templates: list[Template],
        budget: Budget,
        seed: int,
        trajectories: int = 256,
        journal: Journal | None = None,
        progress: Callable[[int, int, float | None], object] | None = None,
        threads: int | None = None,
        test: Callable[[Candidate], tuple[bool, bool]] | None = None,
    ) -> None:
        self.bound, self.budget, self.seed = bound, budget, seed
        self.trajectories, self.threads, self.progress, self.test = trajectories, threads, progress, test
        self.journal = journal or Journal()
        self.generator = np.random.default_rng(seed)
        self.arms = [Arm(t, t.axes()) for t in templates]
        self.started = time.monotonic()
        self.evaluations = self.draws = 0
        self.best: Candidate | None = None
        self.found: list[Candidate] = []  # candidates that were looked at twice, in the order in which they were found
        self.history: list[tuple[int, float, str]] = []  # evaluations, best ratio, template
        self.states, self.reasons, self.crashes = Counter(), Counter(), []

    def _evaluated(self, setting: Setting, steps: int, trajectories: int, seed: int) -> Candidate:
        key = Journal.key(self.bound, setting, steps, trajectories, seed)
        candidate = self.journal.get(key, setting, steps)
        if candidate is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about steps that diverge: such settings are what is looked for
                candidate = evaluate(self.bound, setting, steps, trajectories, seed, self.threads)
            self.journal.put(key, candidate)
        return candidate

    def look(self, arm: Arm, u: Sequence[float] | FloatArray) -> float:
        """Evaluate a point of an arm; its ratio, or less than 0 where there is none."""
        if self.evaluations >= self.budget.evaluations or time.monotonic() - self.started >= self.budget.seconds:
            raise Spent
        arm.tries += 1
        template = arm.template
        changes = {axis.path: axis.value(share) for axis, share in zip(arm.axes, u, strict=True)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                setting, steps = rebuild(template.setting, template.steps, changes)
        except ValueError as error:
            candidate = Candidate(None, 0, INVALID, -50.0, why=str(error)[:200])
        else:
            candidate = self._evaluated(setting, steps, self.trajectories, self.seed)
        self.evaluations += 1  # what could not be built is counted too, or a search might never end
        self.states[candidate.state] += 1
        if candidate.state == FAILS:
            self.reasons[candidate.why] += 1
        elif not candidate.fits and candidate.state != INVALID:
            self.crashes.append(candidate)
        ratio = candidate.ratio
        if candidate.fits:
            arm.fits += 1
            least = 0.0 if self.best is None else self.best.ratio
            if ratio > least * (1 if is_exact(setting) else 1 + BETTER):
                ratio = self.again(arm, candidate)
        arm.keep(ratio, u)
        if self.progress:
            self.progress(self.evaluations, self.budget.evaluations, self.best.ratio if self.best else None)
        return ratio

    def again(self, arm: Arm, candidate: Any) -> float:
        """The ratio with fresh trajectories; the best candidate is the one with the best of these."""
        if not is_exact(candidate.setting):
            fresh = self.seed + 1 + len(self.found)
            self.evaluations += 1
            candidate = self._evaluated(candidate.setting, candidate.steps, AGAIN * self.trajectories, fresh)
        if candidate.fits and candidate.ratio > (self.best.ratio if self.best else 0.0):
            stop = False
            if candidate.ratio > 1 and self.test is not None:
                broken, stop = self.test(candidate)
                if not broken:  # an estimate that the test does not bear out
                    candidate = dataclasses.replace(candidate, ratio=1.0)
            if self.best is None or candidate.ratio > self.best.ratio:
                self.best = candidate
                self.history.append((self.evaluations, candidate.ratio, arm.template.name))
            if stop:
                raise Spent
        if candidate.fits:
            self.found.append(candidate)
        return candidate.ratio

    def run(self) -> None:
        """Search until the budget is spent."""
        try:
            self._random()
            self._optimise()
        except Spent:
            pass

    def _random(self) -> None:
        for arm in self.arms:
            template = arm.template
            self.look(arm, [axis.place(read(template.setting, template.steps, axis.path)) for axis in arm.axes])
        while self.evaluations < RANDOM * self.budget.evaluations:
            open_arms = [arm for arm in self.arms if arm.fits or arm.tries < TRIED]
            if not open_arms:
                return
            for arm in open_arms:
                self.look(arm, self.generator.random(len(arm.axes)))

    def _optimise(self) -> None:
        slices = Counter()
        while True:
            arms = [arm for arm in self.arms if arm.fits]
            if not arms:
                return
            total = 1 + sum(slices.values())

            def index(arm: Arm, total: int = total) -> float:
                return min(arm.best, 10.0) + CURIOUS * np.sqrt(np.log(total + 1) / (1 + slices[id(arm)]))

            arm = max(arms, key=index)
            evolve = slices[id(arm)] % 2 == 0 or len(arm.axes) < 2
            slices[id(arm)] += 1
            seed = int(self.generator.integers(2**31))
            (self._evolution if evolve else self._cma)(arm, seed)

    def _start(self, arm: Arm, size: int) -> FloatArray:
        """`size` points to start from: the best known ones of the arm, and at least three random ones."""
        known = [u for _, u in arm.points[: size - 3]]
        return np.array([*known, *self.generator.random((size - len(known), len(arm.axes)))])

    def _evolution(self, arm: Arm, seed: int) -> None:
        from scipy.optimize import differential_evolution

        size = 12
        rounds = max(1, SLICE // size - 1)
        differential_evolution(
            lambda u: -self.look(arm, u), [(0.0, 1.0)] * len(arm.axes), init=self._start(arm, size), maxiter=rounds,
            tol=0.0, polish=False, mutation=(0.4, 1.0), recombination=0.8, rng=np.random.default_rng(seed),
        )  # fmt: skip

    def _cma(self, arm: Arm, seed: int) -> None:
        import cma

        spread = (
            0.2
            if len(arm.points) < 2
            else float(np.clip(np.std([u for _, u in arm.points[:8]], axis=0).max(), 0.02, 0.3))
        )
        options = {"bounds": [0, 1], "seed": seed + 1, "verbose": -9, "maxfevals": SLICE}
        strategy = cma.CMAEvolutionStrategy(arm.points[0][1], spread, options)
        while not strategy.stop():
            points = strategy.ask()
            strategy.tell(points, [-self.look(arm, u) for u in points])
