"""The figure of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import paper

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.axes import Axes

    from .case import Verdict
    from .comparison import Comparison

# Okabe and Ito's colours, told apart with any colour vision; black is kept for the measurement
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = {"upper": "-", "lower": "--", "floor": "-.", "prediction": ":"}


def draw_comparison(comparison: Comparison, width: float | str | None = None, ax: Any = None) -> Any:
    """One panel a quantity: measured curve with its band, upper bounds solid, lower dashed, floors dash-dotted.

    Bounds that are drawn without a verdict are thin and dotted, and say so in the legend. What the user assumes stands above.
    """
    measured = [v for v in comparison.verdicts if v.steps.size]
    quantities = list(dict.fromkeys([v.quantity for v in measured] + [curve[2] for curve in comparison.drawn]))
    if ax is not None:
        axes = paper.given_axes(ax, quantities, "figure")
        for axis, quantity in zip(axes, quantities, strict=True):
            _panel(axis, comparison, quantity, [v for v in measured if v.quantity == quantity])
        return axes[0].figure
    with paper.figure(max(len(quantities), 1), width, panel=6.0, height=4.4) as (figure, axes):
        for axis, quantity in zip(axes, quantities, strict=False):
            _panel(axis, comparison, quantity, [v for v in measured if v.quantity == quantity])
        if comparison.assumed:
            figure.suptitle(f"assumed by the user: {comparison.assumed}", fontsize="small")
        if not quantities:
            axes[0].set_axis_off()
            axes[0].text(0.5, 0.5, "nothing measured", ha="center")
    return figure


def _panel(axis: Axes, comparison: Comparison, quantity: str, verdicts: list[Verdict]) -> None:
    curves = []
    shown = {}
    for verdict in verdicts:
        # the mean and the extreme trajectory differ, two bounds on one mean do not
        shown.setdefault(verdict.measured.tobytes(), verdict)
        curves.append((f"{verdict.bound} ({verdict.verdict})", LINES[verdict.kind], verdict.steps, verdict.value, 1.8))
    for name, kind, where, steps, value in comparison.drawn:
        if where == quantity:
            curves.append((f"{name} ({kind}, no verdict)", ":", steps, value, 1.2))
    values = np.concatenate([v.measured for v in shown.values()] + [curve[3] for curve in curves])
    logarithmic = bool(np.any((values > 0) & np.isfinite(values)))
    low, high = paper.view(values, logarithmic)
    axis.set_ylim(low, high)  # before anything is drawn: no limits are then sought that could overflow
    axis.set_xscale("log")
    if logarithmic:
        axis.set_yscale("log", nonpositive="mask")
    for index, verdict in enumerate(shown.values()):
        label = "measured" if len(shown) == 1 else f"measured, for {verdict.bound}"
        axis.plot(
            verdict.steps,
            paper.finite(verdict.measured),
            color="black",
            lw=1.2,
            ls=("-", (0, (6, 1)), (0, (2, 1)))[index % 3],
            label=label,
        )
        # a band that reaches 0 or infinity ends at the edge of the panel; nan means that there is none
        ends = [np.clip(end, low, high) for end in (verdict.low, verdict.high)]
        axis.fill_between(verdict.steps, *ends, color="black", alpha=0.15, lw=0)
    for k, (label, line, steps, value, width) in enumerate(curves):
        axis.plot(steps, paper.finite(value), line, color=COLOURS[k % len(COLOURS)], lw=width, label=label)
    axis.set_xlabel(paper.label_of("checkpoint"))
    label = comparison.run[quantity].attrs.get("long_name", quantity) if quantity in comparison.run else quantity
    axis.set_ylabel(paper.label_of(quantity, label.split(" (")[0]))
    axis.legend(fontsize="small")
    axis.grid(alpha=0.25)
