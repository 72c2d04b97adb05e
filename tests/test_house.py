"""The map of the house is what the imports draw, and no file imports itself through others."""

import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "house_map.py"


@pytest.fixture
def house(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import house_map

    yield house_map
    sys.modules.pop("house_map", None)


def test_no_file_imports_itself_through_others(house):
    files = house.graph()
    assert len(files) > 200 and all(set(others) <= set(files) for others in files.values())
    assert house.circles(files) == []


CIRCLES = {
    "two files": {"one.py": "from .two import b\na = 1", "two.py": "from .one import a\nb = 1"},
    "three files in two rooms": {
        "room/__init__.py": "",
        "room/one.py": "from ..two import b\na = 1",
        "two.py": "if True:\n    from . import three\nb = 1",
        "three.py": "class Holder:\n    from .room.one import a",
    },
    "through a room's door": {
        "room/__init__.py": "from .one import a",
        "room/one.py": "from ..two import b\na = 1",
        "two.py": "from .room.other import c\nb = 1",
        "room/other.py": "c = 1",
    },
    "by the package's own name": {"one.py": "from pack.two import b", "two.py": "from pack import one\nb = 1"},
}
NONE = {
    "within a function": {"one.py": "from .two import b\na = 1", "two.py": "def b():\n    from .one import a"},
    "for a checker": {
        "one.py": "from .two import b\na = 1",
        "two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .one import a\nb = 1",
    },
    "a file and its neighbour": {"room/__init__.py": "from .one import a", "room/one.py": "from . import two\na = two.b", "room/two.py": "b = 1"},
}  # fmt: skip


def written(folder, files):
    package = folder / "pack"
    for name, text in {"__init__.py": "", **files}.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return package


@pytest.mark.parametrize("name", CIRCLES)
def test_a_circle_is_seen(house, tmp_path, name):
    (found,) = house.circles(house.graph(written(tmp_path, CIRCLES[name])))
    assert {"/".join(parts) for parts in found} == set(CIRCLES[name]) - (
        {"room/__init__.py"} if name.startswith("three") else {"room/other.py"}
    )


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_circle_is_not_taken_for_one(house, tmp_path, name):
    files = house.graph(written(tmp_path, NONE[name]))
    assert house.circles(files) == [] and any(files.values())


def test_the_map_is_the_one_that_the_imports_draw(house):
    edges = house.rooms()
    advice = "the imports have changed: run python scripts/house_map.py"
    assert house.PAGE.read_text(encoding="utf-8") == house.page(edges), advice
    assert house.PICTURE.read_text(encoding="utf-8") == house.picture(edges), advice


def test_a_room_stands_above_what_it_imports_and_no_line_is_lost(house):
    edges = house.rooms()
    floor = {room: number for number, level in enumerate(house.floors(edges)) for room in level}
    assert set(floor) == set(edges)
    assert all(floor[other] < floor[room] for room, others in edges.items() for other in others)

    def below(room, edges):
        return set(edges[room]).union(*(below(other, edges) for other in edges[room]))

    kept = house.reduced(edges)
    assert all(below(room, kept) == below(room, edges) for room in edges)
