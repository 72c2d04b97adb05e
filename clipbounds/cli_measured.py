"""The commands that confront measurements with bounds: overlay."""

import json as json_module
from pathlib import Path

import click

from .cli_common import json_option, speaks_plainly


def register(group):
    """Add the commands to the group."""
    group.add_command(overlay)


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--x", help="Axis of the figure; by default the longest one with numbers.")
@click.option(
    "--bounds", multiple=True, help="Such as koloskova2023.S1, several times for several; by default the sweep's."
)
@click.option("--confidence", type=float, default=0.999, show_default=True, help="Joint over all cells and bounds.")
@click.option("--partial", is_flag=True, help="Accept that cells are missing.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Beginning of the file names; by default overlay in the store's folder.",
)
@json_option
@speaks_plainly
def overlay(store, x, bounds, confidence, partial, out, as_json):
    """Confront every cell of the sweep in STORE with bounds: a figure, and a table of verdicts as CSV and JSON."""
    from .sweep import overlay as confront

    result = confront(store, x, list(bounds) or None, confidence, partial)
    files = result.write(out or store / "overlay")
    if as_json:
        click.echo(json_module.dumps({"verdicts": result.counts(), "files": [str(file) for file in files]}, indent=1))
        return
    click.echo(", ".join(f"{count} {word}" for word, count in result.counts().items()))
    click.echo("\n".join(map(str, files)))
