"""The figure of a search: how the best ratio grew, and where the tight instances lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .result import Falsification

MOST = 12  # templates in the second panel


def draw(result: Falsification) -> Figure:
    """A matplotlib Figure of a `Falsification`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    if result.history:
        at, best, _ = zip(*result.history, strict=True)
        at, best = [*at, max(result.evaluations, at[-1])], [*best, best[-1]]
        left.step(at, best, where="post", color="#1b6ca8", label="largest ratio so far")
    left.axhline(1.0, color="#b03a2e", linewidth=1, label="broken above this line")
    left.set(xscale="log", xlabel="evaluations", ylabel=result._quotient(), title=result.bound.name)
    left.legend(loc="best", fontsize="small")
    met = sorted((p for p in result.points if p[2]), key=lambda point: point[3])[-MOST:]
    names = [f"{name} ({tries})" for name, tries, _, _ in met]
    right.barh(np.arange(len(met)), [max(point[3], 0.0) for point in met], color="#8fb8d8")
    right.axvline(1.0, color="#b03a2e", linewidth=1)
    right.set_yticks(np.arange(len(met)), names, fontsize="x-small")
    right.set(xlabel="best ratio of the template", title="template (evaluations)")
    return figure
