"""Gradient kernels of the hard instances, signature (x, g, dim, params)."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import exp, expm1
from .base import GRADIENT
from .growth import RANGE as EXP_RANGE

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
        z = rate * max(t - wall, 0.0)
        inside = z < EXP_RANGE
        rise = amplitude * expm1(z if inside else 0.0)
        size = min(curvature * t, slope) + rise
        g[l] = math.copysign(size if inside else math.inf, x[l])
    for i in range(LANES, dim * LANES):
        g[i] = curvature * x[i]


@kernel(GRADIENT)
def fixed_step_wall(x, g, dim, params):
    """params: L0, L1. L0 x inside |x| <= 1/L1, (L0/L1) e^{L1|x|-1} outside."""
    L0, L1 = params[0], params[1]
    for l in range(LANES):
        z = L1 * abs(x[l]) - 1.0
        inside = z < EXP_RANGE
        size = (L0 / L1) * exp(max(z if inside else 0.0, 0.0))
        size = L0 * abs(x[l]) if z < 0.0 else size
        g[l] = math.copysign(size if inside else math.inf, x[l])


@kernel(GRADIENT)
def fixed_step_ramp(x, g, dim, params):
    """params: eps. 3 eps x - eps x³ inside [-1, 1], ±2 eps outside."""
    eps = params[0]
    for l in range(LANES):
        t = min(max(x[l], -1.0), 1.0)
        g[l] = eps * t * (3.0 - t * t)


@device
def chain_psi(own):
    """Psi at t = (own + 1)/2."""
    safe = max(own, CHAIN_KNEE)
    value = exp(max(1.0 - 1.0 / (safe * safe), -EXP_RANGE))
    return value if own > CHAIN_KNEE else 0.0


@kernel(GRADIENT)
def zero_chain(x, g, dim, params):
    """The chain of Carmon et al.: -Psi(|x_{k-1}|)Phi'(x_k) - Psi'(|x_k|)Phi(±x_{k+1}) with the sign of x_k.

    Coordinates behind the first zero have gradient 0 and are skipped.
    """
    active = dim
    for k in range(dim - 1, -1, -1):
        moved = 0.0
        for l in range(LANES):
            moved += abs(x[k * LANES + l])
        if moved != 0.0:
            break
        active = k + 1
    for i in range(active * LANES, dim * LANES):
        g[i] = 0.0
    for k in range(active):
        base = k * LANES
        for l in range(LANES):
            t = x[base + l]
            g[base + l] = -SQRT_E * exp(-min(0.5 * t * t, EXP_RANGE))
        if k > 0:
            for l in range(LANES):
                g[base + l] *= chain_psi(2.0 * abs(x[base - LANES + l]) - 1.0)
        if k + 1 < dim:
            for l in range(LANES):
                t = x[base + l]
                own = 2.0 * abs(t) - 1.0
                if own > CHAIN_KNEE:
                    following = x[base + LANES + l] if t > 0.0 else -x[base + LANES + l]
                    phi = HALF_PHI * (1.0 + math.erf(SQRT_HALF * following))
                    g[base + l] -= chain_psi(own) * 4.0 / (own * own * own) * phi
