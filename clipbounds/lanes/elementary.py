"""log, exp, sin, cos on float64 without branches or tables, so that loops over lanes vectorise.

Range reduction by bit operations and a minimax polynomial (coefficients.py). Integers are turned into floats by
the exponent trick, because AVX2 has no 64-bit conversion. Errors stay below 2 ulp on the stated domains, outside
of which the result is not specified; tests/lanes/test_elementary.py compares with mpmath.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from . import coefficients as c
from .compile import scalar

L0, L1, L2, L3, L4, L5, L6 = c.LOG
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10 = c.EXP
S0, S1, S2, S3, S4, S5 = c.SIN
C0, C1, C2, C3, C4, C5 = c.COS
H0, H1, H2, H3, H4, H5, H6, H7 = c.HALF_TURN
PI_REST, H0_REST = c.HALF_TURN_RESTS
LN2_HIGH, LN2_LOW = c.LN2[0], c.LN2[1] + c.LN2[2]
HALF_PI_HIGH, HALF_PI_MIDDLE, HALF_PI_LOW = c.HALF_PI
LOG2_E = 1 / (c.LN2[0] + c.LN2[1])
TWO_OVER_PI = 2 / np.pi
TWO_PI = 2 * np.pi
ROUND = 1.5 * 2.0**52  # adding and subtracting it rounds to the nearest integer
ROUND_BITS = np.uint64(np.float64(ROUND).view(np.uint64))
TWO_52_BITS = np.uint64(np.float64(2.0**52).view(np.uint64))
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
# subtracting it from the bits of x leaves, above bit 52, the exponent of x/m with m in [1/sqrt2, sqrt2)
SQRT_HALF_BITS = np.uint64(np.float64(np.sqrt(0.5)).view(np.uint64))
EXPONENT_ROOM = np.uint64(1024 << 52)
SHIFT_52 = np.uint64(52)
BIAS = np.uint64(1023)
ONE, TWO = np.uint64(1), np.uint64(2)
EXPONENT_ONE = np.uint64(0x3FF0000000000000)
SHIFT_12 = np.uint64(12)
SIGN = np.uint64(1 << 63)


@intrinsic
def bits_of(typing_context, x):
    """The float64 x as a uint64."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), codegen


