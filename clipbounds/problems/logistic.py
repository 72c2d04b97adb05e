"""Logistic regression on data, with L from the spectrum and f* certified by a duality gap."""

from functools import cached_property

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import NON_NEGATIVE, parameter, vector
from . import profile_kernels as kernels
from .base import Problem

EPS = float(np.finfo(np.float64).eps)
BUNDLED = ("breast_cancer", "digits")


class Logistic(Problem):
    """f(w) = (1/n) sum_i ln(1 + e^{-y_i <x_i, w>}) + ridge ‖w‖²/2.

    L = lambda_max(X'X)/(4n) + ridge. f_star comes from Newton's method and is certified from below: with a ridge by
    f(w) - ‖grad f(w)‖²/(2 ridge), without one by the dual value (1/n) sum h(a_i), h the entropy in nats, at a in
    [0,1]^n with sum a_i y_i x_i = 0. Rows whose loss a direction of recession drives to 0 have a_i = 0; if these are all
    rows, the data are separable and f_star = 0 is not attained.

    Parameters
    ----------
    features : array_like, (n, dim); stored row by row
    labels : array_like, (n,), each -1 or 1
    x0 : array_like, (dim,)
    ridge : float in [0, inf)
    """

    features: np.ndarray
    labels: np.ndarray = vector()
    x0: np.ndarray = vector()
    ridge: float = parameter(NON_NEGATIVE, default=0.0)

    gradient_kernel = kernels.logistic_regression
    certificate = Certificate("proved", "L from the spectrum, f* from a duality gap, both in floating point")
    convex = True

    def validate(self):
        features = np.asarray(self.features, dtype=np.float64)
        if features.size != self.labels.size * self.dim or not np.all(np.isfinite(features)):
            raise ValueError(
                f"Logistic: features must be {self.labels.size} x {self.dim} finite numbers (labels x entries of x0),"
                f" but the shape {features.shape} was given"
            )
        if not np.all(np.abs(self.labels) == 1):
            raise ValueError("Logistic: labels must be -1 or 1, but other values were given")
        self._normalise(features=features.ravel())

    @classmethod
    def bundled(cls, name, ridge=0.0, x0=0.0):
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
        if name not in BUNDLED:
            raise ValueError(
                f"Logistic.bundled: the data set must be one of {', '.join(BUNDLED)}, but {name!r} was given"
            )
        try:
            from sklearn import datasets
        except ImportError:
            raise ValueError('Logistic.bundled needs scikit-learn; pip install "clipbounds[data]"') from None
        raw, target = getattr(datasets, f"load_{name}")(return_X_y=True)
        positive = target == 1 if name == "breast_cancer" else target % 2 == 0
        spread = raw.std(axis=0)
        columns = (raw - raw.mean(axis=0))[:, spread > 0] / spread[spread > 0]
        features = np.column_stack([columns, np.ones(len(raw))])
        start = np.broadcast_to(np.asarray(x0, dtype=np.float64), (features.shape[1],))
        return cls(features, np.where(positive, 1.0, -1.0), start, ridge)

    @cached_property
    def _rows(self):
        """y_i x_i, shape (n, dim)."""
        return self.features.reshape(self.labels.size, self.dim) * self.labels[:, None]

    @property
    def parameters(self):
        return np.concatenate([[self.ridge, self.labels.size], self._rows.ravel()])

    def value(self, x):
        x = np.asarray(x, dtype=np.float64)
        margins = x @ self._rows.T
        return np.logaddexp(0.0, -margins).mean(axis=-1) + 0.5 * self.ridge * np.sum(np.square(x), axis=-1)

    @cached_property
    def smoothness(self):
        top = np.linalg.norm(self._rows, 2) ** 2
        return HessianSmoothness(float(top / (4 * self.labels.size)) * (1 + 1e-12) + self.ridge, 0.0)

    @property
    def strong_convexity(self):
        return self.ridge

    def hessian(self, x):
        margins = np.asarray(x, dtype=np.float64) @ self._rows.T
        weights = 0.25 / np.square(np.cosh(0.5 * np.clip(margins, -700, 700)))
        rows = self._rows
        return np.einsum("...i,ij,ik->...jk", weights, rows, rows) / len(rows) + self.ridge * np.eye(self.dim)

    @property
    def minimiser(self):
        """Newton's w; None where the infimum is not attained."""
        return self._optimum[0] if self.f_star_attained else None

    @property
    def f_star(self):
        return self._optimum[2]

    @property
    def f_star_attained(self):
        return self.ridge > 0 or not self._face[1].any()

    @property
    def duality_gap(self):
        """An upper bound of inf f - f_star: f at Newton's w, far out along the direction of recession, minus f_star."""
        w, far, lower = self._optimum
        return float(self.value(w + far)) - lower

    @cached_property
    def _optimum(self):
        """Newton's w, a multiple of the direction of recession, and the certified lower bound of inf f."""
        rows = self._rows
        if self.ridge > 0:
            w = self._newton(rows)
            gradient = self._gradient(w, rows)
            lower = float(self.value(w)) - float(gradient @ gradient) / (2 * self.ridge)
            return w, np.zeros(self.dim), lower
        kept, direction = self._face
        far = direction
        if direction.any():
            far = direction * 100 / (rows @ direction)[~kept].min()
        if not kept.any():
            return np.zeros(self.dim), far, 0.0
        w = self._newton(rows[kept])
        return w, far, self._dual_value(w, rows[kept])

    @cached_property
    def _face(self):
        """Rows that no direction of recession can satisfy for good, and such a direction for all the others.

        Maximising sum_i <y_i x_i, v> over <y_i x_i, v> >= 0, ‖v‖_inf <= 1 finds rows whose loss tends to 0 along v;
        they leave, and the search is repeated among the others. All rows leave: separable. None: inf f is attained.
        """
        from scipy.optimize import linprog

        rows = self._rows
        kept = np.ones(len(rows), dtype=bool)
        direction = np.zeros(self.dim)
        while kept.any():
            inside = rows[kept]
            answer = linprog(-inside.sum(axis=0), A_ub=-inside, b_ub=np.zeros(len(inside)), bounds=[(-1, 1)] * self.dim)
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

    def _gradient(self, w, rows):
        return self.ridge * w - rows.T @ _sigmoid(-(rows @ w)) / len(self._rows)

    def _newton(self, rows):
        def loss(w):
            return np.logaddexp(0.0, -rows @ w).sum() / len(self._rows) + 0.5 * self.ridge * w @ w

        w = np.zeros(self.dim)
        for _ in range(200):
            gradient = self._gradient(w, rows)
            step = np.linalg.lstsq(self._curvature(w, rows), gradient, rcond=None)[0]
            decrease = float(gradient @ step)
            size, here = 1.0, loss(w)
            while size > 1e-10 and loss(w - size * step) > here - 0.25 * size * decrease:
                size *= 0.5
            if decrease <= 4 * EPS * here or size <= 1e-10:  # what is left to gain is below the rounding of the loss
                break
            w = w - size * step
        return self._polished(w, rows)

    def _polished(self, w, rows):
        """Full steps of Newton's method from near the minimum, for as long as they halve the gradient.

        There the loss cannot tell one point from the next, and the gradient still can: what remains is its rounding.
        """
        gradient = self._gradient(w, rows)
        for _ in range(50):
            nearer = w - np.linalg.lstsq(self._curvature(w, rows), gradient, rcond=None)[0]
            then = self._gradient(nearer, rows)
            if not np.linalg.norm(then) < 0.5 * np.linalg.norm(gradient):
                break
            w, gradient = nearer, then
        return w

    def _curvature(self, w, rows):
        weights = _sigmoid(rows @ w) * _sigmoid(-(rows @ w)) / len(self._rows)
        return (rows * weights[:, None]).T @ rows + self.ridge * np.eye(self.dim)

    def _dual_value(self, w, rows):
        """(1/n) sum h(a_i) at the projection of a_i = s(-y_i <x_i, w>) on sum a_i y_i x_i = 0."""
        a = _sigmoid(-(rows @ w))
        for _ in range(3):  # repeated, because one projection leaves its own rounding
            a = np.clip(a - rows @ np.linalg.lstsq(rows.T @ rows, rows.T @ a, rcond=None)[0], 0.0, 1.0)
        residual = np.linalg.norm(rows.T @ a) / len(self._rows)
        if residual > 1e-12:
            raise ValueError(f"Logistic: the dual point misses its constraint by {residual:.1e}; give ridge > 0")
        inner = np.clip(a, 1e-300, 1 - 1e-16)
        entropy = -inner * np.log(inner) - (1 - inner) * np.log1p(-inner)
        # f(v) >= this - residual ‖v‖ for every v: the rounding is charged at the size of w
        return float(entropy.sum()) / len(self._rows) - residual * (1 + 2 * float(np.linalg.norm(w)))


def _sigmoid(t):
    return 0.5 * (1 + np.tanh(0.5 * t))
