"""Finite sums F = (1/n) sum f_i whose averaged smoothness is known in closed form; samples are drawn with replacement.

A batch of n or more component gradients is the full gradient.
"""

import math

import numpy as np

from ..problems import Cosh, Problem
from ..specs import POSITIVE, inf, integer, parameter, vector
from . import kernels
from .base import Oracle, unit_direction


def _features(first, second, exact):
    """Pairs (first_i, second_i), and last the exact means."""
    return np.append(np.stack([first, second], axis=1).ravel(), exact)


class EquispacedPhases(Oracle):
    """f_i = F + (sqrt2 sigma/w) sin(w<u,x> + 2 pi i/n), n >= 3: the noise lies along u.

    Sums of cos and cos² over n >= 3 equispaced phases are 0 and n/2, so the mean is F, the variance is sigma² and the
    differences have the second moment of `GaussianPhase`, hence its constants.

    Parameters
    ----------
    problem : Problem
    sigma : float in (0, inf)
    size : int n >= 3
    frequency : float w in (0, inf), H0/sigma by default
    direction : array_like, (dim,), the unit vector u; the first axis by default
    """

    problem: Problem
    sigma: float = parameter(POSITIVE, "sqrt of the variance")
    size: int = integer(3, "two phases do not average to the variance")
    frequency: float | None = parameter(POSITIVE, "w", default=None)
    direction: np.ndarray | None = vector(default=None)

    fill = kernels.equispaced_phases

    def validate(self):
        unit_direction(self)
        if self.frequency is None:
            self._normalise(frequency=self.hessian.L0 / self.sigma)

    @property
    def components(self):
        return self.size

    @property
    def variance(self):
        return self.sigma**2

    @property
    def parameters(self):
        phases = 2 * np.pi * np.arange(1, self.size + 1) / self.size
        scale = math.sqrt(2) * self.sigma
        table = _features(scale * np.cos(phases), scale * np.sin(phases), [0.0, 0.0])
        return np.concatenate([[self.size, self.frequency], table, unit_direction(self)])

    def _constants(self, a):
        return math.hypot(a * self.hessian.L0, self.sigma * self.frequency), a * self.hessian.L1


class ScaledComponents(Oracle):
    """f_i = b_i F with mean b_i = 1 and m2 = mean b_i²: averaged constants sqrt(m2) a (H0, H1), unbounded variance.

    Parameters
    ----------
    problem : Problem
    weights : array_like, (n,), with mean 1
    """

    problem: Problem
    weights: np.ndarray = vector()

    fill = kernels.scaled_components
    variance = inf

    def validate(self):
        mean = float(self.weights.mean())
        if not abs(mean - 1) < 1e-12:
            raise ValueError(
                f"ScaledComponents: weights must have the mean 1, but their mean is {mean:.15g}; divide by it"
            )

    @property
    def components(self):
        return self.weights.size

    @property
    def parameters(self):
        table = _features(self.weights, np.zeros_like(self.weights), [1.0, 0.0])
        return np.concatenate([[self.weights.size], table])

    def _constants(self, a):
        root = a * math.sqrt(float(np.mean(np.square(self.weights))))
        return root * self.hessian.L0, root * self.hessian.L1


class ShiftedCosh(Oracle):
    """f_i = cosh(x - b_i), b symmetric about 0: F = m cosh x, m = mean cosh b, the problem being Cosh(m, 1, x0).

    Averaged constants a·(sqrt((1 + M2)/2), sqrt(M2)/m), M2 = mean cosh 2b, with H1 = sqrt(M2)/m in a. Unbounded variance.

    Parameters
    ----------
    problem : Cosh of one coordinate, amplitude m and rate 1; `ShiftedCosh.of(shifts, x0)` builds both
    shifts : array_like, (n,), symmetric about 0
    """

    problem: Problem
    shifts: np.ndarray = vector()

    fill = kernels.shifted_cosh
    variance = inf

    @classmethod
    def of(cls, shifts, x0):
        """The oracle together with its problem m cosh x."""
        return cls(Cosh(float(np.mean(np.cosh(shifts))), 1.0, x0), shifts)

    def validate(self):
        ordered = np.sort(self.shifts)
        if not np.allclose(ordered, -ordered[::-1], rtol=0, atol=1e-12):
            raise ValueError("ShiftedCosh: shifts must be symmetric about 0, so that F is a multiple of cosh x")
        wanted = (self._m, 1.0, 1)
        given = getattr(self.problem, "amplitude", None), getattr(self.problem, "rate", None), self.problem.dim
        if not isinstance(self.problem, Cosh) or not np.allclose(given, wanted, rtol=1e-12):
            raise ValueError(
                f"ShiftedCosh: problem must be Cosh({self._m:.17g}, 1.0, x0) on the line, but {self.problem!r} was given;"
                " ShiftedCosh.of(shifts, x0) builds it"
            )

    @property
    def _m(self):
        return float(np.mean(np.cosh(self.shifts)))

    @property
    def _M2(self):
        return float(np.mean(np.cosh(2 * self.shifts)))

    @property
    def components(self):
        return self.shifts.size

    @property
    def parameters(self):
        table = _features(np.cosh(self.shifts), np.sinh(self.shifts), [self._m, 0.0])
        return np.concatenate([[self.shifts.size, self._m], table])

    @property
    def _rate(self):
        return math.sqrt(self._M2) / self._m

    def _constants(self, a):
        return a * math.sqrt((1 + self._M2) / 2), a * self._rate
