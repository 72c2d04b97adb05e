"""Every public function of the package says what it takes and returns; compiled functions get their types from Numba."""

import ast
import tomllib
from pathlib import Path

import pytest

import clipbounds

PACKAGE = Path(clipbounds.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def compiled_modules():
    """Modules that pyproject.toml leaves out, by name."""
    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"][
        "overrides"
    ]
    return {name for part in settings if part.get("disallow_untyped_defs") is False for name in part["module"]}


def module_name(file):
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_public(name):
    return not name.startswith("_") or name in ("__init__", "__call__")


def bare(source):
    """Names of public functions and methods without all of their annotations, and of how many there are."""
    found, count = [], 0
    waiting = [("", ast.parse(source))]
    while waiting:
        prefix, node = waiting.pop()
        for item in node.body:
            if isinstance(item, ast.ClassDef) and is_public(item.name):
                waiting.append((f"{prefix}{item.name}.", item))
            if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) or not is_public(item.name):
                continue
            count += 1
            given = item.args
            taken = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            own = prefix and not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in item.decorator_list)
            asked = [a for a in taken[1 if own else 0 :] if a is not None]
            if item.returns is None or any(a.annotation is None for a in asked):
                found.append(prefix + item.name)
    return found, count


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_public_functions_are_annotated(file):
    if module_name(file) not in compiled_modules():
        # Numba's function in a file of Python, whose text the digest of its kernel is made of
        kernels = {"adaptive"} if module_name(file) == "clipbounds.oracles.adaptive" else set()
        assert set(bare(file.read_text(encoding="utf-8"))[0]) == kernels


def test_what_is_left_out_is_there_and_has_a_reason():
    names = {module_name(file): file for file in FILES}
    assert compiled_modules() <= names.keys() and len(compiled_modules()) < len(names) / 6
    for name in compiled_modules():
        assert bare(names[name].read_text(encoding="utf-8"))[0], f"{name} is annotated: take it out of the list"


def test_there_are_many():
    assert sum(bare(file.read_text(encoding="utf-8"))[1] for file in FILES) > 1500


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x: float) -> float: ...", []),
        ("def f(x): ...", ["f"]),
        ("def f(x: float): ...", ["f"]),
        ("def f(x: float, *rest, y: int = 0) -> None: ...", ["f"]),
        ("def f(*, y=0) -> None: ...", ["f"]),
        ("def _f(x): ...", []),
        ("class A:\n    def f(self) -> None: ...\n    def g(self, x) -> None: ...", ["A.g"]),
        ("class A:\n    @staticmethod\n    def f(x) -> None: ...", ["A.f"]),
        ("class A:\n    def __init__(self, x): ...", ["A.__init__"]),
        ("class _A:\n    def f(self, x): ...", []),
    ],
)
def test_a_missing_annotation_is_seen(source, names):
    assert bare(source)[0] == names
