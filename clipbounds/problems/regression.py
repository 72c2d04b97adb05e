"""Least squares, and regression with losses that outliers cannot pull far: Huber's and Geman and McClure's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import POSITIVE, parameter
from . import linear_kernels as kernels
from .linear_model import LinearModel

if TYPE_CHECKING:
    from ..array_types import FloatArray


class LeastSquares(LinearModel):
    """f(w) = (1/(2n)) sum_i (<a_i, w> - y_i)² + ridge ‖w‖²/2.

    L = lambda_max(A'A)/n + ridge, mu = lambda_min(A'A)/n + ridge, both ends of the spectrum certified. f_star is
    f(w) - ‖grad f(w)‖²/(2 mu) at the computed minimiser; for mu = 0 the dual value (1/n) sum (a_i y_i - a_i²/2) at the
    residuals a projected on A'a = 0. The noise of rows is bounded on balls only.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, (n, dim)
    labels : array_like, (n,)
    x0 : array_like, (dim,); a scalar is repeated
    ridge : float in [0, inf)
    """

    code = kernels.SQUARE

    def losses(self, z: FloatArray) -> FloatArray:
        return 0.5 * np.square(z - self._labels)

    def slopes(self, z: FloatArray) -> FloatArray:
        return z - self._labels

    def curvatures(self, z: FloatArray) -> FloatArray:
        return np.ones_like(z)

    @property
    def strong_convexity(self) -> float:
        return self._spectrum[0] / self.rows + self.ridge

    def _unridged(self) -> tuple[FloatArray, float]:
        gram = self._weighted_gram(np.ones(self.rows))
        w = np.linalg.lstsq(gram, self._matrix.T @ self._labels, rcond=None)[0]
        a = self._labels - self._matrix @ w
        for _ in range(3):  # repeated, because one projection leaves its own rounding
            a = a - self._matrix @ np.linalg.lstsq(gram, self._matrix.T @ a, rcond=None)[0]
        residual = float(np.linalg.norm(self._matrix.T @ a)) / self.rows
        dual = float(np.mean(a * self._labels - 0.5 * a * a))
        rounding = self.rows * np.finfo(float).eps * float(np.mean(np.abs(a * self._labels) + 0.5 * a * a))
        # f(v) >= dual - residual ‖v‖ for every v: that of the constraint is charged at the size of w
        return w, max(0.0, dual - rounding - residual * (1 + 2 * float(np.linalg.norm(w))))


class RobustRegression(LinearModel):
    """f(w) = (1/n) sum_i rho(<a_i, w> - y_i) + ridge ‖w‖²/2, rho'' in [-1/4, 1] and rho''(0) = 1.

    * loss = "huber": rho(r) = r²/2 for |r| <= width, width |r| - width²/2 beyond; convex, |rho'| <= width.
    * loss = "geman_mcclure": rho(r) = (width²/2) r²/(width² + r²); not convex, |rho'| <= (3 sqrt 3/16) width, rho < width²/2.

    f_star: with a ridge and Huber's loss f(w) - ‖grad f(w)‖²/(2 ridge) at Newton's w, otherwise 0.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, (n, dim)
    labels : array_like, (n,)
    x0 : array_like, (dim,); a scalar is repeated
    ridge : float in [0, inf)
    loss : "huber" or "geman_mcclure"
    width : float in (0, inf), the residual from which a row counts as an outlier
    """

    loss: str = "huber"
    width: float = parameter(POSITIVE, "the residual from which a row counts as an outlier", default=1.0)

    def check_labels(self) -> None:
        if self.loss not in ("huber", "geman_mcclure"):
            raise ValueError(f'RobustRegression: loss must be "huber" or "geman_mcclure", but {self.loss!r} was given')

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return self.loss == "huber"

    @property
    def code(self) -> int:
        return kernels.HUBER if self.convex else kernels.GEMAN_MCCLURE

    @property
    def slope_bound(self) -> float:
        return self.width if self.convex else 3 * np.sqrt(3) / 16 * self.width

    def losses(self, z: FloatArray) -> FloatArray:
        r = np.abs(z - self._labels)
        if self.convex:
            return np.where(r <= self.width, 0.5 * r * r, self.width * r - 0.5 * self.width**2)
        u = np.square(r / self.width)
        return 0.5 * self.width**2 * u / (1 + u)

    def slopes(self, z: FloatArray) -> FloatArray:
        r = z - self._labels
        if self.convex:
            return np.clip(r, -self.width, self.width)
        return r / np.square(1 + np.square(r / self.width))

    def curvatures(self, z: FloatArray) -> FloatArray:
        u = np.square((z - self._labels) / self.width)
        return np.where(u <= 1, 1.0, 0.0) if self.convex else (1 - 3 * u) / (1 + u) ** 3
