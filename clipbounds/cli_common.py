"""What all commands share: plain errors, options, progress bars."""

import functools
import sys
from pathlib import Path

import click


def speaks_plainly(command):
    """Turn a ValueError into one sentence and exit code 2, Ctrl-C into exit code 130."""

    @functools.wraps(command)
    def wrapped(*arguments, **options):
        try:
            return command(*arguments, **options)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except KeyboardInterrupt:
            click.echo("interrupted: what had finished is kept, nothing is half-written", err=True)
            sys.exit(130)

    return wrapped


root_option = click.option(
    "--root",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Folder that holds experiments/ and figures/; the current folder by default.",
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
