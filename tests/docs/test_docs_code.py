"""The code in the documentation runs, page by page, in the order in which it is read."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
PAGES = sorted(page for page in DOCS.rglob("*.md") if "api" not in page.parts and "_build" not in page.parts)


def program(page):
    """The code blocks of a page as one program, each on its own lines, so that a traceback names the line of the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        first = text[: block.start(1)].count("\n")
        for offset, line in enumerate(block.group(1).splitlines()):
            lines[first + offset] = line
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text(encoding="utf-8"))], ids=lambda p: p.stem
)
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"{page.stem.replace('-', '_')}.py"
    file.write_text(program(page), encoding="utf-8")
    runpy.run_path(str(file))


def test_there_is_code():
    assert sum(len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 10


def test_blocks_keep_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# T\n\n```python\na = 1\n```\ntext\n```\nno code\n```\n```python\nb = a\n```\n")
    assert program(page).splitlines() == ["", "", "", "a = 1", "", "", "", "", "", "", "b = a", "", ""]
