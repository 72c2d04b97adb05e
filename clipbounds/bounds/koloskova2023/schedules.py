"""What the bounds for step sizes and thresholds that change share: their numbers, and the rows of the hypotheses table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...clipping import NormClip
from ...methods import ClippedSGD, PowerSchedule
from ...methods.schedules import Schedule
from ..base import Hypothesis
from .common import ClippedBound, at_most

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatArray
    from ...methods.base import Method, Setting


def schedule_of(method: Method, name: str) -> Any:
    """The step size ("step_size") or threshold ("threshold") of clipped SGD: a schedule or a number."""
    if name == "step_size":
        return method.step_size
    clip: Any = method.operator
    return method.varying.get("threshold", clip.threshold)


def numbers_of(method: Method, name: str, steps: int) -> FloatArray:
    """eta_t or c_t for t < steps."""
    found = schedule_of(method, name)
    return found.numbers(0, steps) if isinstance(found, Schedule) else np.full(steps, found)


def largest_product(method: Method) -> float:
    """An upper bound of eta_t c_t at all steps; inf where none is known."""
    eta, c = schedule_of(method, "step_size"), schedule_of(method, "threshold")
    if isinstance(eta, PowerSchedule) and isinstance(c, PowerSchedule) and eta.shift == c.shift:
        return PowerSchedule(eta.factor * c.factor, eta.power + c.power, eta.shift).supremum
    sup = [found.supremum if isinstance(found, Schedule) else found for found in (eta, c)]
    return sup[0] * sup[1]


class ScheduledBound(ClippedBound):
    """A bound on clipped SGD whose step size or threshold is a schedule."""

    takes_schedules = True

    def smallest(self, setting: Setting) -> tuple[float, float, float]:
        """First-order constants (L0, L1) and their radius."""
        pair = self.pair(setting).first_order()
        return pair.L0, pair.L1, pair.radius

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        method = setting.method
        plain = isinstance(method, ClippedSGD) and isinstance(method.clip, NormClip)
        shown = f"{type(method).__name__}, momentum = {getattr(method, 'momentum', 0.0):g}"
        row = Hypothesis("ClippedSGD with NormClip, momentum 0", shown, plain and method.momentum == 0)
        if not row.holds:
            return [row]
        given = ", ".join(f"{name} = {schedule!r}" for name, schedule in method.varying.items())
        changing = Hypothesis("step size or threshold is a schedule", given or "both are constants", method.scheduled)
        return [row, changing, *self.further(setting)] if changing.holds else [row, changing]

    def step_rows(self, setting: Setting) -> list[Hypothesis]:
        """A step of length eta_t c_t stays where the constants are valid."""
        (_, L1, radius), reach = self.smallest(setting), largest_product(setting.method)
        product = reach * L1 if L1 > 0 else 0.0
        return [
            Hypothesis("eta_t c_t <= radius of (L0, L1) for all t", f"{reach:.6g} <= {radius:.6g}", reach <= radius or at_most(reach, radius)),
            Hypothesis("eta_t c_t L1 <= 1 for all t", f"{product:.6g} (L1 = {L1:.6g})", at_most(product, 1.0)),
        ]  # fmt: skip
