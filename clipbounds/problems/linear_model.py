"""Means of losses of linear predictors over the rows of a dataset: what logistic, least squares and robust regression share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..data.arrays import DataArray, DataField
from ..data.columns import scaled_columns, with_intercept
from ..data.svmlight import read_svmlight
from ..facts import Certificate, HessianSmoothness
from ..specs import NON_NEGATIVE, Vector, parameter, vector
from . import linear_kernels as kernels
from .base import Problem
from .newton import minimum
from .spectrum import spectrum

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Literal, Self

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness

AT_ONCE = 2**17  # predictions computed together: the memory that value(x) takes


class LinearModel(Problem):
    """f(w) = (1/n) sum_i loss(<a_i, w>, y_i) + ridge ‖w‖²/2, a_i the rows of the features, y_i their labels.

    A subclass gives the code of its loss in `linear_kernels`, ``curvature`` >= sup |loss''|, ``slope_bound`` >= sup |loss'|
    (inf if there is none), ``losses(z)`` and ``curvatures(z)``, and, without a ridge, ``_unridged``. Arrays are values by
    content (`data.DataArray`): the JSON form names them.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, (n, dim)
    labels : array_like, (n,)
    x0 : array_like, (dim,); a scalar is repeated
    ridge : float in [0, inf)
    """

    features: DataField
    labels: DataField
    x0: Vector = vector()
    ridge: float = parameter(NON_NEGATIVE, default=0.0)

    gradient_kernel = kernels.linear_model
    curvature: ClassVar[float] = 1.0
    convex = True
    if TYPE_CHECKING:

        @property
        def width(self) -> float: ...
        @property
        def slope_bound(self) -> float: ...
        @property
        def code(self) -> int: ...

    else:
        slope_bound = np.inf
        width = 1.0  # of losses that have one
    certificate = Certificate("proved", "L from the spectrum with the bound of its rounding, f* from duality")

    def validate(self) -> None:
        name, labels = type(self).__name__, DataArray.of(self.labels)
        given = self.features
        if isinstance(given, tuple):
            given = np.asarray(given, dtype=np.float64)
        if isinstance(given, np.ndarray) and given.ndim == 1 and given.size == labels.size * self.x0.size:
            given = given.reshape(labels.size, self.x0.size)
        features = DataArray.of(given)
        outputs = self.outputs_of(labels)
        n, dim = features.shape[0], (*features.shape, 0)[1] * outputs
        if self.x0.size == 1 < dim:
            self._normalise(x0=np.repeat(self.x0, dim))
        if len(features.shape) != 2 or labels.shape != (n,) or self.x0.size != dim:
            raise ValueError(
                f"{name}: features must be {labels.size} x {self.x0.size / outputs:g} finite numbers (labels x entries of x0"
                f"{f' over {outputs} classes' if outputs > 1 else ''}), but the shape {features.shape} was given"
            )
        self._normalise(features=features, labels=labels)
        self.check_labels()

    def outputs_of(self, labels: DataArray) -> int:
        """Predictions a row: the dimension is so many times the number of features."""
        return 1

    def check_labels(self) -> None:
        """Raise ValueError for labels that the loss does not know."""

    @classmethod
    def read_labels(cls, labels: DataArray) -> DataArray:
        """The labels of a file as the loss needs them."""
        return labels

    @classmethod
    def from_svmlight(
        cls, path: str | Path, zero_based: bool | Literal["auto"] = "auto", ridge: float = 0.0, x0: ArrayLike = 0.0,
        scale: bool = False, intercept: bool = False, **options: Any,
    ) -> Self:  # fmt: skip
        """The problem of a svmlight/LIBSVM file.

        Parameters
        ----------
        path : str or path
        zero_based : "auto", True or False
            Whether the first feature has the index 0; "auto": it has if the file names an index 0.
        ridge : float in [0, inf)
        x0 : float or array_like, (dim,)
        scale : bool, divide each column by its root mean square
        intercept : bool, add a column of ones
        options : further parameters of the problem

        Raises
        ------
        ValueError
            See `data.read_svmlight`; and for a column of zeros with scale=True, or labels that the loss does not know.
        """
        read = read_svmlight(path, zero_based)
        features = scaled_columns(read.features) if scale else read.features
        if intercept:
            features = with_intercept(features)
        return cls(features, cls.read_labels(read.labels), x0, ridge, **options)

    @property
    def rows(self) -> int:
        """Number n of rows."""
        return len(self.features)

    @property
    def parameters(self) -> FloatArray:
        f = self.features
        values, columns, starts = (*(part.ctypes.data for part in f.parts), 0, 0)[:3]
        numbers = [
            self.ridge,
            self.rows,
            self.code,
            self.width,
            values,
            self.labels.parts[0].ctypes.data,
            columns,
            starts,
        ]
        return np.array(numbers, dtype=np.float64)  # addresses lie far below 2^53

    @cached_property
    def _matrix(self) -> Any:
        return self.features.matrix

    @cached_property
    def _labels(self) -> FloatArray:
        return self.labels.matrix

    def predictions(self, x: ArrayLike) -> FloatArray:
        """<a_i, x> at points of shape (..., dim); result of shape (..., n)."""
        x = np.asarray(x, dtype=np.float64)
        return (self._matrix @ x.reshape(-1, self.dim).T).T.reshape(*x.shape[:-1], self.rows)

    def losses(self, z: FloatArray) -> FloatArray:
        """loss(z_i, y_i) at predictions of shape (..., n)."""
        raise NotImplementedError

    def slopes(self, z: FloatArray) -> FloatArray:
        """loss'(z_i, y_i) at predictions of shape (..., n)."""
        raise NotImplementedError

    def slope_norms(self, z: FloatArray) -> FloatArray:
        """|loss'(z_i, y_i)|"""
        return np.abs(self.slopes(z))

    def curvatures(self, z: FloatArray) -> FloatArray:
        """loss''(z_i, y_i) at predictions of shape (..., n)."""
        raise NotImplementedError

    def curvature_blocks(self, z: FloatArray) -> FloatArray:
        """Second derivatives of each row's loss in its K predictions, shape (..., n, K, K)."""
        return self.curvatures(z)[..., np.newaxis, np.newaxis]

    def value(self, x: ArrayLike) -> FloatOrArray:
        x = np.asarray(x, dtype=np.float64)
        flat = x.reshape(-1, self.dim)
        outputs = self.dim // self.features.shape[1]
        together = max(1, AT_ONCE // (self.rows * outputs))
        parts = [
            self.losses(self.predictions(flat[k : k + together])).mean(axis=-1)
            for k in range(0, len(flat), together)
        ]  # fmt: skip
        data = np.concatenate(parts).reshape(x.shape[:-1])
        return data + 0.5 * self.ridge * np.sum(np.square(x), axis=-1)

    def hessian(self, x: ArrayLike) -> FloatArray:
        x = np.asarray(x, dtype=np.float64)
        flat = [self._dense_hessian(point) for point in x.reshape(-1, self.dim)]
        return np.reshape(flat, (*x.shape, self.dim))

    def _dense_hessian(self, x: ArrayLike) -> FloatArray:
        return self._weighted_gram(self.curvatures(self.predictions(x))) / self.rows + self.ridge * np.eye(self.dim)

    def _weighted_gram(self, weights: FloatArray) -> FloatArray:
        """sum_i weight_i a_i a_i'"""
        if self.features.layout == "dense":
            return (self._matrix.T * weights) @ self._matrix
        scaled = self._matrix.copy()
        scaled.data = scaled.data * np.repeat(weights, np.diff(scaled.indptr))
        return (self._matrix.T @ scaled).toarray()

    @cached_property
    def _spectrum(self) -> tuple[float, float]:
        """Certified ends of the spectrum of A'A."""
        return spectrum(self._matrix)

    @cached_property
    def row_norms(self) -> FloatArray:
        """‖a_i‖, shape (n,)."""
        if self.features.layout == "dense":
            return np.linalg.norm(self._matrix, axis=1)
        values, _, starts = self.features.parts
        squares = np.empty(self.rows)
        kernels.sparse_squares(np.array([values.ctypes.data, starts.ctypes.data]), self.rows, squares)
        return np.sqrt(squares)

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(self.curvature * self._spectrum[1] / self.rows + self.ridge, 0.0)

    @cached_property
    def averaged_lipschitz(self) -> float:
        """L with mean_i ‖grad f_i(x) - grad f_i(y)‖² <= L² ‖x - y‖².

        grad f_i(x) - grad f_i(y) = (h_i a_i a_i' + ridge I)(x - y) with |h_i| <= curvature: by Minkowski's inequality
        L = curvature·sqrt(lambda_max(mean_i ‖a_i‖² a_i a_i')) + ridge.
        """
        return self.spread_lipschitz + self.ridge

    @cached_property
    def spread_lipschitz(self) -> float:
        """The same for the part of grad f_i that differs from row to row, without the ridge."""
        return self.curvature * float(np.sqrt(spectrum(self._matrix, self.row_norms)[1] / self.rows))

    def steepest(self, distance: ArrayLike) -> FloatArray:
        """sup |loss'| mean ‖a_i‖ + ridge (‖x0‖ + distance)."""
        with np.errstate(invalid="ignore"):  # inf times a ridge of 0
            pull = self.ridge * (float(np.linalg.norm(self.x0)) + np.asarray(distance)) if self.ridge > 0 else 0.0
        return self.slope_bound * float(np.mean(self.row_norms)) + pull + np.zeros(np.shape(distance))

    def slope_ranges(self, centre: FloatArray, radius: float) -> FloatArray:
        """sup |loss'| of each row on the ball of this radius, shape (n,).

        loss' of a convex loss increases, so the ends of the predictions <a_i, centre> ± radius ‖a_i‖ decide.
        """
        if not self.convex or not np.isfinite(radius):
            return np.full(self.rows, self.slope_bound)
        middle, reach = self.predictions(centre), radius * self.row_norms
        ends = np.abs([self.slopes(middle - reach), self.slopes(middle + reach)]).max(axis=0)
        return np.minimum(ends, self.slope_bound)

    @property
    def component_lipschitz(self) -> FloatArray:
        """Lipschitz constants of the gradients of the single rows, shape (n,)."""
        return self.curvature * self.row_norms**2 + self.ridge

    @property
    def strong_convexity(self) -> float:
        return self.ridge if self.convex else 0.0

    @property
    def minimiser(self) -> FloatArray | None:
        """Newton's w; None where it is not unique or not attained."""
        return self._optimum[0] if self.strong_convexity > 0 else None

    @property
    def f_star(self) -> float:
        return self._optimum[1]

    @property
    def f_star_attained(self) -> bool:
        return self.strong_convexity > 0

    @cached_property
    def _optimum(self) -> tuple[FloatArray, float]:
        """Newton's w and the certified lower bound f(w) - ‖grad f(w)‖²/(2 mu)."""
        if self.strong_convexity > 0:
            w = minimum(self)
            gradient = self.plain_gradient(w)
            return w, float(self.value(w)) - float(gradient @ gradient) / (2 * self.strong_convexity)
        return self._unridged()

    def _unridged(self) -> tuple[FloatArray, float]:
        """A point and a certified lower bound of inf f where f is not known to be strongly convex: f >= 0."""
        return self.x0, 0.0

    def plain_gradient(self, w: FloatArray) -> FloatArray:
        """grad f at one point, by NumPy: what certificates rest on."""
        return self._matrix.T @ self.slopes(self._matrix @ w) / self.rows + self.ridge * w

    def newton_step(self, w: FloatArray, gradient: FloatArray) -> FloatArray:
        """Newton's step at w; by conjugate gradients where the rows are sparse, so that no dim x dim matrix is made."""
        if self.features.layout == "dense":
            return np.linalg.lstsq(self._dense_hessian(w), gradient, rcond=None)[0]
        from scipy.sparse.linalg import LinearOperator, cg

        weights = self.curvatures(self._matrix @ w) / self.rows
        product = lambda v: self._matrix.T @ (weights * (self._matrix @ v)) + self.ridge * v  # noqa: E731
        return cg(LinearOperator((self.dim, self.dim), matvec=product), gradient, rtol=1e-10, maxiter=20 * self.dim)[0]
