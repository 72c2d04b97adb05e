"""Your own problem, noise and operator, simulated and compared with a bound of your own.

    python examples/plug_in.py

Nothing is registered: the classes live in this file. The small functions are compiled and vectorised over 64
trajectories; they may use arithmetic, min, max, abs, math.sqrt, math.copysign and clipbounds.lanes.elementary.
"""

import math

import numpy as np

import clipbounds as cb
from clipbounds.facts import Certificate, HessianSmoothness, Moment
from clipbounds.lanes.elementary import log
from clipbounds.specs import POSITIVE, Vector, parameter, vector


class PseudoHuber(cb.problems.Problem):
    """f(x) = w² sum_k (sqrt(1 + (x_k/w)²) - 1), minimum 0 at 0."""

    width: float = parameter(POSITIVE)
    x0: Vector = vector()
    convex, f_star, f_star_attained = True, 0.0, True
    smoothness = HessianSmoothness(1.0, 0.0)
    certificate = Certificate("proved", "f'' = (1 + (x/w)²)^{-3/2} <= 1")
    minimiser = property(lambda self: np.zeros(self.dim))

    @cb.problems.coordinatewise
    def gradient_kernel(x, width):
        return x / math.sqrt(1.0 + (x / width) * (x / width))

    def value(self, x):
        return self.width**2 * np.sum(np.hypot(1, np.asarray(x) / self.width) - 1, axis=-1)


class Laplace(cb.noise.Noise):
    """xi = ±scale·E with equal probability, E standard exponential."""

    scale: float = parameter(POSITIVE)
    symmetric = True

    @cb.noise.from_quantile
    def fill(u, scale):
        return math.copysign(scale * log(2.0 * min(u, 1.0 - u)), u - 0.5)

    def moment(self, p):
        return Moment(self.scale**p * math.gamma(p + 1))


class SoftSign(cb.clipping.Clip):
    """level·y/(level + |y|) on each component."""

    level: float = parameter(POSITIVE)
    properties = frozenset({"bounded", "monotone", "nonexpansive", "odd", "permutation_equivariant", "keeps_nan"})

    @cb.clipping.coordinatewise
    def kernel(y, level):
        return math.copysign(level / (1.0 + level / abs(y)), y)

    def bound(self, dim):
        return self.level * math.sqrt(dim)


class Walk(cb.bounds.Bound):
    """‖x_t - x*‖ <= ‖x_0 - x*‖ + t·(longest step), for every trajectory, whatever the noise."""

    quantity, aggregate, source = "distance", "every", "triangle inequality"

    def evaluate(self, setting, steps):
        problem = setting.problem
        return problem.distance(problem.x0) + steps * setting.method.step_bound(problem.dim)


def main():
    problem = PseudoHuber(width=2.0, x0=[3.0, -1.0])
    assert cb.problems.certify(problem).holds
    setting = cb.Setting(problem, Laplace(scale=1.0), cb.methods.ClippedSGD(0.05, SoftSign(level=1.5)))
    run = cb.simulate(setting, steps=2000, trajectories=128, seed=0)
    comparison = cb.compare(run, [Walk()])
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
