"""Which experiments need not be run again, because nothing that they depend on has changed.

What is noted lies below ``root/.clipbounds``, which is never committed: on a fresh machine everything is run.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..lanes.compile import FUSE
from ..lanes.meaning import PACKAGE, file_meaning

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LIBRARIES = ("numpy", "scipy", "numba", "matplotlib", "xarray", "scikit-learn", "torch")
SUFFIXES = (".json", ".png", ".pdf", ".svg", ".runs.jsonl")  # the last: a journal of training runs


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"


def inputs(file: Path, budget: str, seed: int) -> str:
    """Digest of all that an experiment depends on: the package's text, its own, helpers beside it, libraries, budget.

    Docstrings count, for records repeat some; comments do not.
    """
    digest = hashlib.sha256(f"{budget} {seed} {FUSE} {sys.version} {[_version(name) for name in LIBRARIES]}".encode())
    file = Path(file).resolve()
    for text in [*sorted(PACKAGE.rglob("*.py")), file, *sorted(file.parent.parent.glob("**/_*.py"))]:
        digest.update(str(text.relative_to(PACKAGE if PACKAGE in text.parents else file.parent.parent)).encode())
        digest.update(file_meaning(text, docstrings=True).encode())
    return digest.hexdigest()


def _written(root: Path, name: str) -> dict[str, str]:
    """What the experiment has written, as digests."""
    stem = Path(root) / "figures" / name
    files = [path for path in (stem.with_name(stem.name + suffix) for suffix in SUFFIXES) if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _note(root: Path, name: str) -> Path:
    return Path(root) / ".clipbounds" / "finished" / f"{name}.json"


def unchanged(root: Path, name: str, found: str) -> dict[str, Any] | None:
    """The record of an experiment whose inputs `found` and whose files are those of its last run, or None.

    What could not be measured is tried again: a data set or a library may have come since.
    """
    try:
        noted = json.loads(_note(root, name).read_text(encoding="utf-8"))
        if noted != {"inputs": found, "written": _written(root, name)} or not noted["written"]:
            return None
        record = json.loads((Path(root) / "figures" / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return None if any(row["verdict"] == "not measured" and not row.get("clock") for row in record["rows"]) else record


def note_finished(root: Path, name: str, found: str, write: Callable[..., Any]) -> None:
    """Note a finished run with its inputs `found`; `write(path, bytes)` writes a whole file."""
    write(_note(root, name), json.dumps({"inputs": found, "written": _written(root, name)}).encode())
