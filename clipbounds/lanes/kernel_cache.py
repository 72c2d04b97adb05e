"""Compiled kernels on disk: one file an entry, whole or worthless, never half believed.

Numba's own cache keeps an index and data files, stamps only the file that defines a function, and trusts what it
reads: a file that was cut or changed by one bit ends in a traceback, or runs. Here the name of an entry is a digest of
all that determines the machine code (`Reach`, flags, signature, versions, processor), its first bytes are a checksum
of that name and the rest, and it is written under another name and renamed. Two processes that compile one kernel at once write equal
files, so the order does not matter. An entry that cannot be read is compiled anew and replaced, with a warning.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import llvmlite
import numba
import platformdirs
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from ..whole_files import write_whole
from .meaning import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MARK = b"clipbounds kernel 2\n"  # another layout of the entries needs another number
CHECKSUM = hashlib.sha256
DIGITS = 32
_told = set()


class CacheWarning(UserWarning):
    """The cache of compiled kernels is damaged or cannot be written; results are not concerned."""


def cache_root() -> Path:
    """Folder of the compiled kernels: $CLIPBOUNDS_CACHE, or the user's cache folder."""
    chosen = os.environ.get("CLIPBOUNDS_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("clipbounds", appauthor=False))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def entries_folder() -> Path:
    """Where the entries lie."""
    return cache_root() / "kernels"


def _refusal(error: OSError) -> str:
    return (
        f"compiled kernels cannot be kept in {entries_folder()} ({_reason(error)}), so every run compiles them anew;"
        " set CLIPBOUNDS_CACHE to a folder that can be written"
    )


def cannot_keep() -> str | None:
    """Why no entry can be made, one sentence; None if one can."""
    try:
        entries_folder().mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=entries_folder()).close()
    except OSError as error:
        return _refusal(error)
    return None


def _warn(text: str) -> None:
    warnings.warn(text, CacheWarning, stacklevel=2)


def _head(path: Path, payload: bytes) -> bytes:
    """What an entry of this name begins with."""
    return MARK + CHECKSUM(path.name.encode() + payload).digest()


def _payload(path: Path) -> bytes:
    """What an entry holds, if its checksum is right."""
    data = path.read_bytes()
    payload = data[len(MARK) + CHECKSUM().digest_size :]
    if data[: -len(payload) or None] != _head(path, payload):
        raise ValueError("its checksum is wrong")
    return payload


def entries() -> tuple[list[Path], list[Path]]:
    """The whole and the damaged files of the cache, two lists of paths; no kernel is loaded."""
    whole, damaged = [], []
    for path in sorted(entries_folder().glob("*.kernel")):
        try:
            _payload(path)
            whole.append(path)
        except FileNotFoundError:  # somebody has just emptied the cache
            continue
        except (OSError, ValueError):
            damaged.append(path)
    return whole, damaged


class KernelCache:
    """What Numba's dispatcher asks for compiled code and gives it to; one object a function.

    Parameters
    ----------
    function : plain Python function
    meaning : str
        Digest of all that its machine code is made of, flags included, but for signature, versions and processor.
    """

    def __init__(self, function: Callable[..., Any], meaning: str) -> None:
        self._name, self._meaning = re.sub(r"\W", "", function.__name__), meaning

    @property
    def cache_path(self) -> str:
        """The folder, as text."""
        return str(entries_folder())

    def path(self, signature: Any, codegen: Any) -> Path:
        """Where the entry for this signature and this processor lies."""
        versions = numba.__version__, llvmlite.__version__, sys.implementation.cache_tag, getattr(sys, "abiflags", "")
        parts = [MARK, self._meaning, str(signature), *versions, *codegen.magic_tuple()]
        return Path(self.cache_path) / f"{self._name}-{digest_of(map(str, parts), DIGITS)}.kernel"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled function, or None if it has to be compiled."""
        target_context.refresh()
        path = self.path(signature, target_context.codegen())
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(_payload(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Exception as error:  # whatever a whole entry of a foreign hand may raise
            _warn(f"the compiled kernel {path} cannot be read ({_reason(error)}): it is compiled anew and replaced")
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function; where that is refused, warn once a process."""
        if result.library.has_dynamic_globals or any(not part.can_cache for part in result.lifted):
            return  # addresses of this process, or large arrays
        payload = dumps(result._reduce())
        path = self.path(signature, result.codegen)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, _head(path, payload) + payload)
        except OSError as error:
            if path.parent not in _told:
                _told.add(path.parent)
                _warn(_refusal(error))

    def flush(self) -> None:
        """Nothing: entries are named by what they are made of, so none is ever out of date."""
