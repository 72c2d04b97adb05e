"""What a search has found: a counterexample, or the tightest instance; as text, Python, JSON and a figure."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ..bounds import Bound
from ..methods import Setting
from .candidates import CRASHES, FAILS, FITS, Candidate, is_exact
from .confirm import Confirmation
from .snippet import code

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1


def number(value: float) -> float | str:
    """A float as JSON can carry it: inf and nan as text, which `float` reads."""
    return float(value) if math.isfinite(value) else str(value)


@dataclasses.dataclass(frozen=True, eq=False)
class Falsification:
    """The answer of `falsify`.

    Attributes
    ----------
    bound : Bound
    setting, steps : the counterexample, made simple, or else the tightest instance; None, 0 if no ratio was above 0
    ratio : float
        Measured over bound there (bound over measured for a lower bound); an estimate unless the run is without noise.
    confirmation : Confirmation or None, of the counterexample
    unshrunk : Candidate or None, the counterexample as it was found
    history : tuple of (evaluations, best ratio, template)
    points : tuple of (template, tries, candidates, best ratio)
    evaluations, seconds, seed, confidence, tests : what was spent, and on how many tests
    states : dict, how many evaluations were candidates, failed a hypothesis, could not be built, crashed
    reasons : dict, the hypotheses that failed most often
    crashes : tuple of Candidate, the first twenty
    """

    bound: Bound
    setting: Setting | None
    steps: int
    ratio: float
    confirmation: Confirmation | None
    unshrunk: Candidate | None
    history: tuple
    points: tuple
    evaluations: int
    seconds: float
    seed: int
    confidence: float
    tests: int
    states: dict
    reasons: dict
    crashes: tuple

    @property
    def broken(self) -> bool:
        """Whether a counterexample was found and confirmed."""
        return self.confirmation is not None

    def __str__(self) -> str:
        if self.confirmation is not None:
            found = self.confirmation
            how = (
                "exactly"
                if found.method == "exact"
                else f"confidence {self.confidence:g}, {found.trajectories} trajectories"
            )
            head = (
                f"{self.bound.name} is broken: {self._quotient()} = {self.ratio:.6g} after {self.steps} steps ({how})"
            )
        elif self.setting is None:
            head = f"{self.bound.name}: not broken in {self.evaluations} evaluations; no instance has a positive ratio"
        else:
            head = (
                f"{self.bound.name}: not broken in {self.evaluations} evaluations; the tightest instance reaches"
                f" {self.ratio:.4g} after {self.steps} steps"
            )
        lines = [head]
        if self.setting is not None:
            lines += ["", self.snippet()]
        counts = ", ".join(f"{self.states[word]} {word}" for word in (FITS, FAILS, CRASHES) if self.states.get(word))
        lines += ["", f"{self.evaluations} evaluations in {self.seconds:.1f} s, seed {self.seed}: {counts}"]
        if self.crashes:
            lines.append(f"the first crash: {self.crashes[0].why}")
        return "\n".join(lines)

    __repr__ = __str__

    def _quotient(self) -> str:
        return "measured/bound" if self.bound.kind == "upper" else "bound/measured"

    def snippet(self) -> str:
        """Python that runs the instance again and compares.

        Raises
        ------
        ValueError
            If the search has found no instance.
        """
        if self.setting is None:
            raise ValueError("snippet: this search has found no instance with a positive ratio")
        setting, more = code(self.setting)
        bound, others = code(self.bound)
        lines = [
            "import clipbounds as cb",
            *sorted({*more, *others}),
            "",
            f"setting = {setting}",
            f"bound = {bound}",
        ]
        confirmation = self.confirmation
        if confirmation is not None and confirmation.method == "law of the iterate":
            lines.append(f"curves = cb.exact.mean_curves(setting, {self.steps}, [{self.steps}])")
            lines.append(f'print(curves.enclosure("{self.bound.quantity}"), bound.value(setting, [{self.steps}]))')
            return "\n".join(lines)
        single = is_exact(self.setting)
        seed = 0 if single else self.seed if confirmation is None else confirmation.seed
        count = 1 if single else 1024
        lines.append(f"run = cb.simulate(setting, {self.steps}, {count}, seed={seed}, checkpoints=[{self.steps}])")
        until = "" if single else ', until="decided"'
        lines.append(f"print(cb.compare(run, [bound]{until}))")
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """What `write` writes and `replay` reads."""
        return {
            "clipbounds": "falsification",
            "format": FORMAT,
            "bound": self.bound.to_dict(),
            "setting": None if self.setting is None else self.setting.to_dict(),
            "steps": self.steps,
            "ratio": number(self.ratio),
            "broken": self.broken,
            "confirmation": self.confirmation
            and {**dataclasses.asdict(self.confirmation), "ratio": number(self.confirmation.ratio)},
            "evaluations": self.evaluations,
            "seed": self.seed,
            "confidence": self.confidence,
            "tests": self.tests,
            "states": self.states,
            "reasons": self.reasons,
            "crashes": [crash.why for crash in self.crashes],
            "history": [list(entry) for entry in self.history],
        }

    def write(self, path: str | Path) -> Path:
        """Write the instance as JSON, for `replay`."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def figure(self) -> Figure:
        """Best ratio against evaluations, and the best ratio of each template; a matplotlib Figure."""
        from .picture import draw

        return draw(self)
