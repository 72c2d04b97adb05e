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

**The window.** The grid covers a part of the line, and landing points beyond it are moved to its ends. That is the chain of
clamp(g_xi), which increases, has a derivative in [0, 1], and jumps of it by at most 1 where g_xi passes an end: they count among the
ends of intervals above. It is the chain of g_xi until that leaves the window, so with sup phi over all that can be reached the two
means differ by at most P(it has left)·(sup phi), which `exits` bounds.

**Long horizons.** After r steps the mean is a mean of V_r over the window from then on, so it stays within osc V_r <= h·(sum over the cells
of sup |V_r'|) of its value.

The rounding of the arithmetic is added: masses are sums of non-negative terms, and a landing point errs by some units in its last place.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Cosh, Extremal, Huber, Quadratic, Quartic
from .exits import leaving
from .kernels import derivatives, propagate

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray, IntArray
    from ..methods.base import Setting
    from ..noise.base import Noise
    from ..problems.base import Problem

CONSTANT, ONE_TURN = (Quadratic,), (Huber, Cosh, Extremal, Quartic)  # of f''
EPS = np.finfo(float).eps


def atoms_of(setting: Setting) -> tuple[FloatArray, FloatArray]:
    """The values of a step's noise and their probabilities."""
    places, weights = setting.noise.atoms()
    return means_of_batches(places, weights, setting.method.batch_size)


def means_of_batches(places: FloatArray, weights: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """The means of all batches of `count` atoms and their probabilities, by how often each atom occurs."""
    if count == 1:
        return places, weights
    found = []
    for drawn in itertools.combinations_with_replacement(range(places.size), count):
        times = np.bincount(drawn, minlength=places.size)
        ways = math.factorial(count) // math.prod(map(math.factorial, times.tolist()))
        found.append((times @ places / count, ways * np.prod(weights**times)))
    values, chances = np.array(found).T
    return values[chances > 0], chances[chances > 0]


def kinds_of_batches(noise: Noise, count: int) -> int:
    """How many values the mean of a batch of a noise with atoms has."""
    atoms = noise.atoms()
    return 0 if atoms is None else math.comb(count + atoms[0].size - 1, count)


def slope_of(problem: Problem, x: FloatArray) -> FloatArray:
    return problem.gradient(np.atleast_1d(x)[:, np.newaxis])[:, 0]


class Grid:
    """Nodes, landing points and what the certificate needs, for `nodes` cells or a few more on [low, high].

    `closed`: whether no iterate can go below `low`, above `high`.
    """

    def __init__(
        self, setting: Setting, low: float, high: float, nodes: int, closed: tuple[bool, bool] = (False, False)
    ) -> None:
        self.setting, self.closed = setting, closed
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
        self.atoms, self.weights = atoms_of(setting)
        self._land(method)

    def _land(self, method: Any) -> None:
        c, place = method.clip.threshold, np.arange(self.x.size)
        steps = np.clip(self.gradient + self.atoms[:, np.newaxis], -c, c)
        whole = round(method.step_size * c / self.width)
        aligned = (np.abs(steps) == c) & (abs(whole * self.width - method.step_size * c) <= 1e-9 * self.width)
        landing = np.where(aligned, place - np.sign(steps) * whole, place - method.step_size * steps / self.width)
        end = self.x.size - 1
        # cells in which a landing point passes an end of the grid
        self.passing = np.zeros(landing.shape, dtype=bool)
        for place in (0, end):
            self.passing[:, :-1] |= (landing[:, :-1] <= place) & (landing[:, 1:] >= place)
        landing = np.clip(landing, 0, end)
        self.cells = np.minimum(np.floor(landing), self.x.size - 2).astype(np.int64)
        self.shares = landing - self.cells

    def curvatures(self) -> tuple[FloatArray, FloatArray, FloatArray]:
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

    def _pushed(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """f' at the right ends of the cells, and f' + noise at both ends, (atoms, cells)."""
        following = np.append(self.gradient[1:], self.gradient[-1])
        return following, self.gradient + self.atoms[:, np.newaxis], following + self.atoms[:, np.newaxis]

    def factors(self, bottom: FloatArray) -> FloatArray:
        """sup g' of each atom and cell."""
        method = self.setting.method
        _, pushed, after = self._pushed()
        free = (pushed >= -method.clip.threshold) & (after <= method.clip.threshold)
        return np.where(free, 1 - method.step_size * bottom, 1.0)

    def facts(self) -> tuple[FloatArray, FloatArray, IntArray, IntArray, FloatArray, FloatArray]:
        """(sup g' of each atom and cell, bends, edges, their atoms, their jumps, sup |phi'| of both phi)."""
        method, problem = self.setting.method, self.setting.problem
        eta, c = method.step_size, method.clip.threshold
        top, bottom, bend = self.curvatures()
        following, pushed, after = self._pushed()
        factors = self.factors(bottom)
        crossing = ((pushed <= -c) & (after >= -c)) | ((pushed <= c) & (after >= c))
        crossing[:, -1] = False
        atom_of, edges = map(np.ascontiguousarray, np.nonzero(crossing | self.passing))
        jumps = self.weights[atom_of] * np.where(self.passing[atom_of, edges], 1.0, eta * top[edges])
        steep = np.maximum(np.abs(self.gradient), np.abs(following))
        kink = np.abs(self.x + 0.5 * self.width - problem.minimiser[0]) <= self.width
        bends = np.stack([bend + np.where(kink, 2 * top, 0.0), np.abs(following - self.gradient), eta * bend])
        return factors, bends, edges, atom_of, jumps, np.stack([top, steep])

    def run(self, steps: int) -> tuple[Any, ...]:
        """(E|f'|, E gap) after each step, (2, steps), and the largest mass that each node ever has."""
        room, spare = np.zeros((3, self.x.size)), np.zeros(0, dtype=np.int64)
        history = self._propagate(steps, np.zeros(1), np.zeros(1), spare, room, np.zeros(1), 0)
        return history, room[1]

    def settling(self, steps: int) -> FloatArray:
        """A bound of the oscillation of E|f'| and of E gap as functions of the start, after each step, (2, steps)."""
        top, bottom, _ = self.curvatures()
        sups = np.stack([top, np.maximum(np.abs(self.gradient), np.abs(self._pushed()[0]))])
        none = np.zeros(0, dtype=np.int64)
        return self._derivatives(sups, self.factors(bottom), none, none, steps)[:, :, 1].T * self.width

    def certified(self, steps: int, horizon: int, largest: tuple[float, float]) -> tuple[Any, ...]:
        """Means and their errors.

        Parameters
        ----------
        steps : int, computed
        horizon : int >= steps, for which the error after the last of them shall be valid too
        largest : two floats, bounds of |f'| and of the gap on all that can be reached

        Returns
        -------
        means : (2, steps), E|f'| and E gap
        errors : (2, steps)
        later : (2,), errors of the last means as means after any number of steps from there to the horizon
        """
        factors, bends, edges, atom_of, jumps, sups = self.facts()
        traces = np.zeros(steps * (3 + edges.size))
        room = np.zeros((3, self.x.size))
        means = self._propagate(steps, factors.ravel(), bends.ravel(), edges, room, traces, 1)
        moved = self._derivatives(sups.copy(), factors, edges, atom_of, steps)
        traces = traces.reshape(steps, -1)
        left, left_later = leaving(self, steps, horizon)
        rounding = 4 * EPS * (4 + self.weights.size) * np.arange(1, steps + 1)
        errors = np.empty((2, steps))
        for q in range(2):
            total = traces[:, q].copy()
            later = convolved(traces[:, 2], moved[:, q, 0])
            for e, jump in enumerate(jumps):
                later += jump * convolved(traces[:, 3 + e], moved[:, q, 2 + e])
            total[1:] += later[:-1]
            arithmetic = rounding * (means[q] + sups[q].max() * np.abs(self.x).max())
            errors[q] = total * self.width / 4 + left * largest[q] + arithmetic
        # `moved` has V_0..V_{steps-1}, whose oscillation does not grow
        later = errors[:, -1] + moved[-1, :, 1] * self.width + (left_later - left[-1]) * np.array(largest)
        return means, errors, later

    def _propagate(
        self, steps: int, factors: Any, bends: Any, edges: Any, room: Any, traces: Any, certify: int
    ) -> FloatArray:
        count = self.x.size
        mass, history = np.zeros(count), np.zeros(2 * steps)
        mass[self.origin] = 1.0
        propagate(
            mass, np.zeros(count), np.abs(self.gradient), self.gaps, np.ascontiguousarray(self.weights), self.cells.ravel(),
            self.shares.ravel(), factors, bends, edges, *room, history, traces, self.origin, steps, certify,
        )  # fmt: skip
        return history.reshape(steps, 2).T

    def _derivatives(self, sups: Any, factors: Any, edges: Any, atom_of: Any, steps: int) -> FloatArray:
        """(steps, 2, 2 + edges): for V_0, V_1, .. of both phi the largest |V'|, its sum over the cells, its values where edges land."""
        moved = np.zeros(2 * steps * (2 + edges.size))
        derivatives(
            sups.ravel(), np.zeros(self.x.size), np.ascontiguousarray(self.weights), self.cells.ravel(), self.shares.ravel(),
            factors.ravel(), edges, atom_of, moved, steps,
        )  # fmt: skip
        return moved.reshape(steps, 2, -1)


def convolved(a: FloatArray, b: FloatArray) -> FloatArray:
    """Upper bounds of the first terms of the convolution of two non-negative sequences of one length."""
    if a.size < 2000:
        return np.convolve(a, b)[: a.size]
    from scipy.signal import fftconvolve  # half a second to import

    # a fast transform errs by a few eps log n times the product of the norms
    return np.maximum(fftconvolve(a, b)[: a.size], 0.0) + 1e-12 * np.linalg.norm(a) * np.linalg.norm(b)
