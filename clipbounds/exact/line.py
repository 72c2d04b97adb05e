"""Mean curves of clipped SGD on a line without sampling: which settings, which accuracy; the proofs are in `grid`, `density` and `panels`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..methods import ClippedSGD, Setting
from ..noise import Gaussian
from ..run_arguments import default_checkpoints
from ..specs import check_integer
from .atoms import AtomsOnLine
from .density import DensityOnLine, why_not_density
from .grid import CONSTANT, ONE_TURN, slope_of
from .panels_on_line import ANALYTIC_LAWS, PanelsOnLine

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, IntArray

QUANTITIES = ("gradient_norm", "gap", "mean_gradient_norm")


@dataclasses.dataclass(frozen=True, eq=False)
class MeanCurves:
    """Means over the noise at some steps, each within its error.

    Attributes
    ----------
    checkpoints : ndarray of int
    gradient_norm, gap, mean_gradient_norm : ndarray of float
        E|f'(x_t)|, E f(x_t) - f*, and the average of E|f'(x_s)| over s < t.
    errors : dict of ndarray, by the name of the quantity: half the width of the enclosure
    nodes : int, of the grid
    """

    checkpoints: np.ndarray
    gradient_norm: np.ndarray
    gap: np.ndarray
    mean_gradient_norm: np.ndarray
    errors: dict
    nodes: int

    def enclosure(self, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper values of a quantity."""
        value, error = getattr(self, quantity), self.errors[quantity]
        return value - error, value + error


def why_not(setting: Setting) -> str | None:
    """Why the law of this setting is not propagated, or None."""
    problem, noise, method = setting.problem, setting.noise, setting.method
    if problem.dim != 1 or not isinstance(problem, (*CONSTANT, *ONE_TURN)):
        known = ", ".join(cls.__name__ for cls in (*CONSTANT, *ONE_TURN))
        return f"the problem must be one of {known} in dimension 1, but is {type(problem).__name__} in dimension {problem.dim}"
    plain = isinstance(method, ClippedSGD) and isinstance(method.clip, NormClip)
    one = plain and (method.batch_size == 1 or (isinstance(noise, Gaussian) and not method.per_sample))
    if not one or method.momentum != 0:
        return (
            "the method must be ClippedSGD with NormClip, one sample a step (or a mean of Gaussian ones) and momentum 0"
        )
    if method.scheduled:
        return "step size and threshold must be constants, but a schedule was given"
    if method.averages:
        return "averages of the iterates are measured on trajectories, but averages=True was given"
    if not noise.additive or (noise.radial and noise.atoms() is not None):
        return f"the noise must be additive, and not radial, but is {type(noise).__name__}"
    return why_not_density(setting) if noise.atoms() is None else None


def mean_curves(
    setting: Setting,
    steps: int,
    checkpoints: ArrayLike | None = None,
    tolerance: float = 1e-4,
    nodes: int | None = None,
    certify: bool = True,
) -> MeanCurves:
    """E|f'(x_t)|, E f(x_t) - f* and the average of E|f'| of clipped SGD on a line, by the law of the iterate.

    Parameters
    ----------
    setting : Setting of `ClippedSGD` in dimension 1, with a convex problem and a noise with finitely many atoms; with `Quadratic`,
        `Huber`, `Cosh` or `Quartic` and a Gaussian or Student noise; or with `Quadratic` and a Pareto or symmetric Lomax noise
    steps : int >= 1
    checkpoints : array_like of int in [1, steps], optional
    tolerance : float in (0, inf)
        The grid is refined until the error of each quantity asked for is at most this times its own size at every checkpoint, or
        the work of one more grid would be too much (some ten seconds).
    nodes : int >= 2, optional
        This many nodes, and no refinement.
    certify : bool
        Without it the errors are inf, and on a grid not computed: a third of the time there.

    Returns
    -------
    MeanCurves, with its errors

    Raises
    ------
    ValueError
        If the law of this setting is not propagated: the sentence says why.
    """
    reason = why_not(setting)
    if reason is not None:
        raise ValueError(f"mean_curves: {reason}; use simulate")
    steps = check_integer("mean_curves", "steps", steps, 1)
    if not tolerance > 0:
        raise ValueError(f"mean_curves: tolerance must be > 0, but {tolerance!r} was given")
    setting = _one_sample(setting)
    at = default_checkpoints(steps) if checkpoints is None else _checked(checkpoints, steps)
    count, refine = (0, True) if nodes is None else (check_integer("mean_curves", "nodes", nodes, 2), False)
    chain = _engine(setting)(setting, steps, tolerance)
    start = abs(float(slope_of(setting.problem, setting.problem.x0)[0]))
    count = count or chain.first
    if not certify:
        means, size = chain.means(count)
        none = np.full(at.shape, np.inf)
        return MeanCurves(at, *_at(means, means[:, -1], start, at), dict.fromkeys(QUANTITIES, none), size)
    while True:
        means, errors, later, size = chain.certified(count)
        values, found = _at(means, means[:, -1], start, at), _at(errors, later, 0.0, at)
        worst = max(float(np.max(e / v)) if v.min() > 0 else math.inf for e, v in zip(found, values, strict=True))
        if not refine or worst <= tolerance or size >= chain.most:
            return MeanCurves(at, *values, dict(zip(QUANTITIES, found, strict=True)), size)
        count = int(min(size * min(max(1.2 * math.sqrt(worst / tolerance), 1.5), 16.0), chain.most))


def _one_sample(setting: Setting) -> Setting:
    """The mean of a batch of Gaussian samples is a Gaussian sample."""
    method = setting.method
    if method.batch_size == 1:
        return setting
    noise = Gaussian(setting.noise.scale / math.sqrt(method.batch_size))
    return setting.replace(noise=noise, method=method.replace(batch_size=1))


def _engine(setting: Setting) -> Any:
    if setting.noise.atoms() is not None:
        return AtomsOnLine
    return PanelsOnLine if isinstance(setting.noise, ANALYTIC_LAWS) else DensityOnLine


def _checked(checkpoints: ArrayLike | None, steps: int) -> IntArray:
    at = np.asarray(checkpoints)
    if at.ndim != 1 or not at.size or at.dtype.kind not in "iu" or at.min() < 1 or at.max() > steps:
        raise ValueError(
            f"mean_curves: checkpoints must be a list of integers in [1, {steps}], but {checkpoints!r} was given"
        )
    return at.astype(np.int64)


def _at(curves: Any, last: Any, first: Any, at: Any) -> tuple[Any, Any, Any]:
    """Values of E|f'(x_t)|, of E gap and of the average of E|f'(x_s)| over s < t, from those after 1, 2, .. steps, which are `last` afterwards."""
    count = curves.shape[1]
    here = [
        np.where(at <= count, curve[np.minimum(at, count) - 1], end) for curve, end in zip(curves, last, strict=True)
    ]
    sums = np.concatenate([[first], first + np.cumsum(curves[0])])
    average = (sums[np.minimum(at - 1, count)] + np.maximum(at - 1 - count, 0) * last[0]) / at
    return here[0], here[1], average
