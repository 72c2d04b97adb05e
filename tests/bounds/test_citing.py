"""Every bound leads to a paper or to this program, each entry once, in BibTeX that parses; CITATION.cff names the same papers."""

import re
import tomllib
from pathlib import Path

import pytest

import clipbounds as cb
from clipbounds.bounds import Bound, koloskova2023, nobile2026, reisizadeh2023
from clipbounds.bounds.control import Scaled
from clipbounds.falsifier.mutants import mutants
from clipbounds.papers import OTHERS, PAPERS

CHECKOUT = Path(__file__).parents[2]
ENTRY = re.compile(r"@(\w+)\{(\w+),\n((?:  \w+ = \{.*\},?\n)+)\}\n")


def keys(text):
    """Keys of the entries; the text must be entries, comments and blank lines only."""
    assert not re.sub(r"^%.*\n", "", ENTRY.sub("", text), flags=re.M).strip()
    for entry in ENTRY.finditer(text):
        assert entry.group().count("{") == entry.group().count("}")
    return [entry.group(2) for entry in ENTRY.finditer(text)]


def test_a_comparison_cites_each_paper_once_and_the_program_last():
    method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0))
    setting = cb.Setting(cb.problems.Huber(1.0, 2.0, [4.0]), cb.noise.Gaussian(0.25), method)
    run = cb.simulate(setting, 10, 64)
    bounds = [koloskova2023.S0(), koloskova2023.S1(), nobile2026.Theorem3Star(p=2.0)]
    text = cb.cite(cb.compare(run, bounds))
    assert keys(text) == ["koloskova2023", "nobile2026", "clipbounds"]
    assert "2305.01588" in text and "2605.02701" in text and cb.__version__ in text
    assert keys(cb.cite(cb.overlay(run, bounds[:2]))) == ["koloskova2023", "clipbounds"]
    assert keys(bounds[0].bibtex()) == ["koloskova2023", "clipbounds"]


def test_a_statement_quoted_from_another_paper_cites_that_one():
    quoted = [getattr(reisizadeh2023, n) for n in dir(reisizadeh2023)]
    quoted = [c for c in quoted if isinstance(c, type) and issubclass(c, Bound) and "Arjevani, Carmon" in c.source]
    assert quoted and all(keys(c(eps=0.1).bibtex()) == ["arjevani2023", "clipbounds"] for c in quoted)


def test_a_negative_control_cites_the_paper_of_the_bound_that_it_changes():
    """Scaled twice, and a mutant of the search: they rest on the same paper; a scaled bound of one's own still on none."""
    whole = koloskova2023.S1()
    for control in (Scaled(whole, 0.5), Scaled(Scaled(whole, 0.5), 0.9), mutants(whole)[-1][1]):
        assert keys(control.bibtex()) == keys(whole.bibtex()) == ["koloskova2023", "clipbounds"]
        assert f"{control.name} ({whole.source})" in control.bibtex()
    assert keys(Scaled(Own(), 0.5).bibtex()) == ["clipbounds"]


class Own(Bound):
    quantity, source = "gap", "my notebook"


def test_a_bound_of_one_s_own_cites_the_program_only():
    assert keys(Own().bibtex()) == ["clipbounds"]


def test_something_else_is_refused():
    with pytest.raises(ValueError, match="expected a comparison"):
        cb.cite("koloskova2023")


def test_citation_file_names_version_and_papers():
    text = (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8")
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f'version: "{version}"' in text
    assert all(f"arXiv:{paper.arxiv}" in text and paper.title in text for paper in PAPERS.values())
    assert not set(PAPERS) & set(OTHERS)
