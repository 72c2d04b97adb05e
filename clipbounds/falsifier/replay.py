"""A counterexample from its JSON file: run again, judged again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from ..bounds import Bound
from ..methods import Setting
from ..specs import Spec
from .confirm import Confirmation, confirm
from .result import FORMAT


@dataclasses.dataclass(frozen=True)
class Replay:
    """What a second run of an instance has said.

    Attributes
    ----------
    bound, setting, steps : the instance
    confirmation : Confirmation, of this run
    recorded : Confirmation or None, of the file; None for the tightest instance of a bound that was not broken
    """

    bound: Bound
    setting: Setting
    steps: int
    confirmation: Confirmation
    recorded: Confirmation | None

    @property
    def confirmed(self) -> bool:
        """Whether this run says of the bound what the file says."""
        return self.confirmation.broken == (self.recorded is not None and self.recorded.broken)

    def __str__(self) -> str:
        found, old = self.confirmation, self.recorded
        told = f"the file says {old.verdict}, {old.ratio:.6g}" if old else "the file has no counterexample"
        return (
            f"{self.bound.name} after {self.steps} steps: {found.verdict}, ratio {found.ratio:.6g} ({told}):"
            f" {'confirmed' if self.confirmed else 'NOT confirmed'}"
        )


def replay(path: str | Path, allow: tuple[str, ...] = (), threads: int | None = None) -> Replay:
    """Run the instance in a file of `Falsification.write` again, with the same seed.

    Parameters
    ----------
    path : path
    allow : names of modules with classes of yours that may be imported
    threads : int, optional

    Returns
    -------
    Replay

    Raises
    ------
    ValueError
        If the file is none of these, or names a class of a module that is neither imported nor allowed.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["clipbounds"] != "falsification" or content["format"] != FORMAT:
            raise ValueError
        parts = [json.dumps(content[name]) for name in ("bound", "setting")]
        steps, seed = int(content["steps"]), int(content["seed"])
        old = content["confirmation"]
        old = old and Confirmation(**{**old, "ratio": float(old["ratio"])})
        confidence = float(old.confidence if old else content["confidence"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"replay: {path} is no file that falsify has written") from None
    if content["setting"] is None:
        raise ValueError(f"replay: {path} holds no instance: that search has found none with a positive ratio")
    bound, setting = (Spec.from_json(text, allow) for text in parts)
    if not isinstance(bound, Bound) or not isinstance(setting, Setting) or steps < 1 or not 0 < confidence < 1:
        raise ValueError(f"replay: {path} is no file that falsify has written")
    seed = old.seed if old else seed
    return Replay(bound, setting, steps, confirm(bound, setting, steps, seed, confidence, threads), old)
