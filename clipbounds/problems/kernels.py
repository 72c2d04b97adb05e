"""Gradient kernels of the built-in problems, signature (x, g, dim, params)."""

from ..lanes.blocks import LANES
from ..lanes.compile import kernel
from ..lanes.norms import lane_norms
from ..lanes.views import row
from .base import GRADIENT
from .growth import expm1_or_inf, sinh_or_inf


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
    """params: amplitude, rate; A a sinh(a x)."""
    size, rate = params[0] * params[1], params[1]
    for i in range(dim * LANES):
        g[i] = size * sinh_or_inf(rate * x[i])


@kernel(GRADIENT)
def extremal(x, g, dim, params):
    """params: L0, L1; (L0/L1)(e^{L1 r} - 1) x/r. g's first lanes hold r and then the factor."""
    L0, L1 = params[0], params[1]
    lane_norms(x, g, dim)
    for l in range(LANES):
        z = L1 * g[l]
        g[l] = L0 * (expm1_or_inf(z) / z if z > 0.0 else 1.0)
    for k in range(dim - 1, -1, -1):
        xk, gk = row(x, k), row(g, k)
        for l in range(LANES):
            gk[l] = g[l] * xk[l]


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
def quartic(x, g, dim, params):
    """4 ‖x‖² x"""
    for l in range(LANES):
        g[l] = x[l] * x[l]
    for k in range(1, dim):
        xk = row(x, k)
        for l in range(LANES):
            g[l] += xk[l] * xk[l]
    for k in range(dim - 1, -1, -1):
        xk, gk = row(x, k), row(g, k)
        for l in range(LANES):
            gk[l] = 4.0 * g[l] * xk[l]


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
