"""What all commands share: plain errors, options, progress bars."""

import functools
import sys
from pathlib import Path

import click


def speaks_plainly(command):
    """Turn a ValueError or a file that cannot be read or written into one sentence and exit code 2, Ctrl-C into 130."""

    @functools.wraps(command)
    def wrapped(*arguments, **options):
        try:
            return command(*arguments, **options)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except BrokenPipeError:  # whoever read our output has seen enough
            raise
        except OSError as error:
            raise click.UsageError(
                f"{error.filename2 or error.filename or 'a file'}: {error.strerror or error}"
            ) from None
        except KeyboardInterrupt:
            click.echo("interrupted: what had finished is kept, nothing is half-written", err=True)
            sys.exit(130)

    return wrapped


def _results_folder(context, option, given):
    """The folder of the results; `run` may make it, the other commands read what is there."""
    from .report.catalogue import check_folder, default_root

    root = default_root() if given is None else given
    if context.command.name != "run" and given is not None and not root.exists():
        raise click.UsageError(f"there is no folder {root}; `clipbounds run --root {root}` makes it")
    try:
        check_folder(root, write=context.command.name not in ("list", "bench"))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return root


root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    callback=_results_folder,
    help="Folder of the results (figures/, paper_checks.md), and of your own experiments/. Default: the current folder in "
    "a checkout of clipbounds, elsewhere ./clipbounds-results, with your own experiments in ./experiments.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def progress_bars(disabled=False):
    """Progress bars on standard error with the time left, or nothing where `disabled`."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=disabled, transient=True)
