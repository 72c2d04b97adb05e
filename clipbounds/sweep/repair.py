"""A store's manifest put back: from its copy, or from what the cells and a description of the sweep say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from . import manifest as manifests
from .journal import LONGEST_SHARD, Journal, shard_digits
from .manifest import COPY, MANIFEST, ManifestDamaged
from .spec import Sweep
from .store import CELLS, describe

if TYPE_CHECKING:
    from typing import Any

LOOK_AT = 1000  # cells whose headers are read; all cells of a store say the same


def repair(folder: str | Path, sweep: Sweep | None = None) -> str:
    """Put the manifest of a store back. Cells are read and never written.

    Parameters
    ----------
    folder : path of the store
    sweep : Sweep, optional
        Its description, for the case that manifest and copy are both damaged.

    Returns
    -------
    str, what was done, a sentence

    Raises
    ------
    ValueError
        If there is nothing to repair it from, or the cells belong to another sweep.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"there is no store {folder}")
    try:
        whole, wrong = _whole(folder, MANIFEST), _whole(folder, COPY)
        for content, done in ((whole, "is whole; nothing was to be repaired"), (wrong, f"is put back from {COPY}")):
            if content is not None:
                manifests.write(folder, {**content, "format": manifests.FORMAT})
                return f"{folder / MANIFEST} {done}"
        found, kernels = _cells(folder)
        grids = {str(about.get("grid")) for about in found}
        if kernels is None:
            raise ValueError(
                f"{folder} holds no whole cell, no manifest and no copy of it; there is nothing to repair, give the"
                " sweep an empty folder"
            )
        chosen = _fitting(folder, sweep, grids)
        content = describe(chosen, kernels)
        content["shard"] = _shard(folder, chosen)
        present = Journal(folder / CELLS, content["shard"]).names().intersection(chosen.names(kernels))
        if not present:
            raise ValueError(f"no cell in {folder} belongs to the sweep {chosen.name!r} and its kernels")
        manifests.write(folder, content)
    except OSError as error:
        raise ValueError(f"{folder} cannot be repaired: {error.strerror} ({error.filename})") from None
    return f"{folder / MANIFEST} is made anew; {len(present)} of {chosen.size} cells belong to it"


def _whole(folder: Path, name: str) -> dict[str, Any] | None:
    try:
        return manifests.read(folder, name)
    except (ManifestDamaged, FileNotFoundError, IsADirectoryError):
        return None


def _cells(folder: Path) -> tuple[list[dict[str, Any]], str | None]:
    """What some whole cells say of themselves, and the kernels that most of them name."""
    found = []
    for path in sorted((folder / CELLS).rglob("*.cell")):
        name = path.stem
        journal = Journal(path.parent, 0)
        try:
            read = journal.look(name)
        except OSError:
            continue
        if read is not None:
            found.append(read)
        if len(found) == LOOK_AT:
            break
    kernels = Counter(about["kernels"] for about in found if "kernels" in about)
    if found and not kernels:
        raise ValueError(
            f"the cells in {folder} are of an older version and do not name their kernels; run the sweep in another folder"
        )
    return found, kernels.most_common(1)[0][0] if kernels else None


def _fitting(folder: Path, sweep: Sweep | None, grids: set[str]) -> Sweep:
    """The sweep whose digest the cells carry: the given one, or what is left of the manifests."""
    candidates = [] if sweep is None else [sweep]
    for name in (MANIFEST, COPY):
        try:
            candidates.append(Sweep.from_dict((manifests.loosely((folder / name).read_bytes()) or {})["sweep"]))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    for candidate in candidates:
        if candidate.digest in grids:
            return candidate
    if sweep is not None:
        raise ValueError(f"the cells in {folder} belong to another sweep than {sweep.name!r}; give their own SPEC")
    raise ValueError(f"{folder} has lost manifest and copy; give its sweep: clipbounds repair {folder} SPEC")


def _shard(folder: Path, sweep: Sweep) -> int:
    """How the cells are spread, as the folders show."""
    digits = shard_digits(sweep.size)
    for shard in (digits, *range(LONGEST_SHARD + 1)):
        if Journal(folder / CELLS, shard).names():
            return shard
    return digits
