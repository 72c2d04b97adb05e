"""A store: the folder of one sweep, with its description and its journal.

sweep.json     what is swept, by which program text, how the cells are spread over folders
cells/         the journal
failed.json    the cells that failed three times in the last run, with their tracebacks
"""

import json
import os
from pathlib import Path

from ..version import __version__
from .journal import Journal, shard_digits
from .spec import Sweep

FORMAT = 1
MANIFEST, FAILED, CELLS = "sweep.json", "failed.json", "cells"
PROBE = ".probe-"


class Store:
    """An existing store, for reading.

    Parameters
    ----------
    folder : path

    Raises
    ------
    ValueError
        If there is no sweep in the folder.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            self.manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except OSError:
            raise ValueError(f"{folder} holds no sweep; `clipbounds sweep SPEC --store {folder}` makes one") from None
        except json.JSONDecodeError:
            raise ValueError(f"{self.folder / MANIFEST} is damaged; delete it and run the sweep again") from None
        if self.manifest.get("format") != FORMAT:
            raise ValueError(f"{folder} was written by another version of clipbounds ({self.manifest.get('version')})")
        self.journal = Journal(self.folder / CELLS, self.manifest["shard"])

    def sweep(self):
        """The sweep that is kept here."""
        return Sweep.from_dict(self.manifest["sweep"])

    def failures(self):
        """What `failed.json` says, a list of dicts."""
        try:
            return json.loads((self.folder / FAILED).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return []

    def note_failures(self, failures):
        """Write `failed.json`, or remove it if nothing failed."""
        if failures:
            _write(self.folder / FAILED, failures)
        else:
            (self.folder / FAILED).unlink(missing_ok=True)


def _write(path, content):
    temporary = path.parent / f".{path.name}-{os.urandom(8).hex()}"
    try:
        with open(temporary, "x", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flat(value, path=""):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {k: v for key, item in items for k, v in _flat(item, f"{path}.{key}" if path else str(key)).items()}


def _differences(old, new):
    old, new = _flat(old), _flat(new)
    differ = [key for key in {**old, **new} if old.get(key) != new.get(key) and not key.startswith(("name", "bounds"))]
    return ", ".join(differ[:3]) + (f" and {len(differ) - 3} more" if len(differ) > 3 else "")


def _is_strange(folder):
    """Whether the folder holds anything but what another driver, which is just making this store, puts there."""
    if not folder.exists():
        return False
    others = not folder.is_dir() or any(not name.startswith((f".{MANIFEST}-", PROBE)) for name in os.listdir(folder))
    return others and not (folder / MANIFEST).exists()


def open_store(folder, sweep, sources, new_kernels=False):
    """The store of this sweep, made if the folder is empty or missing.

    Parameters
    ----------
    folder : path
    sweep : Sweep
    sources : str, digest of the program text
    new_kernels : bool
        Go on in a store that other program text has filled. Its cells stay on the disk and are not used.

    Raises
    ------
    ValueError
        If the folder belongs to another sweep or to other program text, holds other files, or cannot be written.
    """
    folder = Path(folder)
    manifest = {
        "format": FORMAT,
        "sweep": sweep.to_dict(),
        "digest": sweep.digest,
        "sources": sources,
        "version": __version__,
        "cells": sweep.size,
        "shard": shard_digits(sweep.size),
    }
    try:
        if (folder / MANIFEST).exists():
            old = Store(folder).manifest
            if old["digest"] != sweep.digest:
                raise ValueError(
                    f"the store {folder} belongs to another sweep, {old['sweep']['name']!r} with {old['cells']} cells"
                    f" (it differs in {_differences(old['sweep'], manifest['sweep'])}); give another folder"
                )
            if old["sources"] == sources:
                _probe(folder)
                return Store(folder)
            if not new_kernels:
                raise ValueError(
                    f"the cells in {folder} were computed by other program text ({old['sources']}, clipbounds"
                    f" {old['version']}; now {sources}) and are not mixed with new ones; give another folder, or"
                    " --new-kernels to compute all cells again in this one"
                )
        elif _is_strange(folder):
            raise ValueError(f"{folder} holds other files and no sweep; give an empty or a new folder as the store")
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / MANIFEST, manifest)
    except OSError as error:
        raise ValueError(f"the store {folder} cannot be written: {error.strerror}; nothing was run") from None
    return Store(folder)


def _probe(folder):
    """Raise OSError if the folder cannot be written."""
    probe = folder / f"{PROBE}{os.urandom(8).hex()}"
    try:
        probe.write_bytes(b"")
    finally:
        probe.unlink(missing_ok=True)
