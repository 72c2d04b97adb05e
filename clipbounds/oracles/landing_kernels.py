"""Kernels of the adversary on the line: the best law for every point of a grid, and the value of a policy.

x_i = x_0 + i dx, dx = eta c/M. In units of c a stochastic gradient is j/M with |j| < M and lands at i - j, or it is at least 1 and
lands at i - M, or at most -1 and lands at i + M: every step ends on the grid. Beyond the grid nothing is earned. Points less than a
longest step from an end keep to the law that moves least, which never leaves the grid where f' points back into it.

The best law maximises E V(next) over laws with the mean u = f'(x)/c and E|Y-u|^p <= moment. For multipliers beta and gamma >= 0 the
minimum over atoms y of -V(y) - beta(y-u) + gamma|y-u|^p is searched (`dual_kernels`); here it only serves to find a law, and any
law that is found gives a lower bound of the worst case.
"""

import math

from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import device, kernel, named_signature
from .dual_kernels import enclose, power

ATOMS, FIELDS = 4, 12  # of a row of a policy: atoms, weights, landings
ROUNDS, DOUBLINGS = 30, 80
SLACK = 1e-12  # of the search for beta
PRECISION = 1e-6  # of the range of V over a step: what a law may fall short of the best one
# numbers: sigma^p/c^p, p, M; scratch: costs and powers of the 2M + 1 landings
IMPROVE = named_signature(
    slopes=FLOATS, values=FLOATS, policy=FLOATS, gammas=FLOATS, numbers=FLOATS, scratch=FLOATS, count=types.int64
)
# history receives V at `start` after each step
EVALUATE = named_signature(
    costs=FLOATS, values=FLOATS, spare=FLOATS, policy=FLOATS, history=FLOATS, start=types.int64, count=types.int64,
    first=types.int64, last=types.int64,
)  # fmt: skip


@device
def lowest(u, given, beta, gamma):
    """Minimum over the atoms of cost - beta(y-u) + gamma|y-u|^p, and a minimiser."""
    p, M, scratch = given
    reach = power(abs(beta) / (gamma * p), 1.0 / (p - 1.0))
    gain = -abs(beta) * reach * (1.0 - 1.0 / p)
    if beta < 0.0 and u - reach <= -1.0:
        best, y = scratch[0] + gain, u - reach
    else:
        best, y = scratch[0] + beta * (1.0 + u) + gamma * power(1.0 + u, p), -1.0
    free = u + reach if beta > 0.0 else u - reach
    if free >= 1.0:
        right = scratch[2 * M] + gain
    else:
        free = 1.0
        right = scratch[2 * M] - beta * (1.0 - u) + gamma * power(abs(1.0 - u), p)
    if right < best:
        best, y = right, free
    powers = 2 * M + 1
    chosen = -1
    for k in range(1, 2 * M):
        value = scratch[k] - beta * ((k - M) / M - u) + gamma * scratch[powers + k]
        if value < best:
            best, chosen = value, k
    return best, y if chosen < 0 else (chosen - M) / M


@device
def cost_at(y, M, scratch):
    """The cost of an atom, which lies on the grid of landings or beyond its ends."""
    return scratch[M + int(min(float(M), max(-float(M), math.floor(y * M + 0.5))))]


@device
def two_points(u, p, M, low, high, scratch):
    """Moment and mean cost of the law on two atoms with the mean u."""
    below, above = u - low, high - u
    if below <= 0.0 or above <= 0.0:
        return 0.0, cost_at(u, M, scratch)
    total = below + above
    moment = (above * power(below, p) + below * power(above, p)) / total
    return moment, (above * cost_at(low, M, scratch) + below * cost_at(high, M, scratch)) / total


@device
def write_pair(policy, at, u, low, high, weight, sign, M):
    """Two atoms of a row, their weights and where they land."""
    below, above = u - low, high - u
    if below <= 0.0 or above <= 0.0:
        low = high = u
        below, above = 0.0, 1.0
    for k in range(2):
        y = low if k == 0 else high
        policy[at + k] = sign * y
        # both by division: an atom far away has a weight far below the rounding of 1
        policy[at + ATOMS + k] = weight * ((above if k == 0 else below) / (below + above))
        policy[at + 2 * ATOMS + k] = sign * min(float(M), max(-float(M), math.floor(y * M + 0.5)))


