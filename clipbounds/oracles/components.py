"""Finite sums F = (1/n) sum f_i whose averaged smoothness is known in closed form; samples are drawn with replacement.

A batch of n or more component gradients is the full gradient.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Cosh, Problem
from ..specs import POSITIVE, OptionalVector, Part, Vector, inf, integer, parameter, vector
from . import kernels
from .base import Oracle, unit_direction

if TYPE_CHECKING:
    from typing import Any, Self

    from ..array_types import FloatArray


def _features(first: FloatArray, second: FloatArray, exact: list[float]) -> FloatArray:
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

    problem: Part[Problem]
    sigma: float = parameter(POSITIVE, "sqrt of the variance")
    size: int = integer(3, "two phases do not average to the variance")
    frequency: float | None = parameter(POSITIVE, "w", default=None)
    direction: OptionalVector = vector(default=None)

    fill = kernels.equispaced_phases

    def validate(self) -> None:
        unit_direction(self)
        if self.frequency is None:
            self._normalise(frequency=self.hessian.L0 / self.sigma)

    @property
    def components(self) -> int:
        return self.size

    @property
    def variance(self) -> float:
        return self.sigma**2

    @property
    def parameters(self) -> FloatArray:
        phases = 2 * np.pi * np.arange(1, self.size + 1) / self.size
        scale = math.sqrt(2) * self.sigma
        table = _features(scale * np.cos(phases), scale * np.sin(phases), [0.0, 0.0])
        return np.concatenate([[self.size, self.frequency], table, unit_direction(self)])

    def _constants(self, a: float) -> tuple[float, float]:
        frequency: Any = self.frequency
        return math.hypot(a * self.hessian.L0, self.sigma * frequency), a * self.hessian.L1


class ScaledComponents(Oracle):
    """f_i = b_i F with mean b_i = 1 and m2 = mean b_i²: averaged constants sqrt(m2) a (H0, H1), unbounded variance.

    Parameters
    ----------
    problem : Problem
    weights : array_like, (n,), with mean 1
    """

    problem: Part[Problem]
    weights: Vector = vector()

    fill = kernels.scaled_components
    variance = inf

    def validate(self) -> None:
        mean = float(self.weights.mean())
        if not abs(mean - 1) < 1e-12:
            raise ValueError(
                f"ScaledComponents: weights must have the mean 1, but their mean is {mean:.15g}; divide by it"
            )

    @property
    def components(self) -> int:
        return self.weights.size

    @property
    def parameters(self) -> FloatArray:
        table = _features(self.weights, np.zeros_like(self.weights), [1.0, 0.0])
        return np.concatenate([[self.weights.size], table])

    def _constants(self, a: float) -> tuple[float, float]:
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

    problem: Part[Problem]
    shifts: Vector = vector()

    fill = kernels.shifted_cosh
    variance = inf

    @classmethod
    def of(cls, shifts: list[float], x0: list[float]) -> Self:
        """The oracle together with its problem m cosh x."""
        return cls(Cosh(float(np.mean(np.cosh(shifts))), 1.0, x0), shifts)

    def validate(self) -> None:
        ordered = np.sort(self.shifts)
        if not np.allclose(ordered, -ordered[::-1], rtol=0, atol=1e-12):
            raise ValueError("ShiftedCosh: shifts must be symmetric about 0, so that F is a multiple of cosh x")
        wanted = (self._m, 1.0, 1)
        given: tuple[Any, ...] = (
            getattr(self.problem, "amplitude", None),
            getattr(self.problem, "rate", None),
            self.problem.dim,
        )
        if not isinstance(self.problem, Cosh) or not np.allclose(given, wanted, rtol=1e-12):
            raise ValueError(
                f"ShiftedCosh: problem must be Cosh({self._m:.17g}, 1.0, x0) on the line, but {self.problem!r} was given;"
                " ShiftedCosh.of(shifts, x0) builds it"
            )

    @property
    def _m(self) -> float:
        return float(np.mean(np.cosh(self.shifts)))

    @property
    def _M2(self) -> float:
        return float(np.mean(np.cosh(2 * self.shifts)))

    @property
    def components(self) -> int:
        return self.shifts.size

    @property
    def parameters(self) -> FloatArray:
        table = _features(np.cosh(self.shifts), np.sinh(self.shifts), [self._m, 0.0])
        return np.concatenate([[self.shifts.size, self._m], table])

    @property
    def _rate(self) -> float:
        return math.sqrt(self._M2) / self._m

    def _constants(self, a: float) -> tuple[float, float]:
        return a * math.sqrt((1 + self._M2) / 2), a * self._rate
