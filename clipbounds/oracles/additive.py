"""Noise that does not depend on the point, no noise, and the oracle of the zero-chain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..noise.kernels import gaussian
from ..problems import Problem
from ..problems.zero_chain import ZeroChain
from ..specs import POSITIVE, Interval, Part, inf, integer, parameter
from . import kernels
from .base import Oracle, noisy_coordinates

if TYPE_CHECKING:
    from ..array_types import FloatArray


class Exact(Oracle):
    """The gradient itself, at the cost of one evaluation.

    Parameters
    ----------
    problem : Problem
    """

    problem: Part[Problem]

    fill = kernels.exact
    variance = 0.0
    parameters = np.zeros(1)


class _Additive(Oracle):
    if TYPE_CHECKING:

        @property
        def sigma(self) -> float: ...

    def validate(self) -> None:
        noisy_coordinates(self)

    @property
    def variance(self) -> float:
        return self.sigma**2

    @property
    def _scale(self) -> float:
        return self.sigma / math.sqrt(noisy_coordinates(self))


class Additive(_Additive):
    """Gaussian noise of variance sigma² that is the same at all points: differences of gradients are exact.

    Averaged constants a(H0, H1). Batch means of any size are sampled exactly; evaluations are counted.

    Parameters
    ----------
    problem : Problem
    sigma : float in (0, inf)
    quiet : int >= 0, leading coordinates that carry no noise
    """

    problem: Part[Problem]
    sigma: float = parameter(POSITIVE, "sqrt of the variance")
    quiet: int = integer(0, default=0)

    fill = kernels.additive
    kurtosis = 3.0

    @property
    def parameters(self) -> FloatArray:
        return np.array([self._scale, gaussian.address, self.quiet])


class RademacherNoise(_Additive):
    """±sigma/sqrt D on each of the D = dim - quiet coordinates: ‖noise‖ = sigma always. Batches are performed.

    Parameters
    ----------
    problem : Problem
    sigma : float in (0, inf)
    quiet : int >= 0, leading coordinates that carry no noise
    """

    problem: Part[Problem]
    sigma: float = parameter(POSITIVE, "the norm of the noise")
    quiet: int = integer(0, default=0)

    fill = kernels.rademacher
    kurtosis = 1.0

    @property
    def parameters(self) -> FloatArray:
        return np.array([self._scale, self.quiet])

    def vector_bound(self, dim: int) -> float:
        return self.sigma


class ZeroChainOracle(Oracle):
    """Reveals the next coordinate of a chain with probability p: components behind i0 are multiplied by z/p, z Bernoulli(p).

    i0 is the largest i with |x_i| > 1/4 (0 if there is none).

    Parameters
    ----------
    problem : ZeroChain
    probability : float p in (0, 1]
    """

    problem: Part[Problem]
    probability: float = parameter(Interval(0, 1, closed_high=True), "chance of a reveal in one query")

    fill = kernels.zero_chain
    variance = inf  # (1/p - 1)·sup of the hidden components, which no page certifies

    def validate(self) -> None:
        if not isinstance(self.problem, ZeroChain):
            raise ValueError(f"ZeroChainOracle: problem must be a ZeroChain, but {self.problem!r} was given")

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.probability, 0.25])
