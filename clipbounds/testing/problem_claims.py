"""A problem against its own claims: value, gradient, f_star, minimiser, convexity and smoothness, at seeded random points.

A claim that is false somewhere may be true at all points that were tried: these checks refute, they certify nothing.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..facts import FirstOrderSmoothness, HessianSmoothness
from ..problems import Problem
from ..problems.certify import certify
from ..specs import check_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..array_types import FloatArray

EPS = np.finfo(np.float64).eps
POINTS = 256
SHIFTS = (1, 2, 3, 5, 8, 13)  # partners of a point in the list
STEPS = 10.0 ** -np.arange(1, 8)  # of the differences, in units of 1 + ‖x‖
AGREE = 1e-5  # relative, of a difference quotient and the gradient at the best step; cube root of eps squared is 4e-11


@dataclasses.dataclass(frozen=True)
class Refuted:
    """A claim of a problem that fails. `name`: gradient, finite, f_star, gap, minimiser, convex, lipschitz or smoothness."""

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


def _points(problem: Problem, seed: int) -> FloatArray:
    draws = np.random.default_rng(seed)
    scale = 10.0 ** draws.uniform(-2, 1, (POINTS, 1))
    centre = problem.x0 * draws.integers(0, 2, (POINTS, 1))  # around x0, and around 0
    return np.concatenate([problem.x0[np.newaxis], centre + scale * draws.standard_normal((POINTS, problem.dim))])


def _gradient(problem: Problem, x: FloatArray, g: FloatArray, f: FloatArray, seed: int) -> Iterator[Refuted]:
    """Difference quotients of the value along random directions; the best of several steps must agree."""
    u = np.random.default_rng(seed + 1).standard_normal(x.shape)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    slope, size = np.sum(g * u, axis=1), np.linalg.norm(g, axis=1)
    excess = np.full(len(x), np.inf)
    for h in STEPS:
        step = h * (1 + np.linalg.norm(x, axis=1))
        change = problem.value(x + step[:, np.newaxis] * u) - problem.value(x - step[:, np.newaxis] * u)
        allowed = AGREE * size + 64 * EPS * np.abs(f) / step + 1e-12
        excess = np.fmin(excess, np.abs(change / (2 * step) - slope) / allowed)
    if np.any(excess > 1):
        k = int(np.argmax(excess))
        yield Refuted(
            "gradient", f"differences of the value disagree with it at x = {x[k][:4]}, <grad f, u> = {slope[k]:.6g}"
        )


def _lowest(problem: Problem, x: FloatArray, f: FloatArray) -> Iterator[Refuted]:
    """f_star against the points, and against where a descent from x0 ends."""
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        end = minimize(problem.value, problem.x0, jac=problem.gradient, method="L-BFGS-B")
    values = np.append(f, end.fun if np.isfinite(end.fun) else np.inf)
    spare = 64 * EPS * (1 + np.abs(problem.f_star) + np.abs(values))
    if np.any(values < problem.f_star - spare):
        yield Refuted("f_star", f"{problem.f_star:.9g} is claimed, but f takes the value {values.min():.9g}")
    off = np.abs(problem.gap(x) - (f - problem.f_star)) > 1e-9 * (np.abs(f) + abs(problem.f_star)) + 1e-300
    if off.any():
        yield Refuted("gap", f"differs from f - f_star at x = {x[np.argmax(off)][:4]}")


def _minimiser(problem: Problem, g: FloatArray) -> Iterator[Refuted]:
    at = problem.minimiser
    if at is None:
        return
    slope = float(np.linalg.norm(problem.gradient(at)))
    if not slope <= 1e-6 * (1 + np.linalg.norm(g, axis=1).max()):
        yield Refuted("minimiser", f"the gradient has the norm {slope:.6g} there")
    value = float(problem.value(at))
    if problem.f_star_attained and not abs(value - problem.f_star) <= 1e-9 * (1 + abs(value)):
        yield Refuted("minimiser", f"f is {value:.9g} there, but f_star = {problem.f_star:.9g} is said to be attained")


def _pairs(problem: Problem, x: FloatArray, g: FloatArray) -> Iterator[Refuted]:
    """Convexity, strong convexity and the global Lipschitz constant on pairs of points."""
    y, k = (np.concatenate([np.roll(v, shift, axis=0) for shift in SHIFTS]) for v in (x, g))
    x, g = np.tile(x, (len(SHIFTS), 1)), np.tile(g, (len(SHIFTS), 1))
    apart, change = np.linalg.norm(x - y, axis=1), np.linalg.norm(g - k, axis=1)
    rounding = 1e-9 * (np.linalg.norm(g, axis=1) + np.linalg.norm(k, axis=1))
    inner = np.sum((g - k) * (x - y), axis=1)
    mu = problem.strong_convexity
    if problem.convex and np.any(inner < mu * apart**2 * (1 - 1e-9) - rounding * apart):
        yield Refuted("convex", f"<grad f(x) - grad f(y), x - y> falls below {mu:g}‖x - y‖²")
    try:
        L = problem.lipschitz
    except ValueError:
        L = None
    if L is not None and np.any(change > L * apart * (1 + 1e-9) + rounding):
        yield Refuted(
            "lipschitz", f"L = {L:.6g} is claimed, but a pair has {np.max(change / np.maximum(apart, 1e-300)):.6g}"
        )


def _smoothness(problem: Problem, x: FloatArray, g: FloatArray, seed: int) -> Iterator[Refuted]:
    try:
        pair = problem.smoothness
    except ValueError:
        return  # smooth for no pair, and says so
    if isinstance(pair, HessianSmoothness):
        found = certify(problem, rigor=False)
        if not found.holds:
            yield Refuted("smoothness", str(found))
    elif isinstance(pair, FirstOrderSmoothness):
        u = np.random.default_rng(seed + 2).standard_normal(x.shape)
        reach = min(pair.radius, 1.0) * np.random.default_rng(seed + 3).uniform(1e-3, 1, len(x))
        y = x + reach[:, np.newaxis] * u / np.linalg.norm(u, axis=1, keepdims=True)
        size = np.linalg.norm(g, axis=1)
        change = np.linalg.norm(problem.gradient(y) - g, axis=1)
        if np.any(change > (pair.L0 + pair.L1 * size) * reach * (1 + 1e-9) + 1e-9 * size):
            yield Refuted("smoothness", f"{pair} fails on a pair within its radius")


def refuted_claims(problem: Problem, seed: int = 0) -> list[Refuted]:
    """The claims of a problem that fail at seeded random points around x0, a list of `Refuted`.

    Parameters
    ----------
    problem : Problem
    seed : int >= 0

    Raises
    ------
    ValueError
        If `problem` is none.
    """
    if not isinstance(problem, Problem) or problem.gradient_kernel is None:
        raise ValueError(f"check_problem: expected a Problem with a gradient, but {problem!r} was given")
    seed = check_integer("check_problem", "seed", seed, 0)
    x = _points(problem, seed)
    with np.errstate(over="ignore", invalid="ignore"):
        f, g = np.asarray(problem.value(x), dtype=np.float64), problem.gradient(x)
    finite = np.isfinite(f) & np.all(np.isfinite(g), axis=1)
    if not finite[0]:
        return [Refuted("finite", f"f or its gradient is not finite at x0 = {problem.x0[:4]}")]
    x, f, g = x[finite], f[finite], g[finite]  # further out a function may overflow
    with np.errstate(over="ignore", invalid="ignore"):
        return [
            *_gradient(problem, x, g, f, seed), *_lowest(problem, x, f), *_minimiser(problem, g),
            *_pairs(problem, x, g), *_smoothness(problem, x, g, seed),
        ]  # fmt: skip


def check_problem(problem: Problem, seed: int = 0) -> None:
    """Raise AssertionError if a claim of the problem fails: one line each. Arguments as in `refuted_claims`."""
    found = refuted_claims(problem, seed)
    if found:
        raise AssertionError(f"{type(problem).__name__}: " + "; ".join(map(str, found)))
