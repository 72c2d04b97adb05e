"""The result of a comparison: verdicts, a table, a figure."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING

from ..described import is_described
from ..specs import Spec
from .picture import draw_comparison
from .sample import MEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame
    from rich.table import Table

    from ..array_types import FloatArray, IntArray
    from ..bounds.base import Bound
    from .case import Verdict

COLUMNS = ("bound", "kind", "quantity", "verdict", "tightness", "method", "confidence", "reason")

ESCAPES = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _latex(text: str) -> str:
    """Text with LaTeX's own signs escaped."""
    return "".join(ESCAPES.get(c, c) for c in text)


class Comparison:
    """Verdicts on the bounds that a run was confronted with. `str()` gives the table as text; notebooks show it with the figure.

    Attributes
    ----------
    run : xarray.Dataset
    verdicts : list of Verdict, in the order of the bounds
    drawn : list of (name, kind, quantity, steps, value), curves without a verdict
    confidence : float, joint over all verdicts
    bounds : list of Bound, judged and drawn, for `clipbounds.cite`
    """

    def __init__(
        self,
        run: xr.Dataset,
        verdicts: list[Verdict],
        drawn: Sequence[tuple[str, str, str, IntArray, FloatArray]] = (),
        confidence: float = 0.999,
        bounds: Sequence[Bound] = (),
    ) -> None:
        self.run, self.verdicts, self.drawn, self.confidence = run, list(verdicts), list(drawn), confidence
        self.bounds = list(bounds)

    def rows(self) -> list[list[str]]:
        """The table as lists of strings, in the order of `COLUMNS`."""
        return [
            [
                v.bound, v.kind, v.quantity, v.verdict, "" if v.tightness is None else f"{v.tightness:.4g}",
                v.method, f"{v.confidence!r}" if v.method else "", v.reason,
            ]
            for v in self.verdicts
        ]  # fmt: skip

    @property
    def assumed(self) -> str:
        """The numbers that the user assumes, as text; "" where the setting is a whole one."""
        setting = self.run.attrs.get("setting", "")
        described = Spec.from_json(setting) if setting and self.run.attrs.get("source") == MEASURED else None
        return described.assumed if described is not None and is_described(described) else ""

    def scope(self) -> str:
        """What the verdicts speak of, one sentence."""
        counts = sorted({v.steps.size for v in self.verdicts if v.steps.size})
        points = " or ".join(map(str, counts)) or "no"
        words = f" Assumed by the user: {self.assumed}." if self.assumed else ""
        return (
            f"Verdicts speak of the {points} checkpoints measured, not of the steps between them; none is wrong with"
            f" probability at least {self.confidence!r}, where no method is asymptotic and what is assumed is"
            f" true.{words}"
        )

    def table(self) -> Table:
        """A rich Table, one row a verdict."""
        from rich.table import Table

        table = Table(*COLUMNS, caption=self.scope())
        style = {"holds": "green", "violated": "bold red"}
        for row in self.rows():
            table.add_row(*row, style=style.get(row[3].partition(" (")[0], ""))
        return table

    def to_dataframe(self) -> DataFrame:
        """The table as a pandas DataFrame, one row a verdict, with the columns `COLUMNS`; numbers stay numbers."""
        import pandas as pd

        return pd.DataFrame([[getattr(v, name) for name in COLUMNS] for v in self.verdicts], columns=list(COLUMNS))

    def to_latex(self) -> str:
        """The table without its reasons as a LaTeX tabular; it needs no package. What was assumed is in the verdicts."""
        lines = [
            r"\begin{tabular}{" + "l" * (len(COLUMNS) - 1) + "}",
            r"\hline",
            " & ".join(COLUMNS[:-1]) + r" \\",
            r"\hline",
        ]
        lines += [" & ".join(map(_latex, row[:-1])) + r" \\" for row in self.rows()]
        return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])

    def figure(self, width: float | str | None = None, ax: Axes | Sequence[Axes] | None = None) -> Figure:
        """A matplotlib Figure, one panel a quantity: measured with its band, upper bounds solid, lower bounds dashed.

        Parameters
        ----------
        width : "column", "text", "page" (a column of two, the text of one, both columns) or inches, for a paper
        ax : axes of matplotlib, one for each panel, to draw on instead
        """
        return draw_comparison(self, width, ax)

    def __str__(self) -> str:
        from rich.console import Console

        written = io.StringIO()
        # it is asked for text
        Console(file=written, width=160, color_system=None, force_jupyter=False).print(self.table())
        return written.getvalue()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import base64

        from ..formulas import as_html, statement_html

        cells = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
        rows = "".join("<tr>" + "".join(f"<td>{as_html(cell)}</td>" for cell in row) + "</tr>" for row in self.rows())
        caption = f"<caption>{html.escape(self.scope())}</caption>"
        text = f"<table>{caption}<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"
        stated = [bound for bound in self.bounds if bound.statement]
        terms = "".join(f"<dt>{html.escape(b.name)}</dt><dd>{statement_html(b)}</dd>" for b in stated)
        text += f"<details><summary>Statements</summary><dl>{terms}</dl></details>" if stated else ""
        if not any(v.steps.size for v in self.verdicts):
            return text
        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=110)
        return (
            text
            + f'<img alt="measured curves and bounds" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
        )
