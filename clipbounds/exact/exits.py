"""The probability that an iterate leaves a window, by a sum of exponentials that hardly grows on average.

Let h be the upper end, theta_j > 0, w_j >= 0 with sum 1, W_j(x) = w_j exp(theta_j (x - h)) and W their sum. With s(x) = clip_c(f'(x) + xi) a step
multiplies W_j by exp(-theta_j eta s(x)). f is convex, so s increases with x, and the mean factor r_j(x) = E exp(-theta_j eta s(x)) falls: on
a cell [x_i, x_{i+1}], as W_j increases,

    E[W(x_{t+1}) | x_t = x] - W(x) = sum_j W_j(x) (r_j(x) - 1) <= sum_j { W_j(x_{i+1}) (r_j(x_i) - 1)^+ - W_j(x_i) (r_j(x_i) - 1)^- } <= b,

b being the largest of these over the cells, or 0. Up to the time at which x has left, W(x_t) - b t is therefore a supermartingale, and
W >= 1 where x has left:

    P(x leaves at the top by t) <= W(x_0) + b t        for every t and all w.

The smallest of these over some w is taken: a single exponential, and those with -ln w_j the integral of y(theta)/kappa up to theta_j, y(theta) being
where r = 1. (-ln of the stationary density has about the slope theta at y(theta), so W is about its power -kappa; a single exponential sees half
of its logarithm.) The bottom is the same with the other sign. An end beyond which nothing can be reached is not left at all.
Rounding: an exponential errs by a few eps of itself and by its argument's error, a sum by eps of its terms; both are counted in r. QED
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..array_types import FloatArray

RATES = np.geomspace(0.1, 1e4, 121)  # theta times the width of the window
LONGEST = 50.0  # theta times a step length
POWERS = (0.6, 0.8, 0.9, 0.95, 1.0)  # kappa
CELLS = 4000  # at most about twice as many
EPS = np.finfo(float).eps


def leaving(grid: Any, steps: int, horizon: int) -> tuple[FloatArray, float]:
    """Upper bounds of P(left by t), t = 1..steps, and one for t = horizon >= steps."""
    times = np.append(np.arange(1, steps + 1), horizon)
    total = np.zeros(steps + 1)
    for top in (False, True):
        if not grid.closed[top]:
            best = np.ones(steps + 1)
            for start, growth in _sums(grid, top):
                best = np.minimum(best, start + growth * times)
            total += best
    return total[:-1], float(total[-1])


def _sums(grid: Any, top: bool) -> Iterator[tuple[float, float]]:
    """(W(x_0), b) for each w."""
    method, sign = grid.setting.method, 1.0 if top else -1.0
    eta, c = method.step_size, method.clip.threshold
    stride = max(grid.x.size // CELLS, 1)
    chosen = np.unique(np.append(np.arange(0, grid.x.size, stride), grid.x.size - 1))[:: 1 if top else -1]
    end = grid.x[chosen[-1]]
    ahead = sign * (grid.x[chosen] - end)  # at most 0, and rising
    moves = -eta * np.clip(sign * (grid.gradient[chosen] + grid.atoms[:, np.newaxis]), -c, c)
    start = sign * (grid.x[grid.origin] - end)
    thetas = RATES / (grid.x[-1] - grid.x[0])
    thetas = thetas[thetas * eta * c <= LONGEST]
    size = eta * (np.abs(grid.gradient).max() + np.abs(grid.atoms).max()) + abs(ahead[0])
    slack = EPS * (8 + grid.weights.size + RATES.size + 4 * thetas * size)
    means = np.stack([grid.weights @ np.exp(theta * moves) for theta in thetas])
    rise = means[:, :-1] * (1 + slack[:, np.newaxis]) - 1
    logarithms = thetas[:, np.newaxis] * ahead
    growth = np.exp(logarithms[:, 1:]) * np.maximum(rise, 0.0) + np.exp(logarithms[:, :-1]) * np.minimum(rise, 0.0)
    starts = np.exp(thetas * start) * (1 + slack)
    for j in range(thetas.size):
        yield float(starts[j]), max(float(growth[j].max()), 0.0)
    level = np.argmax(means <= 1, axis=1)  # 0 also where there is none
    known = level > 0
    if known.any():
        places = ahead[level[known]]
        slopes = np.diff(thetas[known], prepend=0.0)
        between = np.cumsum(slopes * (places - places[0]))
        for power in POWERS:
            exponents = -thetas[known] * places[0] - between / power
            weights = np.exp(exponents - exponents.max())
            weights /= weights.sum()
            yield float(weights @ starts[known]), max(float((weights @ growth[known]).max()), 0.0)
