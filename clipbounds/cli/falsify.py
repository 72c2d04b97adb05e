"""The commands that attack a bound and run an instance again: falsify and replay."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import json_option, progress_bars, speaks_plainly

if TYPE_CHECKING:
    from typing import Any

    from ..bounds.base import Bound


def register(group: click.Group) -> None:
    """Add the commands to the group."""
    for command in (falsify, replay):
        group.add_command(command)


def _bound_of(text: str) -> Any:
    """The bound that a word of the command line names: file.py, file.py:Name, paper.Class or paper.Class(p=1.5)."""
    from ..bounds import Bound
    from ..sweep.user_files import import_file

    file, _, name = text.partition(":")
    if file.endswith(".py"):
        module = import_file(file)
        own = {
            key: value
            for key, value in vars(module).items()
            if isinstance(value, Bound)
            or (isinstance(value, type) and issubclass(value, Bound) and value.__module__ == module.__name__)
        }
        if name and name not in own:
            raise ValueError(f"{file} has no bound {name!r}; it has {', '.join(own) or 'none'}")
        if not name and len(own) != 1:
            raise ValueError(
                f"{file} has {len(own) or 'no'} bounds ({', '.join(own)}); write {file}:NAME"
                if own
                else f"{file} defines no subclass of clipbounds.bounds.Bound"
            )
        found = own[name] if name else next(iter(own.values()))
    else:
        found = _known(text)
    return _made(found, text)


def _known(text: str) -> Any:
    """A bound of the package by its name, paper.Class."""
    from .. import bounds

    paper, _, name = text.partition(".")
    room = getattr(bounds, paper, None) if paper in bounds.__all__ else None
    found = getattr(room, name, None)
    if not (isinstance(found, type) and issubclass(found, bounds.Bound)):
        raise ValueError(
            f"there is no bound {text!r}: give a Python file that defines one, or one of the package, such as"
            " koloskova2023.S1"
        )
    return found


def _made(found: Any, text: str) -> Bound:
    if not isinstance(found, type):
        return found
    try:
        return found()
    except TypeError:
        raise ValueError(
            f"{text} needs parameters: make the bound in a file of yours, such as `bound = {found.__name__}(...)`, and give that file"
        ) from None


@click.command()
@click.argument("bound")
@click.option("--evaluations", type=int, default=20_000, show_default=True)
@click.option("--seconds", type=float, default=300.0, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**40 - 1), default=0, show_default=True)
@click.option("--confidence", type=float, default=0.999, show_default=True, help="Of the word broken, in all.")
@click.option("--space", help="file.py:NAME of a list of settings or templates; by default the catalogue.")
@click.option("--mutants", is_flag=True, help="Attack wrong versions of the bound instead: which ones are seen?")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder for the instance as JSON, the figure, the history and a page; a search that was stopped goes on there.",
)
@json_option
@speaks_plainly
def falsify(
    bound: str,
    evaluations: int,
    seconds: float,
    seed: int,
    confidence: float,
    space: str | None,
    mutants: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Search for a setting in which BOUND is false.

    BOUND is a Python file that defines a subclass of clipbounds.bounds.Bound (or file.py:NAME), or a bound of the package,
    such as koloskova2023.S1. Exit code 1 if it is broken.
    """
    from ..falsifier import Budget
    from ..falsifier import falsify as search

    if evaluations < 1 or not seconds > 0:
        raise ValueError(
            f"the budget must be at least 1 evaluation and more than 0 seconds, but {evaluations} and {seconds:g} were given"
        )
    if mutants and out is not None:
        raise ValueError("falsify: --mutants prints a table and writes no files; leave out --out, or use --json")
    target = _bound_of(bound)
    templates = _space_of(space)
    budget = Budget(evaluations, seconds)
    if mutants:
        from ..falsifier import attack_mutants

        table = attack_mutants(target, templates, budget, seed, confidence)
        click.echo(json_module.dumps(table.to_dict(), indent=1, ensure_ascii=False) if as_json else str(table))
        return
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with progress_bars(disabled=as_json or not sys.stderr.isatty()) as bars:
        task = bars.add_task("best ratio -", total=evaluations)

        def progress(done: int, total: int, best: Any) -> None:
            bars.update(task, completed=done, description=f"best ratio {'-' if best is None else f'{best:.4g}'}")

        result = search(
            target,
            templates,
            budget,
            seed,
            confidence=confidence,
            journal=None if out is None else out / "journal.jsonl",
            progress=progress,
        )
    files = [] if out is None else write_files(result, out)
    click.echo(json_module.dumps(result.to_dict(), indent=1, ensure_ascii=False) if as_json else str(result))
    if files and not as_json:
        click.echo("\n" + "\n".join(map(str, files)))
    sys.exit(1 if result.broken else 0)


def _space_of(text: str | None) -> Any:
    """The list that file.py:NAME names."""
    if text is None:
        return None
    from ..sweep.user_files import import_file

    file, _, name = text.partition(":")
    found = getattr(import_file(file), name, None) if name else None
    if found is None:
        raise ValueError(f"--space names a list of settings as file.py:NAME, but {text!r} names none")
    return found


def write_files(result: Any, folder: Path) -> list[Path]:
    """The instance, the figure and a page in a folder."""
    from ..report.falsification import write_page

    instance = result.write(folder / "instance.json")
    figure = folder / "search.svg"
    result.figure().savefig(figure)
    return [instance, figure, write_page(result, folder / "index.html", figure)]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bound", "source", type=click.Path(path_type=Path), help="The Python file that defines the bound.")
@json_option
@speaks_plainly
def replay(file: Path, source: Path | None, as_json: bool) -> None:
    """Run the instance in FILE, which falsify has written, again. Exit code 1 if the file is not confirmed."""
    from ..falsifier import replay as again
    from ..falsifier.result import number

    if source is not None:
        from ..sweep.user_files import import_file

        import_file(source)
    try:
        found = again(file)
    except ValueError as error:
        if source is None and "its module is not imported" in str(error):
            raise ValueError(
                f"{file} speaks of a class of yours: give the Python file that defines it, --bound FILE.py"
            ) from None
        raise
    if as_json:
        content = {
            "confirmed": found.confirmed,
            "verdict": found.confirmation.verdict,
            "ratio": number(found.confirmation.ratio),
            "steps": found.steps,
        }
        click.echo(json_module.dumps(content, indent=1))
    else:
        click.echo(str(found))
    sys.exit(0 if found.confirmed else 1)
