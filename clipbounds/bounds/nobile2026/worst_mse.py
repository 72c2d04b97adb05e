"""The exact worst-case mean squared error at g = 0 for every n: linear programs whose duals are checked."""

from __future__ import annotations

import dataclasses
import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog

from ...specs import check_integer
from .constants import check_exponent, check_positive
from .estimator import growing_thresholds
from .exact import FiniteLaw, moments
from .joint import SCHEDULES, joint_constant
from .sharp_bias import sharp_bias

if TYPE_CHECKING:
    from ...array_types import FloatArray

GAP = 4e-4  # relative distance of the certified values that is aimed at
ALLOWED = 2e-3  # and that is still returned
NEAR, FAR = 80, 40  # points of the first program up to the largest threshold and beyond, on each side
ROUNDS = 6  # of adding points
EPS = np.finfo(float).eps
FURTHEST = 1e120
MOST_CELLS = 400
MARGIN = 1e-9  # relative; covers the rounding of the evaluation


@dataclasses.dataclass(frozen=True)
class WorstError:
    """`lower` <= n^{2(p-1)/p} sup E‖ghat - g‖²/sigma² <= `upper` at g = 0; `law` (sigma = 1) attains the lower value."""

    lower: float
    upper: float
    law: FiniteLaw | None


class _Batch:
    """F_w and its program for thresholds tau_1 <= ... <= tau_n, sigma = 1; values are multiplied by `unit` = n^{2(p-1)/p}."""

    def __init__(self, thresholds: FloatArray, p: float) -> None:
        self.tau, repeats = np.unique(thresholds, return_counts=True)
        self.repeats = repeats.astype(np.float64)
        self.n, self.p = thresholds.size, p
        self.unit = self.n ** (2 * (p - 1) / p)
        self.most = float(self.repeats @ sharp_bias(self.tau, 1.0, p)) / self.n  # B
        top = self.tau[-1]
        # the far atom that holds up a mass at the threshold: q z = y, q z^p = 1 with y = tau
        held_up = np.exp(min(-np.log(min(self.tau[0], 1.0)) / (p - 1), np.log(FURTHEST)))
        reach = max(2.0 * p / (p - 1) * top, 2.0 * held_up, 10.0)
        near, far = np.geomspace(1e-3 * self.tau[0], top, NEAR), np.geomspace(top, min(1e3 * reach, FURTHEST), FAR)
        kinks = self.tau[np.unique(np.linspace(0, self.tau.size - 1, NEAR).astype(int))]
        points = np.unique(np.concatenate([[0.0], near, kinks, far]))
        self.points = np.concatenate([-points[:0:-1], points])

    def pieces(self, w: float, bias: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray], FloatArray]:
        """(constant, odd slope, square) of F_w on each interval between thresholds, the last one beyond them all.

        For x >= 0, F_w(±x) = c0 ± (s1 x - s0) + c2 x², and unit multiplies it.
        """
        held = np.append(0.0, np.cumsum(self.repeats))
        squares = np.append(0.0, np.cumsum(self.repeats * self.tau**2)) / self.n**2
        weight = self.repeats * (2 * w / self.n - 2 * bias / self.n**2)
        slope, shift = np.append(0.0, np.cumsum(weight)), np.append(0.0, np.cumsum(weight * self.tau))
        return squares, (shift, slope), (self.n - held) / self.n**2

    def value(self, x: FloatArray, pieces: tuple[FloatArray, tuple[FloatArray, FloatArray], FloatArray]) -> FloatArray:
        """unit F_w at any x."""
        squares, (shift, slope), left = pieces
        k = np.searchsorted(self.tau, np.abs(x))
        size = np.abs(x)
        return self.unit * (squares[k] + left[k] * size**2 + np.sign(x) * (slope[k] * size - shift[k]))

    def program(self, w: float, bias: FloatArray) -> tuple[float, tuple[FloatArray, FloatArray] | None]:
        """(dual value, its law as points and masses) of the linear program for F_w, points being added where the dual fails.

        The dual value bounds sup E F_w whatever the program does; it is inf, and the law None, if no program is solved.
        """
        pieces, points, best = self.pieces(w, bias), self.points, (np.inf, None)
        for _ in range(ROUNDS):
            scale = np.maximum(1.0, np.abs(points) ** self.p)
            value = self.value(points, pieces)
            found = linprog(
                -value / scale, A_ub=(np.abs(points) ** self.p / scale)[np.newaxis], b_ub=[1.0],
                A_eq=np.stack([1 / scale, points / scale]), b_eq=[1.0, 0.0], method="highs",
            )  # fmt: skip
            if found.x is None:
                break
            upper, worst = self.dual(pieces, -found.ineqlin.marginals[0], -found.eqlin.marginals[1])
            if upper < best[0]:
                best = upper, (points, found.x / scale)
            if upper + found.fun <= 1e-6 * abs(upper):
                break
            points = np.union1d(points, worst)
        return best

    def dual(
        self, pieces: tuple[FloatArray, tuple[FloatArray, FloatArray], FloatArray], mu: float, alpha: float
    ) -> tuple[float, FloatArray]:
        """An upper bound of sup E F_w (times unit), nu + mu with nu >= F_w - alpha x - mu|x|^p everywhere, and where nu is attained."""
        mu, p, places = max(mu, 1e-12), self.p, []
        squares, (shift, slope), left = pieces
        edges, highest = np.append(0.0, self.tau), -np.inf
        for sign in (1.0, -1.0):
            c0 = self.unit * (squares - sign * shift)
            c1, c2 = sign * (self.unit * slope - alpha), self.unit * left
            noise = self.unit * (squares + np.abs(shift)), self.unit * np.abs(slope) + abs(alpha)
            low, high = edges[:-1], edges[1:]
            bound, at = _highest(c0[:-1], c1[:-1], c2[:-1], mu, p, low, high)
            at = np.append(at, _summit(c1[-1], mu, p, edges[-1]))
            with np.errstate(over="ignore", invalid="ignore"):
                last = c0[-1] + c1[-1] * at[-1] - mu * at[-1] ** p
                spread = noise[0] + noise[1] * at + c2 * at**2 + mu * at**p
            bound = np.append(bound, last) + 32 * EPS * spread
            bound = np.where(np.isnan(bound), np.inf, bound)
            highest = max(highest, float(bound.max()))
            places.append(sign * at[bound >= bound.max() - 1e-3 * abs(mu)])
        return highest + mu + MARGIN * abs(highest + mu), np.concatenate(places)[:40]

    def law(self, measure: tuple[FloatArray, FloatArray]) -> FiniteLaw:
        """The measure of a program as a law with E X = 0, E|X|^p <= 1."""
        x, mass = measure
        keep = mass > 0
        x, mass = x[keep], mass[keep] / mass[keep].sum()
        x = x - mass @ x
        size = (mass @ np.abs(x) ** self.p) ** (1 / self.p)
        return FiniteLaw(x / max(size * (1 + 1e-12), 1.0), mass)

    def error(self, law: FiniteLaw) -> tuple[float, FloatArray]:
        """The law's own mean squared error times unit, and b."""
        x = law.atoms[:, 0]
        bias = np.array([law.weights @ (np.sign(x) * np.maximum(np.abs(x) - t, 0.0)) for t in self.tau])
        return self.unit * moments(law, np.repeat(self.tau, self.repeats.astype(int)))[2], bias