@intrinsic
def float_of(typing_context, word):
    """The uint64 word as a float64."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), codegen


@intrinsic
def fused(typing_context, a, b, c):
    """a·b + c, rounded once."""

    def codegen(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), codegen


@intrinsic
def choose(typing_context, condition, yes, no):
    """`yes` where the condition holds, `no` elsewhere, without a branch.

    In x[l] = a if condition else x[l] LLVM sees a store on condition, and a masked store costs a dozen cycles on some
    machines (measured: 12 cycles for four numbers on Zen 3). With this it stays an ordinary one.
    """

    def codegen(context, builder, signature, arguments):
        return builder.select(*arguments)

    return types.float64(types.boolean, types.float64, types.float64), codegen


@scalar
def log(x):
    """Natural logarithm of a positive normal x."""
    shifted = (bits_of(x) - SQRT_HALF_BITS) + EXPONENT_ROOM
    exponent = float_of(TWO_52_BITS | (shifted >> SHIFT_52)) - (2.0**52 + 1024.0)
    f = float_of((shifted & MANTISSA) + SQRT_HALF_BITS) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * (L0 + z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * L6))))))
    half = 0.5 * f * f
    return exponent * LN2_HIGH - ((half - (s * (half + r) + exponent * LN2_LOW)) - f)


@scalar
def log_parts(x):
    """s and n with -log x = n log 2 + 2 artanh s, for a positive normal x = 2^{-n} m with m in [1/sqrt2, sqrt2)."""
    shifted = bits_of(x) + (EXPONENT_ROOM - SQRT_HALF_BITS)
    m = float_of((shifted & MANTISSA) + SQRT_HALF_BITS)
    return (1.0 - m) / (1.0 + m), (2.0**52 + 1024.0) - float_of(TWO_52_BITS | (shifted >> SHIFT_52))


@scalar
def minus_log_of(s, n):
    """-log x from its `log_parts`; two passes over the lanes, each with few constants, are faster than one.

    The error of the rounded s shows (1.6 ulp, where `log` has .8), which spares a sixth of the instructions. The
    polynomial goes by pairs, which shortens the chain.
    """
    z = s * s
    w = z * z
    r = (L0 + z * L1) + w * ((L2 + z * L3) + w * ((L4 + z * L5) + w * L6))
    return n * LN2_HIGH + (2.0 * s + ((s * z) * r + n * LN2_LOW))


@scalar
def minus_log(x):
    """-log x for a positive normal x; of a uniform number an exponential variate."""
    s, n = log_parts(x)
    return minus_log_of(s, n)


@scalar
def exp_parts(x):
    """r and the power of two with e^x = power·e^r, |r| <= log 2/2, for |x| <= 700."""
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    return r, float_of(((bits_of(shifted) - ROUND_BITS) + BIAS) << SHIFT_52)


@scalar
def _expm1_poly(r):
    """e^r - 1; by pairs, like that of `minus_log_of`."""
    q = r * r
    f = q * q
    low = (E0 + r * E1) + q * (E2 + r * E3)
    middle = (E4 + r * E5) + q * (E6 + r * E7)
    high = (E8 + r * E9) + q * E10
    return r + q * (low + f * (middle + f * high))


@scalar
def exp_of(r, power):
    """e^x from its `exp_parts`, which may be passes of their own."""
    return power + power * _expm1_poly(r)


@scalar
def expm1_of(r, power):
    """e^x - 1 from its `exp_parts`."""
    return (power - 1.0) + power * _expm1_poly(r)


@scalar
def exp(x):
    """e^x for |x| <= 700."""
    r, power = exp_parts(x)
    return exp_of(r, power)


@scalar
def expm1(x):
    """e^x - 1 for |x| <= 700, accurate near 0 too."""
    r, power = exp_parts(x)
    return expm1_of(r, power)


@scalar
def _sin_poly(r, z):
    return r + r * z * (S0 + z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * S5)))))


@scalar
def _cos_poly(z):
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + z * z * (C0 + z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * C5))))))


@scalar
def _sin_cos_quadrant(r, tail, quadrant):
    """sin and cos of r + tail + quadrant*pi/2 for |r| <= pi/4, |tail| below an ulp of r; two bits of `quadrant` count."""
    z = r * r
    s, k = _sin_poly(r, z) + tail * (1.0 - 0.5 * z), _cos_poly(z) - r * tail
    odd = (quadrant & ONE) == ONE
    sine = k if odd else s
    cosine = s if odd else k
    sine_sign = (quadrant & TWO) << np.uint64(62)
    cosine_sign = ((quadrant + ONE) & TWO) << np.uint64(62)
    return float_of(bits_of(sine) ^ sine_sign), float_of(bits_of(cosine) ^ cosine_sign)


@scalar
def sin_cos(x):
    """sin x and cos x for |x| <= 1e5. The roundings of the reduction are kept, or zeros would cost an ulp."""
    shifted = x * TWO_OVER_PI + ROUND
    n = shifted - ROUND
    high, middle, low = x - n * HALF_PI_HIGH, n * HALF_PI_MIDDLE, n * HALF_PI_LOW  # the first two are exact
    first = high - middle
    r = first - low
    tail = ((high - first) - middle) + ((first - r) - low)
    return _sin_cos_quadrant(r, tail, bits_of(shifted))


@scalar
def sin_half_turns(t):
    """sin(pi t) for |t| <= 1/2, without any reduction.

    pi and the first coefficient are kept in twice the precision: near t = 1/2 their roundings would cost an ulp.
    """
    z = t * t
    w = z * z
    small = (H2 + z * H3) + w * ((H4 + z * H5) + w * (H6 + z * H7))
    poly = H0 + fused(z, H1 + z * small, H0_REST)
    return fused(np.pi, t, t * fused(z, poly, PI_REST))


@scalar
def random_direction(word):
    """sqrt(2) (cos, sin) of an angle uniform on the circle: two bits of the word choose the quadrant, the next 52 the angle.

    r uniform in (-pi/4, pi/4) turned by pi/4 needs no selects. The error of a coordinate is at most 6e-16: 1.1e-16 of
    the angle, an ulp of the sine and of the cosine, half an ulp of their sum.
    """
    r = (float_of(((word << TWO) >> SHIFT_12) | EXPONENT_ONE) - (1.5 - 2.0**-53)) * (0.25 * TWO_PI)
    z = r * r
    sine = _sin_poly(r, z)
    cosine = 1.0 + z * (z * (C0 + z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * C5))))) - 0.5)
    return (
        float_of(bits_of(cosine - sine) ^ (word & SIGN)),
        float_of(bits_of(cosine + sine) ^ ((word << ONE) & SIGN)),
    )


@scalar
def sin(x):
    """sin x for |x| <= 1e5."""
    return sin_cos(x)[0]


@scalar
def cos(x):
    """cos x for |x| <= 1e5."""
    return sin_cos(x)[1]
