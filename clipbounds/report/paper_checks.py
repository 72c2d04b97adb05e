"""paper_checks.md: one table row a claim, from the records of the experiments and from nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..version import __version__
from .catalogue import find_experiments, identifier, title
from .readme import update_readme
from .runner import read_records, write_result
from .used_kernels import is_stale
from .used_texts import other_texts

if TYPE_CHECKING:
    from typing import Any

HEADER = """# Paper checks

Written by `clipbounds check` from the verdicts of the experiments; do not edit. Tightness is measured/bound for an
upper bound and bound/measured for a lower bound: 1 is tight. An asserted row that is violated makes `clipbounds check`
fail; a row marked (display) repeats a statement whose constants nobody here has proved, and cannot fail.

| id | paper | claim | how it is checked | measured | bound | tightness | verdict | figure |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def _cell(text: str) -> str:
    """Text in a cell of a Markdown table: no markup, no link, no end of the cell or of the row."""
    text = re.sub(r"\s+", " ", str(text))
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("](", "]\\(")
    return text.replace("\\|", "&#92;&#124;").replace("|", "\\|")


def _line(record: dict[str, Any], number: int, row: dict[str, Any]) -> str:
    paper, claim = record["id"].split("/")
    tightness = "" if row["tightness"] is None else f"{float(row['tightness']):.4g}"
    verdict = (
        row["verdict"] + (f": {row['reason']}" if row["reason"] else "") + ("" if row["asserted"] else " (display)")
    )
    figure = f"[figure](figures/{record['id']}.png)" if record["figure"] else ""
    cells = (
        f"{claim}.{number}",
        paper,
        row["claim"],
        row["check"],
        row["measured"],
        row["bound"],
        tightness,
        verdict,
    )
    # the link is this function's own, of a name that is a folder and a file; all else is text
    return "| " + " | ".join([*(_cell(c) for c in cells), figure]) + " |"


def violated(records: list[dict[str, Any]]) -> list[str]:
    """Ids of the asserted rows that are violated."""
    return [
        f"{record['id']}.{number}"
        for record in records
        for number, row in enumerate(record["rows"], 1)
        if row["verdict"] == "violated" and row["asserted"]
    ]


NOT_CHECKED = """
## Negative controls

A check that cannot fail says nothing. The rows of `negative_controls` confront each bound of koloskova2023 with its tight
instance twice, as it stands and 10 % too good; the second verdict must be "violated". The tests do the same for the other
papers' bounds, for wrong exponents, and for the refusal of settings whose hypotheses fail.

## What is not checked, and why

* The papers' own theorems with their hidden constants. What is asserted are this project's statements, whose constants and
  proofs are in the docstrings of `clipbounds.bounds`; statements whose constants are not confirmed are drawn, never asserted.
* Lower bounds over all algorithms (koloskova2023 and reisizadeh2023 cite them): only the instances named in the rows are run.
* The experiments of nobile2026 on images other than CIFAR-100, and larger networks. CIFAR-100 is no part of this project: its
  rows are made from the journal of training runs beside the record, or from new runs where somebody has a copy.
* Wall-clock comparisons hold for the machine that made the record; they are displays and cannot fail.
"""


def not_run(root: Path, records: list[dict[str, Any]]) -> list[Path]:
    """Experiment files without a record."""
    done = {record["id"] for record in records}
    return [file for file in find_experiments(root) if identifier(file) not in done]


def stale(records: list[dict[str, Any]]) -> list[str]:
    """Ids of the records that were made by other kernels or another version than the present ones."""
    return [r["id"] for r in records if r["version"] != __version__ or is_stale(r["kernels"])]


def told_of_texts(root: Path, records: list[dict[str, Any]]) -> tuple[dict[str, list[str]], list[str]]:
    """Which records were made by another program text than today's, kernels apart.

    Returns
    -------
    dict of id to the parts that are others ("experiment", "verdict", "bounds.koloskova2023", ...), and the ids of the records
    that do not say
    """
    files = {identifier(file): file for file in find_experiments(root)}
    found = {record["id"]: other_texts(record, files[record["id"]]) for record in records}
    return {name: parts for name, parts in found.items() if parts}, [n for n, parts in found.items() if parts is None]


def notes_on_texts(root: Path, records: list[dict[str, Any]]) -> list[str]:
    """The same as sentences, one for all records with equal parts."""
    others, silent = told_of_texts(root, records)
    groups: dict[str, list[str]] = {}
    for name, parts in others.items():
        groups.setdefault(", ".join(parts), []).append(name)
    told = [
        f"computed by other program text ({parts}), run again: {', '.join(names)}" for parts, names in groups.items()
    ]
    if silent:
        told.append(
            f"records that do not say by which program text they were judged: {len(silent)}; their next run will"
        )
    return told


def write_paper_checks(root: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Write ``root/paper_checks.md`` and the generated parts of README.md; return the records and the ids of violated rows."""
    root = Path(root)
    records = read_records(root)
    lines = [_line(record, number, row) for record in records for number, row in enumerate(record["rows"], 1)]
    for file in not_run(root, records):
        paper, claim = identifier(file).split("/")
        lines.append(f"| {claim} | {paper} | {_cell(title(file))} | | | | | not measured: has not been run | |")
    budgets = sorted({record["budget"] for record in records})
    foot = f"\nBudget: {', '.join(budgets) or 'none'}. Seeds, versions and kernel digests are in `figures/<paper>/<claim>.json`.\n"
    text = HEADER + "\n".join(lines) + "\n" + foot + NOT_CHECKED
    write_result(root / "paper_checks.md", text.encode())
    update_readme(root, records)
    return records, violated(records)
