r"""The means as functions of the start, as polynomials on panels: clipped SGD on a line under a noise with an analytic density.

In coordinates about the minimiser let u = f', s(z) = z - eta u(z), p the density and P^-, P^+ the probabilities of a clipped step to
the left and to the right. V_r(z) = E[phi(z_r) | z_0 = z] is T^r phi with

    (T W)(z) = int_{z - eta c}^{z + eta c} W(y) p((s(z) - y)/eta) dy/eta + P^-(z) W(z - eta c) + P^+(z) W(z + eta c);

a step is never longer than eta c, whatever u is. The kinks of phi and of u, moved by whole steps eta c, cut the line into panels
such that a panel moved by eta c is a panel. If W is a polynomial on each of them, T W is analytic on each of them: the integral over
the panels that lie whole in the interval, and over the parts of the first and of the last one, whose ends move with z.

**The recursion.** W_r is the interpolant of degree n of T W_{r-1}, panel by panel, at Chebyshev points, the integrals by Gauss's rule.
T is linear, T 1 = 1, and |T W| <= sup|W|. So |E phi(z_r) - W_r(z_0)| <= e_0 + ... + e_r with e_r >= sup|T W_{r-1} - W_r|, and

    e_r <= 4 M rho^{-n}/(rho - 1) + Lambda·(quadrature + rounding)

for any rho > 1 (Trefethen, Approximation Theory and Approximation Practice, theorems 8.2, 15.2 and 19.3; Lambda = 1 + (2/pi) ln(n+1); Gauss's rule
with Q points errs by at most (64/15) M' rho^{2-2Q}/(1 - rho^{-2}) on [-1, 1]), M and M' being bounds of T W_{r-1} and of the
integrand on Bernstein's ellipse of the panel: foci at its ends, half axes a (rho ± 1/rho)/2.

**The bounds on the ellipse.** |p(x + iv)| <= G(|v|) p(x) (`growth_off_axis`), so integrals along horizontal lines grow by G at most. Let b be the
smaller half axis. With k >= |u'| and k' >= |s'| on the ellipse, |Im u| <= k b, |Im s| <= k' b. Hence P^- and P^+ on the ellipse are at most G(k b) times
values whose sum is at most 1; the whole panels give at most G(k' b/eta) sup|W|; of a part, the path from z ∓ eta c to the end of its panel lies in the ellipse of
that panel, no longer than a (1 + (rho + 1/rho)/2), and the density on it is at most G((k' + 1) b/eta) sup p. W there is bounded by its Chebyshev
coefficients, sum |w_j| rho^j. The ellipse of a part of a panel lies in that of the panel. The mean of the largest and the least value of W_{r-1} is taken off before
all that and added again, since T 1 = 1. The rows of the computed operator are summed: what a row misses to 1 counts as an error of it. QED
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from ..noise import Gaussian
from ..problems import Huber
from .grid import slope_of

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting
    from ..noise import StudentT

EPS = np.finfo(float).eps
RATIOS = np.geomspace(1.3, 20.0, 12)  # rho of the ellipses tried
ROOM = 2**26  # numbers in the operator at most, half a GiB
FUNCTIONS = ("gradient_norm", "gap", "distance", "clipped")
CLIPPED = FUNCTIONS.index("clipped")
DISTRIBUTION = 1e-12  # error of a distribution function: tests/noise/test_fifty_digits.py
MORE = 10  # points of Gauss's rule beyond the degree


def strip(law: Gaussian | StudentT) -> float:
    """How far from the real axis the density is used: a Gaussian grows there, Student's has poles at i·scale·sqrt(dof)."""
    return 2 * law.scale if isinstance(law, Gaussian) else law.scale * math.sqrt(law.dof)


def growth_off_axis(law: Gaussian | StudentT, v: FloatArray) -> FloatArray:
    """G with |p(x + iv)| <= G(|v|) p(x) for all real x, not decreasing; inf beyond a pole.

    Gaussian: |exp(-(x + iv)²/(2 sigma²))| = exp(v²/(2 sigma²)) exp(-x²/(2 sigma²)). Student with w = scale·sqrt(nu) > |v|:
    |w² + (x + iv)²| = |x + i (v - w)| |x + i (v + w)| >= (1 - |v|/w) (x² + w²), since x² + (w - |v|)² >= (1 - |v|/w)² (x² + w²).
    """
    if isinstance(law, Gaussian):
        with np.errstate(over="ignore"):
            return np.exp(0.5 * np.square(v / law.scale))
    room = 1 - np.abs(v) / (law.scale * math.sqrt(law.dof))
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(room > 0, np.power(np.maximum(room, 0.0), -0.5 * (law.dof + 1)), np.inf)


