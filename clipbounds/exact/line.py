"""Mean curves of clipped SGD on a line without sampling: which settings, which grid, which accuracy; the proof is in `grid`."""

import dataclasses
import math

import numpy as np

from ..clipping import NormClip
from ..methods import ClippedSGD, Setting
from ..run_arguments import default_checkpoints
from ..specs import check_integer
from .grid import CONSTANT, ONE_TURN, Grid, slope_of

COARSE, FIRST, MOST = 1_500, 3_000, 2**18  # nodes of the window's run, of the first try and of the last
TAIL = 1e-18
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


def _reach(setting, steps):
    """An interval that contains x_0, ..., x_steps: g increases, so its ends move by the extreme atoms."""
    method = setting.method
    atoms = setting.noise.atoms()[0]
    low = high = float(setting.problem.x0[0])
    ends = np.array([low, high])
    for _ in range(steps):
        u = slope_of(setting.problem, ends)
        c = method.clip.threshold
        moved = ends - method.step_size * np.clip(u + np.array([atoms.max(), atoms.min()]), -c, c)
        if not (moved[0] < low or moved[1] > high):
            break
        low, high = min(low, moved[0]), max(high, moved[1])
        ends = np.array([low, high])
    pad = 1e-9 * max(abs(low), abs(high), high - low)
    return low - pad, high + pad


def _window(setting, steps, low, high):
    """The part of the reachable interval that holds all but a part `TAIL` of the mass, by a coarse run."""
    grid = Grid(setting, low, high, COARSE)
    held = np.nonzero(grid.run(steps, False)[0] > TAIL)[0]
    room = 2 * setting.method.step_size * setting.method.clip.threshold + 2 * grid.width
    first, last = min(held[0], grid.origin), max(held[-1], grid.origin)
    return max(low, grid.x[first] - room), min(high, grid.x[last] + room)


def mean_curves(
    setting: Setting,
    steps: int,
    checkpoints: np.ndarray | None = None,
    tolerance: float = 1e-4,
    nodes: int | None = None,
    certify: bool = True,
    whole: bool = False,
) -> MeanCurves:
    """E|f'(x_t)|, E f(x_t) - f* and the average of E|f'| of clipped SGD on a line, by the law of the iterate.

    Parameters
    ----------
    setting : Setting of a convex problem in dimension 1, `ClippedSGD` and a noise with finitely many atoms
    steps : int >= 1
    checkpoints : array_like of int in [1, steps], optional
    tolerance : float in (0, inf)
        The grid is refined until the error of the average of E|f'| is at most this times its own size, or has 2^18 nodes, or the work
        would be more than 2e9 nodes, atoms and steps.
    nodes : int >= 2, optional
        This many nodes, and no refinement.
    certify : bool
        Without it the errors are not computed, and are inf; a third of the time.
    whole : bool
        The grid covers all that can be reached. By default only the part outside of which a first, coarse run sees less than
        1e-18 of the mass on any node at any step: what the exact law has outside is then taken to be what the split law
        brings to the ends, which is added to the error but is itself computed and not enclosed.

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
    if not whole:
        low, high = _window(setting, steps, low, high)
    start = abs(float(slope_of(setting.problem, setting.problem.x0)[0]))
    count, refine = (FIRST, True) if nodes is None else (check_integer("mean_curves", "nodes", nodes, 2), False)
    most = int(min(MOST, max(FIRST, WORK / (steps * setting.noise.atoms()[0].size))))
    over = np.arange(1, steps + 1)
    while True:
        grid = Grid(setting, low, high, count)
        _, slope, gap, errors = grid.run(steps, certify, largest)
        average = np.cumsum(np.concatenate([[start], slope[:-1]])) / over
        if not certify:
            slope_error = gap_error = average_error = np.full(steps, np.inf)
            break
        slope_error, gap_error = errors
        average_error = np.cumsum(np.concatenate([[0.0], slope_error[:-1]])) / over
        worst = float(np.max(average_error / average)) if average.min() > 0 else math.inf
        if not refine or worst <= tolerance or grid.x.size >= most:
            break
        count = int(min(grid.x.size * min(max(1.2 * math.sqrt(worst / tolerance), 1.5), 16.0), most))
    at = np.asarray(default_checkpoints(steps) if checkpoints is None else checkpoints, dtype=np.int64)
    k = at - 1
    errors = dict(zip(QUANTITIES, (slope_error[k], gap_error[k], average_error[k]), strict=True))
    return MeanCurves(at, slope[k], gap[k], average[k], errors, grid.x.size)
