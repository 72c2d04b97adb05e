"""S0, the sharp stochastic upper bound: one maximum over the gradient norm, computed so that rounding up is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...worst_case import drift, floor
from .common import sigma_of, step_rows
from .stochastic import StochasticBound, from_drift_mean

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray
    from ...methods.base import Setting
    from ..base import Hypothesis
    from .common import Constants

COARSE, FINE = 4000, 64  # cells of the grid in log u, and their subdivision where the maximum may lie
SLOPES = 200
MARGIN = 1e-12  # of the size of the summands: pays for the rounding of the evaluation


def step_gain(u: FloatArray, k: Constants, sigma: float) -> FloatArray:
    """Psi(u) = u m(u) - (eta/2)(L0 + L1 u) min(c², u² + sigma²): E f(x+) - f(x) <= -eta Psi(u).

    Parameters
    ----------
    u : array_like in [0, inf), gradient norms
    k : Constants
    sigma : float in [0, inf)
    """
    u = np.asarray(u, dtype=np.float64)
    return u * drift(u, k.c, sigma) - 0.5 * k.eta * (k.L0 + k.L1 * u) * np.minimum(k.c**2, u * u + sigma**2)


def _cells(edges: FloatArray, k: Constants, sigma: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """(a, b, r, d) with lam u - Psi(u) <= max(a(lam - r), b(lam - r)) + d on each cell [a, b] of consecutive edges.

    m increases, so m(u) >= m(a) on the cell, and with Q = min(c², b² + sigma²) the left side is at most
    u(lam - m(a) + (eta/2) L1 Q) + (eta/2) L0 Q, which is affine in u: r = m(a) - (eta/2) L1 Q, d = (eta/2) L0 Q.
    """
    a, b = edges[..., :-1].ravel(), edges[..., 1:].ravel()
    half = 0.5 * k.eta * np.minimum(k.c**2, b * b + sigma**2)
    return a, b, drift(a, k.c, sigma) - half * k.L1, half * k.L0


def _largest(lam: ArrayLike, cells: tuple[FloatArray, FloatArray, FloatArray, FloatArray]) -> FloatArray:
    """Upper bound of lam u - Psi(u) on each cell, one row for each lam."""
    a, b, r, d = cells
    room = np.asarray(lam)[..., np.newaxis] - r
    return np.maximum(a * room, b * room) + d + MARGIN * b * (np.abs(r) + np.abs(room))


class S0(StochasticBound):
    r"""Gbar <= inf over 0 < lam < c(1 - eta c L1/2) of [ F0/(eta T) + max_{u>=0}(lam u - Psi(u)) ]/lam.

    Psi(u) = u m(u) - (eta/2)(L0 + L1 u) min(c², u² + sigma²).

    **Hypotheses.** First-order constants on a radius >= eta c, eta c L1 <= 1; bounded variance; f* <= inf f.

    `S0Star` is sharper: it takes drift and second moment from one worst law.

    **Proof.** Sum the one-step inequality (`stochastic`, module docstring): (1/T) sum E Psi(u_t) <= F0/(eta T). For M >= lam u - Psi(u)
    for all u >= 0, lam Gbar <= F0/(eta T) + M. Since m(u) -> c, M is finite below the stated end.

    **The value returned is an upper bound of the infimum's members.** Any lam is admissible, so only M must not be too
    small. (i) On a cell [a, b] of the grid lam u - Psi(u) is at most its affine majorant (`_cells`), because m increases.
    (ii) The first cell is [0, u_1]. (iii) Beyond the last edge U, m(u) >= m(U), so lam u - Psi(u) <= u(lam - m(U) + (eta/2) L1 c²) +
    (eta/2) L0 c²; only slopes lam <= m(U) - (eta/2) L1 c² are used, for which this is largest at U, and that value is included.
    (iv) Cells whose bound is below a value that lam u - Psi(u) takes cannot hold the maximum; the others are cut into 64, so
    that the slack is about 1e-4 of the maximiser. A relative margin pays for rounding. (v) For L1 = 0 the supporting line
    with lam = c v/(c+v), v >= u*, gives M <= lam v + (eta/2) L0 c²: the member of the infimum is then at most the value of S1,
    and the smaller value is returned.
    """

    statement = (
        r"\bar G\le\inf_\lambda\frac1\lambda\Bigl[\frac{F_0}{\eta T}+\max_{u\ge0}(\lambda u-\Psi(u))\Bigr],\ "
        r"\Psi(u)=u\,m(u)-\tfrac\eta2(L_0+L_1u)\min(c^2,u^2+\sigma^2)"
    )

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        return step_rows(self.constants(setting))

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, sigma = self.constants(setting), sigma_of(setting)
        if not 0 < k.eta * k.c * k.c < np.inf:  # c² leaves the range of floats: inf is an upper bound
            return np.full_like(steps, np.inf)
        budget = np.atleast_1d(self.budget(setting, steps)).ravel()
        least = floor(k.c, sigma)
        half = 0.5 * k.eta * (k.L0 + k.c * k.L1)
        eps = budget + half * k.c**2  # the one of S1
        v = np.maximum(least, np.sqrt(eps))
        # the size of Gbar where the second moment of a step is sigma², far below c²: it sets the lower ends of the grids
        small = max(least, np.sqrt(budget.min() + half * min(k.c, sigma) ** 2), 1e-9 * v.max())
        last = 1e3 * (k.c + sigma + v.max())
        edges = np.concatenate([[0.0], np.geomspace(1e-4 * small, last, COARSE)])
        tail = drift(last, k.c, sigma)
        top = (tail - 0.5 * k.eta * k.L1 * k.c**2) * (1 - 1e-9)

        slopes = np.concatenate([k.c * v / (k.c + v) if v.size <= SLOPES else [], self._slopes(k, small, top)])
        slopes = np.unique(slopes[slopes <= top])
        reached = slopes[:, np.newaxis] * edges - step_gain(edges, k, sigma)
        attained = reached.max(axis=1)
        chosen = np.unique(np.argmin((budget[:, np.newaxis] + attained) / slopes, axis=1))
        slopes, attained = slopes[chosen], attained[chosen]

        hopeful = np.any(_largest(slopes, _cells(edges, k, sigma)) >= attained[:, np.newaxis], axis=0)
        a, b = edges[:-1][hopeful], edges[1:][hopeful]
        fine = a[:, np.newaxis] + (b - a)[:, np.newaxis] * np.linspace(0, 1, FINE + 1)
        fine[:, -1] = b
        cells = _cells(fine, k, sigma)
        at_last = last * (slopes - tail + 0.5 * k.eta * k.L1 * k.c**2) + 0.5 * k.eta * k.L0 * k.c**2
        largest = np.maximum([np.max(_largest(lam, cells)) for lam in slopes], at_last)
        value = np.min((budget[:, np.newaxis] + largest) / slopes, axis=1) * (1 + MARGIN)
        if k.L1 == 0:
            value = np.minimum(value, from_drift_mean(eps, k.c, least))
        return value.reshape(steps.shape)

    @staticmethod
    def _slopes(k: Constants, small: float, top: float) -> FloatArray:
        """Candidates for lam: log-spaced from far below c v/(c+v), v = small, to the end, denser there."""
        low = 0.1 * k.c * small / (k.c + small)
        return np.concatenate([np.geomspace(min(low, 0.1 * top), top, SLOPES), top * (1 - np.geomspace(1e-5, 0.3, 40))])
