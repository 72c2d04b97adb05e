"""The figure of an overlay: one panel for each quantity and each value of the axes that are not drawn over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..verdict import paper
from ..verdict.picture import COLOURS, LINES

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.axes import Axes

    from .overlays import Overlay

MOST = 6  # panels


def panels_of(overlay: Overlay) -> list[tuple[str, tuple[Any, ...]]]:
    """(quantity, values of the other axes) of each panel; the first `MOST`."""
    pairs = [(row["quantity"], tuple(row[a] for a in overlay.axes)) for row in _drawable(overlay.rows)]
    return sorted(dict.fromkeys(pairs), key=lambda pair: [p[0] for p in pairs].index(pair[0]))[:MOST]


def title_of(overlay: Overlay, panel: tuple[str, tuple[Any, ...]]) -> str:
    """What a panel shows, apart from its axes."""
    return ", ".join(f"{a} = {_short(v)}" for a, v in zip(overlay.axes, panel[1], strict=True))


def draw_overlay(overlay: Overlay, width: str | float | None = None, ax: Any = None) -> Any:
    """The matplotlib Figure; with `ax` on the reader's own axes, one a panel."""
    panels = panels_of(overlay)
    if ax is not None:
        names = [", ".join(filter(None, [quantity, title_of(overlay, (quantity, v))])) for quantity, v in panels]
        axes = paper.given_axes(ax, names, "overlay")
        for axis, panel in zip(axes, panels, strict=True):
            _panel(axis, overlay, panel)
        return axes[0].figure
    quantities = len({quantity for quantity, _ in panels})
    whole = quantities > 1 and len(panels) % quantities == 0
    with paper.figure(max(len(panels), 1), width, shape=(quantities, len(panels) // quantities) if whole else None) as (
        figure,
        axes,
    ):
        for axis, panel in zip(axes, panels, strict=False):
            _panel(axis, overlay, panel)
        if overlay.assumed:
            figure.suptitle(f"assumed by the user: {overlay.assumed}", fontsize="small")
        if not panels:
            axes[0].set_axis_off()
            axes[0].text(0.5, 0.5, "nothing measured that a bound speaks about", ha="center")
    return figure


def _drawable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["measured"] is not None]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _panel(ax: Axes, overlay: Overlay, panel: tuple[str, tuple[Any, ...]]) -> None:
    quantity, others = panel
    rows = [
        row
        for row in overlay.rows
        if row["quantity"] == quantity and tuple(row[a] for a in overlay.axes) == others and row["value"] is not None
    ]
    values = [row[overlay.x] for row in rows]
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if numeric:
        rows.sort(key=lambda row: row[overlay.x])  # runs come in the order in which they were given
    place = {v: v if numeric else k for k, v in enumerate(dict.fromkeys(values))}
    logarithmic = numeric and min(values) > 0 and max(values) > 10 * min(values)
    shown = {row[overlay.x]: row for row in _drawable(rows)}
    at = np.array([place[v] for v in shown], dtype=float)
    mean, low, high = (np.array([row[n] for row in shown.values()], dtype=float) for n in ("measured", "low", "high"))
    positive = bool(np.any((mean > 0) & np.isfinite(mean)))
    # limits come before the curves, and are found from their finite values: a band may end at infinity
    ends = paper.view(np.append(mean, np.array([row["value"] for row in rows], dtype=float)), positive, 0.06)
    ax.set_ylim(*ends)
    if positive:
        ax.set_yscale("log", nonpositive="mask")
    if logarithmic:
        ax.set_xscale("log")
    ax.plot(at, mean, "o-", color="black", ms=3, lw=1, label="measured")
    known = ~(np.isnan(low) | np.isnan(high))
    ax.fill_between(at, np.clip(low, *ends), np.clip(high, *ends), where=known, color="black", alpha=0.15, lw=0)
    for k, bound in enumerate(dict.fromkeys(row["bound"] for row in rows)):
        mine = [row for row in rows if row["bound"] == bound]
        line = LINES[mine[0]["kind"]]
        heights = np.array([row["value"] for row in mine], dtype=float)
        ax.plot(
            [place[r[overlay.x]] for r in mine],
            paper.finite(heights),
            line,
            color=COLOURS[k % 6],
            label=_words(bound, mine),
        )
    if not numeric:
        ax.set_xticks(list(place.values()), [_short(v) for v in place], rotation=30)
    ax.set_xlabel(paper.label_of(overlay.x))
    ax.set_ylabel(paper.label_of(quantity))
    title = title_of(overlay, panel)
    if title:
        ax.set_title(title)
    ax.legend()
    ax.grid(alpha=0.25)


def _words(bound: str, rows: list[dict[str, Any]]) -> str:
    """The bound's name with its verdicts; what an assumed one rests on stands above the panels."""
    if rows[0]["kind"] in ("floor", "prediction"):
        return f"{bound} ({rows[0]['kind']}, no verdict)"
    words = [row["verdict"].replace(" (assuming ", ", assuming ").partition(" and ")[0].rstrip(")") for row in rows]
    several = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return f"{bound} ({words[0] if len(set(words)) == 1 else several})"
