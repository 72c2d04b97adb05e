"""The commands that run experiments and show their verdicts: list, run, check and report."""

from __future__ import annotations

import json as json_module
import sys
import time
from typing import TYPE_CHECKING

import click

from .common import json_option, progress_bars, root_option, speaks_plainly

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from rich.console import Console


def register(group: click.Group) -> None:
    """Add the commands to the group."""
    for command in (list_experiments, run, check, report):
        group.add_command(command)


@click.command("list")
@root_option
@json_option
@speaks_plainly
def list_experiments(root: Path, as_json: bool) -> None:
    """List the experiments and their last verdicts."""
    from ..report.catalogue import find_experiments, identifier, title
    from ..report.runner import read_records

    records = {record["id"]: record for record in read_records(root)}
    entries = []
    for file in find_experiments(root):
        record = records.get(identifier(file))
        verdicts = [row["verdict"] for row in record["rows"]] if record else []
        entries.append({"id": identifier(file), "file": str(file), "title": title(file), "verdicts": verdicts})
    if as_json:
        click.echo(json_module.dumps(entries, indent=1, ensure_ascii=False))
        return
    for entry in entries:
        counts = {v: entry["verdicts"].count(v) for v in dict.fromkeys(entry["verdicts"])}
        summary = ", ".join(f"{n} {v}" for v, n in counts.items()) or "not run"
        click.echo(f"{entry['id']}\n    {entry['title']}  [{summary}]")


@click.command()
@click.argument("experiments", nargs=-1)
@click.option("--budget", default="standard", help="quick, standard or full.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option("--again", is_flag=True, help="Also run what has not changed since its last run.")
@root_option
@json_option
@speaks_plainly
def run(experiments: tuple[str, ...], budget: str, seed: int, again: bool, root: Path, as_json: bool) -> None:
    """Run EXPERIMENTS (all of them if none is given): figures, and a record of every verdict.

    Each is a name that `clipbounds list` prints (koloskova2023/skewness), all of a paper (koloskova2023), or a file or
    folder of your own.
    """
    from ..report.catalogue import check_folder, chosen_experiments, find_experiments, identifier
    from ..report.lab import BUDGETS
    from ..report.runner import load, read_times, run_experiment

    if budget not in BUDGETS:
        raise ValueError(f"--budget must be one of {', '.join(BUDGETS)}, but {budget!r} was given")
    known = find_experiments(root)
    files = [file for word in experiments for file in chosen_experiments(word, root)] or known
    for file in files:  # what cannot be run or kept fails before anything is run
        load(file)
        check_folder(root / "figures" / identifier(file).partition("/")[0])
    records = []
    started = time.perf_counter()
    with progress_bars(disabled=as_json) as progress:
        whole = progress.add_task("experiments", total=len(files))
        for file in files:
            name = identifier(file)
            part = progress.add_task(f"  {name}", total=1)

            def tell(done: int, total: int, what: str, part: Any = part, name: str = name) -> None:
                progress.update(part, completed=done, total=total, description=f"  {name} {what}".rstrip())

            begun = time.perf_counter()
            records.append(run_experiment(file, root, budget, seed, tell, again))
            progress.remove_task(part)
            progress.advance(whole)
            if not as_json:
                _print_record(progress.console, records[-1], time.perf_counter() - begun, read_times(root, name))
    if as_json:
        from ..report.runner import plain

        click.echo(json_module.dumps(plain(records), indent=1, ensure_ascii=False))
    else:
        many = "experiment" if len(files) == 1 else "experiments"
        click.echo(f"{len(files)} {many} in {time.perf_counter() - started:.0f} s, kept in {root / 'figures'}")
    listed = {file.resolve() for file in known}
    outside = [str(file) for file in files if file.resolve() not in listed]
    if outside:
        click.echo(f"outside of experiments/, so list, check and report leave it out: {', '.join(outside)}", err=True)
    _exit_if_violated(records)


@click.command()
@root_option
@json_option
@speaks_plainly
def check(root: Path, as_json: bool) -> None:
    """Write paper_checks.md from the recorded verdicts; exit 1 if an asserted bound is violated."""
    from ..report.lab import VERDICTS
    from ..report.paper_checks import not_run, notes_on_texts, stale, told_of_texts, violated, write_paper_checks

    records, _ = write_paper_checks(root)
    missing, old = len(not_run(root, records)), stale(records)
    verdicts = [row["verdict"] for record in records for row in record["rows"]] + ["not measured"] * missing
    summary = {v: verdicts.count(v) for v in VERDICTS}
    if as_json:
        others, silent = told_of_texts(root, records)
        found = {"verdicts": summary, "violated": violated(records), "stale": old}
        click.echo(json_module.dumps(found | {"other_text": others, "text_unknown": silent}))
    else:
        click.echo(f"{root / 'paper_checks.md'}: " + ", ".join(f"{n} {v}" for v, n in summary.items()))
        if old:
            click.echo(f"recorded by other kernels or another version, run them again: {', '.join(old)}", err=True)
        for note in notes_on_texts(root, records):
            click.echo(f"note: {note}", err=True)
    _exit_if_violated(records)


@click.command()
@root_option
@json_option
@speaks_plainly
def report(root: Path, as_json: bool) -> None:
    """Write the gallery, figures/index.html and a page a claim, from the recorded verdicts."""
    from ..report.gallery import write_gallery
    from ..report.paper_checks import notes_on_texts
    from ..report.runner import read_records

    pages = write_gallery(root)
    if as_json:
        click.echo(json_module.dumps([str(page) for page in pages], indent=1))
    else:
        click.echo(f"{len(pages)} pages; open {pages[0]}")
        for note in notes_on_texts(root, read_records(root)):
            click.echo(f"note: {note}", err=True)


def _print_record(console: Console, record: dict[str, Any], seconds: float, clock: Any) -> None:
    console.print(f"[bold]{record['id']}[/] {seconds:.1f} s", highlight=False)
    measured = {row["claim"]: row for row in (clock or {"rows": []})["rows"]}
    for row in record["rows"]:
        row = measured.get(row["claim"], row) if row["clock"] else row
        colour = {"holds": "green", "violated": "red"}.get(row["verdict"], "yellow")
        reason = f" ({row['reason']})" if row["reason"] else ""
        console.print(
            f"  [{colour}]{row['verdict']}[/]{reason}  {row['claim']}: {row['measured']} | {row['bound']}",
            highlight=False,
        )


def _exit_if_violated(records: list[dict[str, Any]]) -> None:
    from ..report.paper_checks import violated

    bad = violated(records)
    if bad:
        click.echo(f"violated: {', '.join(bad)}", err=True)
        sys.exit(1)
