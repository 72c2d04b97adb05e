"""Files that are whole or not there: a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPORARY = ".tmp-"  # what the name of a file begins with while it is written


def write_whole(path: Path, data: bytes, kept: bool = False) -> None:
    """Write bytes under another name in the same folder, then rename.

    Parameters
    ----------
    path : path of the file; its folder exists
    data : bytes
    kept : bool
        Whether the bytes have to be on the disk before the name is, so that a power cut leaves the old file or the new.

    Raises
    ------
    OSError
        If the disk is full or refuses; nothing is then left behind.
    """
    temporary = path.parent / f"{TEMPORARY}{os.urandom(8).hex()}"
    try:
        with open(temporary, "xb", buffering=0) as stream:
            view = memoryview(data)
            while view:
                view = view[stream.write(view) :]
            if kept:
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