@device
def neighbours(u, M):
    """Atoms next to u: the law that moves least."""
    if u >= 1.0:
        return u, u
    low = math.floor(u * M)
    return low / M, (low + 1.0) / M


@device
def under_is_refused(u, p, M, low, high, moment, scratch):
    """Whether the law with the smaller moment breaks the bound or lands between grid points."""
    found, _ = two_points(u, p, M, low, high, scratch)
    point = low >= u or high <= u
    between = point and u < 1.0 and abs(u * M - math.floor(u * M + 0.5)) > 1e-9
    return between or found > moment


@kernel(IMPROVE)
def improve(slopes, values, policy, gammas, numbers, scratch, count):
    """For each point the best law for the next step; `gammas` carries the multipliers from one call to the next."""
    moment, p, M = numbers[0], numbers[1], int(numbers[2])
    given = (p, M, scratch)
    for i in range(count):
        u = abs(slopes[i])
        sign = 1 if slopes[i] >= 0.0 else -1
        span = 0.0
        if M <= i < count - M:
            least, most = math.inf, -math.inf
            for k in range(2 * M + 1):
                cost = -values[i - sign * (k - M)]
                scratch[k] = cost
                scratch[2 * M + 1 + k] = power(abs((k - M) / M - u), p)
                least, most = min(least, cost), max(most, cost)
            span = most - least
        at = FIELDS * i
        few_low, few_high = neighbours(u, M)
        if u < 1.0 and few_low == u:  # u is an atom itself
            few_high = u
        many_low, many_high, share = few_low, few_high, 0.0
        if span > 0.0:
            gamma = gammas[i] * span if gammas[i] > 0.0 else span / moment
            few = many = gamma
            best, low, high = enclose(lowest, u, given, gamma, span, SLACK)
            above, above_cost = two_points(u, p, M, low, high, scratch)
            under, under_cost = above, above_cost
            dual = best - gamma * moment
            few_low, few_high, many_low, many_high = low, high, low, high
            for _ in range(DOUBLINGS):
                if under <= moment:
                    break
                few, few_low, few_high, above, above_cost = many, many_low, many_high, under, under_cost
                many *= 2.0
                best, many_low, many_high = enclose(lowest, u, given, many, span, SLACK)
                under, under_cost = two_points(u, p, M, many_low, many_high, scratch)
                dual = max(dual, best - many * moment)
            for _ in range(DOUBLINGS):
                if not above <= moment:
                    break
                many, many_low, many_high, under, under_cost = few, few_low, few_high, above, above_cost
                few *= 0.5
                best, few_low, few_high = enclose(lowest, u, given, few, span, SLACK)
                above, above_cost = two_points(u, p, M, few_low, few_high, scratch)
                dual = max(dual, best - few * moment)
            for _ in range(ROUNDS):
                share = (moment - under) / (above - under) if moment < above < math.inf else 0.0
                share = min(1.0, max(0.0, share))
                if share * above_cost + (1.0 - share) * under_cost - dual <= PRECISION * span:
                    break
                gamma = math.sqrt(few * many)
                best, low, high = enclose(lowest, u, given, gamma, span, SLACK)
                reached, cost = two_points(u, p, M, low, high, scratch)
                dual = max(dual, best - gamma * moment)
                if reached > moment:
                    few, few_low, few_high, above, above_cost = gamma, low, high, reached, cost
                else:
                    many, many_low, many_high, under, under_cost = gamma, low, high, reached, cost
            gammas[i] = math.sqrt(few * many) / span
        if under_is_refused(u, p, M, many_low, many_high, moment, scratch):
            many_low, many_high = neighbours(u, M)
            share = 0.0
        write_pair(policy, at, u, few_low, few_high, share, sign, M)
        write_pair(policy, at + 2, u, many_low, many_high, 1.0 - share, sign, M)


@kernel(EVALUATE)
def evaluate(costs, values, spare, policy, history, start, count, first, last):
    """V <- |f'| + E V(next) for the steps first..last-1 of the horizon, with one policy."""
    for step in range(first, last):
        for i in range(count):
            total = costs[i]
            for k in range(ATOMS):
                weight = policy[FIELDS * i + ATOMS + k]
                if weight > 0.0:
                    to = i - int(policy[FIELDS * i + 2 * ATOMS + k])
                    if 0 <= to < count:
                        total += weight * values[to]
            spare[i] = total
        for i in range(count):
            values[i] = spare[i]
        history[step] = values[start]
