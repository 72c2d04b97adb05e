"""Components of a user whose kernels fail; importable by worker processes."""

import numpy as np

import clipbounds as cb
from clipbounds.lanes import kernel
from clipbounds.methods.base import ADVANCE
from clipbounds.specs import POSITIVE, parameter


class Raises(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        if threshold > 5.0:
            raise ValueError("threshold too large")
        return min(threshold, max(-threshold, y))


class Divides(cb.clipping.Clip):
    """0/0 for thresholds above 5."""

    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        gap = 0.0 if threshold > 5.0 else 1.0
        return y * gap / gap


class Overflows(cb.noise.Noise):
    """inf for scales above 5."""

    scale: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, scale):
        return (u - 0.5) * scale / (0.0 if scale > 5.0 else 1.0)


class Steep(cb.problems.Problem):
    rate: float = parameter(POSITIVE)
    x0: np.ndarray = cb.specs.vector()
    f_star = 0.0
    smoothness = cb.facts.HessianSmoothness(1.0, 0.0)

    @cb.problems.coordinatewise
    def gradient_kernel(x, rate):
        return x / (0.0 if rate > 5.0 else 1.0)

    def value(self, x):
        return np.sum(np.square(x), axis=-1) / 2


@kernel(ADVANCE)
def raising(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    if method[0] > 5.0:
        raise RuntimeError("step too long")


class Still(cb.methods.SGD):
    advance = raising


@kernel(ADVANCE)
def unknown_name(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    vectors[0] = there_is_no_such_name  # noqa: F821


class Uncompiled(cb.methods.SGD):
    advance = unknown_name
