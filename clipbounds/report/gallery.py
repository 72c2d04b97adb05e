"""The gallery: static pages about what was checked, from the records of the experiments and from nothing else.

``figures/index.html``, one page a claim, ``figures/interactive*.html`` (`explorer`). They need no server and no network.
"""

from __future__ import annotations

import csv
import importlib.resources
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..formulas import as_html, as_line, mathml
from ..papers import PAPERS, bibtex
from ..version import __version__
from .catalogue import find_experiments, identifier, own_experiments, title
from .describe import alternative_text
from .explorer import EXPLORERS
from .runner import read_records, read_times, write_result

if TYPE_CHECKING:
    from typing import Any

    from jinja2 import Environment

MARKS = {"holds": "✓", "violated": "✗", "undecided": "?", "vacuous": "∅", "not measured": "–"}
ASSETS = ("gallery.css", "gallery.js")
PANELS = {2: "two", 3: "three"}  # figures with several panels get wider cards
ROWS_SHOWN = 200  # of a table on a page; the CSV file has all of them


def environment() -> Environment:
    """The templates of the pages."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("clipbounds.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mathml"] = lambda latex, display=True: jinja2.utils.markupsafe.Markup(mathml(latex, display))
    environment.filters["prose"] = lambda text: jinja2.utils.markupsafe.Markup(as_html(str(text)))
    environment.filters["line"] = as_line
    environment.globals.update(marks=MARKS, version=__version__, source=template_text)
    return environment


def template_text(name: str) -> str:
    """The text of a file in the templates folder, to be placed in a page as it is."""
    from markupsafe import Markup

    return Markup((importlib.resources.files("clipbounds.report") / "templates" / name).read_text(encoding="utf-8"))


def _columns(table: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns of a table, all of one length."""
    columns = {name: values if isinstance(values, list) else [values] for name, values in table.items()}
    length = max((len(values) for values in columns.values()), default=0)
    return {name: values + [""] * (length - len(values)) for name, values in columns.items()}


def csv_bytes(table: dict[str, Any]) -> bytes:
    """A table, a dict of columns, as CSV with a header line.

    Parameters
    ----------
    table : dict of str to list

    Returns
    -------
    bytes, UTF-8; floats in the shortest form that reads back exactly
    """
    columns = _columns(table)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode()


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in text)


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _tables(record: dict[str, Any], folder: Path, claim: str) -> list[dict[str, Any]]:
    """Write the CSV files of a record; what the page says about them."""
    shown = []
    for name, table in record["data"].items():
        columns = _columns(table)
        file = f"{claim}.{_file_name(name)}.csv"
        write_result(folder / file, csv_bytes(table))
        lines = list(zip(*columns.values(), strict=True))
        cells = [[_number(value) for value in line] for line in lines[:ROWS_SHOWN]]
        shown.append({"name": name, "file": file, "columns": list(columns), "cells": cells, "count": len(lines)})
    return shown


def _counts(record: dict[str, Any] | None) -> dict[str, int]:
    verdicts = [row["verdict"] for row in record["rows"]] if record else []
    return {verdict: verdicts.count(verdict) for verdict in MARKS if verdict in verdicts}


def _command(entry: dict[str, Any]) -> str:
    record = entry["record"]
    return f"clipbounds run {entry['id']} --budget {record['budget']} --seed {record['seed']}"


def _entries(root: Path) -> list[dict[str, Any]]:
    """One dict an experiment, in order: what the index says, and the record if it has been run."""
    records = {record["id"]: record for record in read_records(root)}
    entries = []
    for file in find_experiments(root):
        name = identifier(file)
        paper, claim = name.split("/")
        record = records.get(name)
        entry = {
            "id": name,
            "paper": paper,
            "claim": claim,
            "title": record["title"] if record else title(file),
            "file": f"experiments/{name}.py",
            "record": record,
            "counts": _counts(record),
            "image": None,
            "width": "",
            "alternative": "",
        }
        if record and record["figure"]:
            stem = root / "figures" / name
            drawn = [suffix for suffix in ("svg", "png", "pdf") if stem.with_suffix(f".{suffix}").is_file()]
            pictures = [suffix for suffix in drawn if suffix != "pdf"]
            entry["image"] = f"{claim}.{pictures[0]}" if pictures else None
            entry["files"] = [f"{claim}.{suffix}" for suffix in drawn]
            entry["alternative"] = as_line(alternative_text(record["title"], record.get("panels", [])))
            entry["width"] = PANELS.get(min(len(record.get("panels", [])), 3), "")
        entries.append(entry)
    return entries


def write_gallery(root: str | Path) -> list[Path]:
    """Write the gallery below ``root/figures``.

    Parameters
    ----------
    root : path of a folder with figures/, the records of those experiments that have been run

    Returns
    -------
    list of Path, the pages, the index first

    Raises
    ------
    ValueError
        If there is no experiment.
    """
    root = Path(root)
    entries = _entries(root)
    if not entries:
        raise ValueError(f"there is no experiment in {own_experiments(root)} and none came with the package")
    figures = root / "figures"
    templates = environment()
    for name in ASSETS:
        write_result(figures / name, template_text(name).encode())
    done = [entry for entry in entries if entry["record"]]
    papers = [
        {"key": key, "about": PAPERS.get(key), "entries": [entry for entry in entries if entry["paper"] == key]}
        for key in dict.fromkeys(entry["paper"] for entry in entries)
    ]
    pages: list[tuple[Path, str, dict[str, Any]]] = [
        (figures / "index.html", "index.html.j2", {"papers": papers, "total": _total(done), "here": ""})
    ]
    for page in EXPLORERS:
        values = {"page": page, "explorers": EXPLORERS, "paper": PAPERS.get(page.paper), "here": ""}
        pages.append((figures / page.file, "explorer.html.j2", values))
    for number, entry in enumerate(done):
        folder = figures / entry["paper"]
        about = entry["record"]["about"].partition("\n")[2].strip()
        values = {
            "entry": entry,
            "record": entry["record"],
            "times": read_times(root, entry["id"]),
            "about": [" ".join(part.split()) for part in about.split("\n\n") if part.strip()],
            "paper": PAPERS.get(entry["paper"]),
            "bounds": entry["record"].get("bounds", []),
            "tables": _tables(entry["record"], folder, entry["claim"]),
            "command": _command(entry),
            "bibtex": "\n".join(
                bibtex(key) for key in (entry["paper"], "clipbounds") if key in (*PAPERS, "clipbounds")
            ),
            "before": done[number - 1] if number else None,
            "after": done[number + 1] if number + 1 < len(done) else None,
            "here": "../",
        }
        pages.append((folder / f"{entry['claim']}.html", "claim.html.j2", values))
    for path, template, values in pages:
        write_result(path, templates.get_template(template).render(values).encode())
    return [path for path, _, _ in pages]


def _total(done: list[dict[str, Any]]) -> dict[str, int]:
    total = dict.fromkeys(MARKS, 0)
    for entry in done:
        for verdict, count in entry["counts"].items():
            total[verdict] += count
    return {verdict: count for verdict, count in total.items() if count}
