"""One step of the method in exponential moments: Psi_lambda(G), bounded from below on cells of the gradient norm."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from .exponential import excess_supremum
from .gaussian_mean import Terms, gaussian_mean
from .sharp_bias import sharp_bias
from .sharp_expectation import largest_quadratic

if TYPE_CHECKING:
    from ...array_types import BoolArray, FloatArray, FloatOrArray
    from .mean_step import MeanStep

OVERSHOOT = 0.01  # of one step's share of the failures: the factor 1/(1 - 2 Q(c)) of the cut form of Lemma L


@dataclasses.dataclass(frozen=True)
class Grid:
    """How finely the bound is evaluated; every choice is valid, finer ones are smaller."""

    cells: int
    shares: int  # of the bias, refinement R1
    width: float  # of the nodes of the Gaussian mean
    groups: int


COARSE, FINE = Grid(48, 8, 0.3, 16), Grid(120, 24, 0.1, 64)


@dataclasses.dataclass(frozen=True)
class Minorant:
    """Quadratics below Psi on each cell.

    `forms` is a list of (constant, linear, square), each of shape (cells, alternatives): Psi(G) is at least the least alternative
    constant + linear G + square G² of each form.
    """

    low: np.ndarray
    high: np.ndarray
    forms: list

    def excess(self, linear: FloatOrArray, square: FloatOrArray) -> FloatArray:
        """sup over G in the cell of linear G + square G² - Psi(G), from above: shape of the parameters + (cells,)."""
        linear, square = np.asarray(linear, dtype=np.float64), np.asarray(square, dtype=np.float64)
        low, high = self.low[:, np.newaxis], self.high[:, np.newaxis]
        found = []
        for c0, c1, c2 in self.forms:
            parts = largest_quadratic(linear[..., None, None] - c1, square[..., None, None] - c2, low, high) - c0
            found.append(parts.max(axis=-1))
        return np.minimum.reduce(found)

    @cached_property
    def least(self) -> FloatArray:
        """inf of Psi on each cell, from below."""
        return -self.excess(0.0, 0.0)


class StepExponent:
    """E exp(lambda (f(x+) - f(x))) <= exp(-(lambda eta/2) Psi_lambda(G)) for one step from a point with the gradient norm G.

    x+ = x - eta ghat, f L-smooth, omega = L eta <= 1, units as in `MeanStep`, q = lambda L eta²/2.

    **One step.** Psi_lambda(G) = 2 G ell - omega ell² - (2/(lambda eta)) log E_N exp K_G(|lambda eta (G - omega ell) + sqrt(2 q) N|), K_G of
    `gaussian_mean.Terms` with v(tau_k, G), a(tau_k, G).                                                   [proved]

    Proof. Y = -eta <g, ghat> + (L eta²/2)‖ghat‖² >= f(x+) - f(x). With m = E ghat, zeta = ghat - m, lambda Y = q(‖m - g/omega‖² -
    G²/omega²) + <2 q (m - g/omega), zeta> + q‖zeta‖², as 2 q/omega = lambda eta. By `MeanStep` ‖m - g/omega‖ <= G/omega - ell, so the first term
    is at most -(lambda eta/2)(2 G ell - omega ell²), and the vector in the second is at most lambda eta (G - omega ell) long. Lemma L.

    **Refinements**, each valid at every G by itself, so that the best may be taken on each cell:

    (R1) one constant threshold, G <= tau. With b_k the norm of the bias of unit k and b their mean, ell = G - b serves, and
    Var_k <= w(b_k) = min{ v, v*(b_k) - b_k², tau² - (G - b_k)_+² }, v*(b) = inf over w >= 0 of sigma^p sup_z [w (z-s)_+ + min(z, M)²]
    z^{-p} - w b, s = tau - G, M = tau + G: b <= E(Z - s)_+, E‖clip X - g‖² <= E min(Z, M)², Z = ‖X - g‖. w is concave, and so is
    log(1 + w kappa/a²): by Jensen the units may be given the same b. The worst b in [0, beta1(tau - G)] is taken.       [proved]

    (R2) one unit. With A = lambda eta (G - omega min(G, tau)), M = tau + min(G, tau), H(r) = e^{A r + q r²} - 1 - A r:
    log E e^{lambda Y} <= -lambda eta G min(G, tau) + q min(G, tau)² + log(1 + A beta1(|tau - G|) + (min(sigma, M)/M)^p H(M)); for G <= tau
    also with 1 + sigma^p sup_z [A (z-s)_+ + H(min(z, M))] z^{-p} in the logarithm.                             [proved]
    Proof. e = clip X - clip g. lambda Y is the first two terms - A<g/G, e> + q‖e‖². exp(-A t + q r²) - (1 - A t + H(r)) is convex in
    t = <g/G, e> in [-r, r]; it is 0 at -r and 2 A r - 2 e^{q r²} sinh(A r) <= 0 at r. So the mean is at most 1 - A E<g/G, e> +
    E H(‖e‖). -E<g/G, e> <= beta1(|tau - G|) by Lemma B1 (ii), and <= E(Z - s)_+ for G <= tau; ‖e‖ <= min(Z, M), and H(r)/r^p is
    nondecreasing (power series from r² on).

    (R3) with `failure` > 0 the indicator of ‖zeta‖ <= r(G) multiplies e^{lambda Y}, r(G) a number with P(‖zeta‖ > r(G)) <= failure that is
    constant on each cell, and the cut form of Lemma L is used.

    **On a cell** 2 G ell - omega ell² has its chord bound (`MeanStep`), a quadratic; everything inside the logarithm increases with
    the pull, v, a, M and falls with tau - G, and is taken at the worst end. The fractions of the bias b = theta beta1 are cut into
    intervals, ell taken at the upper, w's decreasing parts at the lower end.

    Parameters
    ----------
    step : MeanStep, with omega = L eta
    step_size : eta
    edges : ndarray, increasing, of gradient norms; no threshold may lie between two of them
    failure : float in [0, 1), the probability of a cut in one step; 0: no cut
    """

    def __init__(
        self, step: MeanStep, step_size: float, edges: FloatArray, failure: float = 0.0, grid: Grid = FINE
    ) -> None:
        self.step, self.omega, self.eta, self.lipschitz = step, step.omega, step_size, step.omega / step_size
        self.sigma, self.p, self.grid, self.failure = step.sigma, step.p, grid, failure
        self.cells = step.cells(edges[:-1], edges[1:])
        self.constant = step.least.size == 1 and step.least[0] == step.top

    @cached_property
    def terms(self) -> Terms:
        return Terms(self.cells.variance, self.cells.reach, self.step.repeats)

    @cached_property
    def radius(self) -> FloatArray | None:
        """r(G) of each cell; None without a cut."""
        return self.terms.radius(self.failure) if self.failure > 0 else None

    def minorant(self, lam: float) -> Minorant:
        """`Minorant` of Psi_lambda."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            forms = [self._general(lam)]
            if self.sigma > 0:
                if self.constant and self.cells.high[0] <= self.step.top:
                    forms.append(self._with_bias(lam))
                if self.step.count == 1:
                    forms.append(self._one_unit(lam))
        return Minorant(self.cells.low, self.cells.high, forms)

    def _mean(self, terms: Terms, pull: FloatArray, lam: float, radius: FloatArray | None) -> FloatArray:
        scale = np.sqrt(lam * self.lipschitz) * self.eta  # sqrt(2 q)
        cut = None if radius is None else (radius, float(-ndtri(OVERSHOOT * self.failure)))
        return 2 / (lam * self.eta) * gaussian_mean(terms, lam * self.eta * pull, scale, self.grid.width, cut)

    def _quadratic(
        self, shift: FloatArray, slope: FloatArray, noise: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """2 G ell - omega ell² - noise for ell = shift + slope G."""
        omega = self.omega
        return (
            np.nan_to_num(-omega * shift**2 - noise, nan=-np.inf),
            2 * shift * (1 - omega * slope),
            slope * (2 - omega * slope),
        )

    def _general(self, lam: float) -> tuple[FloatArray, ...]:
        cells = self.cells
        noise = self._mean(self.terms, cells.pull, lam, self.radius)
        return tuple(part[:, np.newaxis] for part in self._quadratic(cells.shift, cells.slope, noise))

    @cached_property
    def _biased(self) -> tuple[BoolArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Of R1, for each cell up to tau and each share of the bias: shift, slope, pull, variance, (cells, shares); and the cells."""
        tau, inside = self.step.top, self.cells.high <= self.step.top
        low, high = self.cells.low[inside], self.cells.high[inside]
        share = np.linspace(0, 1, self.grid.shares + 1)
        bias = sharp_bias(tau - np.stack([low, high]), self.sigma, self.p)[..., np.newaxis]
        least, most = share[:-1] * bias[0], share[1:] * bias[1]
        shift = share[1:] * self.cells.shift[inside, np.newaxis]
        slope = 1 - share[1:] * (1 - self.cells.slope[inside, np.newaxis])
        pull = high[:, np.newaxis] * (1 - self.omega) + self.omega * most
        variance = np.minimum(self._joint(high, least) - least**2, self.cells.variance[inside])
        variance = np.minimum(variance, tau**2 - np.maximum(low[:, np.newaxis] - most, 0.0) ** 2)
        return inside, shift, slope, pull, np.maximum(variance, 0.0)

    def _joint(self, norm: FloatArray, bias: FloatArray) -> FloatArray:
        """v*(b) at G = norm (cells,) for b of shape (cells, shares)."""
        s, reach = self.step.top - norm, self.step.top + norm
        rates = np.concatenate([[1e-12], np.geomspace(1e-2, 1e2, 40)]) * self.step.top
        size = excess_supremum(rates, (s[:, np.newaxis], reach[:, np.newaxis]), reach[:, np.newaxis] ** 2, self.p)
        return np.min(self.sigma**self.p * size[:, np.newaxis] - rates * bias[..., np.newaxis], axis=-1)

    def _with_bias(self, lam: float) -> tuple[FloatArray, ...]:
        inside, shift, slope, pull, variance = self._biased
        shape = variance.shape
        reach = np.repeat(self.cells.reach[inside], shape[1], axis=0)
        radius = None if self.radius is None else np.repeat(self.radius[inside], shape[1])
        terms = Terms(variance.reshape(-1, 1), reach, self.step.repeats)
        noise = self._mean(terms, pull.ravel(), lam, radius).reshape(shape)
        found = [np.full((inside.size, shape[1]), fill) for fill in (-np.inf, 0.0, 0.0)]
        for whole, part in zip(found, self._quadratic(shift, slope, noise), strict=True):
            whole[inside] = part
        return tuple(found)

    def _one_unit(self, lam: float) -> tuple[FloatArray, ...]:
        low, high, tau = self.cells.low, self.cells.high, self.step.top
        inside = high <= tau
        q, held = lam * self.lipschitz * self.eta**2 / 2, np.minimum(high, tau)
        pull, reach = lam * self.eta * (high - self.omega * held), tau + held
        size = np.exp(pull * reach + q * reach**2) - 1 - pull * reach
        bias = sharp_bias(np.where(inside, tau - high, low - tau), self.sigma, self.p)
        mean = pull * bias + (np.minimum(self.sigma, reach) / reach) ** self.p * size
        s = np.maximum(tau - high, 0.0)
        joint = self.sigma**self.p * excess_supremum(pull, (s, reach), size, self.p)
        mean = np.where(inside, np.fmin(mean, joint), mean)
        noise = 2 / (lam * self.eta) * np.log1p(mean)
        return tuple(
            part[:, np.newaxis]
            for part in self._quadratic(np.where(inside, 0.0, tau), np.where(inside, 1.0, 0.0), noise)
        )
