"""The figure of a diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..verdict import paper
from ..verdict.picture import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from ..verdict.tail import TailIndex
    from .result import Diagnosis
    from .theory import Curve

PANELS = ("clipping", "tail index", "bounds")
LINES = {"bias floor": "-.", "S0*": "-", "Theorem 3*": "-"}


def draw(found: Diagnosis, width: float | str | None = None, ax: Sequence[Axes] | None = None) -> Any:
    """Clipping against c, the Hill plot, and floor and bounds against c."""
    if ax is not None:
        axes = paper.given_axes(ax, PANELS, "diagnose")
        _panels(found, *axes)
        return axes[0].figure
    with paper.figure(len(PANELS), width, panel=4.4, height=3.6) as (figure, axes):
        _panels(found, *axes)
    return figure


def _panels(found: Diagnosis, left: Axes, middle: Axes, right: Axes) -> None:
    left.semilogx(found.thresholds, found.clipped_at, color=COLOURS[1], label="share of steps clipped")
    left.semilogx(found.thresholds, found.step_factor_at, "--", color=COLOURS[0], label="effective step")
    for ax in (left, right):
        ax.axvline(found.threshold, color="grey", ls=":", label="threshold asked about")
        ax.set_xlabel(paper.label_of("threshold"))
    _hill(found.tail, middle)
    for k, curve in enumerate(found.curves):
        _curve(right, curve, COLOURS[k], f"{curve.name} (assumed numbers)")
    for k, curve in enumerate(found.lower_curves):
        _curve(right, curve, COLOURS[k], f"{curve.name}, p = {curve.p:.3g}", alpha=0.45)
    right.set_ylabel(paper.label_of("gradient_norm"))
    if not found.curves:
        right.text(0.5, 0.5, "no bound: numbers are missing", ha="center", transform=right.transAxes)
    for ax in (left, middle, right):
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize="small")
        ax.grid(alpha=0.25)


def _curve(ax: Axes, curve: Curve, colour: str, label: str, alpha: float = 1.0) -> None:
    good = curve.values > 0
    if good.any():
        ax.loglog(curve.thresholds[good], curve.values[good], LINES[curve.name], color=colour, label=label, alpha=alpha)


def _hill(tail: TailIndex | None, ax: Axes) -> None:
    ax.set_xlabel("k largest norms")
    ax.set_ylabel("tail index")
    if tail is None:
        ax.text(0.5, 0.5, "no tail index: fewer than 50 norms", ha="center", transform=ax.transAxes)
        return
    ax.semilogx(tail.k_all, tail.all, color="black", lw=0.8, label="Hill estimates")
    ends = [[tail.index - tail.low], [tail.high - tail.index]]
    ax.errorbar(
        [tail.k],
        [tail.index],
        ends,
        fmt="o",
        color=COLOURS[0],
        capsize=4,
        label=f"chosen k, {tail.confidence:g} interval",
    )
    ax.set_ylim(0, min(3 * tail.high, 30))
