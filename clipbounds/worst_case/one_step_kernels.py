"""The one-step moment problem, solved by its dual: kernels, in units of the threshold (c = 1).

psi(y) = a clip(y) - kappa clip(y)², with a = u for the step and a = 1, kappa = 0 for the drift. For multipliers (beta, gamma >= 0) the dual value is
min over y of [psi(y) - beta (y-u) + gamma|y-u|^p] - gamma sigma^p. It is concave in (beta, gamma): for each gamma the best
beta is where the minimiser y, which does not decrease in beta, passes u; gamma is found by bisection, because the p-th
moment of the law on the minimisers on either side of u does not increase in gamma.
"""

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import device, kernel, named_signature
from ..oracles.dual_kernels import enclose, power

EPS = float(np.finfo(float).eps)
DOUBLINGS = 60  # of the ends of the intervals
ROUNDS = 48  # halvings of an interval of log gamma that is a factor 4 long
NEWTON_STEPS = 8
ATOMS = 4

# problems: u, a, sigma^p, kappa, p, one after the other; solutions: dual value, primal value, atoms, weights
ONE_STEP = named_signature(problems=FLOATS, solutions=FLOATS, count=types.int64)
FIELDS, WIDTH = 5, 2 + 2 * ATOMS


@device
def middle(u, a, kappa, p, beta, gamma):
    """The local minimum of psi - beta(y-u) + gamma|y-u|^p in the convex zone around u, on [-1, 1]: (below, value, y).

    With w = |y-u| and s = a - 2 kappa u - beta the derivative is, up to its sign, phi(w) = gamma p w^{p-1} - 2 kappa w - |s|,
    the point lying below u for s > 0. phi is concave, so Newton's method climbs to its smaller root from the root for
    kappa = 0. `below` is less than all values in the convex zone: value - |phi(w)| times its length. Without a local
    minimum all three are inf: the ends of [-1, 1] belong to the outer pieces.
    """
    s = a - 2.0 * kappa * u - beta
    side = -1.0 if s > 0.0 else 1.0
    size = abs(s)
    zone = np.inf  # where phi increases
    if p == 2.0:
        if gamma <= kappa:
            return np.inf, np.inf, u
        w = size / (2.0 * (gamma - kappa))
    else:
        w = power(size / (gamma * p), 1.0 / (p - 1.0))
        if kappa > 0.0:
            zone = (gamma * p * (p - 1.0) / (2.0 * kappa)) ** (1.0 / (2.0 - p))
            if w >= zone or gamma * p * zone ** (p - 1.0) - 2.0 * kappa * zone < size:
                return np.inf, np.inf, u
            for _ in range(NEWTON_STEPS):
                pull = gamma * p * w ** (p - 1.0)
                slope = (p - 1.0) * pull / w - 2.0 * kappa if w > 0.0 else np.inf
                change = (size + 2.0 * kappa * w - pull) / slope if slope > 0.0 else 0.0
                w = min(w + change, zone)
                if change <= 4.0 * EPS * w:
                    break
    y = u + side * w
    if y < -1.0 or y > 1.0:
        return np.inf, np.inf, u
    raised = gamma * power(w, p)
    value = a * y - kappa * y * y - beta * (y - u) + raised
    slip = 0.0
    if p < 2.0 and kappa > 0.0:
        slip = abs(gamma * p * w ** (p - 1.0) - 2.0 * kappa * w - size) * min(zone, 1.0 + u)
    return value - slip, value, y


@device
def lowest(u, given, beta, gamma):
    """Minimum over all y of psi - beta(y-u) + gamma|y-u|^p, rounded down, and a minimiser."""
    a, kappa, p = given
    reach = power(abs(beta) / (gamma * p), 1.0 / (p - 1.0))
    gain = -abs(beta) * reach * (1.0 - 1.0 / p)  # of the free minimum of -beta z + gamma|z|^p
    # y <= -1
    if beta < 0.0 and u - reach <= -1.0:
        left, y = -a - kappa + gain, u - reach
    else:
        left, y = -a - kappa + beta * (1.0 + u) + gamma * power(1.0 + u, p), -1.0
    best = left
    # y >= 1
    free = u + reach if beta > 0.0 else u - reach
    if free >= 1.0:
        right = a - kappa + gain
    else:
        free = 1.0
        right = a - kappa - beta * (1.0 - u) + gamma * power(abs(1.0 - u), p)
    if right < best:
        best, y = right, free
    below, value, inner = middle(u, a, kappa, p, beta, gamma)
    if value < best:
        y = inner
    best = min(best, below)
    # a few roundings of each summand; the power 1/(p-1) multiplies that of its base
    size = a + kappa + (abs(beta) + gamma * power(abs(y - u), p - 1.0)) * abs(y - u)
    return best - EPS * (16.0 + 8.0 / (p - 1.0)) * size, y