def chebyshev(degree: int) -> tuple[FloatArray, FloatArray]:
    """(points on [-1, 1], rising; the matrix from the values there to the coefficients of the interpolant)."""
    angles = math.pi * np.arange(degree, -1, -1) / degree
    halves = np.ones(degree + 1)
    halves[0] = halves[-1] = 0.5
    order = np.arange(degree + 1)
    return np.cos(angles), 2 / degree * halves[:, np.newaxis] * np.cos(np.outer(order, angles)) * halves


def polynomials(t: FloatArray, degree: int) -> FloatArray:
    """T_0..T_degree at t in [-1, 1], on a new last axis."""
    return np.cos(np.arccos(np.clip(t, -1.0, 1.0))[..., np.newaxis] * np.arange(degree + 1))


class Panels:
    """Panels between `first` and `last` step lengths, and T on values at their Chebyshev points.

    Attributes
    ----------
    centre, half : (panels,)
    z : (panels, degree + 1), the points
    operator : (panels, degree + 1, (2·per_step + 1)·(degree + 1)), on the values in the panels from one step length before to one behind
    """

    def __init__(self, setting: Setting, first: int, last: int, degree: int) -> None:
        self.setting, self.law, self.degree = setting, setting.noise, degree
        self.eta, self.c = setting.method.step_size, setting.method.clip.threshold
        self.edges = self._edges(first, last)
        self.half, self.centre = np.diff(self.edges) / 2, (self.edges[1:] + self.edges[:-1]) / 2
        self.points, self.coefficients = chebyshev(degree)
        self.z = self.centre[:, np.newaxis] + self.half[:, np.newaxis] * self.points
        self.slope = slope_of(setting.problem, self.z.ravel()).reshape(self.z.shape)
        self.peak = float(self.law.pdf(0.0))
        self.lebesgue = 1 + 2 / math.pi * math.log(degree + 1)
        self._build()
        self._off_axis()

    def _edges(self, first: int, last: int) -> FloatArray:
        """Whole steps, the kinks of f' moved by whole steps, and what divides these so that the density varies little in a panel."""
        stride, problem = self.eta * self.c, self.setting.problem
        offsets = [0.0, stride]
        if isinstance(problem, Huber):
            knee = problem.slope / problem.curvature
            offsets += [knee % stride, -knee % stride]
        offsets = sorted(o for o in offsets if o == 0.0 or o > 1e-9 * stride)
        inner = [offsets[0]]
        for low, high in itertools.pairwise(offsets):
            if high - low > 1e-9 * stride:
                count = math.ceil((high - low) / self.eta / strip(self.law))
                inner += list(low + (high - low) * np.arange(1, count + 1) / count)
        self.per_step = len(inner) - 1
        size = (last - first) * self.per_step * (2 * self.per_step + 1) * (self.degree + 1) ** 2
        if size > ROOM:
            raise ValueError(
                f"mean_curves: the clipped step is {self.per_step} times the scale on which the noise varies, and the law of the"
                f" iterate would take {8 * size / 2**30:.3g} GiB; take a smaller threshold, or simulate"
            )
        whole = stride * np.arange(first, last)
        return np.append((whole[:, np.newaxis] + np.array(inner[:-1])).ravel(), stride * last)

    def _build(self) -> None:
        """The operator, and what its rows miss to 1."""
        n, K, law = self.degree, self.per_step, self.law
        t, w = np.polynomial.legendre.leggauss(n + MORE)
        # parts of a panel to the right and to the left of each point, and the whole panel
        low = np.stack([self.points, -np.ones(n + 1)])
        high = np.stack([np.ones(n + 1), self.points])
        at = (low + high)[..., np.newaxis] / 2 + (high - low)[..., np.newaxis] / 2 * t
        weigh = (high - low)[..., np.newaxis] / 2 * w
        parts = polynomials(at, n) @ self.coefficients  # (2, points, Gauss, values)
        whole = polynomials(t, n) @ self.coefficients
        reach = np.pad(self.half, K, mode="wrap"), self._around()
        out = np.zeros((*self.z.shape, 2 * K + 1, n + 1))
        size = np.zeros(self.z.shape)
        landing = self.z - self.eta * self.slope
        for i in range(2 * K + 1):
            half, centre = (v[i : i + self.half.size, np.newaxis, np.newaxis] for v in reach)
            side = 0 if i == 0 else 1 if i == 2 * K else None
            here, weights, table = (t, w, whole) if side is None else (at[side], weigh[side], parts[side])
            density = law.pdf((landing[..., np.newaxis] - centre - half * here) / self.eta) * (
                half / self.eta * weights
            )
            out[:, :, i] = np.einsum("jaq,qb->jab" if side is None else "jaq,aqb->jab", density, table)
            size += np.abs(out[:, :, i]).sum(axis=-1)
        place = np.arange(n + 1)
        clipped = law.sf(self.c - self.slope), law.cdf(-self.c - self.slope)
        out[:, place, 0, place] += clipped[0]
        out[:, place, 2 * K, place] += clipped[1]
        self.operator = out.reshape(*self.z.shape, -1)
        self.missed = float(np.abs(self.operator.sum(axis=-1) - 1).max())
        terms = self.operator.shape[-1]
        far = (np.abs(self.z).max() / self.eta + self.c + np.abs(self.slope).max()) * self.peak
        self.rounding = EPS * (4 * (terms + 64) * float((size + 1).max()) + 16 * far) + self.missed

    def _around(self) -> FloatArray:
        """Centres of the panels, with those of a step length beyond each end."""
        K, stride = self.per_step, self.eta * self.c
        return np.concatenate([self.centre[:K] - stride, self.centre, self.centre[-K:] + stride])

    def _off_axis(self) -> None:
        """What bounds T W on the ellipses, (panels, ratios), by the function's own bounds there: `_errors`."""
        law, eta, rho = self.law, self.eta, RATIOS
        wide, thin = (self.half[:, np.newaxis] * (rho + sign / rho) / 2 for sign in (1, -1))
        steep, stretch = self._steepness(np.abs(self.centre)[:, np.newaxis] + wide)
        self.by_clipped = growth_off_axis(law, steep * thin)
        self.by_whole = growth_off_axis(law, stretch * thin / eta)
        path = (self.half[:, np.newaxis] + wide) / eta * self.peak
        self.by_part = path * growth_off_axis(law, (stretch + 1) * thin / eta)
        inside = 4 * rho ** (-self.degree) / (rho - 1)
        points = self.degree + MORE
        gauss = 64 / 15 * rho ** (2 - 2 * points) / (1 - rho**-2)
        self.inside = inside
        with np.errstate(invalid="ignore"):
            thin = np.concatenate([thin[: self.per_step], thin, thin[-self.per_step :]])
            half = np.concatenate([self.half[: self.per_step], self.half, self.half[-self.per_step :]])
            self.by_gauss = gauss * half[:, np.newaxis] / eta * self.peak * growth_off_axis(law, thin / eta)
        # of W' in the coefficients, times how far a clipped step ends from its node
        self.landing = 4 * EPS * np.abs(self.edges).max() * np.arange(self.degree + 1) ** 2 / self.half.min()
        self.powers = rho ** np.arange(self.degree + 1)[:, np.newaxis]

    def _steepness(self, far: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bounds of |u'| and |s'| where |z| <= far on a panel's ellipse, (panels, ratios).

        u' of a quadratic, of cosh and of a fourth power has no negative Taylor coefficient, so |u'(z)| <= u'(|z|) and
        |u'(z) - u'(0)| <= u'(|z|) - u'(0). u' of Huber's function is a constant on a panel.
        """
        problem = self.setting.problem
        curvature = lambda z: problem.hessian(z[..., np.newaxis])[..., 0, 0]  # noqa: E731
        if isinstance(problem, Huber):
            steep = np.broadcast_to(curvature(self.centre)[:, np.newaxis], far.shape)
            return steep, np.abs(1 - self.eta * steep)
        with np.errstate(over="ignore"):
            steep, least = curvature(far), float(curvature(np.zeros(1))[0])
        return steep, np.abs(1 - self.eta * least) + self.eta * (steep - least)

    def padded(self, values: FloatArray) -> FloatArray:
        """Values with those of the panels beyond the ends, where everything is what it is at the end: (panels + 2 per_step, degree + 1, functions)."""
        K = self.per_step
        return np.concatenate(
            [np.broadcast_to(values[:1, :1], (K, *values.shape[1:])), values, np.broadcast_to(values[-1:, -1:], (K, *values.shape[1:]))]
        )  # fmt: skip

    def step(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(W_r, e_r) from W_{r-1}: values (panels, degree + 1, functions), errors (functions,)."""
        middle = (values.max(axis=(0, 1)) + values.min(axis=(0, 1))) / 2
        around = self.padded(values - middle)
        window = np.lib.stride_tricks.sliding_window_view(around, 2 * self.per_step + 1, axis=0)
        joined = window.transpose(0, 3, 1, 2).reshape(len(values), -1, values.shape[2])
        return self.operator @ joined + middle, self._errors(around) + 4 * EPS * np.abs(middle)

    def _errors(self, around: FloatArray) -> FloatArray:
        """e_r for W_{r-1} with its mean value taken off."""
        K, count = self.per_step, self.half.size
        coefficients = np.abs(self.coefficients @ around).transpose(2, 0, 1)
        largest = self.lebesgue * np.abs(around).max(axis=1).T  # (functions, panels)
        with np.errstate(invalid="ignore"):
            tall = coefficients @ self.powers  # (functions, panels, ratios)
            before, after = tall[:, :count], tall[:, 2 * K :]
            whole = largest[:, :count]
            for i in range(1, 2 * K + 1):
                whole = np.maximum(whole, largest[:, i : i + count])
            bound = (
                self.by_clipped * np.maximum(before, after)
                + self.by_whole * whole[..., np.newaxis]
                + self.by_part * (before + after)
            )
            inside = np.nan_to_num(bound * self.inside, nan=np.inf).min(axis=-1)
            gauss = np.nan_to_num(tall * self.by_gauss, nan=np.inf).min(axis=-1)
        gauss = sum(gauss[:, i : i + count] for i in range(2 * K + 1))
        landing = (coefficients @ self.landing).max(axis=-1)
        return (inside + self.lebesgue * (gauss + self.rounding * whole)).max(axis=-1) + self.lebesgue * landing

    def start(self) -> tuple[FloatArray, FloatArray]:
        """(W_0, e_0) of `FUNCTIONS`: |f'|, the gap, the distance, and the probability of being clipped in the next step."""
        problem, law = self.setting.problem, self.law
        clipped = law.sf(self.c - self.slope) + law.cdf(-self.c - self.slope)
        norms = np.abs(self.slope), np.maximum(problem.gap(self.z[..., np.newaxis]), 0.0), np.abs(self.z)
        values = np.stack([*norms, clipped], axis=-1)
        rounding = 16 * EPS * values.max(axis=(0, 1)) * self.lebesgue
        rounding[CLIPPED] = DISTRIBUTION * self.lebesgue
        far = np.abs(self.centre)[:, np.newaxis] + self.half[:, np.newaxis] * (RATIOS + 1 / RATIOS) / 2
        tall = np.zeros((len(FUNCTIONS), *far.shape))  # polynomials of degree 1 and 2 on each panel need none
        if not isinstance(problem, Huber):
            with np.errstate(over="ignore"):
                tall[0] = np.abs(slope_of(problem, far.ravel())).reshape(far.shape)
                tall[1] = problem.gap(far[..., np.newaxis])
        tall[CLIPPED] = self.by_clipped
        return values, (tall * self.inside).min(axis=-1).max(axis=-1) + rounding

    def value_at(self, z: float, values: FloatArray) -> FloatArray:
        """The interpolant at a point, (functions,)."""
        j = int(np.clip(np.searchsorted(self.edges, z) - 1, 0, self.half.size - 1))
        row = polynomials(np.array((z - self.centre[j]) / self.half[j]), self.degree) @ self.coefficients
        return row @ values[j]

    def spread(self, values: FloatArray) -> FloatArray:
        """A bound of the largest less the least value, (functions,)."""
        high, low = values.max(axis=(0, 1)), values.min(axis=(0, 1))
        return self.lebesgue * (high - low)
