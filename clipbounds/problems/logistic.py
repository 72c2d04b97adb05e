"""Logistic regression on data, with L from the spectrum and f* certified by a duality gap."""

from functools import cached_property

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import NON_NEGATIVE, parameter, vector
from . import profile_kernels as kernels
from .base import Problem

BUNDLED = ("breast_cancer", "digits")


class Logistic(Problem):
    """f(w) = (1/n) sum_i ln(1 + e^{-y_i <x_i, w>}) + ridge ‖w‖²/2.

    L = lambda_max(X'X)/(4n) + ridge. f_star comes from Newton's method and is certified from below: with a ridge by
    f(w) - ‖grad f(w)‖²/(2 ridge), without one by the dual value (1/n) sum h(a_i), h the entropy in nats, at a in
    [0,1]^n with sum a_i y_i x_i = 0; it is 0, not attained, for separable data.

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
            raise ValueError("Logistic.bundled: scikit-learn is not installed; install clipbounds[data]") from None
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

    def distance(self, x):
        """Distance to the approximate minimiser of Newton's method; None for separable data without a ridge."""
        optimum = self._optimum[0]
        return None if optimum is None else np.linalg.norm(np.asarray(x, dtype=np.float64) - optimum, axis=-1)

    @property
    def minimiser(self):
        return self._optimum[0]

    @property
    def f_star(self):
        return self._optimum[1]

    @cached_property
    def duality_gap(self):
        """f(w) - f_star >= f(w) - inf f at the w of Newton's method; 0 for separable data."""
        optimum, lower = self._optimum
        return 0.0 if optimum is None else float(self.value(optimum)) - lower

    @cached_property
    def _optimum(self):
        """Newton's w and the certified lower bound of inf f; (None, 0) for separable data without a ridge."""
        if self.ridge == 0 and self._separable():
            return None, 0.0
        w = self._newton()
        if self.ridge > 0:
            gradient = self._gradient(w)
            return w, float(self.value(w)) - float(gradient @ gradient) / (2 * self.ridge)
        return w, self._dual_value(w)

    def _gradient(self, w):
        return self.ridge * w - self._rows.T @ _sigmoid(-(self._rows @ w)) / len(self._rows)

    def _separable(self):
        """Whether some w has y_i <x_i, w> >= 0 for all i and is not 0 on all: then no minimiser exists."""
        from scipy.optimize import linprog

        rows = self._rows
        answer = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=[(-1, 1)] * self.dim)
        if answer.fun > -1e-9:
            return False
        if np.all(rows @ answer.x > 0):
            return True
        raise ValueError(
            "Logistic: the data are quasi-separable, so inf f is not attained and no certificate is known;"
            " give ridge > 0"
        )

    def _newton(self):
        w = np.zeros(self.dim)
        for _ in range(200):
            gradient = self._gradient(w)
            step = np.linalg.lstsq(self.hessian(w), gradient, rcond=None)[0]
            decrease = float(gradient @ step)
            if decrease < 1e-28:
                break
            size = 1.0
            while size > 1e-10 and self.value(w - size * step) > self.value(w) - 0.25 * size * decrease:
                size *= 0.5
            if size <= 1e-10:
                break
            w = w - size * step
        return w

    def _dual_value(self, w):
        """(1/n) sum h(a_i) at the projection of a_i = s(-y_i <x_i, w>) on sum a_i y_i x_i = 0."""
        rows = self._rows
        a = _sigmoid(-(rows @ w))
        for _ in range(3):  # refined, because one projection leaves its own rounding
            a = np.clip(a - rows @ np.linalg.lstsq(rows.T @ rows, rows.T @ a, rcond=None)[0], 0.0, 1.0)
        residual = np.linalg.norm(rows.T @ a) / len(rows)
        if residual > 1e-12:
            raise ValueError(f"Logistic: the dual point misses its constraint by {residual:.1e}; give ridge > 0")
        inner = np.clip(a, 1e-300, 1 - 1e-16)
        entropy = -inner * np.log(inner) - (1 - inner) * np.log1p(-inner)
        # f(v) >= mean entropy - residual·‖v‖ for every v, and v = w up to a factor is where the infimum lies
        return float(entropy.mean()) - residual * (1 + 2 * float(np.linalg.norm(w)))


def _sigmoid(t):
    return 0.5 * (1 + np.tanh(0.5 * t))
