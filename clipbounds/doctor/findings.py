"""What an installation is made of, and what is wrong with it, one line a finding."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.arrays import folders
from ..data.bundled import BUNDLED
from ..lanes.compile import FUSE
from ..lanes.kernel_cache import cannot_keep, entries, entries_folder
from ..lanes.processor import check_processor, described
from ..version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "clipbounds"
STATES = ("good", "missing", "wrong")


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis.

    Attributes
    ----------
    what : str, what was looked at
    state : "good"; "missing", what can be done without; or "wrong", what should be mended
    text : str, one line: what is there, or what is wrong and what mends it
    """

    what: str
    state: str
    text: str

    def __str__(self) -> str:
        return f"{self.what}: {self.text}" if self.state == "good" else f"{self.what}: {self.state}: {self.text}"


def examine(root: Path) -> Iterator[Finding]:
    """All findings but those of the self-test, in the order in which they are made.

    Parameters
    ----------
    root : Path, folder of the results; it need not exist, and nothing is made or left in it
    """
    yield from _packages()
    yield from _processor()
    yield from _cache()
    yield from _data()
    refusal = _refusal(root)
    text = f"{root} can be written" if refusal is None else f"{refusal}; give another --root, or mend its permissions"
    yield Finding("results", "good" if refusal is None else "wrong", text)


def _requirements() -> dict[str, list[str]]:
    """The packages that ours asks for, by extra ("" where they are always needed), as its metadata say."""
    found: dict[str, list[str]] = {}
    for line in metadata.requires(NAME) or ():
        package, extra = re.match(r"[\w.-]+", line), re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
        if package:
            found.setdefault(extra[1] if extra else "", []).append(package[0])
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    """Versions, packages that are always needed, and extras."""
    try:
        wanted = _requirements()
    except metadata.PackageNotFoundError:
        yield Finding("versions", "wrong", f"{NAME} is not installed, its folder is only on the path: pip install -e .")
        return
    needed = {package: _version(package) for package in wanted.pop("", [])}
    told = [f"{NAME} {__version__}", f"Python {platform.python_version()}"]
    told += [f"{package} {version}" for package, version in needed.items() if version]
    yield Finding("versions", "good", ", ".join(told))
    lost = [package for package, version in needed.items() if version is None]
    if lost:
        yield Finding("versions", "wrong", f"{', '.join(lost)} not installed: pip install {NAME}")
    whole = []
    for extra, packages in wanted.items():
        lost = [package for package in packages if _version(package) is None]
        if lost:
            yield Finding(
                f"extra {extra}", "missing", f'{", ".join(lost)} not installed: pip install "{NAME}[{extra}]"'
            )
        else:
            whole.append(extra)
    yield Finding("extras", "good", f"{', '.join(whole) or 'none'} installed")


def _processor() -> Iterator[Finding]:
    """The processor that kernels are compiled for, and the threads there are."""
    try:
        check_processor()
    except ValueError as error:
        yield Finding("processor", "wrong", str(error))
        return
    rounding = "a product and a sum round once" if FUSE else "every operation rounds by itself (CLIPBOUNDS_FUSE=0)"
    yield Finding("processor", "good", f"{described()}; {os.cpu_count() or 1} threads; {rounding}")


def _cache() -> Iterator[Finding]:
    """Whether compiled kernels can be kept, and whether those that are kept are whole."""
    refusal = cannot_keep()
    if refusal is not None:
        yield Finding("cache", "wrong", refusal)
        return
    whole, damaged = entries()
    size = sum(path.stat().st_size for path in whole) / 2**20
    yield Finding("cache", "good", f"{entries_folder()} can be written and holds {len(whole)} kernels, {size:.1f} MiB")
    if damaged:
        yield Finding(
            "cache",
            "wrong",
            f"{len(damaged)} of {len(whole) + len(damaged)} kernels in {entries_folder()} are damaged, such as"
            f" {damaged[0].name}; delete them, whatever needs them is compiled anew",
        )


def _data() -> Iterator[Finding]:
    """Data sets that travel with scikit-learn, and arrays that are kept."""
    there = _version("scikit-learn") is not None
    bundled = f"bundled: {', '.join(BUNDLED)}" if there else "bundled: none, they come with scikit-learn"
    places = folders()
    kept = [f"{len(list(place.glob('*.npz')))} arrays in {place}" for place in places if place.is_dir()]
    yield Finding("data", "good", "; ".join([bundled, *(kept or ["no arrays are kept"])]))
    refusal = _refusal(places[0])
    if refusal is not None:
        yield Finding("data", "wrong", f"{refusal}, so arrays cannot be kept; set CLIPBOUNDS_DATA to another folder")


def _refusal(folder: Path) -> str | None:
    """Why nothing can be written to a folder, which need not exist; None if something can."""
    there = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    if not there.is_dir():
        return f"{folder} cannot be written: {there} is a file"
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror or error}"
    return None
