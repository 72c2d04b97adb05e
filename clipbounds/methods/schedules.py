"""Schedules: numbers that change with the step, as objects."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..lanes.blocks import LANES
from ..spec_text import short
from ..specs import NON_NEGATIVE, POSITIVE, REAL, Interval, Spec, Vector, integer, parameter, vector
from . import schedule_kernels as kernels

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

WIDTH = 4  # parameters that a schedule of a distributed method may have
PROBED = (0, 1, 2, 3, 10, 100, 1000, 10_000)  # steps at which a distributed method checks a domain
CHUNK = 2**20  # steps whose numbers are made at once
ANY = Interval(-math.inf, math.inf, closed_low=True, closed_high=True)  # the horizon of a run tells what is wrong where


class Schedule(Spec):
    """Base of all schedules. A subclass declares real parameters and provides ``kernel``.

    ``kernel`` has the signature `SCHEDULE` and receives the parameters in the order of declaration. ``many``, of the
    signature `schedule_kernels.MANY`, may make the numbers of 64 steps faster.
    """

    kernel: ClassVar[Any] = None
    many: ClassVar[Any] = None

    @property
    def length(self) -> int | None:
        """How many steps it has numbers for; None: for all."""
        return None

    @property
    def parameters(self) -> FloatArray:
        """Parameter vector of the kernel, filled up with zeros to `WIDTH`."""
        values = [getattr(self, field.name) for field in dataclasses.fields(self)]
        return np.array(values + [0.0] * (WIDTH - len(values)))

    @property
    def addresses(self) -> list[int]:
        """Addresses of ``kernel`` and of ``many``, 0 for none."""
        return [self.kernel.address, 0 if self.many is None else self.many.address]

    def numbers(self, first: int, last: int) -> FloatArray:
        """The numbers at the steps first, ..., last - 1, float64."""
        out = np.empty(-(-(last - first) // LANES) * LANES)
        kernels.fill(np.array(self.addresses), first, self.parameters, out)
        return out[: last - first]

    def at(self, steps: ArrayLike) -> FloatArray:
        """The numbers at `steps` (integers >= 0), float64 of the same shape."""
        steps = np.asarray(steps)
        values = [self.kernel(int(t), self.parameters) for t in steps.ravel()]
        return np.array(values, dtype=np.float64).reshape(steps.shape)

    @property
    def supremum(self) -> float:
        """An upper bound of the numbers at all steps; inf where none is known."""
        return math.inf

    def first_outside(self, domain: Interval, steps: int) -> int | None:
        """The first step before `steps` at which the number leaves `domain`, or None."""
        for first in range(0, steps, CHUNK):
            values = self.numbers(first, min(first + CHUNK, steps))
            if not domain.contains(values):
                inside = (domain.contains(v) for v in values)
                return first + next(k for k, good in enumerate(inside) if not good)
        return None


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

    kernel, many = kernels.scaled_power, kernels.scaled_powers

    def at(self, steps: ArrayLike) -> FloatArray:
        with np.errstate(over="ignore", under="ignore"):
            return self.factor * (np.asarray(steps, dtype=np.float64) + self.shift) ** self.power

    @property
    def supremum(self) -> float:
        return float(self.at(0)) if self.power <= 0 else math.inf

    def first_outside(self, domain: Interval, steps: int) -> int | None:
        """Found by bisection, as the numbers are monotone in t."""
        if not domain.contains(self.at(0)):
            return 0
        low, high = 0, steps - 1
        if domain.contains(self.at(high)):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if domain.contains(self.at(middle)) else (low, middle)
        return high


class PiecewiseSchedule(Schedule):
    """values[0] before step starts[0], values[1] from there on and before starts[1], and so on.

    Parameters
    ----------
    values : array_like (n,), n >= 2
    starts : array_like of int >= 1 (n - 1,), increasing
    """

    values: Vector = vector(ANY)
    starts: Vector = vector(POSITIVE, "steps at which a new value begins")

    kernel = kernels.pieces

    def validate(self) -> None:
        starts, count = self.starts, self.values.size
        if starts.size != count - 1:
            raise ValueError(
                f"PiecewiseSchedule: starts must have one entry less than values, but {count} values and {starts.size}"
                f" starts were given"
            )
        if np.any(starts != np.floor(starts)) or np.any(np.diff(starts) <= 0):
            raise ValueError(
                f"PiecewiseSchedule: starts must be increasing integers >= 1, but {starts.tolist()} was given"
            )

    @property
    def parameters(self) -> FloatArray:
        return np.concatenate([[self.values.size], self.starts, self.values])

    def at(self, steps: ArrayLike) -> FloatArray:
        return self.values[np.searchsorted(self.starts, np.asarray(steps), side="right")]

    @property
    def supremum(self) -> float:
        return float(self.values.max())

    def first_outside(self, domain: Interval, steps: int) -> int | None:
        begins = np.concatenate([[0], self.starts]).astype(np.int64)
        wrong = (int(t) for t, v in zip(begins, self.values, strict=True) if t < steps and not domain.contains(v))
        return next(wrong, None)


class CosineSchedule(Schedule):
    """last + (first - last)(1 + cos(pi t/period))/2 up to step `period`, then `last`.

    Parameters
    ----------
    first : float in [0, inf), the number at step 0
    last : float in [0, inf)
    period : int >= 1, steps from `first` to `last`
    """

    first: float = parameter(NON_NEGATIVE)
    last: float = parameter(NON_NEGATIVE)
    period: int = integer(1)

    kernel = kernels.half_cosine

    def at(self, steps: ArrayLike) -> FloatArray:
        share = np.minimum(np.asarray(steps, dtype=np.float64) / self.period, 1.0)
        return self.last + (self.first - self.last) * (0.5 + 0.5 * np.cos(np.pi * share))

    @property
    def supremum(self) -> float:
        return max(self.first, self.last)

    def first_outside(self, domain: Interval, steps: int) -> int | None:
        """From step `period` on nothing changes."""
        return super().first_outside(domain, min(steps, self.period + 1))


class ListSchedule(Schedule):
    """values[t] at step t; a run must not be longer than the list.

    Parameters
    ----------
    values : array_like (steps,)
    """

    values: Vector = vector(ANY)

    kernel = kernels.listed

    @property
    def length(self) -> int | None:
        return self.values.size

    @property
    def parameters(self) -> FloatArray:
        return np.concatenate([[self.values.size], self.values])

    def at(self, steps: ArrayLike) -> FloatArray:
        steps = np.asarray(steps)
        inside = steps < self.values.size
        return np.where(inside, self.values[np.where(inside, steps, 0)], math.nan)

    @property
    def supremum(self) -> float:
        return float(self.values.max())


def check_schedule(owner: str, name: str, value: Schedule, domain: Interval, steps: float) -> None:
    """Raise ValueError unless a schedule has a number of `domain` at each of the first `steps` steps; says which has not."""
    if value.length is not None and value.length < steps:
        raise ValueError(
            f"{owner}: {name} must have a number for each step, but the list has {value.length} and {steps:.0f} steps were"
            f" asked for; lengthen it, or ask for at most {value.length} steps"
        )
    wrong = value.first_outside(domain, int(steps))
    if wrong is not None:
        advice = f"; change it, or ask for at most {wrong} steps" if wrong else "; change it"
        raise ValueError(
            f"{owner}: {name} must stay in {domain}, but {short(repr(value))} is {float(value.at(wrong)):g} at step {wrong}{advice}"
        )


def checked_schedule(owner: str, name: str, value: Any, domain: Interval) -> Schedule:
    """`value` as a schedule, a number being a constant one; its values at many steps must lie in `domain`."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        value = PowerSchedule(float(value)) if float(value) >= 0 else value
    if not isinstance(value, Schedule):
        raise ValueError(
            f"{owner}: {name} must be a schedule such as PowerSchedule(factor, power), or a number for a constant one,"
            f" but {value!r} was given"
        )
    if value.parameters.size > WIDTH:
        raise ValueError(
            f"{owner}: {name} must be a schedule of at most {WIDTH} parameters, such as PowerSchedule or CosineSchedule, but"
            f" {type(value).__name__} was given"
        )
    values = value.at(np.array(PROBED))
    if not domain.contains(values):
        wrong = next(t for t, v in zip(PROBED, values, strict=True) if not domain.contains(v))
        raise ValueError(
            f"{owner}: {name} must stay in {domain}, but {value!r} is {float(value.at(wrong)):g} at step {wrong}"
        )
    return value
