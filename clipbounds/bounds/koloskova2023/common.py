"""What the bounds of this paper share: the constants of a setting and the rows of the hypotheses table."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ...clipping import NormClip
from ...methods import ClippedSGD
from ...noise import NoNoise
from ...specs import NON_NEGATIVE, parameter
from ..base import Bound, Hypothesis, reason_of

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatOrArray
    from ...methods.base import Method, Setting
    from ...problems.base import Problem

ROUNDING = 1e-12  # conditions such as eta c L1 <= 1 may be met with equality by computed constants


def at_most(value: float, limit: float) -> bool:
    """value <= limit up to the rounding of the constants."""
    return bool(value <= limit * (1 + ROUNDING))


def phi(u: FloatOrArray, c: float) -> FloatOrArray:
    """phi(u) = min(u², c u), what one clipped step of length one gains."""
    return u * np.minimum(u, c)


@dataclasses.dataclass(frozen=True)
class Constants:
    """Step size eta, threshold c and first-order constants (L0, L1), valid on steps up to `radius`."""

    eta: float
    c: float
    L0: float
    L1: float
    radius: float

    @property
    def theta(self) -> float:
        return self.eta * (self.L0 + self.c * self.L1)

    def gradient_below(self, gap: float) -> float:
        """Largest u with u²/(2(L0 + L1 u)) <= gap: the gradient norm where f - f* = gap is at most this."""
        return self.L1 * gap + np.sqrt((self.L1 * gap) ** 2 + 2 * self.L0 * gap)


class ClippedBound(Bound):
    """A bound on clipped SGD, x <- x - eta clip_c(g), for a problem with first-order constants.

    Parameters
    ----------
    reference_L1 : float in [0, inf), optional
        Use the constants `problem.smoothness_at(reference_L1)` instead of the problem's own pair.
    """

    reference_L1: float | None = parameter(
        NON_NEGATIVE, "another pair of the problem's frontier", default=None, kw_only=True
    )

    def pair(self, setting: Setting) -> Any:
        """The smoothness constants in the form in which the problem states them."""
        problem = setting.problem
        return problem.smoothness if self.reference_L1 is None else problem.smoothness_at(self.reference_L1)

    def constants(self, setting: Setting) -> Constants:
        """`Constants` in first-order form: a Hessian pair is converted, never used as it is."""
        pair = self.pair(setting).first_order()
        method = setting.method
        return Constants(method.step_size, method.clip.threshold, pair.L0, pair.L1, pair.radius)

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        """Rows for the method; then, if it is the right one, those of `further`."""
        row = method_row(setting.method)
        return [row, *self.further(setting)] if row.holds else [row]

    def further(self, setting: Setting) -> list[Hypothesis]:
        """The hypotheses that need the constants of clipped SGD."""
        raise NotImplementedError


class DeterministicBound(ClippedBound):
    """A bound on clipped gradient descent; it holds for every trajectory."""

    aggregate = "every"

    def further(self, setting: Setting) -> list[Hypothesis]:
        noise = setting.noise
        row = Hypothesis("exact gradients (NoNoise)", type(noise).__name__, isinstance(noise, NoNoise))
        return [row, *self.smooth_rows(setting)]

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        """The hypotheses on the problem and the step."""
        raise NotImplementedError


def method_row(method: Method) -> Hypothesis:
    """The method is x <- x - eta clip_c(g)."""
    if not isinstance(method, ClippedSGD) or not isinstance(method.clip, NormClip):
        clip = getattr(method, "clip", None)
        given = type(method).__name__ + (f" with {type(clip).__name__}" if clip is not None else "")
        return Hypothesis("ClippedSGD with NormClip, momentum 0", given, False)
    value = f"eta = {method.step_size:.6g}, c = {method.clip.threshold:.6g}, momentum = {method.momentum:g}"
    return Hypothesis("ClippedSGD with NormClip, momentum 0", value, method.momentum == 0)


def step_rows(k: Constants) -> list[Hypothesis]:
    """A step of length eta c stays where the constants are valid."""
    reach, product = k.eta * k.c, k.eta * k.c * k.L1
    return [
        Hypothesis("eta c <= radius of (L0, L1)", f"{reach:.6g} <= {k.radius:.6g}", at_most(reach, k.radius)),
        Hypothesis("eta c L1 <= 1", f"{product:.6g} (L1 = {k.L1:.6g})", at_most(product, 1.0)),
    ]


def theta_row(k: Constants, limit: float, strict: bool, name: str | None = None) -> Hypothesis:
    """theta < limit, or theta <= limit."""
    sign = "<" if strict else "<="
    holds = bool(k.theta < limit) if strict else at_most(k.theta, limit)
    what = f"theta = eta(L0 + c L1) {sign} {name or f'{limit:g}'}"
    return Hypothesis(what, f"{k.theta:.6g} {sign} {limit:.6g} (L0 = {k.L0:.6g})", holds)


def gap_row(k: Constants) -> Hypothesis:
    """f - f* >= u²/(2(L0 + L1 u)) needs steps up to 1/L1."""
    wanted = 1 / k.L1 if k.L1 > 0 else (0.0 if k.L0 > 0 else math.inf)
    return Hypothesis("radius of (L0, L1) >= 1/L1", f"{k.radius:.6g} >= {wanted:.6g}", at_most(wanted, k.radius))


def lower_bound_row(problem: Problem) -> Hypothesis:
    """F0 is finite."""
    F0 = problem.initial_gap
    return Hypothesis("F0 = f(x0) - f* finite, f* <= inf f", f"F0 = {F0:.6g}", bool(np.isfinite(F0) and F0 >= 0))


def lipschitz_row(problem: Problem) -> Hypothesis:
    """The gradient is L-Lipschitz."""
    L = problem.lipschitz
    return Hypothesis("f is L-smooth", "no global L is known" if L is None else f"L = {L:.6g}", L is not None)


def variance_row(setting: Setting) -> Hypothesis:
    """The variance is finite."""
    sigma = setting.sigma
    return Hypothesis(
        "E‖g - grad f‖² <= sigma² < inf",
        f"sigma = {sigma:.6g}{reason_of(setting.moment(2.0))}",
        bool(np.isfinite(sigma)),
    )


def moment_row(setting: Setting, p: float) -> Hypothesis:
    """The p-th moment of the noise is finite."""
    moment = setting.moment(p)
    size = float(moment)
    return Hypothesis(
        "E‖g - grad f‖^p <= sigma_p^p < inf, given the past",
        f"p = {p:g}, (E‖xi‖^p)^(1/p) = {size ** (1 / p):.6g}{reason_of(moment)}",
        bool(np.isfinite(size)),
    )


def sigma_of(setting: Setting) -> float:
    """The sigma with which the drift m(u) of a step is taken.

    Clip after averaging B samples: the variance of the average is sigma²/B, so sigma/sqrt(B). Clip each sample and
    average (per_sample): the mean of the step is that of one clipped sample, so the single-sample sigma; and by
    convexity the second moment of the average is at most that of one clipped sample, so every bound on a step with one sample holds for the average too.
    """
    method = setting.method
    return setting.sigma if method.per_sample else setting.sigma / math.sqrt(method.batch_size)
