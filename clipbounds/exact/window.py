"""A window of whole step lengths about the start and the minimiser, and what leaves it: for noise with a density on a line.

With every landing point moved up to a node, and to the last node where it is beyond, y_{t+1} = up(g_xi(y_t)). A step g_xi increases, so
y_t >= x_t as long as x has not left the window at the top, for the same noise; when x leaves there, y is on the last node. Hence

    P(x leaves at the top by T) <= sum_{s <= T} P(y_s on the last node).

Let v_r be P(y_r on the last node) for the chain that starts there. For s > r that starts higher than y_{s-r}, so P(y_s on the last node)
<= v_r: the first r steps of both chains bound the rest of any horizon. The bottom is the same. QED
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .band import Band
from .grid import slope_of

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting

COARSE = 16  # cells a step length, of the chains for the ends of the window
LEAST = 6  # step lengths beyond the start and the minimiser


class Window:
    """A setting in coordinates about its minimiser, its window, and the steps after which its means stay.

    A subclass computes the means in the window, whose ends are kept: `_settle` sets `steps` and `scale`, the sizes of the means.
    """

    steps: int
    scale: FloatArray

    def __init__(self, setting: Setting, steps: int, tolerance: float) -> None:
        self.setting, self.horizon = setting, steps
        problem, method = setting.problem, setting.method
        self.start = float(problem.x0[0] - problem.minimiser[0])
        self.eta, self.c = method.step_size, method.clip.threshold
        stride = self.eta * self.c
        far = abs(self.start) + steps * stride
        with np.errstate(over="ignore"):
            ends = slope_of(problem, np.array([-far, far])), problem.gap(np.array([[-far], [far]]))
        self.largest = self._bounds(float(np.abs(ends[0]).max()), float(ends[1].max()), far)
        if not np.all(np.isfinite(self.largest)):
            raise ValueError(
                f"mean_curves: f' or f is beyond the floats at {far:.4g}, which {steps} steps may reach; give fewer steps, or"
                " simulate"
            )
        steepest = self.eta * float(problem.hessian(np.array([[0.0], [self.start]])).max())
        room = min(LEAST + math.ceil(2 / math.sqrt(max(steepest, 0.05))), steps + 1)
        while True:
            self.first_place = math.floor(min(self.start, 0.0) / stride) - room
            self.last_place = math.ceil(max(self.start, 0.0) / stride) + room
            self._check_order()
            self.band = Band(setting, self.first_place, self.last_place, COARSE)
            self._settle(tolerance)
            self._leave()
            if np.all(self.left_later * np.array(self.largest) <= 0.1 * tolerance * self.scale):
                break
            room *= 2
            if room > 2000:
                raise ValueError(
                    "mean_curves: the iterate leaves every window of 2000 step lengths too often; give fewer steps, or simulate"
                )
        self.length = self.last_place - self.first_place

    def _bounds(self, slope: float, gap: float, far: float) -> tuple[float, ...]:
        """Of the functions whose means are computed, on all that can be reached."""
        return slope, gap

    def _settle(self, tolerance: float) -> None:
        raise NotImplementedError

    def _check_order(self) -> None:
        """f'' is largest at one of the ends, or is a constant in the middle."""
        ends = self.eta * self.c * np.array([[self.first_place], [self.last_place], [0.0]])
        product = self.eta * float(self.setting.problem.hessian(ends).max())
        if product > 1 + 1e-12:
            raise ValueError(
                f"mean_curves: a step must increase with the point, eta f'' <= 1, but eta f'' may be {product:.4g} on"
                f" [{ends[0, 0]:.4g}, {ends[1, 0]:.4g}]; take a smaller step size, or simulate"
            )

    def _leave(self) -> None:
        """P(left the window by t), and by the horizon: the bound above on the coarse band."""
        band, size = self.band, self.band.z.size
        self.left, later = np.zeros(self.steps), 0.0
        place = self.start / band.width - band.first * band.per_step
        for up, end, node in ((True, -1, math.ceil(place)), (False, 0, math.floor(place))):
            moved = band.moved(up)
            starts = [min(max(node, 0), size - 1)] + ([end] if self.horizon > self.steps else [])
            for k, first in enumerate(starts):
                mass = np.zeros(size)
                mass[first] = 1.0
                out = np.empty(self.steps)
                for t in range(self.steps):
                    mass = moved @ mass
                    out[t] = mass[end]
                if k == 0:
                    self.left += np.cumsum(out)
                else:
                    later += (self.horizon - self.steps) * out[-1]
        self.left_later = self.left[-1] + later
