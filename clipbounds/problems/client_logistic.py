"""Regularised logistic regression, its samples shared out over clients."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..data.arrays import DataArray, DataField
from ..facts import Certificate, HessianSmoothness
from ..specs import POSITIVE, Vector, check_integer, parameter, vector
from . import client_kernels
from .clients import ClientProblem

if TYPE_CHECKING:
    from typing import Any, Self

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness

NEWTON_STEPS = 100


class ClientLogistic(ClientProblem):
    """f_i(x) = mean of ln(1 + exp(-y a·x)) over the samples (a, y) of client i, plus (regularisation/2) ‖x‖².

    Parameters
    ----------
    features : array_like, (samples, dim)
    labels : array_like, (samples,), each -1 or 1
    owners : array_like of int, (samples,), the client of each sample; every client 0, ..., n-1 owns one at least
    regularisation : float in (0, inf), which is also the strong convexity
    x0 : array_like, (dim,); a scalar is repeated
    weights, noise_scales : array_like, (n,), see `ClientProblem`

    The arrays are values by content (`data.DataArray`), sorted by their owners: the JSON form names them.

    Smoothness (Hessian form): (regularisation + sum_i w_i lambda_i/4, 0), lambda_i being the largest eigenvalue of
    client i's mean of a a'. The minimiser is Newton's; f_star is what strong convexity certifies from the gradient
    that is left there: f(x) - ‖grad f(x)‖²/(2 regularisation) <= inf f.
    """

    features: DataField
    labels: DataField
    owners: DataField
    regularisation: float = parameter(POSITIVE, "strong convexity")
    x0: Vector = vector()

    gradient_kernel = client_kernels.mean_logistic
    client_gradient_kernel = client_kernels.client_logistic
    certificate = Certificate("proved", "logistic curvature <= 1/4; f_star from strong convexity")
    convex = True

    def validate(self) -> None:
        features, labels, owners = (
            np.asarray(DataArray.of(part)) for part in (self.features, self.labels, self.owners)
        )
        if features.ndim != 2:
            raise ValueError(
                f"ClientLogistic: features must be a finite array (samples, dim), but the shape {features.shape} was given"
            )
        samples, dim = features.shape
        for field, given in (("labels", labels), ("owners", owners)):
            if given.shape != (samples,):
                raise ValueError(
                    f"ClientLogistic: {field} needs {samples} entries, one a sample, but the shape {given.shape} was given"
                )
        if not np.isin(labels, (-1, 1)).all():
            raise ValueError("ClientLogistic: labels must be -1 or 1; map 0 to -1")
        ids = np.unique(owners)
        if not np.array_equal(ids, np.arange(ids.size)):
            raise ValueError(
                f"ClientLogistic: owners must be the integers 0, ..., n-1, each of them used, but {ids.tolist()} were given"
            )
        order = np.argsort(owners, kind="stable")
        origins = [getattr(part, "origin", "") for part in (self.features, self.labels, self.owners)]
        parts = [
            DataArray.of(part[order], origin) for part, origin in zip((features, labels, owners), origins, strict=True)
        ]
        self._normalise(features=parts[0], labels=parts[1], owners=parts[2])
        if self.x0.size == 1 < dim:
            self._normalise(x0=np.repeat(self.x0, dim))
        if self.x0.size != dim:
            raise ValueError(f"ClientLogistic: x0 needs {dim} entries, but {self.x0.size} were given")
        super().validate()

    @classmethod
    def split_by_class(
        cls,
        features: ArrayLike,
        labels: ArrayLike,
        clients: int,
        regularisation: float,
        x0: ArrayLike = 0.0,
        **options: Any,
    ) -> Self:
        """Each client sees one class only: the first half of the clients the label 1, the others -1."""
        clients = check_integer(cls.__name__, "clients", clients, 2)
        labels = np.asarray(labels)
        positive = clients // 2
        owners = np.empty(labels.size)
        for label, first, count in ((1, 0, positive), (-1, positive, clients - positive)):
            mine = np.flatnonzero(labels == label)
            owners[mine] = first + np.arange(mine.size) % count
        return cls(features, labels, owners, regularisation, x0, **options)

    @property
    def clients(self) -> int:
        """Number of clients."""
        return int(self.owners[-1]) + 1

    @cached_property
    def _signed(self) -> FloatArray:
        return self.labels.matrix[:, np.newaxis] * self.features.matrix

    @cached_property
    def _shares(self) -> FloatArray:
        """Weight of each sample in f."""
        owners = self.owners.matrix.astype(np.int64)
        return (self.weights / np.bincount(owners))[owners]

    @property
    def body(self) -> FloatArray:
        starts = np.searchsorted(self.owners.matrix, np.arange(self.clients + 1))
        return np.concatenate([[self.regularisation], starts, self._signed.ravel()])

    def value(self, x: ArrayLike) -> FloatOrArray:
        x = np.asarray(x, dtype=np.float64)
        losses = np.logaddexp(0.0, -(x @ self._signed.T))
        return losses @ self._shares + 0.5 * self.regularisation * np.sum(np.square(x), axis=-1)

    @cached_property
    def minimiser(self) -> FloatArray:
        x = np.zeros(self.dim)
        for _ in range(NEWTON_STEPS):
            z = self._signed @ x
            slope = 0.5 * (1 - np.tanh(0.5 * z))
            gradient = self.regularisation * x - self._signed.T @ (self._shares * slope)
            curvature = self._shares * slope * (1 - slope)
            hessian = self.regularisation * np.eye(self.dim) + (self._signed.T * curvature) @ self._signed
            step = np.linalg.solve(hessian, gradient)
            scale = 1.0
            while scale > 1e-6 and self.value(x - scale * step) > self.value(x) + 1e-15:
                scale *= 0.5
            x = x - scale * step
            if np.linalg.norm(step) <= 1e-15 * (1 + np.linalg.norm(x)):
                break
        return x

    @cached_property
    def f_star(self) -> float:
        left = np.linalg.norm(self.gradient(self.minimiser))
        return float(self.value(self.minimiser) - left**2 / (2 * self.regularisation))

    @property
    def client_lipschitz(self) -> FloatArray:
        """Lipschitz constants of the clients' gradients, shape (n,)."""
        tops = []
        for i in range(self.clients):
            mine = self._signed[self.owners.matrix == i]
            tops.append(np.linalg.norm(mine, 2) ** 2 / len(mine))
        return self.regularisation + 0.25 * np.array(tops)

    @property
    def client_curvature(self) -> FloatArray:
        """The regularisation, shape (n,): the logistic parts are convex."""
        return np.full(self.clients, self.regularisation)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(float(self.weights @ self.client_lipschitz), 0.0)

    @property
    def strong_convexity(self) -> float:
        return self.regularisation
