"""The code in the documentation runs, page by page, in the order in which it is read."""

import ast
import builtins
import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(?:python|\{code-cell\} ipython3)\n(.*?)^```", re.M | re.S)
PAGES = sorted(page for page in DOCS.rglob("*.md") if "api" not in page.parts and "_build" not in page.parts)


def program(page):
    """The code blocks of a page as one program, each on its own lines, so that a traceback names the line of the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        first = text[: block.start(1)].count("\n")
        code = block.group(1).splitlines()
        if block.group(0).startswith("```{code-cell}"):
            code = displayed(code)
        for offset, line in enumerate(code):
            lines[first + offset] = line
    return "\n".join(lines) + "\n"


def displayed(code):
    """The lines of a cell, whose last expression is shown, as in a notebook; a call of print is not."""
    last = ast.parse("\n".join(code)).body[-1]
    if not isinstance(last, ast.Expr) or ast.unparse(last).startswith("print("):
        return code
    code = list(code)
    code[last.lineno - 1] = f"show(({code[last.lineno - 1]}"
    code[last.end_lineno - 1] += "))"
    return code


def is_rich(value):
    """Whether a notebook shows a value as HTML."""
    return hasattr(value, "_repr_html_")


def as_shown(value):
    """What a notebook shows of a value."""
    return value._repr_html_() if is_rich(value) else repr(value)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text(encoding="utf-8"))], ids=lambda p: p.stem
)
def test_code_runs(page, tmp_path, monkeypatch):
    if "import torch" in program(page):
        pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"{page.stem.replace('-', '_')}.py"
    file.write_text(program(page), encoding="utf-8")
    shown = []
    builtins.show = shown.append  # a page is run from its file, in which kernels find their source
    try:
        runpy.run_path(str(file))
    finally:
        del builtins.show
    assert all(as_shown(value) for value in shown)
    assert sum(map(is_rich, shown)) >= (1 if "notebooks" in page.parts else 0)


def test_there_is_code():
    assert sum(len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 10


def test_blocks_keep_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# T\n\n```python\na = 1\n```\ntext\n```\nno code\n```\n```python\nb = a\n```\n")
    cell = "```{code-cell} ipython3\nprint(1)\nf(\n    2,\n)\n```\n"
    (tmp_path / "cell.md").write_text(cell)
    assert program(tmp_path / "cell.md").splitlines()[:5] == ["", "print(1)", "show((f(", "    2,", ")))"]
    assert program(page).splitlines() == ["", "", "", "a = 1", "", "", "", "", "", "", "b = a", "", ""]
