"""The facts of `meeting` for a quadratic in several dimensions under symmetric noise, in the energy norm ‖v‖_A = sqrt(v' A v).

f = (x - x*)' A (x - x*)/2 with mu <= A <= L, o = x*, z = ‖x - x*‖_A, and g = grad f(x), so that sqrt(mu) z <= ‖g‖ <= sqrt(L) z.

The step. x' = x - eta·mean_i P_c(g + xi_i) has the derivative I - eta J A, J the mean of the derivatives of P_c, symmetric with
0 <= J <= I because P_c is the projection on a ball, the gradient of a convex function. In the energy norm it is I - eta B, B =
A^{1/2} J A^{1/2}, 0 <= B <= L: the step does not stretch if eta L <= 2, and |(I - eta B) v|² <= 1 - eta (2 - eta L) v'B v for unit v,
because B² <= L B. So s is any bound of u' E J u over unit u, as v'B v >= mu s. ‖P‖_A <= sqrt(L) c = S.

u' E J u. With r >= ‖g‖, rho = ‖xi‖ and S = ‖g + xi‖²: J = I where rho + r < c. Elsewhere J >= h (I - n n'), n the direction of g + xi, h = min(1,
c/sqrt(S)). The noise is symmetric with exchangeable components, or has a uniform direction, so that given rho, -xi has the law of xi
and E (xi·u)² = rho²/d for every unit u. Let u = a n_g + b e with e orthogonal to the direction n_g of g, and w = b n_g - a e, which is orthogonal to
u. Then h (1 - (n·u)²) = k(S) (S - (u·(g + xi))²) with k(S) = h/S, and

S - (u·(g + xi))² = (b ‖g‖ + w·xi)² + rho² - (u·xi)² - (w·xi)² >= rho² - (u·xi)² - (w·xi)² >= 0.

k decreases. It is 1/S up to c² and c/S^{3/2} beyond, convex but for S = c², where its slope falls from -1/c⁴ to -1.5/c⁴; the largest convex
function below it follows the tangent that touches both pieces, at .9042c² and 1.0851c², and is at least .9887 k, its worst point being c².
So it is at least .988 k everywhere (a test has the tangent in 50 digits). As S = ‖g‖² + rho² ± 2 g·xi for xi and -xi, the mean of k over
both is at least .988 k(r² + rho²), and given rho

u' E J u >= .988 k(r² + rho²) rho² (1 - 2/d), and for u = n_g, where b = 0, at least .988 k(r² + rho²) rho² (1 - 1/d).

The mean over rho, with 1 where rho + r < c, is the share at r; it does not increase with r, being a bound over the ball.
In few dimensions, where the direction of xi is uniform, `meeting_radial` has E J itself.

Drift. E P_c(xi) = 0, and along the ray t g/‖g‖ the mean of P_c(t g/‖g‖ + xi) in the direction of g grows at the rate n_g' E J n_g. So
Y = <x - x*, P>_A = <g, P> has the mean y >= ‖g‖ M(‖g‖), M(r) the integral of its bound up to r, and y >= z sqrt(mu) M(sqrt(mu) z).

Square. Y² = ‖g‖² (n_g·P)² <= L z² (n_g·P)², n_g the direction of g. For one sample, E (n_g·P_c(g + xi))² given rho is at most c², and for rho > r at most
min(1, c/(rho - r))² (r² + rho²/d); its mean over rho is V(r). Its expectation is at most min(c, r), P_c being 1-Lipschitz and E P_c(xi)
= 0. So for the mean of b samples u = L (V/b + (1 - 1/b) min(c, r)²).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..methods import SGD, ClippedSGD, PerSampleClippedSGD
from ..noise import Gaussian
from ..noise.base import INDEPENDENT, RADIAL
from ..problems import Quadratic
from .meeting import Cells
from .meeting_radial import averaged
from .ranges import displacement
from .sample_law import SLACK, SampleLaw, sample_law

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods.base import Setting

CELLS = 64
FEW = 4  # dimensions in which the mean derivative itself is much more than its bound, and worth its time
HULL = 0.988  # a convex function lies between this times k and k
LENGTHS = 40  # pieces of the law of rho


def energy_stretch(setting: Setting) -> float:
    """Lipschitz constant of one step in the energy norm of a quadratic; inf for other problems and steps."""
    problem, method = setting.problem, setting.method
    plain = type(method) in (SGD, ClippedSGD, PerSampleClippedSGD) and method.momentum == 0 and not method.scheduled
    if not (plain and type(problem) is Quadratic and problem.strong_convexity > 0):
        return np.inf
    return max(1.0, method.step_size * problem.lipschitz - 1)


def cells_of_quadratic(setting: Setting, last: float) -> Cells | None:
    """The `Cells` for trajectories of `last` steps, or None where the facts are not known."""
    problem, method, noise = setting.problem, setting.method, setting.noise
    if type(problem) is not Quadratic or problem.dim == 1 or not problem.strong_convexity > 0:
        return None
    law = sample_law(setting)
    if law is None or not (noise.symmetric or noise.radial):
        return None
    c, eta, d = method.operator.threshold, method.step_size, problem.dim
    mu, lipschitz = problem.strong_convexity, float(problem.eigenvalues.max())
    if eta * lipschitz > 2:
        return None
    lengths = _lengths(law, d, 4 * c + 4 * np.sqrt(d) * law.unit)
    if lengths is None:
        return None
    # ‖g‖ on a grid up to where the drift has nearly all of its size
    edges = (2 * c + 2 * float(np.sum(lengths[0] * lengths[2]))) * np.arange(CELLS + 1) / CELLS
    ends = edges[1:] * (1 + 2e-12)  # a distance at the end of a cell may round into the next
    if d <= FEW and (type(noise) is Gaussian or noise.layout == RADIAL):
        along, beside, square = averaged(edges, c, d, lengths)
        share = np.minimum.accumulate(np.minimum(along, beside))
    else:
        along, share = _shares(ends, c, d, *lengths)
        square = _square(ends, c, d, *lengths)
    mean = np.concatenate([[0.0], np.cumsum(along * np.diff(edges))])
    z = edges / np.sqrt(mu)
    # a cell of z has ‖g‖ <= sqrt(L) z: share and square are those of the farthest ‖g‖
    at = np.ceil(np.sqrt(lipschitz) * z[1:] / (edges[1] - edges[0]) * (1 - 1e-12)).astype(int) - 1
    within = at < CELLS
    seen = np.where(within, share[np.minimum(at, CELLS - 1)], 0.0)
    b = law.together
    square = np.fmin(square / b + (1 - 1 / b) * np.fmin(c, edges[1:]) ** 2, c**2)
    square = lipschitz * np.where(within, np.maximum.accumulate(square)[np.minimum(at, CELLS - 1)], c**2)
    start = float(np.sqrt(2 * problem.initial_gap)) * (1 + 1e-12)
    way = np.sqrt(lipschitz) * float(displacement(setting, np.asarray([last], dtype=np.float64))[0])
    drift = np.sqrt(mu) * mean * (1 - 1e-12)
    return Cells(
        z, np.append(z[1:], np.inf), np.append(seen, 0.0), drift, np.append(square, lipschitz * c**2),
        start, start + way, np.sqrt(lipschitz) * c, eta, mu, lipschitz,
    )  # fmt: skip


def _shares(
    r: FloatArray, c: float, d: int, chance: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """At most n_g' E J n_g, and u' E J u for every u, at each r: sums over pieces low <= rho <= high of the law of rho."""
    r = r[:, np.newaxis]
    whole = high + r < c
    # low <= rho <= high: k(r² + high²) is at most what k is there
    far = r**2 + high**2
    part = HULL * np.minimum(1.0, c / np.sqrt(far)) / far * low**2
    along, beside = (np.where(whole, 1.0, part * (1 - n / d)) @ chance for n in (1, 2))
    return along, beside


def _square(r: FloatArray, c: float, d: int, chance: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """V at most for all ‖g‖ <= r, at each r."""
    r = r[:, np.newaxis]
    with np.errstate(divide="ignore"):
        most = np.minimum(1.0, c / np.maximum(low - r, 0.0)) ** 2 * (r**2 + high**2 / d)
    # V does not decrease with r before it is cut at c², and what `chance` leaves out counts c²
    return np.fmin(most, c**2) @ chance + c**2 * (1 - chance.sum())


def _lengths(law: SampleLaw, d: int, longest: float) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """(chances, low, high) of pieces of rho = ‖xi‖, chances at most the true ones; what lies beyond `longest` is left out."""
    noise = law.noise
    if noise.layout == RADIAL:
        if law.atoms is not None:
            size = np.abs(law.atoms[0])
            return law.atoms[1] * (1 - SLACK), size * (1 - 1e-12), size * (1 + 1e-12)
        edges = longest * np.arange(LENGTHS + 1) / LENGTHS
        below = np.maximum(noise.cdf(edges) - noise.cdf(-edges), 0.0)
        return np.maximum(np.diff(below) - SLACK / LENGTHS, 0.0), edges[:-1], edges[1:]
    if noise.layout != INDEPENDENT:
        return None
    if type(noise) is Gaussian:
        from scipy.special import gammainc

        edges = longest * np.arange(LENGTHS + 1) / LENGTHS
        below = gammainc(d / 2, 0.5 * (edges / noise.scale) ** 2)
        return np.maximum(np.diff(below) - SLACK / LENGTHS, 0.0), edges[:-1], edges[1:]
    return _sums(law, d, longest)


def _sums(law: SampleLaw, d: int, longest: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The law of the root of a sum of d squares: the squares in pieces of one width, whose numbers are added."""
    count = 1000 + 200 * d  # d pieces are half a percent of the longest square
    width = longest**2 / (count - d)
    if law.atoms is not None:
        pieces = np.floor(np.square(law.atoms[0]) / width * (1 - 1e-12)).astype(int)
        one = np.bincount(pieces[pieces < count], law.atoms[1][pieces < count], count)
    else:
        edges = np.sqrt(width * np.arange(count + 1))
        one = np.maximum(np.diff(law.noise.cdf(edges) - law.noise.cdf(-edges)), 0.0)
    total = power = np.asarray(one, dtype=np.float64)
    for digit in f"{d:b}"[1:]:  # Horner's rule for the powers
        power = _convolved(power, power)
        if digit == "1":
            power = _convolved(power, total)
    total = power
    # neighbours together: fewer pieces for what follows
    starts = np.arange(0, count, max(count // 600, 1))
    ends = np.append(starts[1:], count)
    chance = np.maximum(np.add.reduceat(total, starts) - SLACK / len(starts), 0.0)
    used = chance > 0
    # a square in piece k lies between k and k + 1 widths, a sum of d of them between k and k + d
    low, high = np.sqrt(width * starts) * (1 - 1e-12), np.sqrt(width * (ends - 1 + d)) * (1 + 1e-12)
    return chance[used], low[used], high[used]


def _convolved(a: FloatArray, b: FloatArray) -> FloatArray:
    size = 2 * len(a)
    return np.maximum(np.fft.irfft(np.fft.rfft(a, size) * np.fft.rfft(b, size), size)[: len(a)], 0.0)
