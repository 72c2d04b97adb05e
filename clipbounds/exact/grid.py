r"""Mean curves of clipped SGD on a line without sampling: the law of the iterate on a grid, with a certified error.

x_{t+1} = g_xi(x_t), g_xi(x) = x - eta clip_c(f'(x) + xi), for a convex f with f'' <= 1/eta and a noise with finitely many atoms.
The law of x_t is kept as masses at the nodes of a grid of width h; a point between two nodes is split so that its mean stays.

**The error.** Let V_s(x) = E[phi(x_s) | x_0 = x]. By telescoping, the split law errs on E phi(x_t) by
sum_{s=1}^t E[(Pi V_{t-s} - V_{t-s})(y_s)], y_s being the point before the s-th split and Pi the linear interpolation. In a cell
|Pi V - V| <= (h/4)·(variation of V' inside it), h/4 being the largest value of Green's function of a second derivative; on a node
it is 0. With the loads l_s(j), the masses of points y_s strictly inside the cells j, which are computed, and the measure |dV'|:

    |error| <= (h/4) sum_{s=1}^t int l_s |dV_{t-s}'|.

0 <= g' <= 1 and g increases, since 0 <= eta f'' <= 1. From V_r' = E[V_{r-1}'(g) g'],

    |dV_r'| <= E[ g' |d(V_{r-1}' o g)| + |V_{r-1}'(g)| |dg'| ],

so for any function B >= 0:  int B |dV_r'| <= int (PB) |dV_{r-1}'| + E int B |V_{r-1}'(g)| |dg'|,  PB(y) = E[ g' B ](g^{-1} y). With
B_t = l_t + P B_{t-1} the whole sum is therefore at most

    int B_t |d phi'| + sum_{r=1}^{t-1} E int B_{t-r} |V_{r-1}'(g)| |dg'|.

dg_xi' is -eta df'' where the gradient is not clipped, and a jump of eta f'' at the two ends of that interval. So the second sum is
at most the convolution of eta int B |df''| with sup|V'|, plus for each end that of p_xi eta f'' B there with |V'| where it lands;
|V_r'| <= E[g' |V_{r-1}'(g)|]. All of these are computed with the largest value in every cell. f'' is monotone on both sides of at
most one point, so the variation of f'' in a cell is at most the difference of the mean values of f'' in its two neighbours, and
twice the largest near that point. QED

Mass that reaches an end of the grid may have left it: what it can add, (that mass)·(sup phi), is added (see `whole`), and so is the
rounding of the arithmetic: masses are sums of non-negative terms, and a landing point errs by some units in its last place.
"""

import math

import numpy as np

from ..problems import Cosh, Extremal, Huber, Quadratic, Quartic
from .kernels import derivatives, propagate

CONSTANT, ONE_TURN = (Quadratic,), (Huber, Cosh, Extremal, Quartic)  # of f''
EPS = np.finfo(float).eps


def slope_of(problem, x):
    return problem.gradient(np.atleast_1d(x)[:, np.newaxis])[:, 0]


