"""Where clipped SGD on the rows of a dataset has no drift: the floor of this dataset, beside that of the worst case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..problems import LinearModel
from ..specs import POSITIVE
from .domain import real

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..problems.base import Problem

ITERATIONS = 2000


def _mean_step(
    problem: Any, x: FloatArray, c: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """mean_i clip_c(grad f_i(x)) and what its Jacobian needs: row gradients, the factors min(1, c/norm), norms, predictions."""
    z = problem.predictions(x)
    slopes = problem.slopes(z).reshape(problem.rows, -1, 1)
    gradients = (slopes * np.asarray(problem.features)[:, np.newaxis]).reshape(problem.rows, -1) + problem.ridge * x
    norms = np.linalg.norm(gradients, axis=1)
    factor = np.minimum(1.0, c / np.maximum(norms, np.finfo(float).tiny))
    return factor @ gradients / problem.rows, gradients, factor, norms, z


def _jacobian(problem: Any, gradients: FloatArray, factor: FloatArray, norms: FloatArray, z: FloatArray) -> FloatArray:
    """mean_i D clip_c(g_i) (H_i x a_i a_i' + ridge I), x Kronecker's product, D clip = factor (I - u u') for clipped rows, u = g_i/‖g_i‖."""
    rows, curvatures, ridge = np.asarray(problem.features), problem.curvature_blocks(z), problem.ridge
    every = range(curvatures.shape[1])
    blocks = [[(rows.T * (factor * curvatures[:, k, j])) @ rows for j in every] for k in every]
    found = np.block(blocks) + ridge * factor.sum() * np.eye(problem.dim)
    clipped = factor < 1
    u = gradients[clipped] / norms[clipped, np.newaxis]
    part, weight = rows[clipped], factor[clipped]
    along = np.einsum("nkd,nd->nk", u.reshape(len(u), len(every), rows.shape[1]), part)
    along = weight[:, np.newaxis] * np.einsum("nkl,nl->nk", curvatures[clipped], along)
    found -= u.T @ (along[:, :, np.newaxis] * part[:, np.newaxis]).reshape(u.shape) + ridge * (u.T * weight) @ u
    return found / problem.rows


def _majorant(problem: Any, factor: FloatArray) -> FloatArray:
    """mean_i factor_i (L a_i a_i' + ridge I), L the largest curvature of the loss, for each prediction of a row."""
    rows = np.asarray(problem.features)
    found = np.kron(np.eye(problem.dim // rows.shape[1]), problem.curvature * (rows.T * factor) @ rows)
    return (found + problem.ridge * factor.sum() * np.eye(problem.dim)) / problem.rows


def stationary_rows(problem: Problem, threshold: float, tolerance: float = 1e-10) -> FloatArray:
    """A point x with mean_i clip_c(grad f_i(x)) = 0, by Newton's method and reweighted least squares.

    There the mean step of clipped SGD on single rows vanishes, and that of per-sample clipping with one threshold for
    batches of any size: for small steps the iterates settle around it, and ‖grad f(x)‖ is the bias that clipping has on
    this dataset. Without a ridge and for convex losses, x minimises the convex mean of the losses with slopes clipped at
    c/‖a_i‖; with a ridge uniqueness is not proved. Averages of several rows before clipping have another law, which is
    not enumerated.

    Parameters
    ----------
    problem : LinearModel
    threshold : float c in (0, inf)
    tolerance : float in (0, inf)
        The returned x has ‖mean clip_c‖ <= tolerance·c.

    Returns
    -------
    ndarray, shape (dim,)

    Raises
    ------
    ValueError
        If an argument leaves its domain, or the tolerance is not reached.
    """
    name = "stationary_rows"
    if not isinstance(problem, LinearModel):
        raise ValueError(
            f"{name}: problem must be a mean over rows of a dataset, such as Logistic, but {problem!r} was given"
        )
    c = real(name, "threshold", threshold, POSITIVE)
    tolerance = real(name, "tolerance", tolerance, POSITIVE)
    x = problem.x0 if problem.minimiser is None else problem.minimiser
    for _ in range(ITERATIONS):
        mean, *rest = _mean_step(problem, x, c)
        size = float(np.linalg.norm(mean))
        if size <= tolerance * c:
            return np.array(x)
        step = np.linalg.lstsq(_jacobian(problem, *rest), mean, rcond=1e-14)[0]
        scale = 1.0
        while scale > 1e-8 and np.linalg.norm(_mean_step(problem, x - scale * step, c)[0]) > (1 - 0.1 * scale) * size:
            scale *= 0.5
        # where Newton's step does not help, one of iteratively reweighted least squares, with the largest curvature
        x = x - (scale * step if scale > 1e-8 else np.linalg.lstsq(_majorant(problem, rest[1]), mean, rcond=1e-14)[0])
    raise ValueError(
        f"{name}: ‖mean clip_c‖ = {size:.3g} after {ITERATIONS} iterations; ask for a larger tolerance than {tolerance:g}"
    )
