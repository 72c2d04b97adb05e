"""One look for all figures: upper bounds solid above, lower bounds dashed below, measurements with bands.

Colours are the Okabe-Ito set, told apart by the colour-blind; line styles carry the meaning in grey. Everything is drawn
from numbers rounded to `digits.DRAWN` digits and with the fonts that matplotlib ships, so that a figure is the same file
on every machine.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from .digits import DRAWN, rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..array_types import ArrayLike

MEASURED, UPPER, LOWER, FLOOR, RECALLED, OTHER = "#0072B2", "#D55E00", "#009E73", "#000000", "#999999", "#CC79A7"
SERIES = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#009E73", "#D55E00", "#000000")  # methods or parameters in order
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

SETTINGS: dict[Any, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "clipbounds",
    "font.family": ["DejaVu Sans"],  # ships with matplotlib, as does Computer Modern for mathematics
    "mathtext.fontset": "cm",
    "text.usetex": False,
    "path.simplify": True,
}
# methods of axes that take data or limits
DRAW = (
    *(
        "plot",
        "fill_between",
        "fill_betweenx",
        "errorbar",
        "scatter",
        "step",
        "bar",
        "hist",
        "stairs",
        "text",
        "annotate",
    ),
    *("axhline", "axvline", "axhspan", "axvspan", "hlines", "vlines", "pcolormesh", "imshow", "contour", "contourf"),
    *("set_xlim", "set_ylim", "set_xticks", "set_yticks"),
)


@contextmanager
def context() -> Iterator[Any]:
    """The house style, for as long as the block lasts."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        yield


@functools.cache
def _rounding_axes() -> type:
    """Axes whose data are rounded before anything, limits included, is derived from them."""
    from matplotlib.axes import Axes

    def drawing(name: str) -> Callable[..., Any]:
        drawn = getattr(Axes, name)

        @functools.wraps(drawn)
        def method(self: Any, *arguments: Any, **options: Any) -> Any:
            return drawn(self, *rounded(arguments, DRAWN), **rounded(options, DRAWN))

        return method

    return type("RoundingAxes", (Axes,), {name: drawing(name) for name in DRAW})


def figure(
    columns: int = 1, rows: int = 1, width: float | None = None, height: float = 3.3, **options: Any
) -> tuple[Figure, Any]:
    """A figure and its axes, without pyplot.

    Parameters
    ----------
    columns, rows : int, panels
    width : float, inches; 4.8 a column by default
    height : float, inches a row

    Returns
    -------
    matplotlib Figure, Axes or array of Axes
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(width or 4.8 * columns, height * rows), layout="constrained")
    return made, made.subplots(rows, columns, subplot_kw={"axes_class": _rounding_axes()}, **options)


def upper(
    axes: Axes, x: ArrayLike, y: ArrayLike, label: str = "upper bound", color: Any = UPPER, **options: Any
) -> Any:
    """An upper bound: solid."""
    return axes.plot(x, y, "-", color=color, label=label, **options)


def lower(
    axes: Axes, x: ArrayLike, y: ArrayLike, label: str | None = "lower bound", color: Any = LOWER, **options: Any
) -> Any:
    """A lower bound: dashed."""
    return axes.plot(x, y, "--", color=color, label=label, **options)


def recalled(axes: Axes, x: ArrayLike, y: ArrayLike, label: str | None, color: Any = RECALLED, **options: Any) -> Any:
    """A display-only statement, its constants unconfirmed: dotted grey."""
    return axes.plot(x, y, ":", color=color, label=label, **options)


def measured(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    low: Any = None,
    high: Any = None,
    label: str = "measured",
    color: Any = MEASURED,
    marker: str = "o",
    **options: Any,
) -> Any:
    """A measurement with its band, which has a gap where it is infinite."""
    if low is not None:
        low, high = (np.where(np.isfinite(low) & np.isfinite(high), end, np.nan) for end in (low, high))
        axes.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0)
    return axes.plot(x, y, marker=marker, linestyle="none" if marker else "-", color=color, label=label, **options)
