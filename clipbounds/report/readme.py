"""The generated parts of README.md and benchmarks/README.md: verdicts by paper, and the benchmark table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..papers import PAPERS
from .lab import VERDICTS
from .runner import write_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def verdict_table(records: list[dict[str, Any]]) -> str:
    """Markdown: one line a paper, counting the verdicts of its claims."""
    lines = [
        "| paper | claims checked | " + " | ".join(VERDICTS) + " |",
        "| --- | --- |" + " --- |" * len(VERDICTS),
    ]
    for key, paper in PAPERS.items():
        rows = [row for record in records if record["id"].startswith(f"{key}/") for row in record["rows"]]
        counts = [sum(row["verdict"] == word for row in rows) for word in VERDICTS]
        link = f"[{paper.authors}, *{paper.title}*](https://arxiv.org/abs/{paper.arxiv})"
        lines.append(f"| {link} | {len(rows)} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def benchmark_table(results: dict[str, Any]) -> str:
    """Markdown: nanoseconds a coordinate and step on one thread, ours and the peers'; empty without results."""
    table = results["one thread"]
    names = list(dict.fromkeys(name for rows in table.values() for name in rows))
    lines = [f"| clipped SGD | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    for case, rows in table.items():
        cells = [f"{rows[n]['ns']:.1f} ({rows[n]['ratio']:.1f}×)" if n in rows else "–" for n in names]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


def replace_between(text: str, name: str, content: str) -> str:
    """`text` with the part between ``<!-- name -->`` and ``<!-- end name -->`` replaced."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    if start not in text or end not in text:
        return text
    head, rest = text.split(start, 1)
    return f"{head}{start}\n{content}\n{end}{rest.split(end, 1)[1]}"


def update_readme(root: Path, records: list[dict[str, Any]]) -> None:
    """Rewrite the generated parts of ``root/README.md`` and ``root/benchmarks/README.md``, where they are."""
    root = Path(root)
    _update(root / "README.md", "verdicts", lambda: verdict_table(records))
    results = root / "benchmarks" / "results.json"
    if results.is_file():
        read = results.read_text(encoding="utf-8")
        _update(root / "benchmarks" / "README.md", "benchmark", lambda: benchmark_table(json.loads(read)))


def _update(path: Path, name: str, table: Callable[[], str]) -> None:
    if path.is_file():
        write_result(path, replace_between(path.read_text(encoding="utf-8"), name, table()).encode())
