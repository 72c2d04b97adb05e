"""S0* with a potential for each number of steps to go: sharp also where the horizon is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...specs import NON_NEGATIVE, Interval, parameter
from ...worst_case import floor
from ...worst_case.potential_kernels import advance_potential
from .common import Constants, lipschitz_row
from .envelope import Envelope
from .joint import S0Star

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods import Setting
    from ..base import Hypothesis

LONGEST = 5000  # steps up to which it is evaluated; beyond, S0* is the bound
WORK = 1e9  # steps times squared cells: some seconds
FINE, RATIO = (
    40,
    1.02,
)  # cells of gradient norms up to twice those that matter, over sqrt T, and the growth of the others
MARGIN = 1 + 1e-9  # of 5000 steps, each with a few roundings of positive numbers


class S0Finite(S0Star):
    r"""Gbar <= Phi_T(F0)/T, with Phi_0 = 0 and concave Phi_{k+1}(phi) >= sup over 0 <= u <= sqrt(2 L phi) of u + Phi_k(phi - eta Psi*(u)).

    **Hypotheses.** Those of `S0Star` with a global L, and no noise added after clipping.

    **Proof.** Let phi_t = f(x_t) - f*. (i) ‖grad f(x)‖² <= 2 L (f(x) - f*), as f* <= f(x - grad f(x)/L) <= f(x) - ‖grad f(x)‖²/(2L). (ii) Given the past,
    E phi_{t+1} <= phi_t - eta Psi*(‖grad f(x_t)‖), as for S0*. Claim: given x_t with k steps to go, E sum_{s<k} ‖grad f(x_{t+s})‖ <= Phi_k(phi_t).
    For k = 0 both are 0. Let it hold for k, and u = ‖grad f(x_t)‖. Phi_k is concave and does not decrease, so by Jensen's inequality and (ii)
    the sum over k + 1 steps is at most u + E Phi_k(phi_{t+1}) <= u + Phi_k(E phi_{t+1}) <= u + Phi_k(phi_t - eta Psi*(u)), where u <= sqrt(2 L phi_t) by (i):
    at most Phi_{k+1}(phi_t). (E phi_{t+1} >= 0, so a u with phi_t < eta Psi*(u) does not occur.) QED

    **Sharper than S0*.** Phi_k(phi) = phi/(eta lam) + k sup_u(lam u - Psi*(u))/lam satisfies the recursion, with u not restricted: this is S0*. There the
    whole of F0 is paid for at the slope 1/(eta lam); here a gradient of the norm u needs a height of u²/(2L), which no budget of a
    short run pays for. At c = .1 sigma, eta T = 10 it is within a hundredth of the adversary, where S0* is 1.46 times it. The smaller of the two
    values is returned; beyond 5000 steps that of S0*, as they approach each other when T grows.

    **Evaluation.** ‖x_t - x_0‖ <= eta c t and (i) give sqrt(2 L phi_t) <= sqrt(2 L F0) + L eta c T, so Phi is needed up to that level only. It is affine between nodes
    phi_i = u_i²/(2L). On a cell of levels [phi_i, phi_{i+1}] the norms u < u_{i+1} are allowed; those of one cell earn at most its right end, and
    Psi* is at least its certified envelope there (`envelope`). A concave function exceeds its chord on [a, b] by at most
    (b-a)/4 times the loss of its slope, so each cell has a chord above all terms, and the concave hull of all chords is Phi_{k+1}.

    Parameters
    ----------
    p : float in (1, 2]
    """

    p: float = parameter(Interval(1, 2, closed_high=True), "the moment of the noise that is used", default=2.0)
    added_variance: float = parameter(NON_NEGATIVE, "must be 0", default=0.0)

    costly = True
    statement = (
        r"\bar G\le\tfrac1T\Phi_T(F_0),\ \Phi_0=0,\ \Phi_{k+1}(\varphi)\ge\sup_{u^2\le2L\varphi}\bigl[u+\Phi_k(\varphi-\eta\Psi^*(u))\bigr]"
        r"\ \text{concave}"
    )

    def validate(self) -> None:
        if self.added_variance:
            raise ValueError(
                f"S0Finite: added_variance must be 0, because steps have no bounded length then, but {self.added_variance:g} was"
                " given; use S0Star"
            )

    @property
    def name(self) -> str:
        return "S0Finite" if self.p == 2 else f"S0Finite(p={self.p:g})"

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        return [lipschitz_row(setting.problem)]

    def _constants(self, setting: Setting) -> Constants:
        k = self.constants(setting)
        return Constants(k.eta, k.c, setting.problem.lipschitz, 0.0, np.inf)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        value = np.array(super().evaluate(setting, steps), dtype=np.float64)
        k, sigma, gap = self._constants(setting), self.noise_level(setting), float(setting.problem.initial_gap)
        short = np.asarray(steps) <= LONGEST
        if not (np.any(short) and 0 < k.eta * k.c * k.c < np.inf):
            return value
        counts = np.asarray(steps)[short].astype(int)
        found = np.empty(counts.shape)
        # one grid for all horizons between two powers of 2: the value at T does not depend on what else is asked
        ends = np.minimum(2 ** np.ceil(np.log2(counts)).astype(int), LONGEST)
        for end in np.unique(ends):
            sums = largest_sums(k, sigma, self.p, gap, int(end))
            found[ends == end] = sums[counts[ends == end] - 1]
        value[short] = np.minimum(value[short], found / counts * MARGIN)
        return value


def norms(k: Constants, sigma: float, p: float, gap: float, steps: int) -> tuple[FloatArray, int]:
    """Edges of the cells of gradient norms, the first one 0 and that of the level F0 among them, and the latter's index."""
    first = float(np.sqrt(2 * k.L0 * gap)) * (1 + 1e-15)
    last = (first + k.L0 * k.eta * k.c * steps) * (1 + 1e-12)
    if not 0 < last < np.inf:
        return np.zeros(1), 0
    usual = min(last, max(2 * first, 2 * float(floor(k.c, sigma, p)), 1e-3 * last))
    # the loss at the bends of Phi grows like T over the square of the number of cells
    cells = int(max(400, min(FINE * np.sqrt(steps), np.sqrt(WORK / steps))))
    edges = np.linspace(0, usual, cells + 1)
    if last > usual:
        edges = np.append(edges, np.geomspace(usual, last, 2 + int(np.log(last / usual) / np.log(RATIO)))[1:])
    edges = np.unique(np.append(edges, first))
    return edges, int(np.searchsorted(edges, first))


def largest_sums(k: Constants, sigma: float, p: float, gap: float, steps: int) -> FloatArray:
    """Phi_t(F0) for t = 1, ..., steps."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        edges, start = norms(k, sigma, p, gap, steps)
        levels, count = edges**2 / (2 * k.L0), edges.size - 1
    if not (
        count > 0 and np.all(np.diff(levels) > 0) and np.isfinite(levels[-1])
    ):  # they leave the range of floats: inf is an upper bound
        return np.full(steps, np.inf)
    falls = k.eta * Envelope(k, sigma, p, 1e-3 * (k.c + sigma)).least_on(edges)
    values, history = np.zeros(count + 1), np.zeros(steps)
    advance_potential(levels, values, edges[1:].copy(), falls, np.zeros(4 * count + 1), history, start, steps)
    return history
