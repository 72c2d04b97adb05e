"""The stationary law of clipped SGD on the line, from its transition kernel on a grid."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Problem
from ..specs import POSITIVE, check_integer
from .domain import real
from .mean_step import check_law

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..noise.base import Noise

TAIL = 1e-13  # mass allowed near the ends of the grid
MOST_ENTRIES = 3e7  # of the transition matrix: 240 MB
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclasses.dataclass(frozen=True, eq=False)
class StationaryLaw:
    """Stationary law of x+ = x - eta clip_c(f'(x) + xi).

    Attributes
    ----------
    points : ndarray
        Grid of x, evenly spaced.
    probabilities : ndarray
        Mass of each point.
    gradient : ndarray
        f' at the points.
    mean_gradient_norm, mean_gradient : float
        E |f'(x)| and E f'(x).
    refinement_error : float
        |change of mean_gradient_norm| from twice the spacing to this one. The error of the discretisation is of second
        order in the spacing where the law is smooth, so this is about three times the error that is left.
    """

    points: np.ndarray
    probabilities: np.ndarray
    gradient: np.ndarray
    mean_gradient_norm: float
    mean_gradient: float
    refinement_error: float

    @property
    def spacing(self) -> float:
        """Distance of neighbouring points."""
        return float(self.points[1] - self.points[0])

    @property
    def density(self) -> FloatArray:
        """Mass divided by the spacing."""
        return self.probabilities / self.spacing


def _survival(noise: Any, gradient: FloatArray, threshold: float, cells: int) -> Any:
    """Mean of P(g > y) over each of the 2·cells cells of y in [-c, c], for g = gradient + xi: shape (n, 2·cells)."""
    width = threshold / cells
    lower = width * np.arange(-cells, cells)
    if noise.atoms() is not None:
        return sum(
            weight * np.clip((gradient[:, np.newaxis] + atom - lower) / width, 0, 1)
            for atom, weight in zip(*noise.atoms(), strict=True)
        )
    middle = lower + width / 2
    return sum(
        weight / 2 * noise.sf(middle + node * width / 2 - gradient[:, np.newaxis])
        for node, weight in zip(NODES, WEIGHTS, strict=True)
    )


def _kernel(noise: Any, gradient: FloatArray, threshold: float, cells: int) -> FloatArray:
    """P(x -> x - k eta c/cells), k = -cells..cells, as rows: E hat_k(clip_c(g)) with the hat functions of the grid.

    E hat_k = int hat_k'(y) P(clip_c(g) > y) dy is a difference of the cell means of P(g > y), which do not increase in
    k. So the weights are non-negative, sum to 1, and have the mean E clip_c(g): only the variance within a cell is new.
    """
    survival = _survival(noise, gradient, threshold, cells)
    edge = np.ones((gradient.size, 1))
    return -np.diff(survival, axis=1, prepend=edge, append=0 * edge)


def _stationary_vector(kernel: FloatArray, cells: int, anchor: int) -> FloatArray:
    """Left eigenvector of the banded transition matrix: fix its entry at `anchor` and solve the other equations."""
    from scipy.linalg import solve_banded

    size = kernel.shape[0]
    band = np.zeros((2 * cells + 1, size))  # band[cells + i - j, j] = (I - P^T)[i, j]
    source = np.arange(size)
    for k in range(-cells, cells + 1):
        # beyond the ends of the grid the mass stays at the end
        target = np.clip(source - k, 0, size - 1)
        np.add.at(band, (cells + target - source, source), -kernel[:, k + cells])
    band[cells] += 1
    # the equation of the anchor becomes pi[anchor] = 1
    columns = np.arange(max(0, anchor - cells), min(size, anchor + cells + 1))
    band[cells + anchor - columns, columns] = 0.0
    band[cells, anchor] = 1.0
    right = np.zeros(size)
    right[anchor] = 1.0
    return solve_banded((cells, cells), band, right)


def _confined(problem: Problem, noise: Any, c: float, ends: FloatArray) -> bool:
    """Whether the mean step points inwards at both ends; f' increases, so beyond them too."""
    gradient = problem.gradient(ends[:, np.newaxis])[:, 0]
    kernel = _kernel(noise, gradient, c, 32)
    left, right = kernel @ np.arange(-32, 33.0)
    return left < 0 < right


def _solve(
    problem: Problem, noise: Any, eta: float, c: float, cells: int, centre: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Grid, probabilities and gradient for `cells` cells in one full step, on a grid that grows until it is enough."""
    from scipy.linalg import LinAlgError

    spacing = eta * c / cells
    half = 32 * cells
    while (2 * half + 1) * (2 * cells + 1) <= MOST_ENTRIES:
        if not _confined(problem, noise, c, centre + spacing * half * np.array([-1.0, 1.0])):
            half *= 2
            continue
        x = centre + spacing * np.arange(-half, half + 1)
        gradient = problem.gradient(x[:, np.newaxis])[:, 0]
        if not np.all(np.isfinite(gradient)):
            break
        kernel = _kernel(noise, gradient, c, cells)
        drift = kernel @ np.arange(-cells, cells + 1.0)
        anchor = int(np.clip(np.searchsorted(drift, 0.0), 0, x.size - 1))
        try:
            mass = _stationary_vector(kernel, cells, anchor)
        except LinAlgError:
            mass = np.full(x.size, np.nan)
        if np.all(np.isfinite(mass)) and mass.min() > -1e-9 * mass.max():
            mass = np.maximum(mass, 0.0)
            mass /= mass.sum()
            if mass[: 2 * cells].sum() + mass[-2 * cells :].sum() <= TAIL:
                return x, mass, gradient
        half *= 2
    raise ValueError(
        f"stationary_law: no stationary law within {half * spacing:.3g} of {centre:.6g} on a grid of spacing {spacing:.3g};"
        " the problem may not confine the iterates, or needs a larger step size or fewer cells"
    )


def stationary_law(
    problem: Problem, noise: Noise, step_size: float, threshold: float, cells: int = 16
) -> StationaryLaw:
    """Stationary law of 1-D clipped SGD, x+ = x - eta clip_c(f'(x) + xi), without sampling.

    The step is at most eta c, so the transition matrix on a grid of spacing eta c/cells is banded. The mass of a step is
    split between neighbouring grid points so that its mean is kept; the grid grows until its ends carry no mass; one
    banded solve gives the law. It is done for cells/2 and for cells, and the change is reported.

    Parameters
    ----------
    problem : Problem
        Of dimension 1, with f' increasing (convex f); x0 is where the grid starts to grow if no minimiser is known.
    noise : Noise
        With ``atoms()`` or ``sf``, without a layout.
    step_size : float eta in (0, inf)
    threshold : float c in (0, inf)
    cells : int >= 2, even
        Grid cells in the longest step eta c.

    Returns
    -------
    StationaryLaw

    Raises
    ------
    ValueError
        If an argument leaves its domain, or there is no stationary law on a grid of the largest size.

    Notes
    -----
    Splitting adds at most (eta c/(2 cells))² to the variance of one step. Uniqueness of the law is not proved here: two
    laws on the grid would make the linear system singular, which is an error.
    """
    name = "stationary_law"
    if not isinstance(problem, Problem) or problem.dim != 1 or not problem.convex:
        raise ValueError(f"{name}: problem must be a convex Problem of dimension 1, but {problem!r} was given")
    check_law(name, noise)
    if noise.along is not None:
        raise ValueError(f"{name}: the law on the line is needed, but along={noise.along} was given; leave it out")
    eta = real(name, "step_size", step_size, POSITIVE)
    c = real(name, "threshold", threshold, POSITIVE)
    cells = check_integer(name, "cells", cells, 2)
    if cells % 2:
        raise ValueError(f"{name}: cells must be even, so that it can be halved, but {cells} was given")
    start = problem.minimiser if problem.minimiser is not None else problem.x0
    centre = float(start[0])
    x, mass, gradient = _solve(problem, noise, eta, c, cells // 2, centre)
    coarse = float(mass @ np.abs(gradient))
    x, mass, gradient = _solve(problem, noise, eta, c, cells, centre)
    fine = float(mass @ np.abs(gradient))
    return StationaryLaw(x, mass, gradient, fine, float(mass @ gradient), abs(fine - coarse))
