"""The front door: the README's Python runs as it stands, is short, and its links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_block_runs(block, capsys):
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "holds" in printed and "violated" not in printed


def test_it_is_short():
    assert len(README.splitlines()) < 120
    (block,) = BLOCKS
    assert len([line for line in block.splitlines() if line.strip()]) <= 10


def dead_links(text):
    """Targets of Markdown links, and of names in code that look like files of the checkout, that are not there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text)
    named = re.findall(r"`((?:clipbounds|tests|experiments|examples|docs|benchmarks)/[\w/.-]+\.\w+)`", text)
    return [target for target in [*links, *named] if not (ROOT / target).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert dead_links(text) == []


def test_a_dead_link_is_seen():
    assert dead_links("[a](nowhere.md#x) `docs/nowhere.md` [b](https://x.org) `docs/<name>.md`") == [
        "nowhere.md",
        "docs/nowhere.md",
    ]


def test_one_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'version: "{version}"' in (ROOT / "CITATION.cff").read_text()
    assert f"## {version} (" in (ROOT / "CHANGELOG.md").read_text()


def test_templates_ask_for_the_doctor():
    templates = [p for p in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if p.stem != "config"]
    assert len(templates) >= 2 and all("clipbounds doctor" in p.read_text() for p in templates)
