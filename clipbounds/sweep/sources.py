"""What program text determines a number: the kernels, the simulation, the exact analysis, and a user's own files.

Bounds, verdicts and reports are left out on purpose: to change them must not make anybody simulate again.
"""

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path

import numpy as np

from ..lanes.compile import PACKAGE, Kernel, source_files, sources_digest
from ..specs import Spec

BESIDES_KERNELS = ("simulate.py", "first_passage.py", "specs.py", "facts.py", "worst_case")


@cache
def package_digest():
    """Hex digest of the package's text that determines numbers, and of the versions of NumPy and Numba."""
    digest = hashlib.sha256(f"{sources_digest()} {np.__version__}".encode())
    for name in BESIDES_KERNELS:
        place = PACKAGE / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(str(file.relative_to(PACKAGE)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def class_file(cls):
    """The file that defines a class; None if there is none (a notebook cell)."""
    module = sys.modules.get(cls.__module__)
    names = [getattr(module, "__file__", None)]
    # an experiment file is executed without being entered among the modules
    names += [found.__code__.co_filename for found in vars(cls).values() if hasattr(found, "__code__")]
    return next((Path(name).resolve() for name in names if name and Path(name).is_file()), None)


def _specs_within(value):
    if isinstance(value, Spec):
        yield value
        for item in vars(value).values():
            yield from _specs_within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _specs_within(item)


def _class_files(cls):
    """Files of a class of the user, of its bases and of their kernels; None if one is in no file."""
    files = set()
    for base in cls.__mro__:
        if base is object or base.__module__.partition(".")[0] == "clipbounds":
            continue
        files.add(class_file(base))
        for found in vars(base).values():
            if isinstance(found, Kernel):
                files.update(source_files(found.function) or [None])
            elif inspect.isfunction(found) and found.__module__ == base.__module__:  # dataclass writes others
                files.update(source_files(found) or ())
    return None if None in files else files


def _join(files):
    digest = hashlib.sha256(package_digest().encode())
    for text in sorted(file.read_bytes() for file in files):
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:16]


def sources_of(settings):
    """Digest of the program text behind these settings; None if a class lies in no file and cannot be told apart.

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
    return _join(files)


def sources_of_function(function):
    """Digest of the package's text, of the function's file and of the files of all that it names; None without a file."""
    function = getattr(function, "func", function)  # functools.partial
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        return None
    files = source_files(function)
    return None if files is None else _join(files)
