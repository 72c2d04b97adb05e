"""A counterexample made simple: fewer dimensions, a simpler law, a shorter horizon, rounder numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..methods import Setting
from ..noise import NoNoise, TwoPoint
from ..specs import Spec
from .coordinates import coordinates, read, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

ROUNDS = 4


def _without(spec: Any, dim: int, index: int) -> Any:
    """The component with entry `index` of every vector of `dim` entries left out."""
    import dataclasses

    changes = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.metadata.get("kind") == "vector" and value is not None and len(value) == dim:
            changes[field.name] = np.delete(value, index)
        elif isinstance(value, Spec) and field.name not in ("problem", "policy"):
            inner = _without(value, dim, index)
            if inner is not value:
                changes[field.name] = inner
    return spec.replace(**changes) if changes else spec


def _smaller(setting: Setting, steps: int) -> Iterator[tuple[Setting, int]]:
    """Settings of one dimension less."""
    dim = setting.problem.dim
    if dim > 1 and setting.noise.additive:
        for index in reversed(range(dim)):
            problem = _without(setting.problem, dim, index)
            if problem.dim < dim:
                yield Setting(problem, _without(setting.noise, dim, index), setting.method), steps


def _simpler_laws(setting: Setting, steps: int) -> Iterator[tuple[Setting, int]]:
    """No noise, two points."""
    if setting.noise.additive and not isinstance(setting.noise, NoNoise):
        yield setting.replace(noise=NoNoise()), steps
        if not isinstance(setting.noise, TwoPoint):
            yield setting.replace(noise=TwoPoint(1.0, 0.5)), steps


def _shorter(setting: Setting, steps: int) -> Iterator[tuple[Setting, int]]:
    """Horizons that are shorter, and then rounder."""
    power = 10 ** (len(str(steps)) - 1)
    for count in (1, steps // 10, steps // 4, steps // 2, 3 * steps // 4, steps // power * power, 9 * steps // 10):
        if 1 <= count < steps:
            yield setting, count


def _rounder(value: float) -> list[Any]:
    """Numbers near `value` that are easier to read, the easiest first."""
    if isinstance(value, int):
        return [n for n in (1, value // 2, value - 1) if 1 <= n < value]
    sign = -1.0 if value < 0 else 1.0
    nice = [0.0, 1.0, sign, sign * float(f"{10.0 ** round(np.log10(abs(value))):.0e}")] if value else []
    nice += [float(f"{value:.{digits}g}") for digits in (1, 2, 3)]
    return [n for n in dict.fromkeys(nice) if n != value and len(f"{n:g}") <= len(repr(float(value)))]


def _numbers(setting: Setting, steps: int) -> Iterator[Callable[..., Any]]:
    """One number at its default, or rounder."""
    for axis in coordinates(setting, steps)[:-1]:
        value = read(setting, steps, axis.path)
        values = _rounder(value)
        if axis.default is not None and value != axis.default:
            values = [axis.default, *values]
        for number in values:
            yield lambda number=number, path=axis.path: rebuild(setting, steps, {path: number})


def shrink(
    setting: Setting, steps: int, breaks: Callable[[Setting, int], bool], most: int = 400
) -> tuple[Setting, int, int]:
    """The simplest setting and horizon that greedy steps find and that still break the bound.

    Parameters
    ----------
    setting, steps : the counterexample
    breaks : callable (setting, steps) -> bool, whether it is still one
    most : int, largest number of calls of `breaks`

    Returns
    -------
    Setting, int, int : the instance and the number of calls
    """
    calls = 0

    def first(options: Any) -> tuple[Setting, int] | None:
        """The first option that still breaks the bound, or None."""
        nonlocal calls
        while calls < most:
            try:
                option = next(options)
                option = option() if callable(option) else option
            except StopIteration:
                return None
            except ValueError:  # a component refuses the number
                continue
            calls += 1
            if breaks(*option):
                return option
        return None

    def exhaust(moves: Callable[..., Any]) -> bool:
        nonlocal setting, steps
        changed = False
        while (found := first(moves(setting, steps))) is not None:
            setting, steps = found
            changed = True
        return changed

    for _ in range(ROUNDS):
        changed = [exhaust(moves) for moves in (_simpler_laws, _smaller, _shorter, _numbers)]
        if not any(changed):
            break
    return setting, steps, calls
