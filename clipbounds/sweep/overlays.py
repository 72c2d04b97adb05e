"""Measurements on all bounds that apply, over any axis: a verdict for each cell, a figure, a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..spec_text import plain
from ..verdict.bands import error_of
from ..verdict.paper import inches
from .bounded import read_bounds
from .overlay_figure import draw_overlay
from .overlay_rows import APPLICABLE, COLUMNS, OWN, of_runs, of_sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from ..bounds.base import Bound

STATES = (APPLICABLE, OWN)


class Overlay:
    """Verdicts on bounds along an axis; `rows` is a list of dicts. A notebook shows the figure and the counts.

    Attributes
    ----------
    x : str, the axis of the figure
    axes : list of str, the other axes
    rows : list of dict: the value of each axis, then `COLUMNS`
    confidence : float, joint over all cells and bounds
    bounds : list of Bound, for `clipbounds.cite`
    assumed : str, numbers that the user assumes, or ""
    """

    def __init__(
        self,
        x: str,
        axes: list[str],
        rows: list[dict[str, Any]],
        bounds: Sequence[Bound],
        confidence: float,
        assumed: str = "",
    ) -> None:
        self.x, self.axes, self.rows, self.bounds, self.confidence = x, axes, rows, bounds, confidence
        self.assumed = assumed

    def counts(self) -> dict[str, int]:
        """How often each verdict was reached; over checkpoints, where a verdict is joint, once for each bound."""
        where = [*self.axes, *([] if self.x == "checkpoint" else [self.x]), "bound"]
        words = list({tuple(map(str, (row[n] for n in where))): _word(row) for row in self.rows}.values())
        return {word: words.count(word) for word in dict.fromkeys(words)}

    def write(self, path: str | Path, width: str | float | None = None) -> list[Path]:
        """Write PATH.png, PATH.pdf where a width is given, PATH.csv and PATH.json; returns their paths."""
        path = Path(path)
        if not path.parent.is_dir():
            raise ValueError(f"overlay: there is no folder {path.parent}; make it, or give another --out")
        picture = self.figure(width)
        ends = [".png", *([".pdf"] if width is not None else [])]
        files = [path.with_name(path.name + end) for end in (*ends, ".csv", ".json")]
        if len(ends) > 1:
            picture.settle()
        for file in files[: len(ends)]:
            picture.savefig(file, dpi=160 if width is None else 300)
        with open(files[-2], "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [self.x, *self.axes, *COLUMNS])
            writer.writeheader()
            writer.writerows(self.rows)
        content = {"x": self.x, "confidence": self.confidence, "assumed": self.assumed, "verdicts": self.counts()}
        files[-1].write_text(
            json.dumps(content | {"rows": [plain(row) for row in self.rows]}, indent=1, ensure_ascii=False),
            encoding="utf-8",
        )
        return files

    def figure(self, width: str | float | None = None, ax: Any = None) -> Any:
        """Measured with its band, upper bounds solid, lower dashed, floors dash-dotted, in the first 6 panels.

        Parameters
        ----------
        width : "column", "text", "page" (a column of two, the text of one, both columns) or inches, for a paper
        ax : axes of matplotlib, one for each panel, to draw on instead
        """
        return draw_overlay(self, width, ax)

    def __str__(self) -> str:
        words = ", ".join(f"{count} {word}" for word, count in self.counts().items()) or "nothing was judged"
        return f"{words}; joint confidence {self.confidence!r}" + (
            f"; assumed by the user: {self.assumed}" if self.assumed else ""
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import base64
        import html
        import io

        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=110)
        picture = base64.b64encode(buffer.getvalue()).decode()
        return f'<p>{html.escape(str(self))}</p><img alt="measured and bounds" src="data:image/png;base64,{picture}">'


def _word(row: dict[str, Any]) -> str:
    """The verdict; a floor or a prediction never gets one."""
    shown = row["kind"] in ("floor", "prediction") and row["verdict"] == "undecided"
    return f"{row['kind']} shown" if shown else row["verdict"]


def overlay(
    run_or_sweep: Any,
    bounds: str | Bound | Iterable[str | Bound] = APPLICABLE,
    x: str | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    confidence: float = 0.999,
    partial: bool = False,
    width: float | str | None = None,
) -> Overlay:
    """Confront measurements with bounds, over any axis.

    Parameters
    ----------
    run_or_sweep : a run of `simulate` or `measured`, a list of runs (their axes are what differs in their settings), the folder
        of a sweep's results, or the Dataset that `sweep.load` gives
    bounds : "applicable", all of the package that apply in some cell and speak about something measured; names such as
        "koloskova2023.S1", or bounds; or "of the sweep", those of its description
    x : str, the axis of the figure: a parameter such as "threshold", or "checkpoint"; by default the longest one of a sweep,
        the first one that differs among several runs, and the checkpoints of one run
    ax : axes of matplotlib, one for each panel, to draw on; else nothing is drawn until `figure` or `write`
    confidence : float in (0, 1), joint over all cells and bounds (Bonferroni). Over checkpoints every one is judged, else
        the last one of each cell
    partial : bool, accept that cells of a sweep are missing
    width : as in `Overlay.figure`, checked here

    Returns
    -------
    Overlay

    Raises
    ------
    ValueError
        If there is no such axis or bound, no bound applies, cells are missing, or `ax` has not as many axes as there are
        panels.
    """
    error_of(confidence)
    if width is not None:
        inches(width)
    if isinstance(bounds, str) and bounds not in STATES and "." not in bounds:
        raise ValueError(
            f'overlay: bounds must be "{APPLICABLE}", "{OWN}", names such as "koloskova2023.S1" or bounds, but {bounds!r} was given'
        )
    chosen = bounds if isinstance(bounds, str) and bounds in STATES else read_bounds(bounds)[0]
    runs = run_or_sweep if isinstance(run_or_sweep, (list, tuple)) else [run_or_sweep]
    single = runs[0] if len(runs) == 1 else None
    if not runs:
        raise ValueError("overlay: give a run, a list of runs, or the folder of a sweep; the list is empty")
    if isinstance(single, (str, bytes)) or hasattr(single, "__fspath__") or "sweep" in getattr(single, "attrs", {}):
        axis, axes, rows, drawn = of_sweep(single, x, chosen, confidence, partial)
        assumed = ""
    else:
        axis, axes, rows, drawn, assumed = of_runs(runs, x, APPLICABLE if chosen == OWN else chosen, confidence)
    result = Overlay(axis, axes, rows, drawn, confidence, assumed)
    if ax is not None:
        result.figure(ax=ax)
    return result
