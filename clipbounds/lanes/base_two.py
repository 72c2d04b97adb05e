"""Logarithm and exponential in base 2, for powers of uniform numbers: the fewest instructions, errors up to 2^-49.

x^p is 2^(p log2 x), and base 2 spares the products with log 2 in both functions. As in elementary.py: no branches, no
tables, a polynomial each; but two logarithms share a division, and the polynomials stop at 7e-16 of the function, four
times the rounding that such a power has anyway.
"""

from . import coefficients as c
from .compile import scalar
from .elementary import (
    EXPONENT_ROOM,
    LOG2_E,
    MANTISSA,
    ROUND,
    SHIFT_52,
    SQRT_HALF_BITS,
    TWO_52_BITS,
    bits_of,
    float_of,
)

L0, L1, L2, L3, L4, L5 = c.LOG2
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9 = c.EXP2
TWO_LOG2_E = 2 * LOG2_E
# adding it rounds to the nearest integer, whose last bits are then the exponent bits of its power of two
ROUND_BIASED = ROUND + 1023.0


@scalar
def _reduced(x):
    """m in [1/sqrt2, sqrt2) and n with x = 2^{-n} m, for a positive normal x."""
    shifted = bits_of(x) + (EXPONENT_ROOM - SQRT_HALF_BITS)
    m = float_of((shifted & MANTISSA) + SQRT_HALF_BITS)
    return m, (2.0**52 + 1024.0) - float_of(TWO_52_BITS | (shifted >> SHIFT_52))


@scalar
def log_parts_of_two(x, y):
    """`elementary.log_parts` of x and of y, with one division for both: s of x, n of x, s of y, n of y.

    A division takes as long as ten products where it is slow. s is rounded five times instead of twice.
    """
    first, n = _reduced(x)
    second, k = _reduced(y)
    one, two = 1.0 + first, 1.0 + second
    inverse = 1.0 / (one * two)
    return (1.0 - first) * two * inverse, n, (1.0 - second) * one * inverse, k


@scalar
def minus_log2_of(s, n):
    """-log2 x from `log_parts_of_two`, within 2^-49 of itself."""
    z = s * s
    return n + s * (TWO_LOG2_E + z * (L0 + z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * L5))))))


@scalar
def exp2_parts(x):
    """r and the power of two with 2^x = power·2^r, |r| <= 1/2, for |x| <= 1009."""
    shifted = x + ROUND_BIASED
    return x - (shifted - ROUND_BIASED), float_of(bits_of(shifted) << SHIFT_52)


@scalar
def exp2m1(r):
    """2^r - 1 for |r| <= 1/2; power + power·exp2m1(r) is 2^x of the `exp2_parts`, within 2^-50 of itself.

    Even and odd powers apart: one product less than by pairs, and as fast where products are not the limit.
    """
    q = r * r
    even = E0 + q * (E2 + q * (E4 + q * (E6 + q * E8)))
    odd = E1 + q * (E3 + q * (E5 + q * (E7 + q * E9)))
    return r * (even + r * odd)
