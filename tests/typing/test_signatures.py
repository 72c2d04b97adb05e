"""What an editor shows at an open bracket: names, types, defaults and the first line of the docstring."""

import inspect
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import import_module, resources
from pathlib import Path

import pytest

import clipbounds as cb

PACKAGE = Path(cb.__file__).parent
ROOT = PACKAGE.parent
SHOWN = [
    (cb.clipping.NormClip, "(threshold: float) -> None"),
    (cb.problems.Quadratic, "(eigenvalues: Vector, x0: Vector) -> None"),
    (
        cb.noise.Pareto,
        "(tail_index: float, scale: float, *, radial: bool = False, along: OptionalVector = None) -> None",
    ),
    (cb.Setting, "(problem: Part[Problem], noise: Part[Noise], method: Part[Method]) -> None"),
    (
        cb.simulate,
        "(setting: Setting, steps: int, trajectories: int = 1, seed: int = 0, checkpoints: ArrayLike | None = None,"
        " threads: int | None = None, keep: Literal['trajectories', 'statistics'] = 'trajectories', *, chunk: int = 1,"
        " first_trajectory: int = 0, progress: Callable[[int], object] | None = None, executor: Executor | None = None,"
        " stop: Event | None = None, engine: Literal['sample', 'exact', 'auto'] = 'sample', tolerance: float = 0.0001)"
        " -> xr.Dataset",
    ),
    (cb.applicable, "(setting: Setting, *, accept_sampled: bool = False) -> list[Bound]"),
    (cb.bounds.Bound.value, "(self, setting: Setting, steps: ArrayLike) -> FloatArray"),
    (cb.measured, "(setting: Setting, steps: ArrayLike | xr.Dataset, **quantities: ArrayLike) -> xr.Dataset"),
    (cb.read_log, "(*paths: str | Path, columns: dict[str, str] | None = None) -> xr.Dataset"),
    (
        cb.compare,
        "(run: xr.Dataset, bounds: Bound | Iterable[Bound], confidence: float = 0.999, *, draw: Bound | Iterable[Bound] = (),"
        " band: Literal['betting', 'empirical Bernstein'] | None = None,"
        " ranges: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None, until: Literal['decided'] | None = None,"
        " budget: int | None = None, threads: int | None = None,"
        " assume: Literal['normal means', 'data'] | None = 'data', engine: Literal['sample', 'auto'] = 'auto') -> Comparison",
    ),
    (cb.problems.Problem.gradient, "(self, x: ArrayLike) -> FloatArray"),
]


def shown(entry):
    """The signature without the quotes that lazy annotations have around them."""
    signature = inspect.signature(entry)
    bare = [
        parameter.replace(annotation=_Name(parameter.annotation))
        if parameter.annotation is not inspect.Parameter.empty
        else parameter
        for parameter in signature.parameters.values()
    ]
    found = signature.return_annotation
    return str(
        signature.replace(parameters=bare, return_annotation=found if found is signature.empty else _Name(found))
    )


class _Name:
    """An annotation that is printed as it is written."""

    def __init__(self, annotation):
        self.text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))

    def __repr__(self):
        return self.text


@pytest.mark.parametrize(("entry", "wanted"), SHOWN, ids=[entry.__qualname__ for entry, _ in SHOWN])
def test_an_editor_shows_names_types_and_defaults(entry, wanted):
    assert shown(entry) == wanted
    assert inspect.getdoc(entry).splitlines()[0]


def is_strict(module):
    """Whether pyproject.toml says that every function of a module is annotated; a full name counts more than a pattern."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["overrides"]
    said = {
        name: part["disallow_untyped_defs"]
        for part in settings
        if "disallow_untyped_defs" in part
        for name in part["module"]
    }
    return said.get(module, any(fnmatch(module, name) for name, strict in said.items() if strict))


def public(room):
    """Functions, and methods of classes, that a room exports and defines in a module that is said to be annotated."""
    for name in room.__all__:
        value = getattr(room, name)
        members = [value, *vars(value).values()] if inspect.isclass(value) else [value]
        for member in members:
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            path = Path(function.__code__.co_filename) if inspect.isfunction(function) else None
            written = path is not None and PACKAGE in path.parents  # and not by dataclass
            if written and is_strict(function.__module__):
                yield function


@pytest.mark.parametrize(
    "name",
    [
        "clipbounds",
        "clipbounds.problems",
        "clipbounds.noise",
        "clipbounds.testing",
        "clipbounds.verdict",
        "clipbounds.methods",
    ],
)
def test_every_exported_function_is_annotated(name):
    functions = list(public(import_module(name)))
    assert functions
    for function in functions:
        signature = inspect.signature(function)
        bare = [
            p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")
        ]
        assert not bare and signature.return_annotation is not signature.empty, function.__qualname__


def test_a_function_without_annotations_would_be_seen():
    def bare(x):
        return x

    signature = inspect.signature(bare)
    assert signature.return_annotation is signature.empty and shown(bare) == "(x)"


def test_the_package_says_that_it_is_typed():
    assert (resources.files("clipbounds") / "py.typed").is_file()


def test_annotations_cost_nothing_when_the_package_is_imported():
    """Their names are known to checkers only: what would evaluate them is not even loaded."""
    program = "import sys, clipbounds; print('clipbounds.array_types' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )
