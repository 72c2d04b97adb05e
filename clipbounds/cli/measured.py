"""The commands that confront measurements with bounds, or examine them: overlay and diagnose."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import json_option, speaks_plainly

if TYPE_CHECKING:
    from typing import Any


def register(group: click.Group) -> None:
    """Add the commands to the group."""
    for command in (overlay, diagnose):
        group.add_command(command)


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--x", help="Axis of the figure; by default the longest one with numbers.")
@click.option(
    "--bounds",
    multiple=True,
    help="Such as koloskova2023.S1, several times for several, or applicable; by default the sweep's, else applicable.",
)
@click.option("--confidence", type=float, default=0.999, show_default=True, help="Joint over all cells and bounds.")
@click.option("--partial", is_flag=True, help="Accept that cells are missing.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Beginning of the file names; by default overlay in the store's folder.",
)
@click.option("--width", help="For a paper, with a PDF: column, text, page, or inches.")
@json_option
@speaks_plainly
def overlay(
    store: Path,
    x: str | None,
    bounds: tuple[str, ...],
    confidence: float,
    partial: bool,
    out: Path | None,
    width: str | None,
    as_json: bool,
) -> None:
    """Confront every cell of the sweep in STORE with bounds: a figure, and a table of verdicts as CSV and JSON."""
    from ..sweep.overlays import APPLICABLE, OWN
    from ..sweep.overlays import overlay as confront

    chosen = (list(bounds) if bounds != (APPLICABLE,) else APPLICABLE) or OWN
    width = _width(width)
    result = confront(store, chosen, x, confidence=confidence, partial=partial, width=width)
    files = result.write(out or store / "overlay", width)
    if as_json:
        click.echo(json_module.dumps({"verdicts": result.counts(), "files": [str(file) for file in files]}, indent=1))
        return
    click.echo(", ".join(f"{count} {word}" for word, count in result.counts().items()))
    click.echo("\n".join(map(str, files)))


def _width(text: str | None) -> str | float | None:
    """The width of a figure: a number where the text is one."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--threshold", type=float, required=True, help="The clipping threshold c.")
@click.option("--column", help="The log's column of gradient norms, where its name is none of the usual ones.")
@click.option("--step-size", type=float, help="eta.")
@click.option("--sigma", type=float, help="Assumed: E‖g - grad f‖^p <= sigma^p.")
@click.option("--p", type=float, default=2.0, show_default=True, help="The moment that sigma speaks of.")
@click.option("--l", "L", type=float, help="Assumed Lipschitz constant of the gradient.")
@click.option("--l0", "L0", type=float, help="Assumed (L0, L1), with --l1.")
@click.option("--l1", "L1", type=float)
@click.option("--f0", "F0", type=float, help="Assumed f(x0) - inf f.")
@click.option(
    "--gradients", type=click.Path(path_type=Path), help="NPY, (points, repetitions, dim): sigma_p at fixed points."
)
@click.option(
    "--trajectory", type=click.Path(path_type=Path), help="NPZ with points and gradients, (steps, dim): (L0, L1)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Also write the page (.html), or its figure (.png, .pdf, .svg)."
)
@click.option("--width", help="Of the figure, for a paper: column, text, page, or inches.")
@json_option
@speaks_plainly
def diagnose(
    log: Path,
    threshold: float,
    gradients: Path | None,
    trajectory: Any,
    out: Path | None,
    width: str | None,
    as_json: bool,
    **assumed: Any,
) -> None:
    """What the gradient norms in LOG (CSV, TSV, JSON lines, trainer_state.json) say about a clipping threshold."""
    from ..diagnosis import diagnose as examine

    if gradients is not None:
        assumed["gradients"] = _arrays(gradients)
    if trajectory is not None:
        held = _arrays(trajectory)
        names = ("points", "gradients")
        if not hasattr(held, "files") or not set(names) <= set(held.files):
            raise ValueError(f"diagnose: {trajectory.name} must be an NPZ file with the arrays points and gradients")
        assumed["trajectory"] = tuple(held[name] for name in names)
    found = examine(log, threshold, **assumed)
    if out is not None:
        found.write(out, _width(width))
    click.echo(json_module.dumps(found.to_dict(), indent=1, ensure_ascii=False) if as_json else str(found))


def _arrays(path: Path) -> Any:
    """What a NPY or NPZ file holds."""
    import zipfile

    import numpy as np

    try:
        return np.load(path)
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise ValueError(f"diagnose: {path.name} is no NPY or NPZ file of numbers") from None