def _highest(
    c0: FloatArray, c1: FloatArray, c2: FloatArray, mu: float, p: float, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """max of c0 + c1 x + c2 x² - mu x^p on each [low, high], certified, and a maximiser.

    The function is concave up to x_i with 2 c2 = mu p (p-1) x_i^{p-2}, and convex beyond: the maximum is at an end or at a
    stationary point of the concave part, where a tangent bounds it.
    """
    with np.errstate(over="ignore", divide="ignore"):
        turn = np.where(c2 < mu, np.inf, 0.0) if p == 2 else (mu * p * (p - 1) / (2 * c2)) ** (1 / (2 - p))
    stop = np.clip(turn, low, high)

    def slope(x: FloatArray) -> FloatArray:
        return c1 + 2 * c2 * x - mu * p * x ** (p - 1)

    def value(x: FloatArray) -> FloatArray:
        return c0 + c1 * x + c2 * x * x - mu * x**p

    left, right = low.copy(), stop.copy()
    for _ in range(60):
        middle = 0.5 * (left + right)
        rising = slope(middle) > 0
        left, right = np.where(rising, middle, left), np.where(rising, right, middle)
    inner = 0.5 * (left + right)
    tangent = value(inner) + np.maximum(slope(inner) * (low - inner), slope(inner) * (stop - inner))
    choices = np.stack([tangent, value(low), value(high)])
    k = np.argmax(choices, axis=0)
    return choices.max(axis=0), np.choose(k, [inner, low, high])


def _summit(rate: float, mu: float, p: float, least: float) -> float:
    """Where rate x - mu x^p is largest on [least, inf)."""
    if not rate > 0:
        return least
    with np.errstate(over="ignore"):
        return max(least, float(np.exp(np.log(rate / (mu * p)) / (p - 1))))


def _cell(batch: _Batch, left: float, right: float) -> tuple[float, float, FiniteLaw]:
    """(upper bound for w in [left, right], lower value, law): b0 is chosen for the middle, where the bound is convex in b0."""
    w, share = 0.5 * (left + right), batch.repeats / batch.n**2
    bias = sharp_bias(batch.tau, 1.0, batch.p)
    bias = bias * (w / max(batch.repeats @ bias / batch.n, 1e-300))
    best, least = (-np.inf, None), (np.inf, bias)
    for _ in range(4):
        upper, measure = batch.program(w, bias)
        if measure is None:
            break
        whole = upper + batch.unit * (share @ bias**2)
        if whole < least[0]:
            least = whole, bias
        law = batch.law(measure)
        value, own = batch.error(law)
        if value > best[0]:
            best = value, law
        own = own if batch.repeats @ own >= 0 else -own
        if np.max(np.abs(own - bias)) <= 1e-3 * w:
            break
        bias = 0.5 * (own + bias)
    bias = least[1]
    ends = [batch.program(end, bias)[0] for end in (left, right)]
    if not max(ends) < np.inf:
        return np.inf, *best
    # the chord of a convex function of w, minus w²: largest where the chord's slope is 2 w
    slope = (ends[1] - ends[0]) / (batch.unit * (right - left))
    top = np.clip(slope / 2, left, right)
    chord = ends[0] + batch.unit * slope * (top - left)
    return chord - batch.unit * top**2 + batch.unit * (share @ bias**2), *best


@lru_cache(maxsize=1024)
def exact_mse(count: int, scale: float, p: float, schedule: str = "growing") -> WorstError:
    """n^{2(p-1)/p} sup E‖ghat - g‖²/sigma² at g = 0, between two certified numbers.                     [proved]

    X_1, ..., X_n identically distributed in a Hilbert space, E X = 0, E‖X‖^p <= sigma^p, 1 < p <= 2; ghat the mean of the clipped
    samples, tau_k = scale sigma k^{1/p} ("growing") or scale sigma n^{1/p} ("constant", where independence is enough).

    **Theorem 1''.** With A_k = X - clip_{tau_k} X, C_k = min(‖X‖, tau_k)², H = (1/n) sum A_k, Q = (1/n²) sum C_k and B = (1/n) sum
    beta1(tau_k), for every choice of a vector b0 as a function of w

        E‖ghat‖² <= max_{0<=w<=B} { -w² + (1/n²) sum b0_k² + sup_law E F_w(X) },  F_w(x) = 2 w H(x) + Q(x) - (2/n²) sum b0_k A_k(x),

    over laws on the line with E X = 0, E|X|^p <= sigma^p, with equality if b0 is the maximiser's own b_k = E A_k.

    **Proof.** E clip_k X = -b_k, so E‖ghat‖² = ‖(1/n) sum b_k‖² + (1/n²) sum (E C_k - ‖b_k‖²). With h the direction of the sum,
    ‖(1/n) sum b_k‖² = max_w (2 w <h, (1/n) sum b_k> - w²), attained at w = ‖(1/n) sum b_k‖ <= B (Lemma B1), and -‖b_k‖² <=
    -2 b0_k <h, b_k> + b0_k². For x with ‖x‖ = r at the cosine c to h, F_w is affine in c, and so is alpha r c: numbers nu, alpha, mu >= 0
    with nu + alpha x + mu|x|^p >= F_w on the line are feasible in the Hilbert space, where E F_w <= nu + mu sigma^p. Constant
    threshold, different laws: sum ‖b_k‖² >= ‖sum b_k‖²/n, so the mixture of the laws does at least as well. QED

    **Evaluation.** [0, B] is cut into cells; for b0 fixed on a cell sup E F_w is convex in w and its chord is used. Its values at the
    ends are nu + mu with multipliers of a linear program on a grid, and nu is found anew: between thresholds F_w - alpha x -
    mu|x|^p is a quadratic minus a power, concave and then convex, whose maximum a tangent certifies (`_highest`). Where it is
    attained points are added to the grid. The lower value is the error of the program's law, computed by `moments`. Cells
    that reach above it are halved. The upper value is at most `joint_constant`.

    Parameters
    ----------
    count : int n >= 1
    scale : float lam in (0, inf)
    p : float in (1, 2]
    schedule : "growing" (that of the paper; "paper" is the same) or "constant", as in `joint_constant`

    Returns
    -------
    WorstError, with upper - lower <= 2e-3 upper

    Raises
    ------
    ValueError
        If an argument leaves its domain, or if the certified values are further apart (p so close to 1, or scale so small, that the
        worst law's atom leaves the range of floats).
    """
    count, p = check_integer("exact_mse", "count", count, 1), check_exponent("exact_mse", p)
    scale = check_positive("exact_mse", "scale", scale)
    schedule = "growing" if schedule == "paper" else schedule
    if schedule not in SCHEDULES:
        raise ValueError(f"exact_mse: schedule must be one of {SCHEDULES}, but {schedule!r} was given")
    growing = schedule == "growing"
    thresholds = growing_thresholds(scale, p, count) if growing else np.full(count, scale * count ** (1 / p))
    batch = _Batch(thresholds, p)
    ceiling = min(joint_constant(p, scale, count, schedule), batch.unit * thresholds.mean() ** 2)
    edges = np.linspace(0, batch.most * (1 + 1e-9), 9)
    waiting, settled, solved = list(itertools.pairwise(edges)), -np.inf, 0
    best = (-np.inf, None)
    while waiting:
        cells = [(cell, *_cell(batch, *cell)) for cell in waiting]
        solved += len(cells)
        best = max([best, *(cell[2:] for cell in cells)], key=lambda pair: pair[0])
        limit = best[0] * (1 + GAP)
        open_ = [cell for cell in cells if min(cell[1], ceiling) > limit]
        settled = max([settled, *(min(cell[1], ceiling) for cell in cells if min(cell[1], ceiling) <= limit)])
        if ceiling <= limit or solved + 2 * len(open_) > MOST_CELLS:
            settled = max([settled, *(min(cell[1], ceiling) for cell in open_)])
            break
        waiting = [half for (a, b), *_ in open_ for half in ((a, 0.5 * (a + b)), (0.5 * (a + b), b))]
    lower, upper = best[0] * (1 - MARGIN), min(settled, ceiling) * (1 + MARGIN)
    if not upper - lower <= ALLOWED * upper:
        raise ValueError(
            f"exact_mse: at count = {count}, scale = {scale:g}, p = {p:g} the certified values {lower:.6g} and {upper:.6g} are more than"
            f" {ALLOWED:g} of the upper one apart; take a larger scale or p, or use joint_constant"
        )
    return WorstError(float(lower), float(upper), best[1])
