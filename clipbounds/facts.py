"""Facts that a theorem may rely on: smoothness constants with their form as a type, moments, certificates."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

LN2 = math.log(2)


@dataclasses.dataclass(frozen=True)
class Certificate:
    """How far a fact may be trusted: "proved" (with the reason), "interval" (machine-checked), "assumed" (by the user) or "sampled"."""

    kind: str
    reason: str

    def __post_init__(self) -> None:
        if self.kind not in ("proved", "interval", "assumed", "sampled"):
            raise ValueError(f"a certificate is proved, interval, assumed or sampled, but {self.kind!r} was given")

    @property
    def trusted(self) -> bool:
        return self.kind != "sampled"


class MissingConstant(ValueError):
    """A bound needs a number that a described setting does not give."""


class Moment(float):
    """A moment; `upper_bound` tells an upper bound from the exact value, `reason` what it rests on or what is missing."""

    upper_bound: bool
    reason: str

    def __new__(cls, value: float, upper_bound: bool = False, reason: str = "") -> Moment:
        moment = super().__new__(cls, value)
        moment.upper_bound, moment.reason = bool(upper_bound), reason
        return moment

    def __getnewargs__(self) -> tuple[Any, ...]:
        return float(self), self.upper_bound, self.reason


class NotSmooth(ValueError):
    """A constant of smoothness was asked of an objective that has none; a bound's table says so in a row that fails."""


def growth_factor(s: float) -> float:
    """a(s) = (e^s - 1)/s, a(0) = 1: the price of passing from Hessian to first-order form on radius s/H1."""
    return math.expm1(s) / s if s > 0 else 1.0


@dataclasses.dataclass(frozen=True)
class FirstOrderSmoothness:
    """‖grad f(x) - grad f(y)‖ <= (L0 + L1 ‖grad f(x)‖) ‖x - y‖ whenever ‖x - y‖ <= radius.

    `radius` is at least 1/L1 for the standard form of the papers (inf when L1 = 0).
    """

    L0: float
    L1: float
    radius: float = math.inf

    def first_order(self, radius: float | None = None) -> FirstOrderSmoothness:
        """This pair, if it is valid on `radius`."""
        if radius is not None and radius > self.radius * (1 + 1e-12):
            raise ValueError(f"these constants are valid on the radius {self.radius:g}, but {radius:g} was asked for")
        return self


@dataclasses.dataclass(frozen=True)
class HessianSmoothness:
    """‖hess f(x)‖ <= L0 + L1 ‖grad f(x)‖ for all x (written H0, H1 in first-order contexts)."""

    L0: float
    L1: float

    def first_order(self, radius: float | None = None) -> FirstOrderSmoothness:
        """First-order constants a(L1 R)(L0, L1) on the radius R, by default the self-consistent R = ln2/L1.

        Source: theory notation page, proved (Gronwall along the segment).
        """
        if self.L1 == 0:
            return FirstOrderSmoothness(self.L0, 0.0)
        radius = LN2 / self.L1 if radius is None else radius
        factor = growth_factor(self.L1 * radius)
        return FirstOrderSmoothness(factor * self.L0, factor * self.L1, radius)
