"""Gaussian phases: the default oracle, with exact batch means of any size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..noise.kernels import gaussian
from ..problems import Problem
from ..specs import POSITIVE, OptionalVector, Part, integer, parameter, vector
from . import kernels
from .base import Oracle, noisy_coordinates, unit_direction

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray


class GaussianPhase(Oracle):
    """noise_j(x) = (sigma/sqrt D)(A_j cos w<u,x> + B_j sin w<u,x>), A, B standard normal, ‖u‖ = 1.

    Variance sigma² exactly, because cos² + sin² = 1, and E‖noise(x) - noise(y)‖² = 2 sigma² (1 - cos w<u,x-y>), at most
    (sigma w)²‖x-y‖². With independent noise the squares add: averaged constants L0 = sqrt((a H0)² + (sigma w)²),
    L1 = a H1. The mean of a batch of any size S is the same formula with A, B of variance 1/S: D pairs of normals, so
    the cost of one iteration does not depend on the batch size; evaluations are counted, not performed.

    Parameters
    ----------
    problem : Problem
    sigma : float in (0, inf)
    frequency : float w in (0, inf), H0/sigma by default
    quiet : int >= 0, leading coordinates that carry no noise (D = dim - quiet)
    direction : array_like, (dim,), the unit vector u; the first axis by default
    """

    problem: Part[Problem]
    sigma: float = parameter(POSITIVE, "sqrt of the variance")
    frequency: float | None = parameter(POSITIVE, "w", default=None)
    quiet: int = integer(0, default=0)
    direction: OptionalVector = vector(default=None)

    fill = kernels.gaussian_phase
    kurtosis = 3.0  # Gaussian at every point

    def validate(self) -> None:
        noisy_coordinates(self)
        unit_direction(self)
        if self.frequency is None:
            self._normalise(frequency=self.hessian.L0 / self.sigma)

    @property
    def variance(self) -> float:
        return self.sigma**2

    @property
    def parameters(self) -> FloatArray:
        scale = self.sigma / math.sqrt(noisy_coordinates(self))
        return np.concatenate([[scale, gaussian.address, self.quiet, self.frequency], unit_direction(self)])

    def _constants(self, a: float) -> tuple[float, float]:
        frequency: Any = self.frequency
        return math.hypot(a * self.hessian.L0, self.sigma * frequency), a * self.hessian.L1
