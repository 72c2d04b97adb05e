"""What a search has evaluated, kept on disk line by line, so that the same search can go on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .candidates import Candidate

if TYPE_CHECKING:
    from ..bounds.base import Bound
    from ..methods.base import Setting


class Journal:
    """Candidates by what determines them. Without a path it is only a memory.

    Parameters
    ----------
    path : path or None, a file of JSON lines; a last line cut short by a kill is evaluated again
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.known = {}
        if self.path is not None and self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self.known[entry["key"]] = (entry["state"], float(entry["ratio"]), entry["step"], entry["why"])
                except (ValueError, KeyError, TypeError):
                    continue
        self.reused = 0

    @staticmethod
    def key(bound: Bound, setting: Setting, steps: int, trajectories: int, seed: int) -> str:
        """Content address of one evaluation."""
        text = f"{bound.digest} {setting.digest} {steps} {trajectories} {seed}"
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def get(self, key: str, setting: Setting, steps: int) -> Candidate | None:
        """The candidate under a key, or None."""
        if key not in self.known:
            return None
        self.reused += 1
        state, ratio, step, why = self.known[key]
        return Candidate(setting, steps, state, ratio, step, why)

    def put(self, key: str, candidate: Candidate) -> None:
        """Keep a candidate."""
        self.known[key] = (candidate.state, candidate.ratio, candidate.step, candidate.why)
        if self.path is not None:
            entry = dict(zip(("state", "ratio", "step", "why"), self.known[key], strict=True))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **entry}) + "\n")
