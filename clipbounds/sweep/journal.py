"""A journal: one file a cell, named by the digest of all that determines the cell.

A cell is written to a temporary name, forced to the disk (fsync) and renamed, so that under its name there is a whole
cell or none, whatever is killed and whenever. Resuming is a set difference of names. Several processes, or several
computers that share a file system, may write one journal: equal names mean equal contents, so a rename over an existing
cell changes nothing.

A rename that a power failure undoes loses that cell, which is then computed again; the folder is therefore not forced to
the disk, which would double the price of a cell.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..specs import Spec
from ..whole_files import TEMPORARY, write_whole
from .cellfile import Damaged, decode, decode_record, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..array_types import NDArray

CELL, ASIDE = ".cell", "set_aside"
STALE = 3600.0  # s: an unfinished file this old was left by a process that was killed
CELLS_A_FOLDER = 1000
NAMES = re.compile(r"[\w-]+")
LONGEST_SHARD = 4  # hex digits: 65536 folders


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"a key may hold specs, numbers, text, lists and arrays, but it holds {value!r}")


def digest_of(key: Any) -> str:
    """Name of the cell with this key: 32 hex digits.

    Parameters
    ----------
    key : dict of specs, numbers, text, lists and arrays
    """
    try:
        return digest_of_text(canonical(key))
    except TypeError as error:
        raise ValueError(f"this cannot be the key of a cell: {error}") from None


def canonical(value: Any) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def digest_of_text(text: str) -> str:
    """32 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def shard_digits(cells: int) -> int:
    """Hex digits that name the subfolders, so that one holds about 1000 cells."""
    digits = 0
    while digits < LONGEST_SHARD and cells > CELLS_A_FOLDER * 16**digits:
        digits += 1
    return digits


class Journal:
    """Cells in a folder.

    Parameters
    ----------
    folder : path
        Made when the first cell is written.
    shard : int in [0, 4]
        Cells lie in subfolders named by that many first digits of their names.

    Attributes
    ----------
    damaged : list of (str, str)
        Files that were found damaged and set aside, with the reason.
    """

    def __init__(self, folder: str | Path, shard: int = 2) -> None:
        self.folder, self.shard = Path(folder), shard
        self.damaged = []
        self._made = set()

    def path(self, name: str) -> Path:
        """Where the cell of this name lies, always inside the folder."""
        if not NAMES.fullmatch(name):
            raise ValueError(f"a cell is named by letters and digits, but {name[:80]!r} was given")
        return self.folder / name[: self.shard] / (name + CELL)

    def __contains__(self, name: str) -> bool:
        return self.path(name).is_file()

    def write(self, name: str, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Keep a cell. Raises OSError if the disk is full or refuses; nothing is then left behind."""
        self.write_bytes(name, encode(name, arrays, about))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Keep a cell in the form of `encode`."""
        path = self.path(name)
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        write_whole(path, data, kept=True)

    def read(self, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Arrays and `about` of a cell, or None if there is none; a damaged one is set aside."""
        return self._read(name, decode)

    def read_record(self, name: str) -> Any:
        """The arrays of a cell as one record (`decode_record`), or None; a damaged one is set aside."""
        return self._read(name, decode_record)

    def refuse(self, name: str, reason: object) -> None:
        """Set a cell aside whose bytes are whole and whose content is not what its name promises."""
        self._set_aside(name, reason, content=True)

    def look(self, name: str) -> dict[str, Any] | None:
        """`about` of a whole cell, or None; nothing is set aside."""
        try:
            return decode(name, self.path(name).read_bytes())[1]
        except (OSError, Damaged):
            return None

    def _read(self, name: str, decode: Callable[[str, bytes], Any]) -> Any:
        try:
            with open(self.path(name), "rb", buffering=0) as stream:
                data = stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (PermissionError, IsADirectoryError) as error:
            self._set_aside(name, f"it cannot be read: {error.strerror}")
            return None
        except OSError as error:
            raise ValueError(f"the cell {self.path(name)} cannot be read: {error.strerror}") from None
        try:
            return decode(name, data)
        except Damaged as reason:
            self._set_aside(name, reason)
            return None

    def _set_aside(self, name: str, reason: object, content: bool = False) -> None:
        self.damaged.append((name, str(reason)))
        aside = self.folder / ASIDE / f"{name}-{os.urandom(4).hex()}"
        try:
            aside.parent.mkdir(exist_ok=True)
            os.replace(self.path(name), aside)
            try:
                decode(name, aside.read_bytes() if aside.is_file() and not content else b"")
            except (Damaged, PermissionError):
                where = f"is set aside as {aside}"
            else:  # somebody has put a good one in its place meanwhile
                os.replace(aside, self.path(name))
                return
        except OSError as error:
            where = f"cannot be set aside ({error.strerror})"
        warnings.warn(f"the cell {name} is damaged ({reason}) and {where}; it counts as missing", stacklevel=3)

    def names(self) -> set[str]:
        """Names of all cells, a set; their contents are not looked at."""
        found = set()
        for folder in self._folders():
            found.update([entry[: -len(CELL)] for entry in _listing(folder) if entry.endswith(CELL)])
        return found

    def _folders(self) -> list[str]:
        """The folders in which cells lie."""
        top = str(self.folder)
        if not self.shard:
            return [top]
        return [f"{top}/{entry}" for entry in _listing(top) if len(entry) == self.shard]

    def check(self, names: Iterable[str]) -> set[str]:
        """Read these cells; the set of those that are whole. Damaged ones are set aside."""
        return {name for name in names if self.read_record(name) is not None}

    def sweep_out(self) -> int:
        """Delete unfinished files that a killed process left more than an hour ago; how many."""
        count = 0
        for folder in self._folders():
            for entry in _listing(folder):
                if entry.startswith(TEMPORARY):
                    count += _removed_if_stale(f"{folder}/{entry}")
        return count


def _removed_if_stale(path: str) -> bool:
    try:
        if time.time() - os.stat(path).st_mtime <= STALE:
            return False
        os.unlink(path)
    except OSError:
        return False
    return True


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
