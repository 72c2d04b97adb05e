"""The command line: a file a group of commands.

Exit codes: 0 success, 1 a check or a cell fails, 2 wrong use, 130 interrupted, 141 nobody reads the output, 143 SIGTERM.
"""

from __future__ import annotations

import warnings

import click

from ..version import __version__
from . import experiments, falsify, machine, measured, sweep
from .common import OneSentence


@click.group(cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Check the theory of gradient clipping against numbers."""
    warnings.formatwarning = lambda message, *about, **more: f"warning: {message}\n"  # one line, without our source


for group in (sweep, measured, falsify, experiments, machine):
    group.register(main)
