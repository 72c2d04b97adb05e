"""Quotients of gamma functions without cancellation, and products that leave the range of floats only where they must.

ln Gamma(a+d) - ln Gamma(a) loses all digits for large a: at a = 1e13 the logarithms are 3e14, their difference about 60.
Stirling's series is subtracted term by term instead.
"""

from __future__ import annotations

import math
import sys

# B_2k/(2k(2k-1)) for k = 1, 2, ...: ln Gamma(z) = (z - 1/2) ln z - z + ln(2 pi)/2 + sum of these over z^(2k-1). The
# error is below the first term left out, 3617/122400/z^15: 2e-18 at z = 12.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
LEAST = 12.0
LARGEST = 170.0  # Gamma is finite up to here
SMALLEST = sys.float_info.min  # of the floats with all their digits


def _series(z: float) -> float:
    total = 0.0
    for coefficient in reversed(STIRLING):
        total = total / (z * z) + coefficient
    return total / z


def gamma(z: float) -> float:
    """Gamma(z) for z > 0, inf where it leaves the range of floats."""
    return math.gamma(z) if z <= LARGEST else math.inf


def log_gamma_quotient(a: float, d: float) -> float:
    """ln[Gamma(a+d)/(Gamma(a) a^d)] for a > 0 and a + d > 0; about -d(1-d)/(2a) for large a.

    Returns
    -------
    float
        With an absolute error of a few eps·max(1, |d|) where a <= 170 or a + d >= 12, of eps·ln Gamma(a) elsewhere.
    """
    end = a + d
    if min(a, end) >= LEAST:
        return (end - 0.5) * math.log1p(d / a) - d + _series(end) - _series(a)
    if max(a, end) <= LARGEST:
        return math.log(math.gamma(end) / math.gamma(a)) - d * math.log(a)
    return math.lgamma(end) - math.lgamma(a) - d * math.log(a)


def power_times(size: float, p: float, rest: float, log_rest: float) -> float:
    """size^p·rest for size > 0; by logarithms where a factor leaves the range, inf where the product does.

    A power below `SMALLEST` has lost digits already, though it is not 0.
    """
    try:
        power = size**p
        value = power * rest
    except OverflowError:
        power = value = math.inf
    if power >= SMALLEST and SMALLEST <= value < math.inf:
        return value
    try:
        return math.exp(p * math.log(size) + log_rest)
    except OverflowError:
        return math.inf
