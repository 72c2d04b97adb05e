"""The probability that an iterate leaves a window, bounded by chains on the grid that stay above it and below it.

With every landing point moved up to a node, and to the last node where it is beyond, y_{t+1} = up(g_xi(y_t)). g_xi increases, so
y_t >= x_t as long as x has not left the window at the top, for the same noise; when x leaves there, y is on the last node. Hence

    P(x leaves at the top by T) <= sum_{s <= T} P(y_s on the last node).

Let v_r be P(y_r on the last node) for the chain that starts there. For s > r that starts higher than y_{s-r}, so P(y_s on the last node)
<= v_r: the first r steps of both chains bound the rest of any horizon. The bottom is the same. An end beyond which
nothing can be reached is not left at all. QED
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .kernels import ends

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray


def leaving(grid: Any, steps: int, horizon: int) -> tuple[FloatArray, float]:
    """Upper bounds of P(left by t), t = 1..steps, and one for t = horizon >= steps."""
    by, later = np.zeros(steps), 0.0
    size = grid.x.size
    spare, out = np.zeros(size), np.zeros(steps)
    cells, shares = grid.cells.ravel(), grid.shares.ravel()
    weights = np.ascontiguousarray(grid.weights)
    for up in (0, 1):
        if grid.closed[up]:
            continue
        ends(np.zeros(size), spare, weights, cells, shares, out, grid.origin, up, steps)
        by += np.cumsum(out)
        if horizon > steps:
            ends(np.zeros(size), spare, weights, cells, shares, out, size - 1 if up else 0, up, steps)
            later += (horizon - steps) * out[-1]
    return by, by[-1] + later
