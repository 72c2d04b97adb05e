"""What all commands share: plain errors, options, progress bars."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TextIO

    from rich.progress import Progress

BROKEN_PIPE, TERMINATED = 141, 143  # 128 + the signal, as shells have it
SHOW = "CLIPBOUNDS_TRACEBACK"


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command like Ctrl-C; only the exit code tells."""


class OneSentence(click.Group):
    """A group whose commands end in one sentence, whatever went wrong, and never in a traceback or a page on usage.

    $CLIPBOUNDS_TRACEBACK shows the traceback of what this program did not foresee.
    """

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError as error:
            raise _NobodyReads from error

    def main(
        self,
        args: Any = None,
        prog_name: Any = None,
        complete_var: Any = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            click.echo(f"Error: {_sentence(error.format_message())}", err=True)
            code = error.exit_code
        except click.Abort:
            code = 130
        except SystemExit as error:
            code = error.code
        except (BrokenPipeError, _NobodyReads):
            _drop(sys.stdout)
            code = BROKEN_PIPE
        except OSError as error:
            _drop(sys.stdout)
            click.echo(f"Error: the output cannot be written: {error.strerror or error}", err=True)
            code = 1
        except Exception as error:
            if os.environ.get(SHOW):
                raise
            click.echo(f"Error: {type(error).__name__}: {_sentence(str(error))}; {SHOW}=1 shows where", err=True)
            code = 1
        code = code if isinstance(code, int) else 0
        if args is None and code:
            _leave(code)
        sys.exit(code)


def _leave(code: int) -> None:
    """End the process now: an interpreter that tidies up after a cluster which has gone takes ten seconds for nothing."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class _NobodyReads(Exception):
    """A broken pipe, which click itself would end with exit code 1."""


def _sentence(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def _drop(stream: TextIO) -> None:
    """Let what is still in the buffer go nowhere, so that the interpreter does not complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def speaks_plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a ValueError or a file that cannot be read or written into one sentence and exit code 2, Ctrl-C into 130."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except BrokenPipeError:  # whoever read our output has seen enough
            raise
        except OSError as error:
            if error.filename is None:  # our own output
                raise
            raise click.UsageError(
                f"{error.filename2 or error.filename or 'a file'}: {error.strerror or error}"
            ) from None
        except KeyboardInterrupt as stop:
            click.echo("interrupted: what had finished is kept, nothing is half-written", err=True)
            sys.exit(TERMINATED if isinstance(stop, Terminated) else 130)

    return wrapped


def _results_folder(context: click.Context, option: click.Parameter, given: Path | None) -> Path:
    """The folder of the results; `run` may make it, the other commands read what is there."""
    from ..report.catalogue import check_folder, default_root

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


def progress_bars(disabled: bool = False) -> Progress:
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


def duration(seconds: float) -> str:
    """Seconds in words."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


class Lines:
    """Progress as lines of a log, every 30 s or every 20th part, with the time left at the speed since the start."""

    EVERY, LEAST, PART = 30.0, 1.0, 0.05  # s, s, share of the whole

    def __init__(
        self, what: str, say: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what, self.clock = what, clock
        self.say = say or (lambda text: click.echo(text, err=True))
        self.started: float = clock()
        self.first: int | None = None  # how much was done when the first line was due
        self.last, self.told = self.started, 0

    def __call__(self, done: int, total: int) -> None:
        now = self.clock()
        if self.first is None:
            self.first, self.last, self.told = done, now, done
        step = done - self.told >= self.PART * total and now - self.last >= self.LEAST
        due = step or now - self.last >= self.EVERY or done == total
        if done == self.told or not due:
            return
        rest = ""
        if self.first < done < total:
            rest = f", {duration((now - self.started) / (done - self.first) * (total - done))} left"
        self.say(f"{self.what}: {done} of {total} ({done / total:.0%}) after {duration(now - self.started)}{rest}")
        self.last, self.told = now, done
