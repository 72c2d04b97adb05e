"""A store: the folder of one sweep, with its description and its journal.

sweep.json       what is swept, by which program text, how the cells are spread over folders; sweep.copy.json is equal
cells/           the journal
names/           of large grids, the names of the cells in the order of the grid: they take a while to compute
program/         the user's own modules, as they were when the sweep was last run
failed.json      the cells that failed in the last run, with their tracebacks; failed-K-of-N.json those of a shard
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..version import __version__
from ..whole_files import TEMPORARY, write_whole
from . import manifest as manifests
from .journal import Journal, shard_digits
from .manifest import COPY, FORMAT, MANIFEST, ManifestDamaged
from .spec import Sweep
from .user_files import keep, offer

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import Any

FAILED, FAILED_SHARD, CELLS, NAMES = "failed.json", "failed-{}-of-{}.json", "cells", "names"
PROGRAM = "program"
PROBE = ".probe-"
KEEP_NAMES = 10_000  # cells; the names of smaller grids are computed in a second


class Store:
    """An existing store, for reading.

    Parameters
    ----------
    folder : path

    Raises
    ------
    ValueError
        If there is no sweep in the folder, or its manifest is damaged (`ManifestDamaged`).
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.manifest = manifests.read(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            if begun(self.folder):
                raise ManifestDamaged(_mend(self.folder, "is missing")) from None
            raise ValueError(f"{folder} holds no sweep; `clipbounds sweep SPEC --store {folder}` makes one") from None
        except OSError as error:
            raise ValueError(f"{self.folder / MANIFEST} cannot be read: {error.strerror}") from None
        except ManifestDamaged as reason:
            raise ManifestDamaged(_mend(self.folder, reason)) from None
        except ValueError as reason:
            raise ValueError(f"{folder} {reason}") from None
        self.journal = Journal(self.folder / CELLS, self.manifest["shard"])

    def sweep(self) -> Sweep:
        """The sweep that is kept here; the user's modules that are gone are taken from the store."""
        offer(self.folder.resolve() / PROGRAM)
        return Sweep.from_dict(self.manifest["sweep"])

    @property
    def accepted(self) -> list[str]:
        """Digests of older program texts whose cells count."""
        return self.manifest.get("accepted", [])

    def names(self, sweep: Sweep, sources: str | None = None) -> list[str]:
        """Names of the cells of the store's sweep for a digest of the program text, that of the store by default."""
        sources = self.manifest["sources"] if sources is None else sources
        path = self.folder / NAMES / sources
        head = f"{self.manifest['digest']} {sources} {sweep.size} "
        try:
            first, _, listed = path.read_bytes().partition(b"\n")
            if first == f"{head}{hashlib.sha256(listed).hexdigest()}".encode():
                return listed.decode("ascii").split("\n")
        except (OSError, ValueError):
            pass
        names = sweep.names(sources)
        if len(names) > KEEP_NAMES:
            text = "\n".join(names)
            try:
                path.parent.mkdir(exist_ok=True)
                seal = hashlib.sha256(text.encode()).hexdigest()
                write_whole(path, f"{head}{seal}\n{text}".encode(), kept=True)
            except OSError:
                pass  # they are computed again
        return names

    def held(self, sweep: Sweep, present: Container[str]) -> list[str | None]:
        """The name of each cell among `present`, in the order of the grid; None where it is missing.

        A cell of the store's own program text comes before one of an accepted older text.
        """
        found = [name if name in present else None for name in self.names(sweep)]
        for sources in self.accepted:
            old = self.names(sweep, sources)
            found = [a if a is not None else b if b in present else None for a, b in zip(found, old, strict=True)]
        return found

    def failures(self) -> list[dict[str, Any]]:
        """What the last runs of all shards left in their files of failed cells, a list of dicts."""
        found = []
        for path in sorted(self.folder.glob("failed*.json")):
            try:
                read = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            found += [item for item in read if isinstance(item, dict)] if isinstance(read, list) else []
        return found

    def note_failures(self, failures: list[dict[str, Any]], shard: tuple[int, int] | None = None) -> None:
        """Write `failed.json`, or remove it if nothing failed; each shard has a file of its own."""
        path = self.folder / (FAILED if shard is None else FAILED_SHARD.format(*shard))
        if failures:
            write_whole(path, json.dumps(failures, indent=1).encode(), kept=True)
        else:
            path.unlink(missing_ok=True)


def _mend(folder: Path, reason: object) -> str:
    return f"{folder / MANIFEST} {reason}; `clipbounds repair {folder}` mends it, the cells are untouched"


def _flat(value: Any, path: str = "") -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {k: v for key, item in items for k, v in _flat(item, f"{path}.{key}" if path else str(key)).items()}


def _differences(old: Any, new: Any) -> str:
    old, new = _flat(old), _flat(new)
    differ = [key for key in {**old, **new} if old.get(key) != new.get(key) and not key.startswith(("name", "bounds"))]
    return ", ".join(differ[:3]) + (f" and {len(differ) - 3} more" if len(differ) > 3 else "")


def _is_strange(folder: Path) -> bool:
    """Whether the folder holds anything but what another driver, which is just making this store, puts there."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        return True
    return any(not name.startswith((TEMPORARY, PROBE, PROGRAM)) for name in os.listdir(folder))


def describe(sweep: Sweep, sources: str, accepted: Sequence[str] = ()) -> dict[str, Any]:
    """The manifest of a sweep."""
    return {
        "format": FORMAT,
        "sweep": sweep.to_dict(),
        "digest": sweep.digest,
        "sources": sources,
        "accepted": list(accepted),
        "version": __version__,
        "cells": sweep.size,
        "shard": shard_digits(sweep.size),
    }


def open_store(
    folder: str | Path, sweep: Sweep, sources: str, new_kernels: bool = False, accept_kernels: bool = False
) -> Store:
    """The store of this sweep, made if the folder is empty or missing.

    Parameters
    ----------
    folder : path
    sweep : Sweep
    sources : str, digest of the program text
    new_kernels : bool
        Go on in a store that other program text has filled. Its cells stay on the disk and are not used.
    accept_kernels : bool
        Go on in such a store and keep its cells, which `load` marks.

    Raises
    ------
    ValueError
        If the folder belongs to another sweep or to other program text, holds other files, or cannot be written.
    """
    folder = Path(folder)
    old, accepted = check_store(folder, sweep, sources, new_kernels, accept_kernels)
    try:
        if old is not None and (old["sources"], old["format"], old.get("accepted")) == (sources, FORMAT, accepted):
            _probe(folder)
            manifests.write_copy(folder, old)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            manifests.write(folder, describe(sweep, sources, accepted))
        keep(folder / PROGRAM, sweep.program())
    except OSError as error:
        raise ValueError(f"the store {folder} cannot be written: {error.strerror}; nothing was run") from None
    return Store(folder)


def check_store(
    folder: str | Path, sweep: Sweep, sources: str, new_kernels: bool = False, accept_kernels: bool = False
) -> tuple[dict[str, Any] | None, list[str]]:
    """Raise the errors of `open_store` that can be told without writing.

    Returns
    -------
    the manifest that is there or None, and the digests of the older program texts whose cells count
    """
    folder = Path(folder)
    if new_kernels and accept_kernels:
        raise ValueError("give --new-kernels or --accept-kernels, not both: old cells are either left out or kept")
    if not begun(folder):
        if _is_strange(folder) and not begun(folder):  # another driver may have begun meanwhile
            raise ValueError(f"{folder} holds other files and no sweep; give an empty or a new folder as the store")
        blocked = next((p for p in folder.absolute().parents if p.exists() and not p.is_dir()), None)
        if blocked is not None:
            raise ValueError(f"the store {folder} cannot be made: {blocked} is a file")
    if not begun(folder):
        return None, []
    old = Store(folder).manifest
    if old["digest"] != sweep.digest:
        raise ValueError(
            f"the store {folder} belongs to another sweep, {old['sweep']['name']!r} with {old['cells']} cells"
            f" (it differs in {_differences(old['sweep'], sweep.to_dict())}); give another folder"
        )
    accepted = [] if new_kernels else old.get("accepted", [])
    if old["sources"] == sources:
        return old, accepted
    if accept_kernels:
        return old, [s for s in dict.fromkeys([old["sources"], *accepted]) if s != sources]
    if not new_kernels:
        raise ValueError(
            f"the cells in {folder} were computed by other program text ({old['sources']}, clipbounds"
            f" {old['version']}; now {sources}); give another folder, --new-kernels to compute all again, or"
            " --accept-kernels to keep them"
        )
    return old, []


def begun(folder: str | Path) -> bool:
    """Whether a sweep has been started in this folder."""
    folder = Path(folder)
    return (folder / MANIFEST).exists() or (folder / COPY).exists() or (folder / CELLS).is_dir()


def _probe(folder: Path) -> None:
    """Raise OSError if the folder cannot be written."""
    probe = folder / f"{PROBE}{os.urandom(8).hex()}"
    try:
        probe.write_bytes(b"")
    finally:
        probe.unlink(missing_ok=True)
