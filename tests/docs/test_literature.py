"""The page on the literature: every claim on it has a class, a row of paper_checks.md or a reason."""

import functools
import importlib
import re
from pathlib import Path

import pytest

from clipbounds import papers
from clipbounds.report.runner import read_records

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "literature.md").read_text(encoding="utf-8")
KNOWN = {**papers.PAPERS, **papers.OTHERS, **papers.LITERATURE}
ANSWERS = ["setting", "method", "comparable", "not checked"]
NAME = re.compile(r"`((?:methods|bounds|clipping|noise|testing|problems)(?:\.\w+)+)`")
ROW = re.compile(r"`(\w+/\w+)\.(\d+)`")
LINK = re.compile(r"\]\(([^)]*)\)")
NO_STATEMENT = re.compile(r"^no (statement|bound)[^:;]*[:;] *\S+ \S+")  # a reason follows


@functools.cache
def row_counts():
    return {record["id"]: len(record["rows"]) for record in read_records(CHECKOUT)}


def exists(name):
    """Whether `name` is public in clipbounds: every part of it, the last one in the module's __all__."""
    room, *parts = name.split(".")
    found = importlib.import_module(f"clipbounds.{room}")
    for part in parts:
        if part not in getattr(found, "__all__", dir(found)) or not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def sections(page):
    """(key, text) of the papers on the page."""
    parts = re.split(r"^## ", page, flags=re.M)[1:]
    named = [(part.partition("\n")[0].strip(), part.partition("\n")[2]) for part in parts]
    return [(key, text) for key, text in named if key != "At a glance"]


def complaints(page):
    """What is wrong with the page, a list of sentences."""
    wrong = [f"{name} does not exist" for name in NAME.findall(page) if not exists(name)]
    for record, number in ROW.findall(page):
        if not 1 <= int(number) <= row_counts().get(record, 0):
            wrong.append(f"no row {record}.{number}")
    for target in LINK.findall(page):
        if "://" in target or not (CHECKOUT / "docs" / target).is_file():
            wrong.append(f"the link {target} does not resolve offline")
    for key, text in sections(page):
        if key not in KNOWN:
            wrong.append(f"{key} is not in papers.py")
            continue
        paper = KNOWN[key]
        wrong += [
            f"{key}: {part} is missing"
            for part in (paper.title, paper.authors, f"arXiv {paper.arxiv}.")
            if part not in text
        ]
        answers = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", text, flags=re.M))
        if list(answers) != ANSWERS:
            wrong.append(f"{key}: the answers are {list(answers)}")
            continue
        if not NAME.search(answers["method"]):
            wrong.append(f"{key}: no class")
        if not (
            NAME.search(answers["comparable"])
            or ROW.search(answers["comparable"])
            or NO_STATEMENT.match(answers["comparable"])
        ):
            wrong.append(f"{key}: neither a statement, a row nor a reason")
        if len(answers["not checked"].split()) < 4:
            wrong.append(f"{key}: no reason")
    return wrong


def test_every_claim_has_a_class_a_row_or_a_reason():
    assert complaints(PAGE) == []


def test_twenty_papers_and_the_four_of_the_project_first():
    keys = [key for key, _ in sections(PAGE)]
    assert len(keys) >= 20 and len(set(keys)) == len(keys)
    assert set(keys[:4]) == set(papers.PAPERS)
    assert set(papers.LITERATURE) <= set(keys)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("`methods.Clip21SGD`", "`methods.Clip22SGD`", "methods.Clip22SGD does not exist"),
        ("`bounds.nobile2026.Theorem6`", "`bounds.nobile2026.Theorem66`", "bounds.nobile2026.Theorem66 does not exist"),
        ("`koloskova2023/skewness.1`", "`koloskova2023/skewness.2`", "no row koloskova2023/skewness.2"),
        ("`koloskova2023/skewness.1`", "`koloskova2023/skew.1`", "no row koloskova2023/skew.1"),
        ("arXiv 1211.5063.", "arXiv 1211.5064.", "pascanu2013: arXiv 1211.5063. is missing"),
        ("## ward2019", "## ward2018", "ward2018 is not in papers.py"),
        ("| not checked | their rate and", "| unknown | their rate and", "ward2019: the answers are"),
        ("their rate: no proof is here; privacy is not modelled", "much", "bu2023: no reason"),
        ("no statement: adaptive methods are simulated only, their", "their", "chezhegov2025: neither a statement"),
        ("## At a glance\n", "## At a glance\n\n[here](https://example.org)\n", "https://example.org does not resolve"),
        ("## At a glance\n", "## At a glance\n\n[here](absent.md)\n", "the link absent.md does not resolve"),
    ],
)  # fmt: skip
def test_a_false_claim_is_found(old, new, complaint):
    assert old in PAGE
    assert any(found.startswith(complaint) or complaint in found for found in complaints(PAGE.replace(old, new)))


def test_bibtex_of_every_paper_on_the_page():
    for key, _ in sections(PAGE):
        entry = papers.bibtex(key)
        assert KNOWN[key].title in entry and KNOWN[key].arxiv in entry
    assert not set(papers.LITERATURE) & (set(papers.PAPERS) | set(papers.OTHERS))
