"""Theorem 3*: the mean gradient norm in expectation, for any thresholds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .expectation import _PerSample
from .mean_step import MeanStep
from .search import certified_supremum, lowest_point
from .units import threshold_condition

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray
    from ...methods.base import Setting
    from ..base import Hypothesis

FURTHEST = 1e150  # of the largest threshold: where the search for the slope 2 mean(tau) ends
EPS = np.finfo(float).eps


class SharpDescent:
    """Phi*(G) = 2 G ell - omega ell² - omega V, its conjugate and the inverse of its convex envelope; see `Theorem3Star`.

    Parameters
    ----------
    thresholds, sigma, p, omega : as in `MeanStep`
    """

    def __init__(self, thresholds: ArrayLike, sigma: float, p: float, omega: float) -> None:
        self.step = MeanStep(thresholds, sigma, p, omega)

    def progress(self, norm: FloatOrArray) -> FloatArray:
        """Phi*(G); up to `mean_step.GROUPS` different thresholds exactly, beyond that from below up to its V."""
        ell, variance = self.step.mean_progress(norm)
        return 2 * np.asarray(norm) * ell - self.step.omega * (ell**2 + variance)

    @property
    def slope(self) -> float:
        """lim Phi*(G)/G = 2 mean(tau), or slightly less."""
        return 2 * self.step.mean

    def _largest(self, a: float, low: FloatArray, high: FloatArray) -> FloatArray:
        """A bound of a G - Phi*(G) on cells: quadratic in G where ell is replaced by its chord."""
        step, cells = self.step, self.step.cells(low, high)
        noise = step.omega * (cells.variance @ step.repeats) / step.count**2
        constant = step.omega * cells.shift**2 + noise
        linear = a - 2 * cells.shift * (1 - step.omega * cells.slope)
        square = -cells.slope * (2 - step.omega * cells.slope)
        rounding = 8 * EPS * a * high  # a - 2 ell cancels far out
        return constant + largest_quadratic(linear, square, low, high) + rounding

    def _end(self, a: float) -> float:
        """A G beyond which a G - Phi*(G) decreases: 2 ell >= a there, and ell increases; inf if none is found."""
        ends, ell = self._far
        good = np.flatnonzero(2 * ell > a)
        return float(ends[good[0]]) if good.size else np.inf

    @cached_property
    def _far(self) -> tuple[FloatArray, FloatArray]:
        ends = self.step.top * np.geomspace(2.0, FURTHEST, 400)
        return ends, self.step.mean_progress(ends)[0]

    @cached_property
    def _sketch(self) -> tuple[FloatArray, FloatArray]:
        """Points of Phi*, to choose a slope by; not a bound."""
        near = self.step.edges(self.step.top * 1e3, 600, 1e-7)
        near = np.union1d(near, self.step.least * (1 + 1e-9))  # ell jumps down there
        norms = np.concatenate([near, self._far[0][self._far[0] > near[-1]]])
        return norms, self.progress(norms)

    def conjugate(self, a: float) -> float:
        """A number >= sup_{G>=0} (a G - Phi*(G)) for one a > 0; inf from 2 mean(tau) on."""
        end = self._end(a)
        if end == np.inf:
            return np.inf
        edges = self.step.edges(end, 100, 1e-4 * self.step.top / end)
        return certified_supremum(lambda low, high: self._largest(a, low, high), edges, relative=1e-5, scale=a * a)

    def inverse(self, level: FloatOrArray) -> FloatArray:
        """inf over a of [y + sup_G (a G - Phi*(G))]/a for each y of `level`: a is chosen on points, the supremum is certified."""
        level = np.asarray(level, dtype=np.float64)
        norms, values = self._sketch
        limit = min(0.9999 * self.slope, 2 * float(self._far[1][-1]) * (1 - 1e-6))
        if not limit > 0:  # p so close to 1 that the bias leaves the range of floats before it falls below tau
            return np.full(level.shape, np.inf)
        found = np.empty(level.size)
        for k, y in enumerate(level.ravel()):

            def root(a: FloatArray, y: float = y) -> FloatArray:
                return (y + np.max(np.multiply.outer(a, norms) - values, axis=-1)) / a

            a = lowest_point(root, 1e-6 * limit, limit, count=41, rounds=5)
            found[k] = (y + self.conjugate(a)) / a
        return found.reshape(level.shape)


def largest_quadratic(linear: FloatArray, square: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """max over [low, high] of linear G + square G², vectorised."""
    ends = np.maximum(low * (linear + square * low), high * (linear + square * high))
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = np.clip(np.where(square < 0, -linear / (2 * square), low), low, high)
    return np.maximum(ends, vertex * (linear + square * vertex))


class Theorem3Star(_PerSample):
    r"""(1/T) sum_t E‖grad f(x_t)‖ <= inf_{a>0} [ 2 F0/(eta T) + sup_G (a G - Phi*(G)) ]/a.

    **Hypotheses.** f L-smooth, omega = L eta <= 1, batches of n units with fixed thresholds tau_k > 0, independent given the
    past, with the mean grad f and E‖unit - grad f‖^p <= sigma^p, 1 < p <= 2. Units are samples, means of micro-batches, or
    the mean of the whole batch (`ClippedSGD`: one unit), with the sigma of such a mean (`group_sigma`). Nothing is assumed of
    the thresholds: the value is finite for every tau > 0, because Phi* grows like 2 mean(tau) G.

    Phi*(G) = 2 G ell - omega ell² - omega V, ell and v of `MeanStep`, V = (1/n²) sum v(tau_k, G).

    **Proof.** m = E[ghat | x], D = ‖m - g/omega‖, zeta = ghat - m. The descent lemma gives E f(x+) - f(x) <= -eta <g, m> +
    (L eta²/2)(‖m‖² + E‖zeta‖²) = (L eta²/2)(D² - G²/omega²) + (L eta²/2) E‖zeta‖². By the lemma of `MeanStep` D <= G/omega - ell, so
    D² - G²/omega² <= -2 G ell/omega + ell², and E‖zeta‖² <= V. So E f(x+) - f(x) <= -(eta/2) Phi*(G). Sum over t:
    (1/T) sum E Phi*(G_t) <= 2 F0/(eta T), and a G <= Phi*(G) + sup(a G - Phi*). QED

    For G <= min tau_k, Phi* = G² - beta² - omega V + (1 - omega)(G - beta)², beta = (1/n) sum beta1(tau_k - G): the Phi of Theorem 3
    with a smaller bias, plus a term that is worth a factor 2 for small steps; beyond, `Theorem3` needs mean(tau) > sigma.

    Parameters
    ----------
    p : float in (1, 2]
    """

    statement = (
        r"\frac1T\sum_{t<T}\mathbb E\|\nabla f(x_t)\|\le\inf_{a>0}\frac1a\Big[\frac{2F_0}{\eta T}+\sup_G(aG-\Phi^*(G))\Big],\ "
        r"\Phi^*=2G\ell-\omega\ell^2-\omega V"
    )

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        return [*super().conditions(setting), threshold_condition(setting)]

    def descent(self, setting: Setting) -> SharpDescent:
        """Phi* of this setting."""
        units = self.units(setting)
        omega = min(1.0, setting.problem.lipschitz * setting.method.step_size)
        return SharpDescent(units.thresholds, units.sigma, self.p, omega)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.descent(setting).inverse(self.level(setting, steps))
