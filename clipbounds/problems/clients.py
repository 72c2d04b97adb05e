"""Objectives that are shared out over clients: f = sum_i w_i f_i, and the noise of each client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS, pack, unpack
from ..specs import NON_NEGATIVE, POSITIVE, Vector, check_integer, vector
from .base import Problem

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

# (x, g, client, dim, params): writes the gradient of f_client at the block x into the block g
CLIENT_GRADIENT = types.void(FLOATS, FLOATS, types.int64, types.int64, FLOATS)


class ClientProblem(Problem):
    """Base of all distributed objectives f = sum_i w_i f_i over clients i = 0, ..., n-1.

    Parameters
    ----------
    weights : array_like, (n,), each in (0, inf), with sum 1; 1/n each by default
    noise_scales : array_like, (n,), each in [0, inf); 1 by default
        Client i sees its gradient plus noise_scales[i] times the noise of the setting.

    A subclass provides ``clients`` (n), ``client_gradient_kernel`` (signature `CLIENT_GRADIENT`), ``client_lipschitz``
    (a Lipschitz constant of each client's gradient, shape (n,)), ``body`` (the parameter vector of its kernels, which
    find it behind n, the weights and the scales) and what every `Problem` provides, ``gradient_kernel`` being the
    gradient of f.
    """

    weights: Vector = vector(POSITIVE, "shares of the clients", default=None, kw_only=True)
    noise_scales: Vector = vector(NON_NEGATIVE, "one factor a client", default=None, kw_only=True)

    client_gradient_kernel: ClassVar[Any] = None
    if TYPE_CHECKING:  # a subclass has them as constants, fields or properties

        @property
        def clients(self) -> int: ...
        @property
        def body(self) -> FloatArray: ...
        @property
        def client_lipschitz(self) -> FloatArray: ...
        @property
        def minimiser(self) -> FloatArray: ...

    def validate(self) -> None:
        name, n = type(self).__name__, self.clients
        for field in ("weights", "noise_scales"):
            given = getattr(self, field)
            if given is None:
                self._normalise(**{field: np.full(n, 1 / n if field == "weights" else 1.0)})
            elif given.size != n:
                raise ValueError(f"{name}: {field} needs {n} entries, one a client, but {given.size} were given")
        if not abs(self.weights.sum() - 1) < 1e-9:
            raise ValueError(f"{name}: weights must have the sum 1, but their sum is {self.weights.sum():.9g}")

    @property
    def parameters(self) -> FloatArray:
        return np.concatenate([[self.clients], self.weights, self.noise_scales, self.body])

    @property
    def equal_weights(self) -> bool:
        """Whether every client counts the same."""
        return bool(np.ptp(self.weights) < 1e-12)

    def client_gradient(self, client: int, x: ArrayLike) -> FloatArray:
        """grad f_client at points of shape (..., dim)."""
        client = check_integer(type(self).__name__, "client", client, 0)
        if client >= self.clients:
            raise ValueError(f"{type(self).__name__}: client must be below {self.clients}, but {client} was given")
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 0 or x.shape[-1] != self.dim:
            raise ValueError(f"points need {self.dim} coordinates in their last axis, but have the shape {x.shape}")
        blocks = pack(x.reshape(-1, self.dim))
        out = np.zeros_like(blocks)
        for block, result in zip(blocks, out, strict=True):
            self.client_gradient_kernel(block, result, client, self.dim, self.parameters)
        return unpack(out, x.size // self.dim).reshape(x.shape)

    @property
    def client_curvature(self) -> FloatArray:
        """l_i with l_i I <= Hessian of f_i, shape (n,); a subclass that knows better than minus `client_lipschitz` says so."""
        return -self.client_lipschitz

    @property
    def gradients_at_minimiser(self) -> FloatArray:
        """grad f_i(x*), shape (n, dim): how much the clients differ."""
        return np.stack([self.client_gradient(i, self.minimiser) for i in range(self.clients)])
