"""The program text behind a record beside its kernels: the experiment's own, and rooms such as bounds and verdicts.

Kernels are known one by one (`used_kernels`). What is concluded from their numbers is known by rooms: an edit of a room that the
experiment reaches by its imports may have changed a verdict, an edit of another one has not. Comments and layout do not count.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..lanes.kept_digests import kept_digest
from ..lanes.meaning import PACKAGE, digest_of, file_meaning, parsed, text_meaning

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

EXPERIMENT = "experiment"
ALWAYS = ("simulate", "verdict")  # every `lab` has them
ALL_BOUNDS = (
    "applicable",
    "overlay",
    "falsify",
    "falsifier",
)  # names by which an experiment reaches the bounds of all papers
# rooms that show, keep and hand out, but determine neither a number nor a verdict; what kernels compute is known by `used_kernels`
SILENT = frozenset(
    {
        "array_types",
        "cli",
        "doctor",
        "formulas",
        "lanes",
        "papers",
        "report",
        "sweep",
        "testing",
        "torch",
        "version",
        "whole_files",
    }
)


def room_of(file: Path) -> str:
    """The room of a file of the package: "verdict", "bounds", or for the bounds of a paper "bounds.koloskova2023"."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] == "bounds" and len(parts) > 2 else parts[0]


@functools.cache
def rooms() -> dict[str, list[Path]]:
    """The rooms that count, with their files."""
    found: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        if room_of(file).partition(".")[0] not in SILENT:
            found.setdefault(room_of(file), []).append(file)
    return {room: files for room, files in found.items() if room not in ("__init__", "experiments")}


def _named(file: Path) -> set[str]:
    """The identifiers of a file, those in dotted names of imports included."""
    found = set()
    for node in ast.walk(parsed(file.read_bytes())):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found.update((node.module or "").split("."))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(part for alias in node.names for part in alias.name.split("."))
    return found


def _meant(names: set[str]) -> set[str]:
    """The rooms that these identifiers may mean."""
    every = names.intersection(ALL_BOUNDS)
    return {room for room in rooms() if room.rpartition(".")[2] in names or (every and room.startswith("bounds."))}


@functools.cache
def _imported(room: str) -> set[str]:
    """The rooms that the files of a room import, early or late; an `__init__` only hands on."""
    found = set()
    for file in rooms()[room]:
        for node in ast.walk(parsed(file.read_bytes())) if file.stem != "__init__" else ():
            if isinstance(node, ast.ImportFrom) and node.level:
                base = file.relative_to(PACKAGE).parts[: -node.level]
                path = [*base, *(node.module or "").split(".")]
                for name in [""] if node.module else [alias.name for alias in node.names]:
                    parts = [part for part in [*path, name] if part]
                    found.update(room for room in (".".join(parts[:2]), parts[0]) if room in rooms())
    return found


def used_rooms(files: Iterable[Path]) -> list[str]:
    """The rooms that program files reach, by what they name and by what that imports; sorted."""
    waiting, found = [*ALWAYS, *_meant({name for file in files for name in _named(file)})], set()
    while waiting:
        room = waiting.pop()
        if room not in found:
            found.add(room)
            waiting += _imported(room)
    return sorted(found)


@functools.cache
def room_digest(room: str) -> str | None:
    """Hex digest of what the files of a room mean; None if there is no such room."""
    texts = [(file.relative_to(PACKAGE).as_posix(), file.read_bytes()) for file in rooms().get(room, ())]
    if not texts:
        return None
    bytes_now = digest_of([part for name, data in texts for part in (name, hashlib.sha256(data).hexdigest())])
    return kept_digest(bytes_now, lambda: digest_of([p for name, data in texts for p in (name, text_meaning(data))]))


def _own_files(file: Path) -> list[Path]:
    """An experiment's file and the helpers beside it."""
    file = Path(file).resolve()
    return [file, *sorted(file.parent.parent.glob("**/_*.py"))]


def text_digests(file: Path) -> dict[str, str | None]:
    """What the record of an experiment says: a digest for its own text (docstrings count: records repeat them) and for each room.

    Parameters
    ----------
    file : path of the experiment
    """
    own = _own_files(file)
    found: dict[str, str | None] = {room: room_digest(room) for room in used_rooms(own)}
    return {EXPERIMENT: digest_of(file_meaning(text, docstrings=True) for text in own), **found}


def other_texts(record: dict[str, Any], file: Path) -> list[str] | None:
    """The parts of the program text that are others today than those which a record was made by; None if it does not say."""
    recorded = record.get("texts")
    if not isinstance(recorded, dict) or EXPERIMENT not in recorded:
        return None
    today = {room: room_digest(room) for room in recorded if room != EXPERIMENT}
    today[EXPERIMENT] = digest_of(file_meaning(text, docstrings=True) for text in _own_files(file))
    return [part for part, digest in recorded.items() if today[part] != digest]
