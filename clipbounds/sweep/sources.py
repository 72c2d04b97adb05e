"""What program text determines a number: the package but for the rooms that only judge or report, and a user's files.

Bounds, verdicts and reports are left out on purpose: to change them must not make anybody simulate again.
"""

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path

import numpy as np

from ..lanes.compile import PACKAGE, Kernel, origins, sources_digest
from ..specs import Spec

NO_NUMBERS = (
    "bounds",
    "verdict",
    "report",
    "sweep",
    "testing",
    "cli.py",
    "cli_common.py",
    "cli_sweep.py",
    "version.py",
)


@cache
def package_digest():
    """Hex digest of the package's text that determines numbers, and of the versions of NumPy and Numba."""
    digest = hashlib.sha256(f"{sources_digest()} {np.__version__}".encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE)
        if place.parts[0] not in NO_NUMBERS:
            digest.update(str(place).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _own_functions(cls):
    """Functions that the text of the class defines; dataclass adds others, among them a wrapped __repr__."""
    for name, found in vars(cls).items():
        if inspect.isfunction(found) and found.__module__ == cls.__module__ and name != "__repr__":
            yield found


def class_file(cls):
    """The file that defines a class; None if there is none (a notebook cell)."""
    module = sys.modules.get(cls.__module__)
    names = [getattr(module, "__file__", None)]
    # an experiment file is executed without being entered among the modules
    names += [found.__code__.co_filename for found in _own_functions(cls)]
    return next((Path(name).resolve() for name in names if name and Path(name).is_file()), None)


def _specs_within(value):
    if isinstance(value, Spec):
        yield value
        for item in vars(value).values():
            yield from _specs_within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _specs_within(item)


def source_files(function):
    """Files of the function and of all that it names, but for this package; None if one lies in no file."""
    found = origins(function)
    return None if found is None else found[0]


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
        for function in _own_functions(base):
            files.update(source_files(function) or ())
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
