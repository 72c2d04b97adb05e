"""Where growing clipping is on average, without sampling: the averaged equation on a line. A prediction, never a bound.

With h(x, T) = sum_i w_i E C_T(f_i'(x) + xi_i) the mean of the iterate follows, up to lower orders in the step theta/s,
dx/ds = -(theta/s) h(x, T_s), and its variance dV/ds = -2 (theta/s) h'(x, T_s) V + (theta/s)² sum_i w_i² Var C_T(f_i'(x) + xi_i).
For Lomax noise of index alpha < 2 and clients that differ, h(x*, T) = -c_1 T^{-alpha} + c_2 T^{-2} + ...: the first part is what clipping
takes from noisy clients, the second is the curvature of the smooth operator. They may have opposite signs, and then the bias
x - x* passes through 0 on its way; around that step the exponent of the error says nothing about its limit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...noise import SymmetricLomax
from ...problems import ClientQuadratics
from ...specs import Interval

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray

NODES, DEEPEST, STRIDE = 400, 45.0, 0.01  # of the quadrature in -log P(|xi| > x), and the step in log s


@dataclasses.dataclass(frozen=True)
class AveragedPath:
    """Arrays over s: the step, the bias x - x* and the variance; ``squared`` is bias² + variance."""

    steps: np.ndarray
    bias: np.ndarray
    variance: np.ndarray

    @property
    def squared(self) -> np.ndarray:
        return np.square(self.bias) + self.variance

    def exponent(self, first: float, last: float, points: int = 41) -> float:
        """Minus the slope of log(squared) against log s, least squares on `points` steps spread evenly in log s."""
        u = np.linspace(np.log(first), np.log(last), points)
        return -float(np.polyfit(u, np.interp(u, np.log(self.steps), np.log(self.squared)), 1)[0])

    @property
    def crossings(self) -> np.ndarray:
        """The steps at which the bias changes its sign."""
        signs = np.sign(self.bias)
        return self.steps[1:][signs[1:] * signs[:-1] < 0]


def averaged_path(
    problem: ClientQuadratics,
    noise: SymmetricLomax,
    theta: float,
    threshold: float,
    power: float,
    last: float,
    smooth: bool = True,
) -> AveragedPath:
    """The averaged equation of `GrowingSmoothClip.standard(theta, threshold, power)`, from the first step to s = last.

    Parameters
    ----------
    problem : ClientQuadratics on the line
    noise : SymmetricLomax
    theta, threshold : float in (0, inf)
    power : float q in (0, 1)
    last : float > 1
    smooth : bool; False for the hard clip

    Returns
    -------
    AveragedPath
    """
    if not (isinstance(problem, ClientQuadratics) and problem.dim == 1 and isinstance(noise, SymmetricLomax)):
        raise ValueError("averaged_path: expected quadratic clients on the line and SymmetricLomax noise")
    for name, value, domain in (("theta", theta, Interval(0, np.inf)), ("threshold", threshold, Interval(0, np.inf)),
                                ("power", power, Interval(0, 1)), ("last", last, Interval(1, np.inf))):  # fmt: skip
        if not domain.contains(value):
            raise ValueError(f"averaged_path: {name} must be in {domain}, but {value!r} was given")
    a, b, w = problem.hessians[:, 0, 0], problem.minimisers[:, 0], np.asarray(problem.weights)
    x_star, scales = float(problem.minimiser[0]), np.asarray(problem.noise_scales)[:, np.newaxis]
    node, weight = np.polynomial.legendre.leggauss(NODES)
    tail = DEEPEST * (node + 1) / 2  # P(|xi| > x) = e^{-tail}
    share = weight * DEEPEST / 2 * np.exp(-tail)
    size = scales * noise.scale * np.expm1(tail / noise.tail_index)

    def clip(y: FloatArray, T: float) -> FloatArray:
        return y / np.hypot(1.0, y / T) if smooth else np.clip(y, -T, T)

    def moments(x: float, T: float) -> tuple[FloatArray, FloatArray]:
        u = (a * (x - b))[:, np.newaxis]
        up, down = clip(u + size, T), clip(u - size, T)
        return (0.5 * (up + down)) @ share, (0.5 * (up**2 + down**2)) @ share

    def rates(x: float, V: float, s: float) -> tuple[FloatOrArray, FloatOrArray]:
        T = threshold * s**power
        first, second = moments(x, T)
        h = 1e-4 * max(1.0, abs(x - x_star))
        slope = (w @ moments(x + h, T)[0] - w @ moments(x - h, T)[0]) / (2 * h)
        return -theta * (w @ first), -2 * theta * slope * V + theta**2 / s * (w**2 @ (second - first**2))

    logs = np.linspace(0.0, np.log(last), int(np.ceil(np.log(last) / STRIDE)) + 1)
    x, V, path = float(problem.x0[0]), 0.0, []
    for low, high in zip(logs, [*logs[1:], logs[-1]], strict=True):
        path.append((x - x_star, V))
        first = rates(x, V, np.exp(low))
        ahead = rates(x + (high - low) * first[0], V + (high - low) * first[1], np.exp(high))
        x, V = (v + (high - low) * (p + q) / 2 for v, p, q in zip((x, V), first, ahead, strict=True))
    bias, variance = np.array(path).T
    return AveragedPath(np.exp(logs), bias, variance)
