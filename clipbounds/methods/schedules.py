"""Schedules: numbers that change with the step, as objects."""

from __future__ import annotations

import dataclasses
import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import kernel
from ..specs import NON_NEGATIVE, POSITIVE, REAL, Spec, parameter

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray
    from ..specs import Interval

# (step, params): the schedule's number at this step
SCHEDULE = types.float64(types.int64, FLOATS)
WIDTH = 4  # parameters that a schedule may have
PROBED = (0, 1, 2, 3, 10, 100, 1000, 10_000)  # steps at which a domain is checked


@kernel(SCHEDULE)
def scaled_power(step, params):
    """params: factor, power, shift."""
    return params[0] * (step + params[2]) ** params[1]


class Schedule(Spec):
    """Base of all schedules. A subclass declares at most four real parameters and provides ``kernel``.

    ``kernel`` has the signature `SCHEDULE` and receives the parameters in the order of declaration.
    """

    kernel: ClassVar[Any] = None

    @property
    def parameters(self) -> FloatArray:
        """Parameter vector of the kernel, filled up with zeros."""
        values = [getattr(self, field.name) for field in dataclasses.fields(self)]
        return np.array(values + [0.0] * (WIDTH - len(values)))

    def at(self, steps: ArrayLike) -> FloatArray:
        """The numbers at `steps` (integers >= 0), float64 of the same shape."""
        steps = np.asarray(steps)
        values = [self.kernel(int(t), self.parameters) for t in steps.ravel()]
        return np.array(values, dtype=np.float64).reshape(steps.shape)


class PowerSchedule(Schedule):
    """factor·(t + shift)^power at step t = 0, 1, ...

    Parameters
    ----------
    factor : float in [0, inf)
    power : float, 0 for a constant
    shift : float in (0, inf), default 1
    """

    factor: float = parameter(NON_NEGATIVE)
    power: float = parameter(REAL, default=0.0)
    shift: float = parameter(POSITIVE, "t + shift must be positive at t = 0", default=1.0)

    kernel = scaled_power

    def at(self, steps: ArrayLike) -> FloatArray:
        return self.factor * (np.asarray(steps, dtype=np.float64) + self.shift) ** self.power


def checked_schedule(owner: str, name: str, value: Any, domain: Interval) -> Schedule:
    """`value` as a schedule, a number being a constant one; its values at many steps must lie in `domain`."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        value = PowerSchedule(float(value)) if value >= 0 else value  # type: ignore[operator]
    if not isinstance(value, Schedule):
        raise ValueError(
            f"{owner}: {name} must be a schedule such as PowerSchedule(factor, power), or a number for a constant one,"
            f" but {value!r} was given"
        )
    values = value.at(np.array(PROBED))
    if not domain.contains(values):
        wrong = next(t for t, v in zip(PROBED, values, strict=True) if not domain.contains(v))
        raise ValueError(
            f"{owner}: {name} must stay in {domain}, but {value!r} is {float(value.at(wrong)):g} at step {wrong}"
        )
    return value
