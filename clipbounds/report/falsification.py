"""The page of a search for a counterexample: one file, with its figure in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .gallery import environment
from .runner import write_result

if TYPE_CHECKING:
    from ..falsifier.result import Falsification


def write_page(result: Falsification, path: Path, figure: Path) -> Path:
    """Write the page of a `Falsification` that stands alone.

    Parameters
    ----------
    result : Falsification
    path : path of the page
    figure : path of its figure, an SVG file
    """
    bound = result.bound
    rows = [] if result.setting is None else bound.hypotheses(result.setting)
    template = environment().get_template("falsification.html.j2")
    drawing = figure.read_text(encoding="utf-8")
    text = template.render(here="", result=result, bound=bound, rows=rows, drawing=drawing[drawing.index("<svg") :])
    write_result(path, text.encode("utf-8"))
    return path