@device
def moment_of(u, p, low, high):
    """E|Y-u|^p of the law on two points with the mean u."""
    below, above = u - low, high - u
    if below <= 0.0 or above <= 0.0:
        return 0.0
    return (above / (below + above)) * power(below, p) + (below / (below + above)) * power(above, p)


@device
def clipped_gain(a, kappa, y):
    clipped = min(1.0, max(-1.0, y))
    return a * clipped - kappa * clipped * clipped


@device
def gain_of(u, a, kappa, low, high):
    """E psi(Y) of the law on two points with the mean u."""
    below, above = u - low, high - u
    if below <= 0.0 or above <= 0.0:
        return clipped_gain(a, kappa, u)
    total = above * clipped_gain(a, kappa, low) + below * clipped_gain(a, kappa, high)
    return total / (below + above)


@device
def share_of(moment, under, above):
    """Weight of the law with the moment `above`, mixed with one that has `under`, so that the moment is met."""
    return max(0.0, (moment - under) / (above - under)) if moment < above < np.inf else 0.0


@device
def write_law(solutions, base, u, low, high, weight):
    """Two atoms and their weights."""
    below, above = u - low, high - u
    if below <= 0.0 or above <= 0.0 or weight <= 0.0:
        low = high = u
        below, above = 0.0, 1.0
    solutions[base], solutions[base + 1] = low, high
    # both by division: an atom far away has a weight far below the rounding of 1
    solutions[base + ATOMS] = weight * (above / (below + above))
    solutions[base + ATOMS + 1] = weight * (below / (below + above))


@kernel(ONE_STEP)
def one_step(problems, solutions, count):
    """The dual value is a lower bound, whatever the search found; the primal value belongs to the law that is returned."""
    for i in range(count):
        at = FIELDS * i
        u, a, moment = problems[at], problems[at + 1], problems[at + 2]
        kappa, p = problems[at + 3], problems[at + 4]
        cost = moment * (1.0 + 4.0 * EPS)
        size = a + kappa
        given, span, slack = (a, kappa, p), size + kappa, 4.0 * EPS * (1.0 + u)
        best = -size  # beta = gamma = 0: psi is nowhere less
        gamma = size / moment
        found, low, high = enclose(lowest, u, given, gamma, span, slack)
        best = max(best, found - gamma * cost)
        few, many = gamma, gamma  # multipliers with a moment above and below the allowed one
        above = under = moment_of(u, p, low, high)
        few_low, few_high, many_low, many_high = low, high, low, high
        for _ in range(DOUBLINGS):
            if under <= moment:
                break
            few, few_low, few_high, above = many, many_low, many_high, under
            many *= 4.0
            found, many_low, many_high = enclose(lowest, u, given, many, span, slack)
            under = moment_of(u, p, many_low, many_high)
            best = max(best, found - many * cost)
        for _ in range(DOUBLINGS):
            if not above <= moment:
                break
            many, many_low, many_high, under = few, few_low, few_high, above
            few *= 0.25
            found, few_low, few_high = enclose(lowest, u, given, few, span, slack)
            above = moment_of(u, p, few_low, few_high)
            best = max(best, found - few * cost)
        value = np.inf
        for _ in range(ROUNDS):
            share = share_of(moment, under, above)
            value = share * gain_of(u, a, kappa, few_low, few_high) + (1.0 - share) * gain_of(
                u, a, kappa, many_low, many_high
            )
            if value - best <= 64.0 * EPS * size:
                break
            gamma = np.sqrt(few * many)
            found, low, high = enclose(lowest, u, given, gamma, span, slack)
            best = max(best, found - gamma * cost)
            reached = moment_of(u, p, low, high)
            if reached > moment:
                few, few_low, few_high, above = gamma, low, high, reached
            else:
                many, many_low, many_high, under = gamma, low, high, reached
        base = WIDTH * i
        share = share_of(moment, under, above)
        write_law(solutions, base + 2, u, few_low, few_high, share)
        write_law(solutions, base + 4, u, many_low, many_high, 1.0 - share)
        solutions[base] = best
        solutions[base + 1] = share * gain_of(u, a, kappa, few_low, few_high) + (1.0 - share) * gain_of(
            u, a, kappa, many_low, many_high
        )
