"""Mean curves of clipped SGD on a line without sampling: which settings, which grid, which accuracy; the proof is in `grid`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..methods import ClippedSGD, Setting
from ..run_arguments import default_checkpoints
from ..specs import check_integer
from .grid import CONSTANT, ONE_TURN, Grid, slope_of

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, IntArray

COARSE, FIRST, MOST = 1_500, 3_000, 2**18  # nodes of the window's run, of the first try and of the last
TAIL = 1e-18
SHORT, LONGEST = 1024, 20_000  # steps of the first coarse run, and of a walk to what can be reached
FAR = 40  # longest steps, from the start and the minimiser to the ends of the first window
SETTLED = 1e-2  # of the tolerance
WORK = 2e9  # nodes, atoms and steps of the last try: some ten seconds
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
    if not plain or method.momentum != 0 or method.batch_size != 1:
        return "the method must be ClippedSGD with NormClip, one sample a step and momentum 0"
    if not noise.additive or noise.radial or noise.atoms() is None:
        return f"the noise must be additive with finitely many atoms, but is {type(noise).__name__}"
    return None


def _reach(setting: Setting, steps: int) -> tuple[float, float]:
    """An interval that contains x_0, ..., x_steps: g increases, so its ends move by the extreme atoms."""
    method = setting.method
    atoms, c = setting.noise.atoms()[0], method.clip.threshold
    low = high = float(setting.problem.x0[0])
    for done in range(steps):
        u = slope_of(setting.problem, np.array([low, high]))
        moved = (low, high) - method.step_size * np.clip(u + np.array([atoms.max(), atoms.min()]), -c, c)
        if not (moved[0] < low or moved[1] > high):
            break
        low, high = min(low, moved[0]), max(high, moved[1])
        if done == LONGEST:  # no step is longer than eta c
            room = (steps - done) * method.step_size * c
            low, high = low - room * (moved[0] <= low), high + room * (moved[1] >= high)
            break
    pad = 1e-9 * max(abs(low), abs(high), high - low)
    return low - pad, high + pad


def _window(setting: Setting, steps: int, low: float, high: float, tolerance: float) -> tuple[float, float, int]:
    """(low, high, steps): the part of the reachable interval that holds all but a part `TAIL` of the mass, and the steps after which
    the means stay, both by coarse runs. The first window is what 30 standard steps reach; a larger one is taken until its ends are empty.
    """
    method, start = setting.method, float(setting.problem.x0[0])
    stride = method.step_size * method.clip.threshold
    minimiser = float(setting.problem.minimiser[0])
    first, last = min(start, minimiser) - FAR * stride, max(start, minimiser) + FAR * stride
    count = min(steps, SHORT)
    while True:
        whole = first <= low and last >= high
        grid = Grid(setting, max(low, first), min(high, last), COARSE)
        (slope, gap), masses = grid.run(count)
        held = np.nonzero(masses > TAIL)[0]
        if not whole and (held[0] <= 1 or held[-1] >= grid.x.size - 2):
            first, last = first - (last - first), last + (last - first)
            continue
        ends = np.array([slope[-1], gap[-1]])
        if count == steps or np.all(grid.settling(count)[:, -1] <= SETTLED * tolerance * ends):
            break
        count = min(2 * count, steps)
        if count * FIRST * grid.atoms.size > WORK / 4:
            raise ValueError(
                f"mean_curves: the means have not settled after {count // 2} of {steps} steps, and more are too long to compute;"
                " give fewer steps, or simulate"
            )
    room = 2 * stride + 2 * grid.width
    left, right = min(held[0], grid.origin), max(held[-1], grid.origin)
    return max(low, grid.x[left] - room), min(high, grid.x[right] + room), count


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
    setting : Setting of a convex problem in dimension 1, `ClippedSGD` and a noise with finitely many atoms
    steps : int >= 1
    checkpoints : array_like of int in [1, steps], optional
    tolerance : float in (0, inf)
        The grid is refined until the error of each quantity asked for is at most this times its own size at every checkpoint, or
        the grid has 2^18 nodes, or the work would be more than 2e9 nodes, atoms and steps.
    nodes : int >= 2, optional
        This many nodes, and no refinement.
    certify : bool
        Without it the errors are not computed, and are inf; a third of the time.

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
    low, high = _reach(setting, steps)
    steepest = float(np.abs(slope_of(setting.problem, np.array([low, high]))).max())
    pair = setting.problem.smoothness
    product = setting.method.step_size * (pair.L0 + pair.L1 * steepest)
    if product > 1 + 1e-12:
        raise ValueError(
            f"mean_curves: a step must increase with the point, eta f'' <= 1, but eta f'' may be {product:.4g} on"
            f" [{low:.4g}, {high:.4g}]; take a smaller step size, or simulate"
        )
    largest = steepest, float(setting.problem.gap(np.array([[low], [high]])).max())
    at = default_checkpoints(steps) if checkpoints is None else _checked(checkpoints, steps)
    low, high, computed = _window(setting, steps, low, high, tolerance)
    start = abs(float(slope_of(setting.problem, setting.problem.x0)[0]))
    count, refine = (FIRST, True) if nodes is None else (check_integer("mean_curves", "nodes", nodes, 2), False)
    most = int(min(MOST, max(FIRST, WORK / (computed * setting.noise.atoms()[0].size))))
    while True:
        grid = Grid(setting, low, high, count)
        if not certify:
            means = grid.run(computed)[0]
            none = np.full(at.shape, np.inf)
            return MeanCurves(at, *_at(means, means[:, -1], start, at), dict.fromkeys(QUANTITIES, none), grid.x.size)
        means, errors, later = grid.certified(computed, steps, largest)
        values, found = _at(means, means[:, -1], start, at), _at(errors, later, 0.0, at)
        worst = max(float(np.max(e / v)) if v.min() > 0 else math.inf for e, v in zip(found, values, strict=True))
        if not refine or worst <= tolerance or grid.x.size >= most:
            return MeanCurves(at, *values, dict(zip(QUANTITIES, found, strict=True)), grid.x.size)
        count = int(min(grid.x.size * min(max(1.2 * math.sqrt(worst / tolerance), 1.5), 16.0), most))


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
