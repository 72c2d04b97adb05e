"""The chain that reveals one coordinate after the other (Carmon, Duchi, Hinder, Sidford, *Lower bounds for finding
stationary points I*, 2020)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..facts import Certificate, HessianSmoothness
from ..specs import integer
from . import ramp_kernels
from .base import Problem

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from ..facts import FirstOrderSmoothness


def _psi(t: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(t > 0.5, np.exp(1 - 1 / np.square(np.maximum(2 * t - 1, 0.0))), 0.0)


def _phi(t: FloatArray) -> FloatOrArray:
    from scipy.special import erfc

    return ramp_kernels.HALF_PHI * erfc(-t * ramp_kernels.SQRT_HALF)


class ZeroChain(Problem):
    """f(x) = -Psi(1)Phi(x_1) + sum_{i=2..T} [Psi(-x_{i-1})Phi(-x_i) - Psi(x_{i-1})Phi(x_i)], from x0 = 0.

    Psi(t) = e^{1-1/(2t-1)²} for t > 1/2, else 0; Phi(t) = sqrt(e) int_{-inf}^t e^{-u²/2} du. ‖grad f‖ > 1 while some
    |x_i| < 1 [paper]. Certified: f >= -Phi(inf)(1 + e (T - 1)), because 0 <= Psi < e, 0 < Phi < Phi(inf) = sqrt(2 pi e) and
    only one of the two products of a term is not 0. The Lipschitz constant 152 is the paper's, not re-derived here.

    Parameters
    ----------
    length : int T >= 1
    """

    length: int = integer(1)

    gradient_kernel = ramp_kernels.zero_chain
    certificate = Certificate("sampled", "the Lipschitz constant 152 of Carmon et al. is not re-derived here")

    @property
    def x0(self) -> FloatArray:
        return np.zeros(self.length)

    @property
    def parameters(self) -> FloatArray:
        return np.zeros(1)

    def value(self, x: ArrayLike) -> FloatOrArray:
        x = np.asarray(x, dtype=np.float64)
        before, after = x[..., :-1], x[..., 1:]
        terms = _psi(-before) * _phi(-after) - _psi(before) * _phi(after)
        return -_phi(x[..., 0]) + np.sum(terms, axis=-1)

    @property
    def f_star(self) -> float:
        return -2 * ramp_kernels.HALF_PHI * (1 + math.e * (self.length - 1))

    @property
    def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness:
        return HessianSmoothness(152.0, 0.0)
