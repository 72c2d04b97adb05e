"""Draw the map of the house, docs/house.md and docs/_static/house.svg, from what the files import when they are loaded.

    python scripts/house_map.py

Imports within functions, and those that only a type checker sees, are left out: they build no floor. Those within
functions do count for the doors, the rooms that nobody imports: the command line loads what a command needs.
"""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "clipbounds"
PAGE, PICTURE = ROOT / "docs" / "house.md", ROOT / "docs" / "_static" / "house.svg"
# of the picture, in pixels
BOX, HEIGHT, ACROSS, DOWN, MARGIN = 104, 30, 12, 54, 16


def _statements(node, within_functions=False):
    """The import statements below a node that are run when the file is loaded, or also those of its functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:  # what only a checker sees is left out
                yield from _statements(ast.Module([other], []), within_functions)
        elif within_functions or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _statements(child, within_functions)


def _file(package, parts):
    """The file of a module, as parts below the package; None if there is none."""
    for found in ((*parts, "__init__.py"), (*parts[:-1], f"{parts[-1]}.py") if parts else ()):
        if found and package.joinpath(*found).is_file():
            return found
    return None


def imported_files(package, parts, source, within_functions=False):
    """Files, as parts below the package, that a file of it imports when it is loaded, or whenever it does."""
    here, found = parts[:-1], set()
    for node in _statements(ast.parse(source), within_functions):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*parts[: len(parts) - node.level], *(node.module or "").split("."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == package.name:
            base = tuple(node.module.split(".")[1:])
        else:
            continue
        base = tuple(part for part in base if part)
        modules = {base[:k] for k in range(1, len(base))}  # a module's packages are loaded before it
        for alias in node.names:
            inner = _file(package, (*base, alias.name))
            modules |= {base} if inner is None else {base, (*base, alias.name)}
            if inner is not None and base == here[: len(base)]:
                modules -= {base}  # a file may ask its own package, which is being loaded, for another file
        modules = {m for m in modules if m != here[: len(m)] or m == base}
        found |= {_file(package, module) for module in modules} - {None, parts}
    return found


@functools.cache
def graph(package=PACKAGE, within_functions=False):
    """{file: files that it imports when it is loaded, or whenever it does}, all as parts below the package."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).parts
        found[parts] = imported_files(package, parts, file.read_text(encoding="utf-8"), within_functions)
    return found


def circles(edges):
    """The sets of nodes, more than one, of which each is reached from each: Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def _by_room(files):
    found = {}
    for parts, others in files.items():
        if len(parts) > 1 or parts[0] != "__init__.py":
            mine = found.setdefault(parts[0].removesuffix(".py"), set())
            mine |= {other[0].removesuffix(".py") for other in others if len(other) > 1 or other[0] != "__init__.py"}
    return {room: others - {room} for room, others in found.items()}


def rooms():
    """{room: rooms that its files import}; a room is a folder of the package or a file in it."""
    loaded, ever = _by_room(graph()), _by_room(graph(within_functions=True))
    doors = set(ever).difference(*ever.values())
    return {room: ever[room] if room in doors else others for room, others in loaded.items()}


def floors(edges):
    """The rooms by floor, from the ground up: a room is one floor above the highest that it imports."""
    level = {}

    def of(room):
        if room not in level:
            level[room] = max((of(other) + 1 for other in edges[room]), default=0)
        return level[room]

    for room in edges:
        of(room)
    return [sorted(room for room in edges if level[room] == k) for k in range(max(level.values()) + 1)]


def reduced(edges):
    """The edges without those that a longer way replaces."""

    @functools.cache
    def below(room):
        return frozenset(edges[room]).union(*(below(other) for other in edges[room]))

    return {room: {o for o in others if not any(o in below(x) for x in others)} for room, others in edges.items()}


def summary(room):
    """The first sentence of a room's docstring."""
    file = _file(PACKAGE, (room,))
    text = ast.get_docstring(ast.parse(PACKAGE.joinpath(*file).read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def picture(edges):
    """The house as SVG: a row of boxes for each floor, and lines to what a room stands on."""
    levels = floors(edges)
    width = max(len(level) for level in levels) * (BOX + ACROSS) - ACROSS + 2 * MARGIN
    height = len(levels) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    place = {}
    for k, level in enumerate(levels):
        left = (width - len(level) * (BOX + ACROSS) + ACROSS) / 2
        for n, room in enumerate(level):
            place[room] = left + n * (BOX + ACROSS), height - MARGIN - HEIGHT - k * (HEIGHT + DOWN)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif"'
        ' font-size="12">',
        "<title>The rooms of the package, each above those that it imports</title>",
        "<style>path { fill: none; stroke: #7a8794; stroke-opacity: .55 } rect { fill: #eef3f8; stroke: #4a6785 }"
        " text { fill: #16222e; text-anchor: middle }</style>",
    ]
    for room, others in reduced(edges).items():
        for other in sorted(others):
            (x, y), (u, v) = place[room], place[other]
            start, end = f"{x + BOX / 2:g} {y + HEIGHT:g}", f"{u + BOX / 2:g} {v:g}"
            bend = 0.5 * min(v - y - HEIGHT, 2 * DOWN)
            turns = f"{x + BOX / 2:g} {y + HEIGHT + bend:g} {u + BOX / 2:g} {v - bend:g}"
            lines.append(f'<path d="M {start} C {turns} {end}"><title>{room} imports {other}</title></path>')
    for room, (x, y) in place.items():
        lines += [
            f'<rect x="{x:g}" y="{y:g}" width="{BOX}" height="{HEIGHT}" rx="5"/>',
            f'<text x="{x + BOX / 2:g}" y="{y + HEIGHT / 2 + 4:g}">{room}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def page(edges):
    """The page of the documentation."""
    levels = floors(edges)
    lines = [
        "# The map of the house",
        "",
        "Imports point downwards only, and no file imports itself through others (a test holds both). A room is a folder of",
        "the package or a file in it; it stands one floor above the highest room that it imports when it is loaded (a door, which",
        "nobody imports: whenever it does). Lines that a longer way replaces are left out of the picture.",
        "`python scripts/house_map.py` draws this page.",
        "",
        "```{image} _static/house.svg",
        ":alt: the rooms of the package by floor; the table below has the same",
        ":width: 100%",
        "```",
        "",
        "| floor | room | what it is | imports |",
        "| --- | --- | --- | --- |",
    ]
    for number in reversed(range(len(levels))):
        for room in levels[number]:
            text = summary(room).replace("|", "\\|").replace("$", "\\$")
            others = ", ".join(f"`{other}`" for other in sorted(edges[room])) or "nothing of ours"
            lines.append(f"| {number} | `{room}` | {text} | {others} |")
    return "\n".join([*lines, ""])


def main():
    edges = rooms()
    PAGE.write_text(page(edges), encoding="utf-8")
    PICTURE.write_text(picture(edges), encoding="utf-8")
    print(f"{len(edges)} rooms on {len(floors(edges))} floors")


if __name__ == "__main__":
    main()
