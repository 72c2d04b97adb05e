"""Logistic regression on data, with L from the spectrum and f* certified by a duality gap."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..data import DataArray, bundled
from ..data.columns import two_classes
from . import linear_kernels as kernels
from .linear_model import LinearModel
from .newton import minimum

if TYPE_CHECKING:
    from typing import Self

    from ..array_types import ArrayLike, BoolArray, FloatArray


class Logistic(LinearModel):
    """f(w) = (1/n) sum_i ln(1 + e^{-y_i <x_i, w>}) + ridge ‖w‖²/2.

    L = lambda_max(X'X)/(4n) + ridge. f_star comes from Newton's method and is certified from below: with a ridge by
    f(w) - ‖grad f(w)‖²/(2 ridge), without one by the dual value (1/n) sum h(a_i), h the entropy in nats, at a in
    [0,1]^n with sum a_i y_i x_i = 0. Rows whose loss a direction of recession drives to 0 have a_i = 0; if these are all
    rows, the data are separable and f_star = 0 is not attained.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, (n, dim)
    labels : array_like, (n,), each -1 or 1
    x0 : array_like, (dim,); a scalar is repeated
    ridge : float in [0, inf)
    """

    code = kernels.LOGISTIC
    curvature = 0.25
    slope_bound = 1.0

    def check_labels(self) -> None:
        if not np.all(np.abs(self._labels) == 1):
            raise ValueError("Logistic: labels must be -1 or 1, but other values were given")

    @classmethod
    def read_labels(cls, labels: DataArray) -> DataArray:
        return two_classes(labels, "Logistic")

    @classmethod
    def bundled(cls, name: str, ridge: float = 0.0, x0: ArrayLike = 0.0) -> Self:
        """A data set that scikit-learn brings along (extra `data`), columns standardised, with an intercept column.

        Parameters
        ----------
        name : "breast_cancer" (569 x 31, benign or not) or "digits" (1797 x 62, even or odd)
        ridge : float in [0, inf)
        x0 : float or array_like, (dim,)

        Raises
        ------
        ValueError
            If there is no such data set or scikit-learn is not installed.
        """
        features, labels = bundled(name)
        return cls(DataArray.of(features, f"scikit-learn's {name}, standardised", True), labels, x0, ridge)

    def losses(self, z: FloatArray) -> FloatArray:
        return np.logaddexp(0.0, -self._labels * z)

    def slopes(self, z: FloatArray) -> FloatArray:
        return -self._labels * _sigmoid(-self._labels * z)

    def curvatures(self, z: FloatArray) -> FloatArray:
        return 0.25 / np.square(np.cosh(0.5 * np.clip(z, -700, 700)))

    @property
    def minimiser(self) -> FloatArray | None:
        """Newton's w; None where the infimum is not attained."""
        return self._optimum[0] if self.f_star_attained else None

    @property
    def f_star_attained(self) -> bool:
        return self.ridge > 0 or not self._face[1].any()

    @property
    def duality_gap(self) -> float:
        """An upper bound of inf f - f_star: f at Newton's w, far out along the direction of recession, minus f_star."""
        w, lower = self._optimum
        far = 0.0 if self.ridge > 0 else self._far
        return float(self.value(w + far)) - lower

    @cached_property
    def _signed(self) -> FloatArray:
        """y_i x_i, shape (n, dim)."""
        if self.features.layout == "dense":
            return self._matrix * self._labels[:, np.newaxis]
        signed = self._matrix.copy()
        signed.data = signed.data * np.repeat(self._labels, np.diff(signed.indptr))
        return signed

    @property
    def _far(self) -> FloatArray:
        """A multiple of the direction of recession that drives the losses of its rows to 0."""
        kept, direction = self._face
        if not direction.any():
            return direction
        return direction * 100 / (self._signed @ direction)[~kept].min()

    def _unridged(self) -> tuple[FloatArray, float]:
        kept, _ = self._face
        if not kept.any():
            return np.zeros(self.dim), 0.0
        part = Logistic(self._matrix[kept], self._labels[kept], np.zeros(self.dim))
        w = minimum(part)
        return w, part._dual_value(w) * (len(part.labels) / self.rows)

    @cached_property
    def _face(self) -> tuple[BoolArray, FloatArray]:
        """Rows that no direction of recession can satisfy for good, and such a direction for all the others.

        Maximising sum_i <y_i x_i, v> over <y_i x_i, v> >= 0, ‖v‖_inf <= 1 finds rows whose loss tends to 0 along v;
        they leave, and the search is repeated among the others. All rows leave: separable. None: inf f is attained.
        """
        from scipy.optimize import linprog

        rows = self._signed
        kept = np.ones(self.rows, dtype=bool)
        direction = np.zeros(self.dim)
        while kept.any():
            inside = rows[kept]
            total = np.asarray(inside.sum(axis=0)).ravel()
            answer = linprog(-total, A_ub=-inside, b_ub=np.zeros(inside.shape[0]), bounds=[(-1, 1)] * self.dim)
            leaving = inside @ answer.x > 1e-9
            if not leaving.any():
                break
            # a later direction may spoil the rows that left before: those keep a longer lead
            spoilt = (rows @ answer.x)[~kept]
            lead = (rows @ direction)[~kept]
            factor = max(1.0, float(np.max(-2 * spoilt / lead, initial=0.0)))
            direction = factor * direction + answer.x
            kept[np.flatnonzero(kept)[leaving]] = False
        return kept, direction

    def _dual_value(self, w: FloatArray) -> float:
        """(1/n) sum h(a_i) at the projection of a_i = s(-y_i <x_i, w>) on sum a_i y_i x_i = 0."""
        rows = self._signed
        gram = self._weighted_gram(np.ones(self.rows))
        a = _sigmoid(-(rows @ w))
        for _ in range(3):  # repeated, because one projection leaves its own rounding
            a = np.clip(a - rows @ np.linalg.lstsq(gram, rows.T @ a, rcond=None)[0], 0.0, 1.0)
        residual = float(np.linalg.norm(rows.T @ a)) / self.rows
        if residual > 1e-12:
            raise ValueError(f"Logistic: the dual point misses its constraint by {residual:.1e}; give ridge > 0")
        inner = np.clip(a, 1e-300, 1 - 1e-16)
        entropy = -inner * np.log(inner) - (1 - inner) * np.log1p(-inner)
        # f(v) >= this - residual ‖v‖ for every v: the rounding is charged at the size of w
        return float(entropy.sum()) / self.rows - residual * (1 + 2 * float(np.linalg.norm(w)))


def _sigmoid(t: FloatArray) -> FloatArray:
    return 0.5 * (1 + np.tanh(0.5 * t))
