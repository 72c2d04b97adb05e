"""Gradient kernels of the built-in problems, signature (x, g, dim, params)."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import kernel
from ..lanes.elementary import expm1
from ..lanes.norms import lane_norms, row
from .base import GRADIENT

EXP_RANGE = 700.0  # beyond it expm1 leaves its domain and the kernels call math.sinh, which overflows to inf


@kernel(GRADIENT)
def quadratic(x, g, dim, params):
    for k in range(dim):
        eigenvalue = params[k]
        xk, gk = row(x, k), row(g, k)
        for l in range(LANES):
            gk[l] = eigenvalue * xk[l]


@kernel(GRADIENT)
def huber(x, g, dim, params):
    """params: curvature, slope; sums over coordinates."""
    curvature, slope = params[0], params[1]
    for i in range(dim * LANES):
        g[i] = min(max(curvature * x[i], -slope), slope)


@kernel(GRADIENT)
def cosh(x, g, dim, params):
    """params: amplitude, rate; A a sinh(a x) = A a m (1 + 1/(1 + m))/2 with m = expm1(a|x|), odd in x."""
    amplitude, rate = params[0], params[1]
    for i in range(dim * LANES):
        z = abs(rate * x[i])
        safe = z if z < EXP_RANGE else 0.0
        m = expm1(safe)
        g[i] = math.copysign(0.5 * amplitude * rate * m * (1.0 + 1.0 / (1.0 + m)), x[i])
    for i in range(dim * LANES):
        if not abs(rate * x[i]) < EXP_RANGE:
            g[i] = amplitude * rate * math.sinh(rate * x[i])


@kernel(GRADIENT)
def power(x, g, dim, params):
    """params: exponent p; ‖x‖^{p-2} x. g's first lanes hold the norms while they are needed."""
    exponent = params[0]
    lane_norms(x, g, dim)
    for l in range(LANES):
        g[l] = g[l] ** (exponent - 2.0)
    for k in range(dim - 1, -1, -1):
        xk, gk = row(x, k), row(g, k)
        for l in range(LANES):
            gk[l] = g[l] * xk[l]


@kernel(GRADIENT)
def sombrero(x, g, dim, params):
    """(‖x‖² - 1) x."""
    for l in range(LANES):
        g[l] = x[l] * x[l] - 1.0
    for k in range(1, dim):
        xk = row(x, k)
        for l in range(LANES):
            g[l] += xk[l] * xk[l]
    for k in range(dim - 1, -1, -1):
        xk, gk = row(x, k), row(g, k)
        for l in range(LANES):
            gk[l] = g[l] * xk[l]
