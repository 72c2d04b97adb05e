"""Gradient kernels of the hard instances, signature (x, g, dim, params)."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import kernel, scalar
from ..lanes.elementary import exp
from ..lanes.views import row
from .base import GRADIENT
from .growth import RANGE, exp_or_inf, expm1_or_inf

SQRT_E = math.sqrt(math.e)
# Phi(t) = sqrt(e) int_{-inf}^t e^{-u²/2} du = HALF_PHI (1 + erf(t/sqrt2))
HALF_PHI = math.sqrt(math.pi * math.e / 2)
SQRT_HALF = math.sqrt(0.5)
CHAIN_KNEE = 0.03  # where 2t - 1 is below it, Psi(t) = e^{1-1/(2t-1)²} < e^{-1110}: an exact 0 in double precision


@kernel(GRADIENT)
def ramp_valley(x, g, dim, params):
    """params: H0, slope s, H1, start of the wall (inf for none), slope there. x is coordinate 0, the rest is the valley."""
    curvature, slope, rate, wall, amplitude = params[0], params[1], params[2], params[3], params[4]
    for l in range(LANES):
        t = abs(x[l])
        rise = amplitude * expm1_or_inf(rate * max(t - wall, 0.0))
        g[l] = math.copysign(min(curvature * t, slope) + rise, x[l])
    for i in range(LANES, dim * LANES):
        g[i] = curvature * x[i]


@kernel(GRADIENT)
def fixed_step_wall(x, g, dim, params):
    """params: L0, L1. L0 x inside |x| <= 1/L1, (L0/L1) e^{L1|x|-1} outside."""
    L0, L1 = params[0], params[1]
    for l in range(LANES):
        t = L1 * abs(x[l])
        size = min(t, 1.0) * exp_or_inf(max(t - 1.0, 0.0))
        g[l] = math.copysign((L0 / L1) * size, x[l])


@kernel(GRADIENT)
def fixed_step_ramp(x, g, dim, params):
    """params: eps. 3 eps x - eps x³ inside [-1, 1], ±2 eps outside."""
    eps = params[0]
    for l in range(LANES):
        t = min(max(x[l], -1.0), 1.0)
        g[l] = eps * t * (3.0 - t * t)


@scalar
def chain_psi(own):
    """Psi at t = (own + 1)/2."""
    safe = max(own, CHAIN_KNEE)
    value = exp(max(1.0 - 1.0 / (safe * safe), -RANGE))
    return value if own > CHAIN_KNEE else 0.0


@kernel(GRADIENT)
def zero_chain(x, g, dim, params):
    """The chain of Carmon et al.: -Psi(|x_{k-1}|)Phi'(x_k) - Psi'(|x_k|)Phi(±x_{k+1}) with the sign of x_k.

    Coordinates behind the first zero have gradient 0 and are skipped.
    """
    active = dim
    for k in range(dim - 1, -1, -1):
        coordinate = row(x, k)
        moved = 0.0
        for l in range(LANES):
            moved += abs(coordinate[l])
        if moved != 0.0:
            break
        active = k + 1
    for i in range(active * LANES, dim * LANES):
        g[i] = 0.0
    for k in range(active):
        coordinate, target = row(x, k), row(g, k)
        for l in range(LANES):
            target[l] = -SQRT_E * exp(-min(0.5 * coordinate[l] * coordinate[l], RANGE))
        if k > 0:
            before = row(x, k - 1)
            for l in range(LANES):
                target[l] *= chain_psi(2.0 * abs(before[l]) - 1.0)
        if k + 1 < dim:
            after = row(x, k + 1)
            for l in range(LANES):
                own = 2.0 * abs(coordinate[l]) - 1.0
                if own > CHAIN_KNEE:
                    following = after[l] if coordinate[l] > 0.0 else -after[l]
                    phi = HALF_PHI * (1.0 + math.erf(SQRT_HALF * following))
                    target[l] -= chain_psi(own) * 4.0 / (own * own * own) * phi
