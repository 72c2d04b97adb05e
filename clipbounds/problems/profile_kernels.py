"""Gradient kernels of sums over coordinates of one profile, and of log-sum-exp; signature (x, g, dim, params)."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import kernel
from ..lanes.elementary import exp, sin
from ..lanes.views import row, scratch
from .base import GRADIENT
from .growth import RANGE, exp_or_inf, logistic, sinh_or_inf

SIN_RANGE = 1e5  # domain of the lanes' sine; beyond it math.sin takes over


@kernel(GRADIENT)
def exponential(x, g, dim, params):
    for i in range(dim * LANES):
        g[i] = exp_or_inf(x[i])


@kernel(GRADIENT)
def softplus(x, g, dim, params):
    for i in range(dim * LANES):
        g[i] = logistic(x[i])


@kernel(GRADIENT)
def sine_quadratic(x, g, dim, params):
    """2x + 3 sin 2x"""
    for i in range(dim * LANES):
        y = 2.0 * x[i]
        g[i] = y + 3.0 * sin(y if abs(y) <= SIN_RANGE else 0.0)
    for i in range(dim * LANES):
        y = 2.0 * x[i]
        if not abs(y) <= SIN_RANGE:
            g[i] = y + 3.0 * math.sin(y)


@kernel(GRADIENT)
def geman_mcclure(x, g, dim, params):
    """2x/(1+x²)²"""
    for i in range(dim * LANES):
        w = 1.0 + x[i] * x[i]
        g[i] = 2.0 * x[i] / w / w


@kernel(GRADIENT)
def cosh_cosine(x, g, dim, params):
    """sinh x - 2 sin x"""
    for i in range(dim * LANES):
        y = x[i]
        g[i] = sinh_or_inf(y) - 2.0 * sin(max(min(y, RANGE), -RANGE))


@kernel(GRADIENT)
def log_sum_exp(x, g, dim, params):
    """softmax"""
    top, total = scratch(), scratch()
    for l in range(LANES):
        top[l], total[l] = x[l], 0.0
    for k in range(1, dim):
        point = row(x, k)
        for l in range(LANES):
            top[l] = max(top[l], point[l])
    for k in range(dim):
        point, slope = row(x, k), row(g, k)
        for l in range(LANES):
            slope[l] = exp(max(point[l] - top[l], -RANGE))
            total[l] += slope[l]
    for k in range(dim):
        slope = row(g, k)
        for l in range(LANES):
            slope[l] /= total[l]


@kernel(GRADIENT)
def phase_retrieval(x, g, dim, params):
    """params: the unit vector u; (3‖x‖² - 1) x - 2 <x,u> u."""
    square, inner = scratch(), scratch()
    for l in range(LANES):
        square[l], inner[l] = 0.0, 0.0
    for k in range(dim):
        u, point = params[k], row(x, k)
        for l in range(LANES):
            square[l] += point[l] * point[l]
            inner[l] += u * point[l]
    for k in range(dim):
        u, point, slope = params[k], row(x, k), row(g, k)
        for l in range(LANES):
            slope[l] = (3.0 * square[l] - 1.0) * point[l] - 2.0 * inner[l] * u


@kernel(GRADIENT)
def reciprocal(x, g, dim, params):
    """-1/x² on x > 0"""
    for i in range(dim * LANES):
        g[i] = -1.0 / (x[i] * x[i])


@kernel(GRADIENT)
def negative_log(x, g, dim, params):
    """-1/x on x > 0"""
    for i in range(dim * LANES):
        g[i] = -1.0 / x[i]


@kernel(GRADIENT)
def squared_exponential(x, g, dim, params):
    """2 x e^{x²}"""
    for i in range(dim * LANES):
        g[i] = 2.0 * x[i] * exp_or_inf(x[i] * x[i])


@kernel(GRADIENT)
def factorisation(x, g, dim, params):
    """(uv - 1)(v, u)"""
    for l in range(LANES):
        residual = x[l] * x[LANES + l] - 1.0
        g[l], g[LANES + l] = residual * x[LANES + l], residual * x[l]
