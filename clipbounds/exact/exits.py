"""The probability that an iterate leaves a window, by an exponential that hardly grows on average.

Let h be the upper end, theta > 0 and W(x) = exp(theta (x - h)). With s(x) = clip_c(f'(x) + xi) a step multiplies W by exp(-theta eta s(x)).
f is convex, so s increases with x, and the mean factor r(x) = E exp(-theta eta s(x)) falls: on a cell [x_i, x_{i+1}]

    E[W(x_{t+1}) | x_t = x] - W(x) = W(x) (r(x) - 1) <= W(x_{i+1}) (r(x_i) - 1)^+ <= b,

b being the largest of these over the cells. Up to the time at which x has left, W(x_t) - b t is therefore a supermartingale, and W >= 1 where
x has left:

    P(x leaves at the top by t) <= W(x_0) + b t        for every t and theta.

The smallest of these over some theta is taken. The bottom is the same with the other sign. An end beyond which nothing can be reached is
not left at all. Rounding: an exponential errs by a few eps of itself, and by its argument's error, which is counted in r. QED
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray

RATES = np.geomspace(0.1, 1e4, 61)  # theta times the width of the window
LONGEST = 50.0  # theta times a step length
EPS = np.finfo(float).eps


def leaving(grid: Any, steps: int, horizon: int) -> tuple[FloatArray, float]:
    """Upper bounds of P(left by t), t = 1..steps, and one for t = horizon >= steps."""
    times = np.append(np.arange(1, steps + 1), horizon)
    total = np.zeros(steps + 1)
    for top in (False, True):
        if not grid.closed[top]:
            starts, growths = _exponentials(grid, top)
            best = np.ones(steps + 1)
            for start, growth in zip(starts, growths, strict=True):
                best = np.minimum(best, start + growth * times)
            total += best
    return total[:-1], float(total[-1])


def _exponentials(grid: Any, top: bool) -> tuple[FloatArray, FloatArray]:
    """(W(x_0), b) for each theta."""
    method, x, place = grid.setting.method, grid.x, grid.origin
    sign = 1.0 if top else -1.0
    eta, c = method.step_size, method.clip.threshold
    below = sign * (x - x[-1 if top else 0])  # at most 0
    moves = -sign * eta * np.clip(grid.gradient + grid.atoms[:, np.newaxis], -c, c)
    size = eta * (np.abs(grid.gradient).max() + np.abs(grid.atoms).max())
    inner, outer = (slice(None, -1), slice(1, None))[:: 1 if top else -1]
    thetas = RATES / (x[-1] - x[0])
    thetas = thetas[thetas * eta * c <= LONGEST]
    starts, growths = np.ones(thetas.size), np.ones(thetas.size)
    for k, theta in enumerate(thetas):
        mean = grid.weights @ np.exp(theta * moves)
        slack = EPS * (8 + grid.weights.size + 4 * theta * (size + abs(below[place])))
        starts[k] = np.exp(theta * below[place]) * (1 + slack)
        rise = mean[inner] * (1 + slack) - 1
        growths[k] = np.max(np.exp(theta * below[outer]) * np.maximum(rise, 0.0))
    return starts, growths