class Grid:
    """Nodes, landing points and what the certificate needs, for `nodes` cells or a few more on [low, high]."""

    def __init__(self, setting, low, high, nodes):
        self.setting = setting
        method, start = setting.method, float(setting.problem.x0[0])
        stride = method.step_size * method.clip.threshold
        width = (high - low) / nodes
        if stride > width:  # a clipped step leads from node to node
            width = stride / math.ceil(stride / width)
        self.width = width
        self.origin = math.ceil((start - low) / width) + 1
        self.x = start + width * np.arange(-self.origin, math.ceil((high - start) / width) + 2)
        self.gradient = slope_of(setting.problem, self.x)
        self.gaps = np.maximum(setting.problem.gap(self.x[:, np.newaxis]), 0.0)
        self.atoms, self.weights = setting.noise.atoms()
        self._land(method)

    def _land(self, method):
        c, place = method.clip.threshold, np.arange(self.x.size)
        steps = np.clip(self.gradient + self.atoms[:, np.newaxis], -c, c)
        whole = round(method.step_size * c / self.width)
        aligned = (np.abs(steps) == c) & (abs(whole * self.width - method.step_size * c) <= 1e-9 * self.width)
        landing = np.where(aligned, place - np.sign(steps) * whole, place - method.step_size * steps / self.width)
        landing = np.clip(landing, 0, self.x.size - 1)
        self.cells = np.minimum(np.floor(landing), self.x.size - 2).astype(np.int64)
        self.shares = landing - self.cells

    def curvatures(self):
        """(largest, smallest f'' in each cell, variation of f'' inside it), from the mean values of f'' in cells."""
        problem = self.setting.problem
        count = self.x.size
        if isinstance(problem, CONSTANT):
            value = np.full(count, float(problem.eigenvalues[0]))
            return value, value, np.zeros(count)
        means = np.diff(self.gradient) / self.width
        padded = np.concatenate([means[:1], means, means[-1:], means[-1:]])
        left, right = padded[:count], padded[2 : count + 2]
        top, bottom, bend = np.maximum(left, right), np.minimum(left, right), np.abs(right - left)
        top, bottom = np.maximum(top, padded[1 : count + 1]), np.minimum(bottom, padded[1 : count + 1])
        turn = np.abs(self.x + 0.5 * self.width - problem.minimiser[0]) <= 3 * self.width
        slack = 8 * EPS * np.abs(self.gradient).max() / self.width  # of a difference quotient
        bend = np.where(turn, 2 * top.max(), bend) + 2 * slack
        return top + slack, np.where(turn, 0.0, np.maximum(bottom - slack, 0.0)), bend

    def facts(self):
        """(sup g' of each atom and cell, bends, edges, their atoms, their jumps, sup |phi'| of both phi)."""
        method, problem = self.setting.method, self.setting.problem
        eta, c = method.step_size, method.clip.threshold
        top, bottom, bend = self.curvatures()
        following = np.append(self.gradient[1:], self.gradient[-1])
        pushed, after = self.gradient + self.atoms[:, np.newaxis], following + self.atoms[:, np.newaxis]
        free = (pushed >= -c) & (after <= c)
        factors = np.where(free, 1 - eta * bottom, 1.0)
        crossing = ((pushed <= -c) & (after >= -c)) | ((pushed <= c) & (after >= c))
        crossing[:, -1] = False
        atom_of, edges = np.nonzero(crossing)
        jumps = self.weights[atom_of] * eta * top[edges]
        steep = np.maximum(np.abs(self.gradient), np.abs(following))
        kink = np.abs(self.x + 0.5 * self.width - problem.minimiser[0]) <= self.width
        bends = np.stack([bend + np.where(kink, 2 * top, 0.0), np.abs(following - self.gradient), eta * bend])
        return factors, bends, edges, atom_of, jumps, np.stack([top, steep])

    def run(self, steps, certify, largest=(0.0, 0.0)):
        """(largest mass of each node, E|f'|, E gap, errors of both or None) after each step; `largest` bounds both phi where mass is lost."""
        count = self.x.size
        mass, history = np.zeros(count), np.zeros(3 * steps)
        mass[self.origin] = 1.0
        empty = np.zeros(1)
        if certify:
            factors, bends, edges, atom_of, jumps, sups = self.facts()
        else:
            factors, bends, edges = empty, empty, np.zeros(0, dtype=np.int64)
        traces = np.zeros(steps * (3 + edges.size)) if certify else empty
        room = np.zeros((3, count))
        slopes, weights = np.abs(self.gradient), np.ascontiguousarray(self.weights)
        cells, shares = self.cells.ravel(), self.shares.ravel()
        edges = edges.astype(np.int64)
        propagate(
            mass, np.zeros(count), slopes, self.gaps, weights, cells, shares, factors.ravel(), bends.ravel(), edges, *room,
            history, traces, self.origin, steps, int(certify),
        )  # fmt: skip
        slope, gap, ends = history.reshape(steps, 3).T
        if not certify:
            return room[1], slope, gap, None
        moved = np.zeros(2 * steps * (1 + edges.size))
        derivatives(
            sups.ravel(),
            np.zeros(count),
            weights,
            cells,
            shares,
            factors.ravel(),
            edges,
            atom_of.astype(np.int64),
            moved,
            steps,
        )
        traces, moved = traces.reshape(steps, -1), moved.reshape(steps, 2, -1)
        rounding = 4 * EPS * (4 + weights.size) * np.arange(1, steps + 1)
        errors = []
        for q, (value, size) in enumerate(zip((slope, gap), largest, strict=True)):
            total = traces[:, q].copy()
            later = np.convolve(traces[:, 2], moved[:, q, 0])[: steps - 1]
            for e, jump in enumerate(jumps):
                later += jump * np.convolve(traces[:, 3 + e], moved[:, q, 1 + e])[: steps - 1]
            total[1:] += later
            arithmetic = rounding * (value + sups[q].max() * np.abs(self.x).max())
            errors.append(total * self.width / 4 + np.cumsum(ends) * size + arithmetic)
        return room[1], slope, gap, errors
