"""D2B: sums over the steps of a clipped convex run, bounded from below, and the largest gap that they leave room for.

Everything is in the units L = R0 = 1: eta stands for eta L, c for c/(L R0).

**Three inequalities** for f convex and L-smooth, eta <= 1, a_t = ‖g_t‖, m_t = eta min(a_t, c), d_t = f(x_t) - f*, r_t = ‖x_t - x*‖:

* (I1) a_{t+1} <= a_t: co-coercivity <g_t - g_{t+1}, alpha_t g_t> >= ‖g_t - g_{t+1}‖² with alpha_t = m_t/a_t <= 1 gives
  a_{t+1}² = a_t² - 2<g_t, g_t - g_{t+1}> + ‖g_t - g_{t+1}‖² <= a_t² - (2/alpha_t - 1)‖g_t - g_{t+1}‖².
* (I2) d_t - d_{t+1} >= m_t a_{t+1} + (a_t - a_{t+1})²/2: interpolation gives d_t - d_{t+1} >= alpha_t s + (a_t² + a_{t+1}² - 2s)/2 with
  s = <g_t, g_{t+1}> <= a_t a_{t+1}, whose coefficient alpha_t - 1 is not positive.
* (I3) r_t² >= r_{t+1}² + 2 m_t w_t - m_t², w_t = d_t/a_t + a_t/2, from <g_t, x_t - x*> >= d_t + a_t²/2; also r_T >= w_T. r_t does not increase,
  since w_t >= a_t/2 + a_t/2 >= m_t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray

EXACT, RATIO = 64, 1.05  # terms that are summed one by one; growth of the blocks of the others
CELLS = 400  # of the grid in log G
PRECISION = 1e-7  # relative, of the bisection


def blocks(count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes k and the weights with which values at the nodes bound the sum over k = 1..count of a concave sequence from below.

    Up to EXACT terms they are the terms. Beyond, a block of consecutive integers from a to b contributes at least
    (b - a + 1)(value_a + value_b)/2, because the chord lies below a concave sequence.
    """
    ends, weights = [], []
    start = min(EXACT, count)
    nodes = list(range(1, start + 1))
    weights = [1.0] * start
    a = start + 1
    while a <= count:
        b = min(count, max(a + 1, int(a * RATIO)))
        ends = [a, b] if b > a else [a]
        for end in ends:
            nodes.append(end)
            weights.append((b - a + 1) / len(ends))
        a = b + 1
    return np.array(nodes, dtype=np.float64), np.array(weights)


def least_sum(
    D: FloatOrArray, G: FloatOrArray, eta: float, c: float, nodes: FloatArray, weights: FloatArray
) -> FloatArray:
    """Lower bound of sum_k kappa_k(D, G) over the steps k = 1..T before the end; D and G broadcast, any shape.

    With Delta_k = D + (k-1) eta min(G, c) G <= d_{t+1}, m = eta c and e_k = Delta_k + m G, a step adds to R0² - r_T² at least

    * unclipped (possible for G <= c): U_k = 2 eta Delta_k + eta(1 + eta) G²;
    * clipped: 2 m max(w1, w2) - m², w1 the minimum over a >= c of e_k/a + a/2, w2 that over b >= G of
      2 sqrt(Delta_k + m b + b²/2) - b.

    w1, w2 are minima of functions that are concave in Delta_k, so min(U, 2 m w_i - m²) is concave in k (`blocks`), and the larger of
    the two sums bounds the sum of the maxima from below.
    """
    D, G = np.broadcast_arrays(D, G)
    D, G = D[..., np.newaxis], G[..., np.newaxis]
    m = eta * c
    step = eta * np.minimum(G, c) * G
    delta = D + (nodes - 1) * step
    e = delta + m * G
    w1 = np.where(2 * e >= c * c, np.sqrt(2 * e), e / c + 0.5 * c)
    room = delta - m * m
    root = np.sqrt(np.maximum(delta + room, 0.0))
    b = np.maximum(G, np.where(room > 0, 2 * room / (root + m), 0.0))
    w2 = 2 * np.sqrt(delta + m * b + 0.5 * b * b) - b
    free = np.where(c > G, 2 * eta * delta + eta * (1 + eta) * G * G, np.inf)
    sums = [np.minimum(free, 2 * m * w - m * m) @ weights for w in (w1, w2)]
    return np.maximum(*sums)


def _feasible(D: float, eta: float, c: float, nodes: FloatArray, weights: FloatArray) -> bool:
    """Whether (D/G + G/2)² + sum <= 1 cannot be excluded for some G in [D, sqrt(2D)]."""
    edges = np.geomspace(D, np.sqrt(2 * D), CELLS + 1)
    low, high = edges[:-1], edges[1:] * (1 + 1e-15)
    # D/G + G/2 decreases on this range and the sum does not decrease
    total = (D / high + 0.5 * high) ** 2 + least_sum(D, low * (1 - 1e-15), eta, c, nodes, weights)
    return bool(np.any(total <= 1 + 1e-12))


def largest_gap(eta: float, c: float, steps: float) -> float:
    """Dbar = sup{ D : min over D <= G <= sqrt(2D) of (D/G + G/2)² + sum_k kappa_k <= 1 }, rounded up; L = R0 = 1.

    The set is downward closed: the sum does not decrease in D, and for G > sqrt(2D) the point (D, sqrt(2D)) is feasible if
    (D', G) with D' > D is. So bisection is legitimate, and its upper end is returned.
    """
    nodes, weights = blocks(int(steps))
    low, high = 0.0, 0.5  # f(x) - f* <= L r²/2
    trial = 0.25
    while high - low > PRECISION * high:
        if _feasible(trial, eta, c, nodes, weights):
            low = trial
        else:
            high = trial
        if high < 1e-300:
            break
        trial = 0.5 * (low + high) if low > 0 else high / 16
    return high * (1 + 1e-9)


def largest_norm(eta: float, c: float, steps: float) -> float:
    """sup{ G : G² + sum_k kappa_k(G²/2, G) <= 1 }, rounded up; L = R0 = 1. The left side increases."""
    nodes, weights = blocks(int(steps))
    low, high = 0.0, 1.0
    while high - low > PRECISION * high and high > 1e-300:
        G = 0.5 * (low + high) if low > 0 else high / 16
        if G * G + float(least_sum(0.5 * G * G, G, eta, c, nodes, weights)) <= 1 + 1e-12:
            low = G
        else:
            high = G
    return high * (1 + 1e-9)
