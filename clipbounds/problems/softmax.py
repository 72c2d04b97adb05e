"""Regression on several classes: the softmax loss of one linear prediction a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.columns import class_numbers
from ..lanes.blocks import LANES
from . import linear_kernels as kernels
from . import softmax_kernels
from .linear_model import LinearModel

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray, IntArray
    from ..data.arrays import DataArray


class Softmax(LinearModel):
    """f(W) = (1/n) sum_i (ln sum_k e^{<a_i, W_k>} - <a_i, W_{y_i}>) + ridge ‖W‖²/2.

    The point is the rows W_0, W_1, ... one after the other. The loss has the gradient p - e_y in the predictions, of norm at
    most sqrt 2, p being the softmax, and the Hessian diag(p) - p p', which has no eigenvalue above 1/2: for a unit u
    it gives the variance of u_k under p, at most (max u - min u)²/4 <= 1/2. So L = lambda_max(A'A)/(2n) + ridge, certified
    as for `Logistic`, and row i has ‖a_i‖²/2 + ridge.

    f_star = f(W) - ‖grad f(W)‖²/(2 ridge) at Newton's W. What is subtracted is the duality gap: the dual value at the p_i is
    mean_i h(p_i) - ‖mean_i (e_{y_i} - p_i) a_i'‖²/(2 ridge), h the entropy in nats. Without a ridge f_star = 0, and the
    minimiser is not unique: a vector added to all W_k changes nothing.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, (n, d)
    labels : array_like, (n,), each 0, 1, ..., K - 1 with K from 2 to 64
    x0 : array_like, (K d,); a scalar is repeated
    ridge : float in [0, inf)
    """

    code = kernels.SOFTMAX
    gradient_kernel = softmax_kernels.softmax
    curvature = 0.5
    slope_bound = float(np.sqrt(2))

    def outputs_of(self, labels: DataArray) -> int:
        values = np.asarray(labels)
        if values.ndim != 1 or not np.array_equal(values, np.clip(np.round(values), 0, LANES - 1)) or values.max() < 1:
            raise ValueError(
                f"Softmax: labels must be the numbers 0, 1, ..., K - 1 of K classes, from 2 to {LANES} of them, but"
                f" {np.unique(values).size} values from {values.min():g} to {values.max():g} were given"
            )
        return int(values.max()) + 1

    @classmethod
    def read_labels(cls, labels: DataArray) -> DataArray:
        return class_numbers(labels, "Softmax")

    @property
    def classes(self) -> int:
        """Number K of classes."""
        return self.dim // self.features.shape[1]

    @property
    def width(self) -> float:
        return float(self.classes)

    def predictions(self, x: ArrayLike) -> FloatArray:
        """<a_i, W_k> at points of shape (..., dim); result of shape (..., n, K)."""
        x = np.asarray(x, dtype=np.float64)
        found = self._matrix @ x.reshape(-1, self.features.shape[1]).T
        return np.moveaxis(found.reshape(self.rows, -1, self.classes), 0, 1).reshape(*x.shape[:-1], self.rows, -1)

    def _of_labels(self, z: FloatArray) -> FloatArray:
        return np.take_along_axis(z, np.broadcast_to(self._classes, z.shape[:-1])[..., np.newaxis], -1)[..., 0]

    @property
    def _classes(self) -> IntArray:
        return self._labels.astype(np.int64)

    def losses(self, z: FloatArray) -> FloatArray:
        top = z.max(axis=-1)
        return top + np.log(np.exp(z - top[..., np.newaxis]).sum(axis=-1)) - self._of_labels(z)

    def probabilities(self, z: FloatArray) -> FloatArray:
        """The softmax of predictions of shape (..., n, K)."""
        powers = np.exp(z - z.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def slopes(self, z: FloatArray) -> FloatArray:
        return self.probabilities(z) - np.eye(self.classes)[self._classes]

    def curvature_blocks(self, z: FloatArray) -> FloatArray:
        """diag(p) - p p' for each row."""
        p = self.probabilities(z)
        return p[..., np.newaxis] * (np.eye(self.classes) - p[..., np.newaxis, :])

    def slope_norms(self, z: FloatArray) -> FloatArray:
        return np.linalg.norm(self.slopes(z), axis=-1)

    def slope_ranges(self, centre: FloatArray, radius: float) -> FloatArray:
        """A bound of ‖p - e_y‖ of each row on the ball of this radius, shape (n,).

        ‖p - e_y‖ <= sqrt 2 (1 - p_y), and 1 - p_y = s(ln sum_{k != y} e^{z_k - z_y}), s the logistic function; on the ball each
        z_k - z_y = <a, W_k - W_y> moves by at most sqrt 2 radius ‖a‖.
        """
        if not np.isfinite(radius):
            return np.full(self.rows, self.slope_bound)
        z = self.predictions(centre)
        others = np.where(np.eye(self.classes, dtype=bool)[self._classes], -np.inf, z)
        top = others.max(axis=-1)
        lead = top + np.log(np.exp(others - top[:, np.newaxis]).sum(axis=-1)) - self._of_labels(z)
        return self.slope_bound * np.exp(-np.logaddexp(0.0, -(lead + self.slope_bound * radius * self.row_norms)))

    def plain_gradient(self, w: FloatArray) -> FloatArray:
        return (self._matrix.T @ self.slopes(self.predictions(w))).T.ravel() / self.rows + self.ridge * w

    def newton_step(self, w: FloatArray, gradient: FloatArray) -> FloatArray:
        """Newton's step by conjugate gradients: no dim x dim matrix is made."""
        from scipy.sparse.linalg import LinearOperator, cg

        p = self.probabilities(self.predictions(w))

        def product(v: FloatOrArray) -> FloatArray:
            u = self.predictions(v)
            moved = p * (u - np.sum(p * u, axis=-1, keepdims=True))
            return (self._matrix.T @ moved).T.ravel() / self.rows + self.ridge * v.ravel()

        return cg(LinearOperator((self.dim, self.dim), matvec=product), gradient, rtol=1e-10, maxiter=20 * self.dim)[0]

    def _dense_hessian(self, x: ArrayLike) -> FloatArray:
        p, rows = self.probabilities(self.predictions(x)), np.asarray(self.features)
        d, found = rows.shape[1], self.ridge * np.eye(self.dim)
        for k in range(self.classes):
            for j in range(k + 1):
                weights = p[:, k] * ((j == k) - p[:, j]) / self.rows
                block = (rows.T * weights) @ rows
                found[k * d : (k + 1) * d, j * d : (j + 1) * d] += block
                if j < k:
                    found[j * d : (j + 1) * d, k * d : (k + 1) * d] += block
        return found
