"""alpha-stable noise, symmetric and skewed, in the parameterisation S1.

The sampler is Chambers-Mallows-Stuck without cancellation. With V = pi(U - 1/2), W standard exponential and
phi = arctan(b tan(pi alpha/2)),

    X = cos(phi)^{-1/alpha} · sin(alpha V + phi)/cos(V)^{1/alpha} · (cos((1-alpha)V - phi)/W)^{(1-alpha)/alpha}
      = cos(phi)^{-1/alpha} · sin(alpha V + phi)/cos V · (cos((1-alpha)V - phi)/(W cos V))^{(1-alpha)/alpha}.

The exponent is kept in twice the precision, because it multiplies a logarithm of up to 70. Each angle is measured from the nearest zero of its sine or cosine: with m = min(U, 1-U) and e = 1 - alpha/2 -+ phi/pi
(minus for U > 1/2), which is never negative,

    cos V = sin(pi m),  cos((1-alpha)V - phi) = sin(pi (e + (alpha-1) m)),  sin(alpha V + phi) = ±sin(pi (e + alpha m)).

e is small for tail indices near 2 and for extreme skewness, so it is computed here in 40 digits.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Moment
from ..specs import POSITIVE, Interval, inf, parameter
from . import heavy_kernels
from .base import Noise, positive_power
from .gamma_ratios import gamma, power_times

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray

DIGITS = 40


def _sin_cos(x: Any) -> tuple[Any, Any]:
    """sin and cos of a Decimal with |x| <= 2, by their series."""
    sine = cosine = Decimal(0)
    term, k = Decimal(1), 0
    while abs(term) > Decimal(10) ** (-DIGITS - 5):
        if k % 2:
            sine += term if k % 4 == 1 else -term
        else:
            cosine += term if k % 4 == 0 else -term
        k += 1
        term = term * x / k
    return sine, cosine


def _arctan(y: Any, start: float) -> Any:
    """arctan of a Decimal by Newton's method on the angle, from a float start."""
    angle = Decimal(start)
    for _ in range(3):
        sine, cosine = _sin_cos(angle)
        angle -= (sine - y * cosine) / (cosine + y * sine)
    return angle


@lru_cache(maxsize=256)
def stable_constants(tail_index: float, skewness: float) -> tuple[float, ...]:
    """cos(phi)^{-1/alpha}; e for U < 1/2 and for U > 1/2; 1 - e of both and (1-alpha)/alpha as sums of two floats."""
    with localcontext() as context:
        context.prec = DIGITS + 5
        alpha = Decimal(tail_index)
        pi = 2 * _arctan_of_one_twice()
        # tan(pi alpha/2) has period 2 in alpha, so the argument is taken from the nearer of 0 and 2
        nearest = alpha - 2 if tail_index > 1 else alpha
        if skewness == 0 or tail_index == 1:
            phi = Decimal(0)
        else:
            sine, cosine = _sin_cos(pi * nearest / 2)
            tangent = Decimal(skewness) * sine / cosine
            phi = _arctan(tangent, math.atan(float(tangent)))
        parts = []
        for sign in (1, -1):
            e = max(1 - alpha / 2 + sign * phi / pi, Decimal(0))
            rest = float(1 - e)
            parts.append((float(e), rest, float(1 - e - Decimal(rest))))
        size = float((_sin_cos(phi)[1].ln() * (-1 / alpha)).exp())
        exponent = (1 - alpha) / alpha
        power = float(exponent)
        power_tail = float(exponent - Decimal(power))
    (low, low_rest, low_tail), (high, high_rest, high_tail) = parts
    return size, low, high, low_rest, low_tail, high_rest, high_tail, power, power_tail


def _arctan_of_one_twice() -> Any:
    """pi/2"""
    return 2 * _arctan(Decimal(1), math.pi / 4)


class Stable(Noise):
    """xi = scale·X, X ~ S1(alpha, b): characteristic function exp(-|t|^alpha (1 - i b sign(t) tan(pi alpha/2))).

    The location is 0, which is the mean for alpha > 1. The symmetric law has the characteristic function
    exp(-|scale t|^alpha); alpha = 2 is Gaussian with variance 2 scale², alpha = 1 is Cauchy.

    Parameters
    ----------
    tail_index : float alpha in [0.1, 2]; E|xi|^p is finite for p < alpha only (all p for alpha = 2), and the mean
        exists for alpha > 1 only
    scale : float in (0, inf)
    skewness : float b in [-1, 1]; 0 for alpha = 1
    """

    tail_index: float = parameter(
        Interval(0.1, 2, closed_low=True, closed_high=True), "below 0.1 draws leave the range of floats"
    )
    scale: float = parameter(POSITIVE)
    skewness: float = parameter(Interval(-1, 1, closed_low=True, closed_high=True), "S1 parameterisation", default=0.0)

    fill = heavy_kernels.stable

    def validate(self) -> None:
        if self.tail_index == 1 and self.skewness != 0:
            raise ValueError(
                f"Stable: skewness must be 0 for tail_index = 1, where S1 has no tangent, but {self.skewness:g} was given"
            )

    @property
    def symmetric(self) -> bool:
        return self.skewness == 0 or self.tail_index == 2

    @property
    def parameters(self) -> FloatArray:
        """Constants of the transform: tail index, size, and eight numbers from `stable_constants`."""
        size, *angles = stable_constants(self.tail_index, self.skewness)
        return np.array([self.tail_index, self.scale * size, *angles])

    def moment(self, p: float) -> Moment:
        """Exact for p < alpha < 2, and for every p at alpha = 2; inf for p >= alpha.

        (2/pi) c^p Gamma(p) sin(pi p/2) Gamma(1-p/alpha), for the skewed law times
        (1+z²)^{p/(2 alpha)} cos((p/alpha) arctan z), z = b tan(pi alpha/2). Source: theory page problems.
        """
        p = positive_power(p)
        alpha = self.tail_index
        if alpha == 2:
            rest = gamma((p + 1) / 2) / math.sqrt(math.pi)
            log_rest = math.lgamma((p + 1) / 2) - 0.5 * math.log(math.pi)
            return Moment(power_times(2 * self.scale, p, rest, log_rest))
        if p >= alpha:
            return Moment(inf)
        left = (alpha - p) / alpha
        # sin(pi p/2), measured from the nearer of its zeros 0 and 2
        rest = 2 / math.pi * math.gamma(p) * math.gamma(left) * math.sin(math.pi * min(p, 2 - p) / 2)
        if self.skewness != 0:
            rest *= self._skew_factor(p, left)
        return Moment(power_times(self.scale, p, rest, math.log(rest)))

    def _skew_factor(self, p: float, left: float) -> float:
        """(1+z²)^{p/(2 alpha)} cos((p/alpha) arctan z), with 1/z = tan(pi(1-alpha)/2)/b where z has its pole near alpha = 1."""
        alpha = self.tail_index
        if abs(alpha - 1) < 0.5:
            inverse = abs(math.tan(math.pi * (1 - alpha) / 2) / self.skewness)
            size = p / alpha * (0.5 * math.log1p(inverse * inverse) - math.log(inverse))
            # the angle is (p/alpha)(pi/2 - arctan(1/z)): its cosine is the sine of what is left to pi/2
            return math.exp(size) * math.sin(math.pi / 2 * left + p / alpha * math.atan(inverse))
        nearest = alpha - 2 if alpha > 1 else alpha
        z = self.skewness * math.tan(math.pi * nearest / 2)
        return math.exp(p / (2 * alpha) * math.log1p(z * z)) * math.cos(p / alpha * math.atan(z))
