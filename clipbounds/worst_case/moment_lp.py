"""The worst-case drift once more, by linear programming over atoms: an oracle that knows no closed form."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..specs import NON_NEGATIVE, POSITIVE, REAL, check_integer
from .domain import EXPONENT, real, reals

if TYPE_CHECKING:
    from ..array_types import FloatArray

PRICE = 1e-11  # reduced cost, in units of c, below which no atom is added
ROUNDS = 60
FARTHEST = 1e12  # largest distance of an atom from the mean, in units of sigma
SOLVER = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclasses.dataclass(frozen=True, eq=False)
class MomentProblem:
    """Solution of a moment problem.

    Attributes
    ----------
    value : float
        Smallest E clip_c(g) over laws on the atoms of the grid.
    atoms, probabilities : ndarray
        The worst law. Neighbours a rounding apart stand for one atom.
    lower_bound : float
        A bound for all laws on the real line, from the multipliers: `value` minus it encloses the error of the grid.
    rounds : int
        Linear programs solved.
    """

    value: float
    atoms: np.ndarray
    probabilities: np.ndarray
    lower_bound: float
    rounds: int


def _solve(z: FloatArray, cost: FloatArray, p: float) -> tuple[FloatArray, FloatArray]:
    """min sum w cost(z) over w >= 0 with sum w = 1, sum w z = 0, sum w |z|^p <= 1; weights and multipliers."""
    from scipy.optimize import linprog

    power = np.abs(z) ** p
    scale = 1 + power  # columns of comparable size: far atoms have small weights
    found = linprog(
        cost / scale, A_eq=np.stack([np.ones_like(z), z]) / scale, b_eq=[1.0, 0.0], A_ub=(power / scale)[np.newaxis],
        b_ub=[1.0], bounds=(0, None), method="highs-ds", options=SOLVER,
    )  # fmt: skip
    if found.status != 0:
        raise ValueError(
            f"moment_problem: the linear program has no solution on this grid ({found.message});"
            " give a grid that surrounds gradient_norm and contains it"
        )
    multipliers = np.array([*found.eqlin.marginals, min(found.ineqlin.marginals[0], 0.0)])
    return found.x / scale, multipliers


def _prices(multipliers: FloatArray, u: float, sigma: float, p: float) -> tuple[FloatArray, FloatArray]:
    """The atom z of smallest reduced cost in each of the three pieces of clip, and these costs (c = 1, y = u + sigma z).

    On a piece of slope s the reduced cost clip(y) - l0 - l1 z - l2 |z|^p is convex, because l2 <= 0: its minimum is
    where s sigma - l1 = l2 p sign(z)|z|^{p-1}, or the nearer end of the piece.
    """
    l0, l1, l2 = multipliers
    ends = (np.array([-np.inf, -1.0, 1.0, np.inf]) - u) / sigma
    pull = l1 - np.array([0.0, sigma, 0.0])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = np.sign(pull) * (np.abs(pull) / (-l2 * p)) ** (1 / (p - 1))
        z = np.clip(np.where(np.isnan(z), 0.0, z), ends[:-1], ends[1:])
        cost = np.clip(u + sigma * z, -1, 1) - l0 - l1 * z - l2 * np.abs(z) ** p
    return z, np.where(np.isnan(cost), -np.inf, cost)


def _starting_grid(u: float, sigma: float, points: int) -> FloatArray:
    """Half of the points even on [-c, c], the others geometric around u: standardised, c = 1.

    They reach well beyond the ratios of the lengths of the problem, so that the moment constraint binds at once.
    """
    far = np.geomspace(1e-3, 10 * max(100.0, sigma, (1 + u) / sigma), max(points // 4, 1))
    inside = (np.linspace(-1, 1, points - 2 * far.size) - u) / sigma
    return np.unique(np.concatenate([inside, -far, far, [0.0]]))


def moment_problem(
    gradient_norm: float, threshold: float, sigma: float, p: float = 2.0, grid: int = 101, refine: bool = True
) -> MomentProblem:
    """Minimise E clip_c(g) over laws of g on the line with E g = u and E|g - u|^p <= sigma^p, by linear programming.

    The weights of atoms on a grid are the unknowns. With `refine` the grid is completed where the multipliers ask for
    it: the atom of smallest reduced cost in each of the three pieces of clip is added, until none is negative. The
    result then agrees with the infimum over all laws, and `lower_bound` proves it, whatever the grid was.

    Parameters
    ----------
    gradient_norm : float u in [0, inf)
    threshold : float c in (0, inf)
    sigma : float in [0, inf)
    p : float in (1, 2]
    grid : int >= 3, or array of atoms
        Number of atoms to start with, or the atoms (gradient_norm is added, so that the program is feasible).
    refine : bool
        False solves one program, on the grid as it is.

    Returns
    -------
    MomentProblem

    Raises
    ------
    ValueError
        If an argument leaves its domain.

    Notes
    -----
    Duality: for all l1 and l2 <= 0, E clip_c(g) >= l2 + min_y [clip_c(y) - l1 z - l2|z|^p] with z = (y-u)/sigma.
    """
    name = "moment_problem"
    u = real(name, "gradient_norm", gradient_norm, NON_NEGATIVE)
    c = real(name, "threshold", threshold, POSITIVE)
    sigma = real(name, "sigma", sigma, NON_NEGATIVE)
    p = real(name, "p", p, EXPONENT)
    given = None if np.ndim(grid) == 0 else reals(name, "grid", grid, REAL).ravel()
    points = check_integer(name, "grid", grid, 3) if given is None else 0
    if sigma == 0:
        return MomentProblem(min(u, c), np.array([u]), np.ones(1), min(u, c), 0)
    u, sigma = u / c, sigma / c
    z = _starting_grid(u, sigma, points) if given is None else np.unique(np.append((given / c - u) / sigma, 0.0))
    rounds, complete = 0, False
    while not complete:
        rounds += 1
        cost = np.clip(u + sigma * z, -1, 1)
        weights, multipliers = _solve(z, cost, p)
        new, prices = _prices(multipliers, u, sigma, p)
        usable = (prices < -PRICE) & (np.abs(new) < FARTHEST)
        larger = np.union1d(z, new[usable])
        complete = not refine or rounds == ROUNDS or larger.size == z.size
        z, solved = larger, z
    active = weights > 1e-13
    value = float(np.sum(weights * cost))
    lower = float(multipliers[0] + multipliers[2] + min(prices.min(), 0.0))
    probabilities = weights[active] / weights[active].sum()
    return MomentProblem(c * value, c * (u + sigma * solved[active]), probabilities, c * lower, rounds)


def moment_floor(threshold: float, sigma: float, p: float = 2.0, tolerance: float = 1e-9) -> float:
    """The largest gradient norm at which `moment_problem` has the value 0: the floor without its closed form.

    The value increases with the gradient norm (shift the law), so the floor is its root, found by bracketing.

    Parameters
    ----------
    threshold : float c in (0, inf)
    sigma : float in [0, inf)
    p : float in (1, 2]
    tolerance : float in (0, inf)
        Of the root, in units of sigma.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument leaves its domain.
    """
    from scipy.optimize import brentq

    c = real("moment_floor", "threshold", threshold, POSITIVE)
    sigma = real("moment_floor", "sigma", sigma, NON_NEGATIVE)
    p = real("moment_floor", "p", p, EXPONENT)
    tolerance = real("moment_floor", "tolerance", tolerance, POSITIVE)
    if sigma == 0:
        return 0.0
    high = sigma
    while moment_problem(high, c, sigma, p).value <= 0:
        high *= 2
    return brentq(lambda u: moment_problem(u, c, sigma, p).value, 0.0, high, xtol=tolerance * sigma)
