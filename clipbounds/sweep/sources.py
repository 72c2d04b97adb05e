"""What program text determines a number: the package but for the rooms that only judge or report, and a user's files.

Bounds, verdicts and reports are left out on purpose: to change them must not make anybody simulate again. For the same
reason the meaning of a file counts, not its bytes: comments, docstrings and layout change nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import types
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import numpy as np

from ..lanes.compile import FUSE, Kernel
from ..lanes.kept_digests import kept_digest
from ..lanes.meaning import FOREIGN, PACKAGE, digest_of, file_meaning, text_meaning
from ..specs import Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

NO_NUMBERS = (
    "experiments",  # in an installed package only; whatever they compute is told apart by its own file
    "bounds",
    "verdict",
    "report",
    "sweep",
    "testing",
    "cli",
    "doctor",
    "formulas",
    "whole_files.py",
    "version.py",
)


def files_with_numbers(package: Path = PACKAGE) -> list[Path]:
    """The files of the package that determine numbers, sorted."""
    return sorted(f for f in package.rglob("*.py") if f.relative_to(package).parts[0] not in NO_NUMBERS)


@cache
def package_digest() -> str:
    """Hex digest of what the package's files that determine numbers mean, and of the versions of NumPy and Numba."""
    texts = {file.relative_to(PACKAGE).as_posix(): file.read_bytes() for file in files_with_numbers()}
    versions = [numba.__version__, np.__version__, "fused" if FUSE else "not fused"]

    def of(told: Callable[[bytes], str]) -> str:
        return digest_of([*versions, *(part for name, data in texts.items() for part in (name, told(data)))])

    # to parse 200 files takes most of a second, to read them a hundredth of it
    return kept_digest(of(lambda data: hashlib.sha256(data).hexdigest()), lambda: of(text_meaning))


def source_files(function: Any) -> list[Path] | None:
    """Files of a function and of the functions, classes and modules of the user that it names.

    None if the text of a function lies in no file. Unlike the kernels' cache this does not ask that the module can be
    imported by name: an experiment file is executed without being entered among the modules.
    """
    files: set[Any] = set()
    waiting, seen = [function], set()
    while waiting:
        found = waiting.pop()
        found = getattr(found, "py_func", found.function if isinstance(found, Kernel) else found)
        module = found if inspect.ismodule(found) else None
        if not (module or inspect.isfunction(found) or inspect.isclass(found)) or id(found) in seen:
            continue
        seen.add(id(found))
        name = module.__name__ if module else found.__module__ or ""
        own = name.partition(".")[0] == PACKAGE.name  # its text is in `package_digest`
        if name.partition(".")[0] in FOREIGN or (own and not inspect.isfunction(found)):
            continue
        if inspect.isfunction(found):
            # also where it is our own: an adapter names the user's function
            waiting += [cell.cell_contents for cell in found.__closure__ or () if cell != types.CellType()]
            waiting += [found.__globals__[name] for name in found.__code__.co_names if name in found.__globals__]
            files.update([] if own else [_existing([found.__code__.co_filename])])
        else:
            found_in = _existing([getattr(module, "__file__", None)]) if module else class_file(found)
            files.update([found_in] if found_in else [])
    return None if None in files else sorted(files)


def _existing(names: Iterable[str | None]) -> Path | None:
    return next((Path(name).resolve() for name in names if name and Path(name).is_file()), None)


def _own_functions(cls: type) -> Iterator[Any]:
    """Functions that the text of the class defines; dataclass adds others, made from strings or wrapped."""
    for name, found in vars(cls).items():
        written = inspect.isfunction(found) and found.__code__.co_filename != "<string>" and name != "__repr__"
        if written and found.__module__ == cls.__module__:
            yield found


def class_file(cls: Any) -> Path | None:
    """The file that defines a class; None if there is none (a notebook cell)."""
    module = sys.modules.get(cls.__module__)
    names = [getattr(module, "__file__", None)]
    # an experiment file is executed without being entered among the modules
    names += [found.__code__.co_filename for found in _own_functions(cls)]
    return _existing(names)


def _specs_within(value: Any) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
        for item in vars(value).values():
            yield from _specs_within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _specs_within(item)


def _class_files(cls: type) -> set[Path] | None:
    """Files of a class of the user, of its bases and of their kernels; None if one is in no file."""
    files: set[Any] = set()
    for base in cls.__mro__:
        if base is object or base.__module__.partition(".")[0] == "clipbounds":
            continue
        files.add(class_file(base))
        for found in [*_own_functions(base), *(item for item in vars(base).values() if isinstance(item, Kernel))]:
            within = source_files(found)
            files.update([None] if within is None else within)
    return None if None in files else files


def _join(files: Iterable[Path]) -> str:
    return digest_of([package_digest(), *sorted(file_meaning(file) for file in files)])


def files_of(settings: Iterable[Spec]) -> set[Path] | None:
    """The user's files behind these settings, a set; None if a class lies in no file and cannot be told apart.

    Parameters
    ----------
    settings : iterable of Spec
    """
    classes = {type(spec) for setting in settings for spec in _specs_within(setting)}
    files = set()
    for cls in classes:
        found = _class_files(cls)
        if found is None:
            return None
        files |= found
    return files


def sources_of(settings: Iterable[Spec]) -> str | None:
    """Digest of the program text behind these settings; None where `files_of` is."""
    files = files_of(settings)
    return None if files is None else _join(files)


def sources_of_function(function: Any) -> str | None:
    """Digest of the package's text, of the function's file and of the files of all that it names; None without a file."""
    function = getattr(function, "func", function)  # functools.partial
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        return None
    files = source_files(function)
    return None if files is None else _join(files)
