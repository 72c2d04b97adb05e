"""The law of an iterate under a noise with finitely many atoms: which window, how many steps, how fine a grid; the proof is in `grid`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from .grid import Grid, atoms_of, kinds_of_batches, slope_of

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting

COARSE, MOST = 700, 2**18  # nodes of the window's run, and of the last try
FEW, USUAL, FINE = 700, 3_000, 3e-5  # nodes of the first try, and of that for a tolerance up to the third
TAIL = 1e-18
SHORT, LONGEST = 1024, 20_000  # steps of the first coarse run, and of a walk to what can be reached
FAR = 40  # longest steps, from the start and the minimiser to the ends of the first window
SETTLED = 1e-2  # of the tolerance
WORK = 2e9  # nodes, atoms and steps of the last try: some ten seconds


class AtomsOnLine:
    """A setting with its window, the steps after which its means stay, and the grids on which they are computed."""

    def __init__(self, setting: Setting, steps: int, tolerance: float) -> None:
        self.setting, self.horizon = setting, steps
        self.first = FEW if tolerance > FINE else USUAL
        low, high = _reach(setting, steps)
        steepest = float(np.abs(slope_of(setting.problem, np.array([low, high]))).max())
        pair = setting.problem.smoothness
        product = setting.method.step_size * (pair.L0 + pair.L1 * steepest)
        if product > 1 + 1e-12:
            raise ValueError(
                f"mean_curves: a step must increase with the point, eta f'' <= 1, but eta f'' may be {product:.4g} on"
                f" [{low:.4g}, {high:.4g}]; take a smaller step size, or simulate"
            )
        self.largest = steepest, float(setting.problem.gap(np.array([[low], [high]])).max())
        self.low, self.high, self.steps = _window(setting, steps, low, high, tolerance)
        self.closed = self.low <= low, self.high >= high
        kinds = kinds_of_batches(setting.noise, setting.method.batch_size)
        self.most = int(min(MOST, max(self.first, WORK / (self.steps * kinds))))

    def means(self, nodes: int) -> tuple[FloatArray, int]:
        """E|f'| and E gap after each step, (2, steps), and the nodes of the grid."""
        grid = Grid(self.setting, self.low, self.high, nodes)
        return grid.run(self.steps)[0], grid.x.size

    def certified(self, nodes: int) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        """(means, errors, later) of `Grid.certified`, and the nodes."""
        grid = Grid(self.setting, self.low, self.high, nodes, self.closed)
        return *grid.certified(self.steps, self.horizon, self.largest), grid.x.size


def _reach(setting: Setting, steps: int) -> tuple[float, float]:
    """An interval that contains x_0, ..., x_steps: g increases, so its ends move by the extreme atoms."""
    method = setting.method
    atoms, c = atoms_of(setting)[0], method.clip.threshold
    low = high = float(setting.problem.x0[0])
    # one block for all steps: packing two points takes ten times as long as their slopes
    block, slopes, parameters = np.zeros(LANES), np.zeros(LANES), setting.problem.parameters
    for done in range(steps):
        block[:2] = low, high
        setting.problem.gradient_kernel(block, slopes, 1, parameters)
        u = slopes[:2]
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
        if count * USUAL * grid.atoms.size > WORK / 4:
            raise ValueError(
                f"mean_curves: the means have not settled after {count // 2} of {steps} steps, and more are too long to compute;"
                " give fewer steps, or simulate"
            )
    room = 2 * stride + 2 * grid.width
    left, right = min(held[0], grid.origin), max(held[-1], grid.origin)
    return max(low, grid.x[left] - room), min(high, grid.x[right] + room), count
