"""The manifest of a store: `sweep.json`, sealed with a checksum, written whole, with a copy beside it.

The text of the file is a function of its content, so that one bit changed anywhere is found, in a blank as in a number.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..whole_files import write_whole
from .journal import canonical

if TYPE_CHECKING:
    from typing import Any

FORMAT, UNSEALED = 2, 1  # manifests of format 1 had no checksum and are still read
MANIFEST, COPY = "sweep.json", "sweep.copy.json"
KEYS = {"sweep", "digest", "sources", "version", "cells", "shard"}


class ManifestDamaged(ValueError):
    """The manifest is missing or not as it was written."""


def _text(content: dict[str, Any]) -> str:
    seal = hashlib.sha256(canonical(content).encode()).hexdigest()
    return json.dumps({**content, "checksum": seal}, indent=1)


def parse(data: bytes) -> dict[str, Any]:
    """The content of a manifest.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    ManifestDamaged
        If the bytes are not as `write` wrote them; the message says what is wrong.
    """
    content = loosely(data)
    if content is None:
        raise ManifestDamaged("is not JSON of the right form")
    if content.get("format") == UNSEALED and "checksum" not in content and content.keys() >= KEYS:
        return content
    seal = content.pop("checksum", None)
    if seal is None or _text(content).encode() != data:
        raise ManifestDamaged("does not fit its checksum")
    if content.get("format") != FORMAT or not content.keys() >= KEYS:
        raise ValueError(f"was written by another version of clipbounds ({content.get('version')})")
    return content


def loosely(data: bytes) -> dict[str, Any] | None:
    """What a manifest says, whether or not that is right: a dict, or None if it is no JSON of one."""
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def read(folder: str | Path, name: str = MANIFEST) -> dict[str, Any]:
    """The content of the manifest in a folder; raises ManifestDamaged, or OSError if it cannot be read."""
    return parse((Path(folder) / name).read_bytes())


def write(folder: str | Path, content: dict[str, Any]) -> None:
    """Write the manifest and then its copy, each whole or not at all."""
    text = _text(content)
    for name in (MANIFEST, COPY):
        write_whole(Path(folder) / name, text.encode(), kept=True)


def write_copy(folder: str | Path, content: dict[str, Any]) -> None:
    """Write the copy if it is missing or not the same."""
    path, text = Path(folder) / COPY, _text(content)
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    write_whole(path, text.encode(), kept=True)
