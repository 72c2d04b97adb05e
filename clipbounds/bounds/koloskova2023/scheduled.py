"""Clipped SGD with step sizes and thresholds that change: S0* with weights.

Notation: u_t = ‖grad f(x_t)‖, S = sum_{t<T} eta_t, kappa_t(u) = eta_t(L0 + L1 u)/2 and Psi*_t(u) the Psi* of `joint` for c_t and kappa_t.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...specs import Interval, parameter
from ...worst_case import floor
from ..base import Hypothesis
from ..nobile2026.constants import group_sigma
from .common import Constants, lower_bound_row, moment_row
from .envelope import Envelope
from .schedules import ScheduledBound, numbers_of

if TYPE_CHECKING:
    from ...array_types import FloatArray, IntArray
    from ...methods.base import Setting

CELLS, FINER = 8, 24  # of step sizes and of thresholds between the smallest and the largest, on a logarithmic scale
SLOPES = 24  # lam tried in each of two rounds
STEEPEST = 1 - 1e-9  # of the largest lam allowed


@dataclasses.dataclass(frozen=True)
class Cell:
    """Steps with neighbouring step sizes and thresholds: what is computed at (low, high) step size and least threshold.

    The weights have one row for each horizon: of h(lam) at the smaller and the larger step size, and of h(0).
    """

    low: float
    high: float
    threshold: float
    stretch: float
    at_low: FloatArray
    at_high: FloatArray
    still_low: FloatArray
    still_high: FloatArray


def _places(values: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """Number of the logarithmic cell of each value, and the ends of the cells, which neighbours share."""
    low, high = float(values.min()), float(values.max())
    if high <= low * (1 + 1e-12):
        return np.zeros(values.size, dtype=np.int64), np.array([low, high])
    share = np.log(values / low) / np.log(high / low)
    return np.minimum((count * share).astype(np.int64), count - 1), np.geomspace(low, high, count + 1)


def cells_of(eta: FloatArray, c: FloatArray, horizons: IntArray) -> list[Cell]:
    """The steps in cells, with the weights of `WeightedS0Star` for each horizon."""
    (row, ends), (column, starts) = _places(eta, CELLS), _places(c, FINER)
    places = row * FINER + column
    found = []
    for place in np.unique(places):
        at = np.flatnonzero(places == place)
        first, second = divmod(int(place), FINER)
        low, high = float(min(eta[at].min(), ends[first])), float(max(eta[at].max(), ends[first + 1]))
        least = float(min(c[at].min(), starts[second]))
        ratio = c[at] / least
        share = (eta[at] - low) / (high - low) if high > low else np.zeros(at.size)
        until = np.searchsorted(at, horizons)

        def total(weights: FloatArray, until: IntArray = until) -> FloatArray:
            return np.concatenate([[0.0], np.cumsum(weights)])[until]

        main, still = eta[at] * ratio, eta[at] * ratio * (ratio - 1)
        found.append(
            Cell(
                low, high, least, float(ratio.max()),
                total(main * (1 - share)), total(main * share), total(still * (1 - share)), total(still * share),
            )
        )  # fmt: skip
    return found


class WeightedS0Star(ScheduledBound):
    r"""sum eta_t E u_t/S <= inf over lam > 0 of [ F0 + sum_{t<T} eta_t h_t(lam) ]/(lam S), h_t(lam) = sup_{u>=0}(lam u - Psi*_t(u)).

    S0* (`S0Star`) for step sizes and thresholds that change. The left side is the mean of the gradient norms with the weights
    eta_t, and E‖grad f(x_R)‖ for a step R drawn with the probability eta_t/S, independently of the run.

    **Hypotheses.** Those of `S0Star` with eta_t, c_t in place of eta, c at every step (the schedules are fixed beforehand).

    **Proof.** In the proof of S0* one step gives E f(x_{t+1}) - E f(x_t) <= -eta_t E Psi*_t(u_t), whatever the other steps are. The sum over
    t < T is sum eta_t E Psi*_t(u_t) <= F0 (*), and Psi*_t(u) >= lam u - h_t(lam) for every lam > 0. QED

    **What is computed**, an upper bound of the infimum. h_t depends on eta_t and c_t only, and is taken from a few pairs:

    * *Step sizes.* For one law E[u clip(Y) - kappa clip(Y)²] is affine in eta, so Psi*, the infimum over laws, is concave in eta, and h, a
      supremum of lam u - Psi*, convex: between two step sizes it is at most its chord.
    * *Thresholds.* Let c = r a, r >= 1. clip_c(Y) = r clip_a(Y/r), and Y/r has the mean u/r and the p-th moment (sigma/r)^p <= sigma^p about it,
      so Psi*(u; c) >= r² Psi*(u/r; a), hence h(lam; c) <= r² h(lam/r; a) (with L1 r in place of L1, as kappa(u) = eta(L0 + L1 r w)/2 at
      u = r w). h is convex in lam: r² h(lam/r) <= r h(lam) + (r² - r) h(0).
    * *lam.* Any lam gives a valid bound; two rounds of a grid find a good one. h itself is rounded up (`envelope`).

    Parameters
    ----------
    p : float in (1, 2]
        Which moment of the noise is used.
    """

    p: float = parameter(Interval(1, 2, closed_high=True), "the moment of the noise that is used", default=2.0)

    quantity = "weighted_mean_gradient_norm"
    source = "proved here"
    statement = (
        r"\frac{\sum\eta_t\,\mathbb E\|\nabla f(x_t)\|}{\sum\eta_t}\le\inf_\lambda\frac{F_0+\sum_t\eta_t\sup_u(\lambda u-\Psi^*_t(u))}"
        r"{\lambda\sum_t\eta_t}"
    )

    @property
    def name(self) -> str:
        return "WeightedS0Star" if self.p == 2 else f"WeightedS0Star(p={self.p:g})"

    def further(self, setting: Setting) -> list[Hypothesis]:
        return [moment_row(setting, self.p), *self.step_rows(setting), lower_bound_row(setting.problem)]

    def _sigma(self, setting: Setting) -> float:
        sigma, method = float(setting.moment(self.p)) ** (1 / self.p), setting.method
        return sigma if method.per_sample else group_sigma(sigma, self.p, method.batch_size)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        horizons, where = np.unique(np.ravel(steps).astype(np.int64), return_inverse=True)
        eta, c = (numbers_of(setting.method, name, int(horizons[-1])) for name in ("step_size", "threshold"))
        cells = cells_of(eta, c, horizons)
        total = np.cumsum(eta)[horizons - 1] * (1 - 4 * np.finfo(float).eps * np.sqrt(horizons))
        F0, sigma = setting.problem.initial_gap, self._sigma(setting)
        pieces = self._pieces(setting, cells, sigma, F0 / float(total.max()))
        top = min(envelope.steepest for envelope, _, _ in pieces) * STEEPEST
        if not top > 0:
            return np.full_like(steps, np.inf)
        still = sum((weights * envelope.highest(0.0) for envelope, _, weights in pieces), np.zeros(horizons.size))
        best, lams = np.full(horizons.size, np.inf), np.geomspace(1e-5, 1, SLOPES) * top
        for _ in range(2):
            highest = np.array([[envelope.highest(lam) for lam in lams] for envelope, _, _ in pieces])
            weights = np.array([main for _, main, _ in pieces])
            value = (F0 + still[:, np.newaxis] + weights.T @ highest) / (lams * total[:, np.newaxis])
            best = np.minimum(best, value.min(axis=1))
            chosen = np.argmin(value, axis=1)
            first, last = max(int(chosen.min()) - 1, 0), min(int(chosen.max()) + 1, SLOPES - 1)
            lams = np.geomspace(lams[first], lams[last], SLOPES)
        return (best * (1 + 1e-12))[where].reshape(np.shape(steps))

    def _pieces(
        self, setting: Setting, cells: list[Cell], sigma: float, budget: float
    ) -> list[tuple[Envelope, FloatArray, FloatArray]]:
        """Envelopes with the weights of h(lam) and of h(0), one row for each horizon in either."""
        L0, L1, _ = self.smallest(setting)
        found: dict[tuple[float, float, float], tuple[Envelope, FloatArray, FloatArray]] = {}
        for cell in cells:
            for eta, main, still in (
                (cell.low, cell.at_low, cell.still_low),
                (cell.high, cell.at_high, cell.still_high),
            ):
                key = (eta, cell.threshold, L1 * cell.stretch)
                if key in found:
                    envelope, before, standing = found[key]
                    found[key] = (envelope, before + main, standing + still)
                    continue
                k = Constants(eta, cell.threshold, L0, key[2], np.inf)
                size = floor(k.c, sigma, self.p) + np.sqrt(budget + 0.5 * eta * (L0 + k.c * L1) * min(k.c, sigma) ** 2)
                small = max(1e-3 * float(size), 1e-12 * (k.c + sigma))
                found[key] = (Envelope(k, sigma, self.p, small), main, still)
        return list(found.values())
