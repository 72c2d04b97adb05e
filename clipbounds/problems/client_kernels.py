"""Gradient kernels of the client problems. Their parameters begin with n, the n weights and the n noise scales."""

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import exp
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
        base = k * LANES
        for l in range(LANES):
            g[base + l] = 0.0
        for j in range(dim):
            h, b = params[at + k * dim + j], params[at + dim * dim + j]
            other = j * LANES
            for l in range(LANES):
                g[base + l] += h * (x[other + l] - b)


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
    rows = at + 2 + clients
    for i in range(dim * LANES):
        g[i] += weight * params[at] * x[i]
    share = weight / (last - first)
    for row in range(first, last):
        a = rows + row * dim
        for l in range(LANES):
            z = 0.0
            for k in range(dim):
                z += params[a + k] * x[k * LANES + l]
            slope = share / (1.0 + exp(min(max(z, -EXP_RANGE), EXP_RANGE)))
            for k in range(dim):
                g[k * LANES + l] -= slope * params[a + k]


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
