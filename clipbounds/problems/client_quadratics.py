"""Clients with quadratic objectives: chosen spectra, rotations and minimisers, and the example of divergence."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..facts import HessianSmoothness
from ..specs import REAL, Vector, check_integer, vector
from . import client_kernels
from .clients import ClientProblem
from .convex import CLOSED_FORM

if TYPE_CHECKING:
    from typing import Any, Self

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness


class ClientQuadratics(ClientProblem):
    """f_i(x) = (x - b_i)'A_i(x - b_i)/2, f = sum_i w_i f_i, minimised at (sum w_i A_i)^{-1} sum w_i A_i b_i.

    Parameters
    ----------
    hessians : array_like, (n, dim, dim), symmetric, their weighted mean positive definite
    minimisers : array_like, (n, dim), the b_i
    x0 : array_like, (dim,); a scalar is repeated
    weights, noise_scales : array_like, (n,), see `ClientProblem`

    Smoothness (Hessian form): (largest eigenvalue of the mean Hessian, 0); of the client i: max |eigenvalue of A_i|.
    """

    hessians: Vector
    minimisers: Vector
    x0: Vector = vector(REAL)

    gradient_kernel = client_kernels.mean_quadratic
    client_gradient_kernel = client_kernels.client_quadratic
    certificate = CLOSED_FORM
    convex = True
    f_star_attained = True

    def validate(self) -> None:
        try:
            hessians = np.array(self.hessians, dtype=np.float64)
            minimisers = np.array(self.minimisers, dtype=np.float64)
        except ValueError:
            raise ValueError(
                "ClientQuadratics: every client needs a Hessian and a minimiser of the same dimension, but clients of"
                " different dimension were given; pad the smaller ones"
            ) from None
        if hessians.ndim != 3 or hessians.shape[1] != hessians.shape[2] or not len(hessians):
            raise ValueError(
                f"ClientQuadratics: hessians must have the shape (n, dim, dim), but {hessians.shape} was given"
            )
        n, dim, _ = hessians.shape
        if minimisers.shape != (n, dim):
            raise ValueError(
                f"ClientQuadratics: minimisers must have the shape ({n}, {dim}), one vector a client in the dimension"
                f" of the Hessians, but {minimisers.shape} was given"
            )
        if not (np.isfinite(hessians).all() and np.isfinite(minimisers).all()):
            raise ValueError("ClientQuadratics: hessians and minimisers must be finite, but an entry is not")
        if not np.allclose(hessians, hessians.transpose(0, 2, 1), rtol=1e-12, atol=1e-14 * np.abs(hessians).max()):
            raise ValueError("ClientQuadratics: every Hessian must be symmetric; give (A + A.T)/2")
        self._normalise(hessians=0.5 * (hessians + hessians.transpose(0, 2, 1)), minimisers=minimisers)
        if self.x0.size == 1 < dim:
            self._normalise(x0=np.repeat(self.x0, dim))
        if self.x0.size != dim:
            raise ValueError(f"ClientQuadratics: x0 needs {dim} entries, but {self.x0.size} were given")
        super().validate()
        lowest = np.linalg.eigvalsh(self.mean_hessian)[0]
        if not lowest > 0:
            raise ValueError(
                f"ClientQuadratics: the mean Hessian must be positive definite, but its smallest eigenvalue is {lowest:g}"
            )

    @classmethod
    def scalar(cls, curvatures: ArrayLike, minimisers: ArrayLike, x0: ArrayLike = 0.0, **options: Any) -> Self:
        """One-dimensional clients f_i(x) = a_i (x - b_i)²/2 from the lists of the a_i and the b_i."""
        curvatures, minimisers = np.atleast_1d(curvatures), np.atleast_1d(minimisers)
        if curvatures.ndim != 1 or curvatures.shape != minimisers.shape:
            raise ValueError(
                f"ClientQuadratics.scalar: one curvature and one minimiser a client are needed, but the shapes"
                f" {curvatures.shape} and {minimisers.shape} were given"
            )
        return cls(curvatures[:, None, None], minimisers[:, None], x0, **options)

    @classmethod
    def random(
        cls, clients: int, dim: int, seed: int, condition: float = 10.0, distance: float = 10.0, **options: Any
    ) -> Self:
        """Rotated copies of one spectrum: A_i = Q_i diag(geometric in [1, condition]) Q_i', b_i ~ N(0, I).

        The Q_i are uniform on the orthogonal group. x0 = x* + distance·v, v being the unit eigenvector of the
        smallest eigenvalue of the mean Hessian (with its largest entry positive): the slowest mode alone is excited.
        """
        clients = check_integer(cls.__name__, "clients", clients, 1)
        dim = check_integer(cls.__name__, "dim", dim, 1)
        generator = np.random.default_rng(check_integer(cls.__name__, "seed", seed, 0))
        spectrum = np.geomspace(1.0, condition, dim) if dim > 1 else np.ones(1)
        hessians = np.empty((clients, dim, dim))
        for hessian in hessians:
            q, r = np.linalg.qr(generator.standard_normal((dim, dim)))
            q *= np.sign(np.diag(r))  # makes the law of q uniform
            hessian[:] = (q * spectrum) @ q.T
        made = cls(hessians, generator.standard_normal((clients, dim)), np.zeros(dim), **options)
        return made.replace(x0=made.minimiser + distance * made.slowest_direction)

    @cached_property
    def mean_hessian(self) -> FloatArray:
        """The Hessian of f, which is the same everywhere, shape (dim, dim)."""
        return np.tensordot(self.weights, self.hessians, axes=1)

    def hessian(self, x: ArrayLike) -> FloatArray:
        return np.broadcast_to(self.mean_hessian, (*np.shape(x), self.dim)).copy()

    @cached_property
    def slowest_direction(self) -> FloatArray:
        """Unit eigenvector of the smallest eigenvalue of the Hessian, its largest entry positive."""
        v = np.linalg.eigh(self.mean_hessian)[1][:, 0]
        return v * np.sign(v[np.argmax(np.abs(v))])

    @property
    def dim(self) -> int:
        return self.hessians.shape[1]

    @property
    def clients(self) -> int:
        """Number of clients."""
        return self.hessians.shape[0]

    @cached_property
    def minimiser(self) -> FloatArray:
        linear = np.einsum("i,ijk,ik->j", self.weights, self.hessians, self.minimisers)
        return np.linalg.solve(self.mean_hessian, linear)

    @property
    def body(self) -> FloatArray:
        """Parameters of the kernels: Hessian and minimiser of f, then of each client."""
        each = [np.concatenate([a.ravel(), b]) for a, b in zip(self.hessians, self.minimisers, strict=True)]
        return np.concatenate([self.mean_hessian.ravel(), self.minimiser, *each])

    @cached_property
    def f_star(self) -> float:
        shift = self.minimiser - self.minimisers
        return float(0.5 * np.einsum("i,ij,ijk,ik->", self.weights, shift, self.hessians, shift))

    def gap(self, x: ArrayLike) -> FloatOrArray:
        """f(x) - f* = (x - x*)'A(x - x*)/2, without cancellation."""
        e = np.asarray(x, dtype=np.float64) - self.minimiser
        return 0.5 * np.einsum("...j,jk,...k->...", e, self.mean_hessian, e)

    def value(self, x: ArrayLike) -> FloatOrArray:
        return self.gap(x) + self.f_star

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(float(np.linalg.eigvalsh(self.mean_hessian)[-1]), 0.0)

    @property
    def strong_convexity(self) -> float:
        return float(np.linalg.eigvalsh(self.mean_hessian)[0])

    @property
    def client_lipschitz(self) -> FloatArray:
        """Lipschitz constants of the clients' gradients, shape (n,)."""
        return np.abs(np.linalg.eigvalsh(self.hessians)).max(axis=1)

    @property
    def client_curvature(self) -> FloatArray:
        """The smallest eigenvalue of each A_i, shape (n,)."""
        return np.linalg.eigvalsh(self.hessians)[:, 0]


def divergence_example(ratio: float, smoothing: float = 400.0, **options: Any) -> ClientQuadratics:
    """Three clients in three dimensions on which component-wise SClip-EF diverges for theta > 1.88479520514.

    A_1 = [[3, 0, -4], [0, 3, -4], [-4, -4, 11]] and its cyclic permutations, all minimisers 0; A_i 1 is a permutation
    of (3, -1, -1), so that two clipped components of size r outweigh one of size 3r. The start is
    x0 = ratio·sqrt(smoothing)·(1, 1, 1). Source: theory page error-feedback, section 3.
    """
    first = np.array([[3.0, 0.0, -4.0], [0.0, 3.0, -4.0], [-4.0, -4.0, 11.0]])
    hessians = [np.roll(first, k, axis=(0, 1)) for k in range(3)]
    return ClientQuadratics(hessians, np.zeros((3, 3)), np.full(3, ratio * np.sqrt(smoothing)), **options)
