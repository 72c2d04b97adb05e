r"""Second moments of SGD without clipping on a quadratic: closed forms, in any dimension.

x_{t+1} = (1 - eta lambda) x_t - eta xi_t in each coordinate, xi_t centred and independent of x_t with the variance v (of a batch: the
B-th part). With q = 1 - eta lambda and S_t = sum_{s<t} q^{2s},

    E x_t² = q^{2t} x_0² + eta² v S_t,      (1/t) sum_{s<t} E x_s² = (1/t) [S_t x_0² + eta² v sum_{s<t} S_s],

and with a = 1 - q²: S_t = (1 - q^{2t})/a and sum_{s<t} S_s = (t - S_t)/a, or t and t (t-1)/2 for a = 0. The gap is the sum of lambda/2 times
the former, the mean squared gradient norm that of lambda² times the latter. Components of the noise may depend on each other: v is that of
one component, E xi² for independent ones, E xi²/d for a radial noise and u_k² E xi² along a vector u.

The differences cancel, so everything is computed with 60 digits; what is left is the error of the variance, that of the moments of
the laws, and the rounding of the result.
"""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Identity
from ..methods import SGD, ClippedSGD
from ..noise.base import ALONG, RADIAL
from ..problems import Quadratic
from .curves import MeanCurves

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray
    from ..methods.base import Setting

NAMES = ("gap", "mean_squared_gradient_norm")
DIGITS = 60
MOMENTS = 1e-12  # relative error of a law's moments: tests/noise/test_fifty_digits.py


def unclipped(setting: Setting) -> bool:
    return isinstance(setting.method, (SGD, ClippedSGD)) and isinstance(setting.method.operator, Identity)


def why_not(setting: Setting) -> str | None:
    """Why an unclipped setting has no closed form here, or None."""
    problem, noise, method = setting.problem, setting.noise, setting.method
    if not isinstance(problem, Quadratic):
        return f"without clipping the problem must be Quadratic, but is {type(problem).__name__}"
    if method.momentum != 0 or method.scheduled:
        return "without clipping the step size must be a constant and the momentum 0"
    if method.averages:
        return "averages of the iterates are measured on trajectories, but averages=True was given"
    if not noise.additive:
        return f"the noise must be additive, but is {type(noise).__name__}"
    if not np.isfinite(noise.variance):
        return f"without clipping the noise must have a finite variance, but {type(noise).__name__} has none"
    return None


def variances(setting: Setting) -> FloatArray:
    """E xi_k² of a step in each coordinate."""
    noise, dim = setting.noise, setting.problem.dim
    shares = (
        np.square(noise.along) if noise.layout == ALONG else np.full(dim, 1 / dim if noise.layout == RADIAL else 1.0)
    )
    return noise.variance / setting.method.batch_size * shares


def linear_curves(setting: Setting, at: IntArray) -> MeanCurves:
    """`mean_curves` of an unclipped setting, at checked arguments.

    Raises
    ------
    ValueError
        If a mean is beyond the floats.
    """
    problem = setting.problem
    columns = np.stack([problem.eigenvalues, np.abs(problem.x0), variances(setting)], axis=1)
    kinds, counts = np.unique(columns[problem.eigenvalues > 0], axis=0, return_counts=True)
    found = np.empty((2, at.size))
    with decimal.localcontext(decimal.Context(prec=DIGITS, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)):
        for k, t in enumerate(at.tolist()):
            gap = square = decimal.Decimal(0)
            for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
                curvature = decimal.Decimal(kind[0])
                last, mean = _moments(setting.method.step_size, kind, t)
                gap += count * curvature / 2 * last
                square += count * curvature**2 * mean
            found[:, k] = float(gap), float(square)
    if not np.all(np.isfinite(found)):
        raise ValueError("mean_curves: a mean is beyond the floats at these steps; give fewer steps")
    values = dict(zip(NAMES, found, strict=True))
    return MeanCurves(at, values, {name: MOMENTS * value for name, value in values.items()}, 0)


def _moments(step_size: float, kind: list[float], t: int) -> tuple[decimal.Decimal, decimal.Decimal]:
    """E x_t², and its average over s < t, of a coordinate of curvature, start and variance `kind`."""
    eta, (L, x, v) = decimal.Decimal(step_size), map(decimal.Decimal, kind)
    q = 1 - eta * L
    a, power = 1 - q * q, q ** (2 * t)
    once = (1 - power) / a if a else decimal.Decimal(t)
    twice = (t - once) / a if a else decimal.Decimal(t * (t - 1)) / 2
    noise = eta * eta * v
    return power * x * x + noise * once, (once * x * x + noise * twice) / t
