"""Digests that take long to find, kept in the user's cache: one file each, believed only if its seal is right.

The name of a file is a digest of the bytes that the digest follows from, so none is ever out of date.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from ..whole_files import write_whole
from .kernel_cache import cache_root
from .meaning import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "digests"


def kept_digest(cause: str, find: Callable[[], str]) -> str:
    """What `find()` returns, from the cache if it was found before.

    Parameters
    ----------
    cause : str
        Hex digest of all that the result follows from; the version of Python is added.
    find : callable without arguments; a hex digest
    """
    name = digest_of([cause, sys.version], 64)
    path = cache_root() / FOLDER / name
    with contextlib.suppress(OSError, ValueError):
        found, _, seal = path.read_text(encoding="ascii").partition(" ")
        if seal == digest_of([name, found], 64):
            return found
    found = find()
    # a cache is begun by its first kernel, so that a command that fails before leaves nothing behind
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, f"{found} {digest_of([name, found], 64)}".encode("ascii"))
    return found
