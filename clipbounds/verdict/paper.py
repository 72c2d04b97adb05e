"""Figures for papers: as wide as a column of text, fonts that stay text in a PDF, and the reader's own rc where it is set."""

from __future__ import annotations

import contextlib
import functools
import logging
import numbers
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..array_types import FloatArray

# inches: a column of a two-column page (ICML), the text of a one-column page (NeurIPS, ICLR), both columns
WIDTHS = {"column": 3.25, "text": 5.5, "page": 6.75}
NARROWEST, WIDEST = 1.0, 40.0  # inches
PANEL = 2.2  # inches below which a panel goes to the next row
FONTS = {"pdf.fonttype": 42, "ps.fonttype": 42}  # journals refuse Type 3, matplotlib's default
SMALL = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "legend.fontsize": 6.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.0,
    "mathtext.fontset": "cm",
}
LABELS = {
    "gradient_norm": r"$\|\nabla f(x_t)\|$",
    "mean_gradient_norm": r"mean of $\|\nabla f(x_s)\|$, $s<t$",
    "weighted_mean_gradient_norm": r"weighted mean of $\|\nabla f(x_s)\|$, $s<t$",
    "mean_squared_gradient_norm": r"mean of $\|\nabla f(x_s)\|^2$, $s<t$",
    "min_gradient_norm": r"least $\|\nabla f(x_s)\|$, $s\leq t$",
    "gap": r"$f(x_t)-f^*$",
    "gap_of_average": r"$f(\bar x_t)-f^*$",
    "distance_of_average": r"$\|\bar x_t-x^*\|$",
    "distance": r"$\|x_t-x^*\|$",
    "squared_distance": r"$\|x_t-x^*\|^2$",
    "clipped_fraction": "share of clipped steps",
    "checkpoint": r"steps $t$",
    "steps": r"steps $T$",
    "threshold": r"threshold $c$",
    "step_size": r"step size $\eta$",
    "tail_index": r"tail index $\alpha$",
    "sigma": r"$\sigma$",
    "batch_size": r"batch size $B$",
}


def label_of(name: str, otherwise: str | None = None) -> str:
    """How a quantity or a parameter is called on an axis, in mathematics where it has a sign."""
    return LABELS.get(name, name.replace("_", " ") if otherwise is None else otherwise)


def finite(values: FloatArray) -> FloatArray:
    """The values with nan in place of infinities, for a curve."""
    return np.where(np.isfinite(values), values, np.nan)


def view(values: FloatArray, logarithmic: bool, margin: float = 0.08) -> tuple[float, float]:
    """Limits of the vertical axis around the finite values, with so much of their range beyond them."""
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    if not logarithmic:
        beyond = margin * np.ptp(values) + 1e-300
        return values.min() - beyond, values.max() + beyond
    exponents = np.log10(values[values > 0])
    beyond = margin * np.ptp(exponents) + 0.1
    return 10 ** max(exponents.min() - beyond, -300.0), 10 ** min(exponents.max() + beyond, 300.0)


def quiet_fonts() -> None:
    """No warnings of dates that our fonts lack, which fontTools gives for each PDF."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)


def inches(width: Any) -> float:
    """A width in inches from "column", "text", "page" or a number."""
    if isinstance(width, str) and width in WIDTHS:
        return WIDTHS[width]
    number = isinstance(width, numbers.Real) and not isinstance(width, bool)
    if not (number and NARROWEST <= width <= WIDEST):
        raise ValueError(
            f"width must be one of {', '.join(WIDTHS)}, or inches in [{NARROWEST:g}, {WIDEST:g}], but {width!r} was given"
        )
    return float(width)


def _settings(small: bool) -> Any:
    """rc settings: those of a paper wherever the reader's rc has matplotlib's own value."""
    import matplotlib

    wanted: dict[Any, Any] = FONTS | (SMALL if small else {})
    return {k: v for k, v in wanted.items() if matplotlib.rcParams[k] == matplotlib.rcParamsDefault[k]}


@functools.cache
def _figure_class() -> type:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    class PaperFigure(Figure):
        """A figure that is drawn and saved with its own rc: ticks and fonts are made at that moment."""

        settings: Any = FONTS

        def draw(self, renderer: Any) -> None:
            with rc_context(self.settings):
                super().draw(renderer)

        def savefig(self, *arguments: Any, **options: Any) -> None:
            quiet_fonts()
            with rc_context(self.settings):
                super().savefig(*arguments, **options)

        def settle(self) -> None:
            """Place the panels now, once: several files are then written from one layout."""
            with rc_context(self.settings):
                self.draw_without_rendering()
                self.set_layout_engine("none")

    # pickle looks for a class where its module and name say, and finds it below
    PaperFigure.__module__, PaperFigure.__qualname__ = __name__, "PaperFigure"
    return PaperFigure


def __getattr__(name: str) -> Any:
    """`PaperFigure`, which is made at the first look: matplotlib is not loaded before."""
    if name == "PaperFigure":
        return _figure_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def grid(
    panels: int, width: float | str | None = None, panel: float = 4.6, height: float = 3.6
) -> tuple[int, int, float, float]:
    """(columns, rows, width, height in inches) of so many panels; without a width each has `panel` inches, in one row."""
    if width is None:
        return panels, 1, panel * panels, height
    width = inches(width)
    columns = max(1, min(panels, int(width / PANEL)))
    rows = -(-panels // columns)
    return columns, rows, width, rows * min(0.78 * width / columns, height)


@contextlib.contextmanager
def figure(
    panels: int,
    width: float | str | None = None,
    *,
    shape: tuple[int, int] | None = None,
    panel: float = 4.6,
    height: float = 3.6,
    **options: Any,
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure without pyplot and a flat list of its axes, under the rc of a paper if a width is given.

    Parameters
    ----------
    panels : int >= 1
    width : "column", "text", "page", inches, or None for a width on the screen
    shape : (rows, columns) of the panels on the screen; by default one row
    options : as for ``Figure.subplots``
    """
    import matplotlib

    columns, rows, wide, high = grid(panels, width, panel, height)
    if width is None and shape is not None:
        rows, columns = shape
        wide, high = panel * columns, height * rows
    settings = _settings(width is not None)
    with matplotlib.rc_context(settings):
        made = _figure_class()(figsize=(wide, high), layout="constrained")
        made.settings = settings
        axes = np.atleast_1d(made.subplots(rows, columns, **options)).ravel()
        for spare in axes[panels:]:
            spare.set_axis_off()
        yield made, list(axes[:panels])


def given_axes(ax: Any, panels: Sequence[str], what: str) -> list[Axes]:
    """The reader's own axes as a list, one for each panel."""
    axes = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(axes) != len(panels) or not all(hasattr(a, "plot") for a in axes):
        raise ValueError(
            f"{what}: the figure has {len(panels)} panels ({'; '.join(map(str, panels))}), so ax must be so many axes of"
            f" matplotlib, but {len(axes)} of type {type(axes[0]).__name__ if axes else 'none'} were given"
        )
    return axes
