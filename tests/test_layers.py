"""Imports point downwards only, there are no circles, and a file is one room."""

import ast
from pathlib import Path

import pytest

import clipbounds

PACKAGE = Path(clipbounds.__file__).parent
# floors from the ground up; rooms on one floor may use each other as long as no file is in a circle
FLOORS = (
    {
        "version",
        "array_types",
        "formulas",
        "papers",
        "spec_fields",
        "spec_text",
        "specs",
        "facts",
        "lanes",
        "data",
        "whole_files",
    },
    {"problems", "noise", "clipping"},
    {"oracles", "networks", "torch"},
    {"methods", "described"},
    {"run_arguments", "run_arrays", "simulate", "first_passage", "keepers", "measured", "logs", "exact"},
    {"worst_case", "bounds", "testing"},
    {"verdict", "diagnosis"},
    {"sweep", "falsifier"},
    {"report", "doctor"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def imported_rooms(source, parts):
    """Rooms that a file (its path parts below the package) imports when it is loaded, lazy imports left out."""
    rooms = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: len(parts) - node.level]
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            rooms |= {base[0]} if base else set(names)
    return rooms


def upward(source, parts):
    room = parts[0].removesuffix(".py")
    return {other for other in imported_rooms(source, parts) if FLOOR.get(other, -1) > FLOOR[room]}


FILES = [
    f.relative_to(PACKAGE).parts for f in sorted(PACKAGE.rglob("*.py")) if f.parent != PACKAGE or f.stem != "__init__"
]


@pytest.mark.parametrize("parts", FILES, ids="/".join)
def test_imports_point_downwards(parts):
    assert parts[0].removesuffix(".py") in FLOOR, "a new room needs a floor in this test"
    assert upward((PACKAGE.joinpath(*parts)).read_text(encoding="utf-8"), parts) == set()


def test_an_upward_import_is_seen():
    assert upward("from ..verdict import compare", ("noise", "base.py")) == {"verdict"}
    assert upward("from .simulate import simulate", ("specs.py",)) == {"simulate"}
    assert upward("from ...worst_case import drift", ("bounds", "koloskova2023", "sharp.py")) == set()


@pytest.mark.parametrize("parts", FILES, ids="/".join)
def test_a_file_is_one_room(parts):
    assert len((PACKAGE.joinpath(*parts)).read_text(encoding="utf-8").splitlines()) <= 310
