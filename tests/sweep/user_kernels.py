"""Components of a user whose kernels fail; importable by worker processes.

Of each part of a setting three classes whose kernels work for a parameter up to 5 and beyond it raise, divide 0 by 0 or
give inf, and a fourth whose kernel does not compile.
"""

import numpy as np

import clipbounds as cb
from clipbounds.lanes import kernel
from clipbounds.methods.base import ADVANCE
from clipbounds.specs import POSITIVE, parameter


class OperatorRaises(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        if threshold > 5.0:
            raise ValueError("threshold too large")
        return min(threshold, max(-threshold, y))


class OperatorDivides(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        gap = 0.0 if threshold > 5.0 else 1.0
        return y * gap / gap


class OperatorOverflows(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        return np.inf if threshold > 5.0 else y


class OperatorUncompiled(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        return there_is_no_such_name  # noqa: F821


class NoiseRaises(cb.noise.Noise):
    scale: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, scale):
        if scale > 5.0:
            raise ValueError("scale too large")
        return (u - 0.5) * scale


class NoiseDivides(cb.noise.Noise):
    scale: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, scale):
        gap = 0.0 if scale > 5.0 else 1.0
        return (u - 0.5) * gap / gap


class NoiseOverflows(cb.noise.Noise):
    scale: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, scale):
        return (u - 0.5) * scale / (0.0 if scale > 5.0 else 1.0)


class NoiseUncompiled(cb.noise.Noise):
    scale: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, scale):
        return there_is_no_such_name  # noqa: F821


class Bowl(cb.problems.Problem):
    """|x|²/2; only the gradient's kernel of its subclasses fails."""

    rate: float = parameter(POSITIVE)
    x0: np.ndarray = cb.specs.vector()
    f_star = 0.0
    smoothness = cb.facts.HessianSmoothness(1.0, 0.0)

    def value(self, x):
        return np.sum(np.square(x), axis=-1) / 2


class ProblemRaises(Bowl):
    @cb.problems.coordinatewise
    def gradient_kernel(x, rate):
        if rate > 5.0:
            raise ValueError("rate too large")
        return x


class ProblemDivides(Bowl):
    @cb.problems.coordinatewise
    def gradient_kernel(x, rate):
        gap = 0.0 if rate > 5.0 else 1.0
        return x * gap / gap


class ProblemOverflows(Bowl):
    @cb.problems.coordinatewise
    def gradient_kernel(x, rate):
        return x / (0.0 if rate > 5.0 else 1.0)


class ProblemUncompiled(Bowl):
    @cb.problems.coordinatewise
    def gradient_kernel(x, rate):
        return there_is_no_such_name  # noqa: F821


@kernel(ADVANCE)
def raising(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    if method[0] > 5.0:
        raise RuntimeError("step too long")


@kernel(ADVANCE)
def dividing(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    gap = 0.0 if method[0] > 5.0 else 1.0
    vectors[0] *= gap / gap


@kernel(ADVANCE)
def overflowing(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    vectors[0] /= 0.0 if method[0] > 5.0 else 1.0


@kernel(ADVANCE)
def unknown_name(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    vectors[0] = there_is_no_such_name  # noqa: F821


class MethodRaises(cb.methods.SGD):
    advance = raising


class MethodDivides(cb.methods.SGD):
    advance = dividing


class MethodOverflows(cb.methods.SGD):
    advance = overflowing


class MethodUncompiled(cb.methods.SGD):
    advance = unknown_name
