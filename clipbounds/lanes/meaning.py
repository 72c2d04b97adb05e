"""What a function means: its syntax without comments, docstrings and places, and all that it names.

A digest of bytes changes with every comment; these digests change when machine code or numbers may. Two grains:

* `file_meaning`, of a whole file, safe for any Python: whatever the file does is in its syntax tree;
* `Reach`, of one compiled function, exact: Numba binds names when it compiles, so what the function's code names
  (functions, intrinsics, numbers, closures, in whatever file) is what its machine code is made of. What is met there
  and is none of these brings in the whole file that names it.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import inspect
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numba import types
from numba.core.typing.templates import Signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType, ModuleType
    from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
# libraries whose version stands for their text
FOREIGN = frozenset({"numba", "llvmlite", "numpy", "scipy", "math", "cmath", "builtins"})
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
NUMBERS = (bool, int, float, complex, str, bytes, type(None), np.generic, types.Type, Signature)
ATTEMPTS = 5
_one_at_a_time = threading.RLock()  # a finalizer may parse within a parse


def digest_of(parts: Iterable[str], digits: int = 16) -> str:
    """Hex digest of an iterable of str, in which no two sequences run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:digits]


def _is_docstring(statement: Any) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def syntax(node: Any, docstrings: bool = False) -> str:
    """Canonical text of a syntax tree, without comments, line numbers and, by default, docstrings.

    Empty fields are left out, so that fields which later versions of Python add to the grammar change nothing.
    """
    pieces = []

    def visit(node: Any) -> None:
        pieces.append(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if value is None and not isinstance(node, ast.Constant):
                continue
            if isinstance(value, ast.AST):
                pieces.append(name)
                visit(value)
            elif isinstance(value, list):
                first = name == "body" and isinstance(node, DEFINITIONS) and not docstrings
                if value:
                    pieces.append(f"{name}[")
                for k, item in enumerate(value):
                    if first and k == 0 and _is_docstring(item):
                        continue
                    if isinstance(item, ast.AST):
                        visit(item)
                    else:
                        pieces.append(repr(item))
                if value:
                    pieces.append("]")
            else:
                pieces.append(f"{name}={value!r}")
        pieces.append(")")

    visit(node)
    return " ".join(pieces)


def parsed(text: str | bytes) -> ast.Module:
    """The syntax tree of a program text.

    CPython before 3.11.8 (gh-106905) counts the depth of all trees that are being built in one place: where two threads
    build at once, one ends in a SystemError that says nothing of its text. Ours take turns; a thread of somebody else's
    is met by another attempt, for the tree is only missing, never wrong.

    Raises
    ------
    SyntaxError, ValueError
        If the text is no Python.
    """
    with _one_at_a_time:
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(SystemError):
                return ast.parse(text)
        return ast.parse(text)


@functools.lru_cache(maxsize=1024)
def text_meaning(data: bytes, docstrings: bool = False) -> str:
    """Hex digest of a program text's syntax; comments and layout do not count, docstrings only where asked for."""
    try:
        text = syntax(parsed(data), docstrings)
    except (SyntaxError, ValueError):  # no Python: a data file, or an edit that is not finished
        text = data.hex()
    return digest_of([text], 64)


def file_meaning(path: str | Path, docstrings: bool = False) -> str:
    """`text_meaning` of what a file holds now."""
    return text_meaning(Path(path).read_bytes(), docstrings)


@functools.lru_cache(maxsize=512)
def _definitions(text: str) -> dict[tuple[str, int], list[Any]]:
    """Syntax of the functions of a program text, by name and first line (that of the first decorator)."""
    found = {}
    for node in ast.walk(parsed(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault((node.name, line), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


@functools.lru_cache(maxsize=512)
def _file_text(path: str, stamp: tuple[int, int]) -> str:
    return Path(path).read_text(encoding="utf-8")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def own_file(found: Any) -> Path | None:
    """The file of a function or module, or None if there is none (a notebook cell)."""
    try:
        file = Path(inspect.getsourcefile(found) or "")
    except TypeError:
        return None
    return file.resolve() if file.is_file() else None


def _source(function: Any) -> str | None:
    """Text in which the function is defined: that of an adapter, or its file's; None without one."""
    made = getattr(function, "made_from", None)
    if made is not None:
        return made
    file = own_file(function)
    return None if file is None else _file_text(str(file), _stamp(file))


def function_syntax(function: Any) -> str | None:
    """Canonical text of one function; None if its source cannot be found."""
    try:
        nodes = _definitions(_source(function) or "").get((function.__code__.co_name, function.__code__.co_firstlineno))
    except (SyntaxError, ValueError, OSError):
        return None
    # several lambdas of one line cannot be told apart, so all of them count
    return " ".join(syntax(node) for node in nodes) if nodes else None


def names_in(code: CodeType) -> list[str]:
    """Names of globals and attributes that a code object and those within it use."""
    found = list(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            found += names_in(constant)
    return found


def _bytecode(code: CodeType) -> str:
    """What Numba compiles; unlike the file it cannot be newer than the function in memory."""
    constants = [repr(c) for c in code.co_consts if not (inspect.iscode(c) or isinstance(c, str))]
    inner = [_bytecode(c) for c in code.co_consts if inspect.iscode(c)]
    return " ".join([code.co_code.hex(), *constants, *inner])


def _root(name: str | None) -> str:
    return (name or "").partition(".")[0]


class Reach:
    """Everything that determines the machine code of a function, but for compiler, flags and processor.

    Attributes
    ----------
    whole : bool
        Whether all of it could be told: False if the text of a function lies in no file, if its module cannot be
        imported by name (Numba's cache entries could then not be read), or if a closure holds something unknown.
    functions : set of function, those that were met
    files : set of Path, the user's files that were met: they count as a whole
    """

    def __init__(self, function: Any) -> None:
        self.whole, self.functions, self.files = True, set(), set()
        self._texts, self._seen, self._options = set(), set(), set()
        self._function(function)

    def digest(self) -> str | None:
        """Hex digest of the meaning, the same on every machine and version of Python; None if not `whole`."""
        if not self.whole:
            return None
        return digest_of(sorted(self._texts | {file_meaning(file) for file in self.files}))

    def bytecode(self) -> str:
        """Hex digest of what Numba was given: bytecode and the options of every function but the first."""
        codes = {f"{f.__module__}.{f.__qualname__} {_bytecode(f.__code__)}" for f in self.functions}
        return digest_of(sorted(codes | self._options))

    def _function(self, function: Any) -> None:
        if function in self.functions or _root(function.__module__) in FOREIGN:
            return
        self.functions.add(function)
        text = function_syntax(function)
        if text is None or function.__module__ not in sys.modules:
            self.whole = False
            return
        label = f"{function.__module__}.{function.__qualname__}"
        self._texts.add(f"{label} {text}")
        self._file_of_user(function)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._value(f"{label} cell {name}", cell.cell_contents, None)
            except ValueError:  # an empty cell
                self.whole = False
        for value in [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]:
            self._value(f"{label} default", value, function)
        names = names_in(function.__code__)
        for name in names:
            if name in function.__globals__:
                self._value(f"{label} {name}", function.__globals__[name], function, names)

    def _file_of_user(self, found: Any) -> None:
        file = own_file(found)
        if file is not None and PACKAGE not in file.parents:
            self.files.add(file)

    def _value(self, label: str, value: Any, owner: Any, names: Sequence[str] = ()) -> None:
        """Take in a value that `owner` names (None: a closure's), with the names that may be attributes of it."""
        if isinstance(value, NUMBERS):
            self._texts.add(f"{label} {type(value).__name__} {value!r}")
        elif isinstance(value, np.ndarray):
            self._texts.add(f"{label} {value.dtype} {value.shape} {value.tobytes().hex()}")
        elif isinstance(value, tuple):
            self._texts.add(f"{label} {type(value).__name__} {len(value)}")
            for k, item in enumerate(value):
                self._value(f"{label}[{k}]", item, owner, names)
        elif inspect.isfunction(value):
            self._function(value)
        elif inspect.isfunction(getattr(value, "py_func", None)):  # compiled by Numba
            self._options.add(f"{label} {sorted(getattr(value, 'targetoptions', {}).items(), key=str)}")
            self._function(value.py_func)
        elif inspect.isfunction(getattr(value, "_defn", None)):  # an intrinsic
            self._function(value._defn)
        elif inspect.ismodule(value):
            self._module(label, value, owner, names)
        elif _root(getattr(value, "__module__", None)) in FOREIGN and callable(value):
            self._texts.add(f"{label} {value.__module__}.{getattr(value, '__qualname__', '')}")
        else:
            self._unknown(owner)

    def _module(self, label: str, module: ModuleType, owner: Any, names: Sequence[str]) -> None:
        self._texts.add(f"{label} module {module.__name__}")
        if _root(module.__name__) in FOREIGN or (module.__name__, owner) in self._seen:
            return
        self._seen.add((module.__name__, owner))
        self._file_of_user(module)
        for name in names:
            if name in vars(module):
                self._value(f"{module.__name__}.{name}", vars(module)[name], owner, names)

    def _unknown(self, owner: Any) -> None:
        """Something that no text here describes: the file that names it counts as a whole."""
        file = None if owner is None else own_file(owner)
        if file is None:
            self.whole = False
        else:
            self.files.add(file)
