"""Lemma L: exponential moments of a mean of bounded vectors by a Gaussian mean in one dimension, rounded up."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtr

from .exponential import kappa

if TYPE_CHECKING:
    from ...array_types import FloatArray

FAR = 9.0  # the Gaussian mass beyond is bounded, not integrated
FURTHEST = 60.0
ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class Terms:
    """K(y) = sum_g repeats_g log(1 + min(v_g/a_g², 1) kappa(y a_g/n)) for many rows of variances v and reaches a, (rows, groups).

    In Lemma L each of n independent centred vectors has ‖zeta_k‖ <= a_k, E‖zeta_k‖² <= v_k; S is their sum over n. K bounds the
    logarithm of E cosh(y‖x + S‖)/cosh(y‖x‖) for every x: see `gaussian_mean`.
    """

    variance: np.ndarray
    reach: np.ndarray
    repeats: np.ndarray

    @property
    def count(self) -> float:
        """n."""
        return float(self.repeats.sum())

    @property
    def mean_reach(self) -> FloatArray:
        """(1/n) sum a_k for each row: ‖S‖ is never larger, and K(y) <= y times it."""
        return self.reach @ self.repeats / self.count

    def exponent(self, y: FloatArray) -> FloatArray:
        """K at y of shape (rows, points)."""
        share = np.minimum(self.variance / self.reach**2, 1.0)
        total = np.zeros(np.shape(y))
        with np.errstate(over="ignore"):
            for g, repeat in enumerate(self.repeats):
                size = self.reach[:, g, np.newaxis]
                total += repeat * np.log1p(share[:, g, np.newaxis] * kappa(y * size / self.count))
        return total

    def radius(self, failure: float) -> FloatArray:
        """r with P(‖S‖ > r) <= failure for each row: inf over y of (K(y) + ln(2/failure))/y, or mean a if that is less."""
        points = np.geomspace(0.02, 30, 60)
        y = points * (1 / self.mean_reach * self.count)[:, np.newaxis]
        found = np.min((self.exponent(y) + np.log(2 / failure)) / y, axis=1)
        return np.minimum(found, self.mean_reach)


def _hats(nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Integrals of the rising and the falling half of each node's hat function against the Gaussian density."""
    width = nodes[1] - nodes[0]
    density = np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    left, right = nodes[:-1], nodes[1:]
    mass = np.where(left > 0, ndtr(-left) - ndtr(-right), ndtr(right) - ndtr(left))
    drop = density[:-1] - density[1:]
    rise = np.clip((drop - left * mass) / width, 0.0, mass)
    return np.append(0.0, rise), np.append(mass - rise, 0.0)


def gaussian_mean(
    terms: Terms, pull: FloatArray, scale: float, width: float, cut: tuple[FloatArray, float] | None = None
) -> FloatArray:
    """log of a bound of E exp(<u, S> + q‖S‖²), for every vector u with ‖u‖ <= pull, rounded up; inf beyond the floats.   [proved]

    **Lemma L.** For every q > 0 and s = sqrt(2 q), N standard normal,

        E exp(<u, S> + q‖S‖²) <= E exp K(|‖u‖ + s N|),   P(‖S‖ > r) <= 2 e^{K(y) - y r} for every y > 0,
        E[exp(<u, S> + q‖S‖²) 1{‖S‖ <= r}] <= (1 - 2 Q(c))^{-1} E[e^{K(|y|)} 1{|y| <= ‖u‖ + 2 q r + c s}], y = ‖u‖ + s N, any c > 0,

    with Q the upper Gaussian tail.

    Proof. kappa(t)/t² is nondecreasing, so as in `exponential.hilbert_factor`, one vector after another, E cosh(y‖x + S‖) <=
    cosh(y‖x‖) prod(1 + E kappa(y‖zeta_k‖/n)) <= cosh(y‖x‖) e^{K(y)}; the second claim is Markov at x = 0. Let rho = ‖S + u/2q‖ and
    A = ‖u‖/s. Then exp(<u, S> + q‖S‖²) = e^{-A²/2} e^{q rho²}, e^{q rho²} = E_N cosh(s N rho), and with x = u/2q the mean is at most
    e^{-A²/2} E_N[cosh(A N) e^{K(s|N|)}] = E e^{K(s|N + A|)}. Cut: where ‖S‖ <= r, rho <= r + ‖u‖/2q, and with N0 = s (r + ‖u‖/2q) + c,
    E_N[cosh(s N rho) 1{|N| <= N0}] = e^{q rho²} P(|N + s rho| <= N0) >= (1 - 2 Q(c)) e^{q rho²}; go on as before with the indicator
    of |N| <= N0. Both right sides increase with A: F = e^{K(s|.|)} is even and increases with |x|, and with B = s r + c the derivative of
    int_{|x| <= A+B} F(x) phi(x - A) dx is 2 F(A+B) phi(2A+B) + int F'(x) phi(x - A) dx, which is not negative because F' is odd
    and phi(x - A) >= phi(-x - A) for x > 0. (It needs both sides of the cut.)

    Rounding: e^{K(|y|)} is convex and even, so it is replaced by chords between nodes and integrated exactly against the
    density. Below -9 and beyond the last node it is at most its value at the cut, or e^{mean(a)|y|} without a cut.

    Parameters
    ----------
    terms : Terms of (rows, groups)
    pull : ndarray (rows,), the largest ‖u‖
    scale : float s
    width : float, distance of the nodes
    cut : (r, c) or None, r of shape (rows,)
    """
    pull = np.asarray(pull, dtype=np.float64)
    reach = terms.mean_reach
    if not terms.variance.any():  # S = 0
        return np.zeros(pull.shape)
    if scale == 0:
        return terms.exponent(pull[:, np.newaxis])[:, 0]
    if cut is None:
        growth = reach * scale
        if not growth.max() < FURTHEST / 2:
            return np.full(pull.shape, np.inf)
        ends = np.full(pull.shape, FAR + growth.max())
    else:
        ends = np.minimum(scale * cut[0] + cut[1], FURTHEST)
    nodes = np.arange(-FAR, max(FAR, ends.max()) + 2 * width, width)
    last = np.searchsorted(nodes, ends)  # the first node at or beyond the end
    rise, fall = _hats(nodes)
    index = np.arange(nodes.size)
    weights = rise * (index <= last[:, np.newaxis]) + fall * (index < last[:, np.newaxis])
    exponents = terms.exponent(np.abs(pull[:, np.newaxis] + scale * nodes))
    exponents = np.where(index <= last[:, np.newaxis], exponents, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        body = np.sum(np.where(weights > 0, weights * np.expm1(exponents), 0.0), axis=1)
        if cut is None:
            base = reach * pull + growth**2 / 2
            tails = np.exp(base + log_ndtr(growth - FAR)) + np.exp(base + log_ndtr(growth - nodes[last]))
            total = np.log1p(body + tails)
        else:
            top = pull + scale * (scale * cut[0] + cut[1])
            highest = terms.exponent(top[:, np.newaxis])[:, 0]
            beyond = scale * cut[0] + cut[1] > nodes[last]
            tails = np.exp(highest) * (ndtr(-FAR) + np.where(beyond, ndtr(-nodes[last]), 0.0))
            total = np.log1p(body + tails) - np.log1p(-2 * ndtr(-cut[1]))
    return np.where(np.isnan(total), np.inf, total * (1 + ROUNDING) + ROUNDING * 1e-3)
