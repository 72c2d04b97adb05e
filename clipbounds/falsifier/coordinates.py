"""The numbers of a setting as coordinates of a box [0, 1]^n, with the domains that the components' fields declare.

A template is a setting with a horizon. Its coordinates are all real, vector and integer fields of its problem, noise and
method, and the number of steps. A positive number moves on a logarithmic scale around the template's, one with two finite ends over
all of its domain, one of any sign on a logarithmic scale to both sides of 0, an integer upwards from its least value. A field
with a default value keeps it on half of its range: hypotheses such as "momentum = 0" would have no room otherwise.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..methods import Setting
from ..specs import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..problems.base import Problem
    from ..specs import Interval

SPREAD = 1e3  # a positive number varies by this factor to either side
SIGNED = (1e-3, 1e2)  # least and largest size of a number of any sign, in units of max(1, |template's|)
MORE = 64  # an integer grows up to this factor, or to this number above its least value
LANDING = 32  # cells in the longest step of an adversary, whose cost grows like their square
HALF = 0.5  # share of a coordinate on which a field keeps its default value


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """One number of a setting.

    Attributes
    ----------
    path : tuple of field names and indices from the setting, or ("steps",)
    scale : "log", "linear", "signed" or "count"
    low, high : float, the ends; for "signed" the least and the largest size
    default : the field's default value, or None
    """

    path: tuple
    scale: str
    low: float
    high: float
    default: Any = None

    def value(self, u: float) -> float | int:
        """The number at u in [0, 1]."""
        u = min(max(float(u), 0.0), 1.0)
        if self.default is not None:
            if u < HALF:
                return self.default
            u = (u - HALF) / (1 - HALF)
        if self.scale == "linear":
            return self.low + u * (self.high - self.low)
        if self.scale == "signed":
            s = 2 * u - 1
            size = self.high * (self.low / self.high) ** (1 - abs(s))
            return math.copysign(size, s) if abs(s) > 1e-3 else 0.0
        value = self.low * (self.high / self.low) ** u
        return round(value) if self.scale == "count" else value

    def place(self, value: float) -> float:
        """u with value(u) near `value`."""
        if self.default is not None and value == self.default:
            return HALF / 2
        if self.scale == "linear":
            u = (value - self.low) / (self.high - self.low)
        elif self.scale == "signed":
            share = 1 - math.log(max(abs(value), self.low) / self.high) / math.log(self.low / self.high)
            u = (1 + math.copysign(max(share, 0.002), value)) / 2 if value else 0.5
        else:
            u = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        u = min(max(u, 0.0), 1.0)
        return u if self.default is None else HALF + (1 - HALF) * max(u, 1e-9)


def _ends(domain: Interval, value: float) -> tuple[str, float, float]:
    """(scale, low, high) of a real number in an `Interval`, around `value`."""
    low, high = domain.low, domain.high
    if np.isfinite(low) and np.isfinite(high):
        edge = 1e-6 * (high - low)
        return "linear", low if domain.closed_low else low + edge, high if domain.closed_high else high - edge
    if low >= 0:
        centre = value if value > 0 else 1.0
        return "log", max(centre / SPREAD, low * (1 + 1e-6)), centre * SPREAD
    size = max(1.0, abs(value))
    return "signed", SIGNED[0] * size, SIGNED[1] * size


def _walk(spec: Any, path: tuple[str, ...], skip: tuple[Problem, ...]) -> Iterator[Coordinate]:
    for field in dataclasses.fields(spec):
        value, here = getattr(spec, field.name), (*path, field.name)
        if isinstance(value, Spec):
            if value not in skip:
                yield from _walk(value, here, skip)
            continue
        kind = field.metadata.get("kind")
        default = None if field.default is dataclasses.MISSING else field.default
        if value is None or kind not in ("real", "vector", "integer"):
            continue
        if kind == "integer":
            low = max(1, field.metadata["low"])
            yield Coordinate(here, "count", low, max(low + MORE, MORE * value), default)
        elif kind == "real":
            yield Coordinate(here, *_ends(field.metadata["domain"], value), default)
        else:
            for k, entry in enumerate(value):
                yield Coordinate((*here, k), *_ends(field.metadata["domain"], entry))


def coordinates(setting: Setting, steps: int) -> list[Coordinate]:
    """All coordinates of a template, in the order of its fields; the horizon is the last one, between 1 and `steps`."""
    found = []
    for part in ("problem", "method", "noise"):
        skip = () if part == "problem" else (setting.problem,)
        found += _walk(getattr(setting, part), (part,), skip)
    # what an adversary knows of the method is no number of its own
    found = [c for c in found if c.path[:2] != ("noise", "policy") or c.path[-1] in ("sigma", "p")]
    return [*found, Coordinate(("steps",), "count", 1, max(steps, 2))]


def read(setting: Setting, steps: int, path: tuple[Any, ...]) -> float:
    """The number at a path."""
    value: Any = steps if path == ("steps",) else setting
    for name in path if path != ("steps",) else ():
        value = value[name] if isinstance(name, int) else getattr(value, name)
    return value


def _rebuilt(spec: Any, changes: dict[Any, Any], swap: list[Any]) -> Any:
    """The spec with the numbers of `changes` (path below it to value); specs equal to a key of `swap` are exchanged."""
    if any(spec == old for old, _ in swap):
        return next(new for old, new in swap if spec == old)
    fields = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        below = {path[1:]: number for path, number in changes.items() if path[0] == field.name}
        if isinstance(value, Spec):
            new = _rebuilt(value, below, swap)
            if new is not value:
                fields[field.name] = new
        elif () in below:
            fields[field.name] = below[()]
        elif below:
            new = np.array(value)
            for (k,), number in below.items():
                new[k] = number
            fields[field.name] = new / new.sum() if field.name == "weights" else new
    if {"groups", "batch_size"} & set(fields) and hasattr(spec, "groups"):
        groups, batch = (fields.get(name, getattr(spec, name)) for name in ("groups", "batch_size"))
        fields["batch_size"] = groups * max(round(batch / groups), 1)
    return spec.replace(**fields) if fields else spec


def rebuild(setting: Setting, steps: int, changes: dict) -> tuple[Setting, int]:
    """The setting and the horizon with some numbers changed.

    What hangs together stays together: an oracle and an adversary follow the problem and the method, weights have the sum
    1, and a batch is a multiple of its groups.

    Raises
    ------
    ValueError
        If a component refuses its numbers, or they do not fit together.
    """
    steps = int(changes.get(("steps",), steps))
    part = {
        name: {path[1:]: value for path, value in changes.items() if path[0] == name}
        for name in ("problem", "method", "noise")
    }
    problem = _rebuilt(setting.problem, part["problem"], [])
    method = _rebuilt(setting.method, part["method"], [])
    swap = [(setting.problem, problem)]
    policy = getattr(setting.noise, "policy", None)
    if policy is not None:
        own = {path[1]: part["noise"].pop(path) for path in list(part["noise"]) if path[0] == "policy"}
        sigma, threshold = own.get("sigma", policy.sigma), method.operator.threshold
        landing = max(policy.landing, math.ceil(threshold / (2 * sigma)) + 1)  # every point of its grid needs a law
        if landing > LANDING:
            raise ValueError(
                f"an adversary with {landing} cells in a step takes too long for a search; at most {LANDING}"
            )
        known = dict(problem=problem, step_size=method.step_size, threshold=threshold, steps=steps, landing=landing)
        swap.append((policy, policy.replace(**{**known, **own})))
    noise = _rebuilt(setting.noise, part["noise"], swap)
    return Setting(problem, noise, method), steps
