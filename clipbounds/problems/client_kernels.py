"""Gradient kernels of the client problems. Their parameters begin with n, the n weights and the n noise scales."""

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import exp
from ..lanes.views import row, scratch
from .base import GRADIENT
from .clients import CLIENT_GRADIENT

EXP_RANGE = 700.0


@device
def body_of(params):
    """Where the parameters of the objective itself begin."""
    return 1 + 2 * int(params[0])


@device
def _affine(x, g, dim, params, at):
    """g = H (x - b), with H and b behind each other in params from `at` on."""
    for k in range(dim):
        slope = row(g, k)
        for l in range(LANES):
            slope[l] = 0.0
        for j in range(dim):
            h, b, point = params[at + k * dim + j], params[at + dim * dim + j], row(x, j)
            for l in range(LANES):
                slope[l] += h * (point[l] - b)


@kernel(GRADIENT)
def mean_quadratic(x, g, dim, params):
    """Body: mean Hessian and minimiser, then Hessian and minimiser of each client."""
    _affine(x, g, dim, params, body_of(params))


@kernel(CLIENT_GRADIENT)
def client_quadratic(x, g, client, dim, params):
    _affine(x, g, dim, params, body_of(params) + (client + 1) * (dim * dim + dim))


@device
def _add_logistic(x, g, client, dim, params, weight):
    """g += weight·grad f_client. Body: regularisation, n+1 row numbers, then rows label·features by client."""
    at = body_of(params)
    clients = int(params[0])
    first, last = int(params[at + 1 + client]), int(params[at + 2 + client])
    samples = at + 2 + clients
    for i in range(dim * LANES):
        g[i] += weight * params[at] * x[i]
    share, z = weight / (last - first), scratch()
    for sample in range(first, last):
        a = samples + sample * dim
        for l in range(LANES):
            z[l] = 0.0
        for k in range(dim):
            feature, point = params[a + k], row(x, k)
            for l in range(LANES):
                z[l] += feature * point[l]
        for l in range(LANES):
            z[l] = share / (1.0 + exp(min(max(z[l], -EXP_RANGE), EXP_RANGE)))
        for k in range(dim):
            feature, slope = params[a + k], row(g, k)
            for l in range(LANES):
                slope[l] -= z[l] * feature


@kernel(CLIENT_GRADIENT)
def client_logistic(x, g, client, dim, params):
    for i in range(dim * LANES):
        g[i] = 0.0
    _add_logistic(x, g, client, dim, params, 1.0)


@kernel(GRADIENT)
def mean_logistic(x, g, dim, params):
    for i in range(dim * LANES):
        g[i] = 0.0
    for client in range(int(params[0])):
        _add_logistic(x, g, client, dim, params, params[1 + client])
