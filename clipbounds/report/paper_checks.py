"""paper_checks.md: one table row a claim, from the records of the experiments and from nothing else."""

from pathlib import Path

from .readme import update_readme
from .runner import find_experiments, identifier, read_records, title, write_whole

HEADER = """# Paper checks

Written by `clipbounds check` from the verdicts of the experiments; do not edit. Tightness is measured/bound for an
upper bound and bound/measured for a lower bound: 1 is tight. An asserted row that is violated makes `clipbounds check`
fail; a row marked (display) repeats a statement whose constants nobody here has proved, and cannot fail.

| id | paper | claim | how it is checked | measured | bound | tightness | verdict | figure |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def _cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def _line(record, number, row):
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
        figure,
    )
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def violated(records):
    """Ids of the asserted rows that are violated."""
    return [
        f"{record['id']}.{number}"
        for record in records
        for number, row in enumerate(record["rows"], 1)
        if row["verdict"] == "violated" and row["asserted"]
    ]


def write_paper_checks(root):
    """Write ``root/paper_checks.md`` and the generated parts of README.md; return the records and the ids of violated rows."""
    root = Path(root)
    records = read_records(root)
    lines = [_line(record, number, row) for record in records for number, row in enumerate(record["rows"], 1)]
    done = {record["id"] for record in records}
    for file in find_experiments(root):
        if identifier(file) not in done:
            paper, claim = identifier(file).split("/")
            lines.append(f"| {claim} | {paper} | {_cell(title(file))} | | | | | not measured: has not been run | |")
    budgets = sorted({record["budget"] for record in records})
    foot = f"\nBudget: {', '.join(budgets) or 'none'}. Seeds, versions and kernel digests are in `figures/<paper>/<claim>.json`.\n"
    write_whole(root / "paper_checks.md", (HEADER + "\n".join(lines) + "\n" + foot).encode())
    update_readme(root, records)
    return records, violated(records)
