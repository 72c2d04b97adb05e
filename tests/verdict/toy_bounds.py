"""Bounds and settings small enough that their truth is known, for the tests of verdicts."""

from typing import ClassVar

import numpy as np

import clipbounds as cb
from clipbounds.bounds import Bound, Hypothesis, Recalled
from clipbounds.specs import POSITIVE, parameter


class Reach(Bound):
    """distance(x_t) <= distance(x_0) + t·step_bound: the triangle inequality."""

    factor: float = parameter(POSITIVE, default=1.0)
    quantity: ClassVar = "distance"
    aggregate: ClassVar = "every"

    def conditions(self, setting):
        bound = setting.method.step_bound(setting.problem.dim)
        return [Hypothesis("steps are bounded", f"{bound:g}", bool(np.isfinite(bound)))]

    def evaluate(self, setting, steps):
        return self.factor * (
            setting.problem.distance(setting.problem.x0) + steps * setting.method.step_bound(setting.problem.dim)
        )


class Approach(Reach):
    """distance(x_t) >= distance(x_0) - t·step_bound, the same inequality from below; attained on a flank without noise."""

    kind: ClassVar = "lower"

    def evaluate(self, setting, steps):
        return self.factor * (
            setting.problem.distance(setting.problem.x0) - steps * setting.method.step_bound(setting.problem.dim)
        )


class MeanSquare(Bound):
    """E f(x_t) - f* for f = x²/2, x_0 = 0 and unclipped steps with noise of variance s²: an equality,
    (s²/2) eta (1 - (1-eta)^{2t})/(2 - eta), because E x_{t+1}² = (1-eta)² E x_t² + eta² s²."""

    factor: float = parameter(POSITIVE, default=1.0)
    kind: ClassVar = "upper"
    quantity: ClassVar = "gap"

    def conditions(self, setting):
        return [Hypothesis("f = x²/2, x_0 = 0, unclipped", "", isinstance(setting.method, cb.methods.SGD))]

    def evaluate(self, setting, steps):
        eta = setting.method.step_size
        return self.factor * 0.5 * setting.noise.variance * eta * (1 - (1 - eta) ** (2 * steps)) / (2 - eta)


class MeanSquareBelow(MeanSquare):
    kind: ClassVar = "lower"


class Level(Bound):
    """A constant, to be put where a test needs it."""

    level: float = parameter(POSITIVE)
    quantity: ClassVar = "gradient_norm"

    def evaluate(self, setting, steps):
        return np.full(steps.shape, self.level)


class LevelBelow(Level):
    kind: ClassVar = "lower"


class LevelOf(Bound):
    """A constant on one side of the mean of any quantity."""

    level: float = parameter(POSITIVE)
    side: str
    of: str = "mean_gradient_norm"
    source: ClassVar = "test"

    @property
    def kind(self):
        return self.side

    @property
    def quantity(self):
        return self.of

    def evaluate(self, setting, steps):
        return np.full(steps.shape, self.level)


class LevelFloor(Level):
    kind: ClassVar = "floor"


class LevelPrediction(Level):
    kind: ClassVar = "prediction"


class Unconfirmed(Recalled):
    quantity: ClassVar = "gradient_norm"

    def evaluate(self, setting, steps):
        return 1 / np.sqrt(steps)


class Tail(Level):
    """P(|x_t| > level) <= failure_probability."""

    failure_probability: float = parameter(POSITIVE, default=0.1)
    aggregate: ClassVar = "probability"


class TailAlways(Tail):
    simultaneous: ClassVar = True


def clipped(step_size=0.1, threshold=1.0):
    return cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))


FLANK = cb.Setting(cb.problems.Huber(1.0, 2.0, [20.0]), cb.noise.NoNoise(), clipped())
NOISY = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), clipped(0.1, 3.0))
PLAIN = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), cb.methods.SGD(0.1))
CHECKPOINTS = (0, 1, 5, 20, 50)


def run_of(setting, trajectories=1, keep="trajectories", steps=50, **options):
    options.setdefault("checkpoints", CHECKPOINTS)
    return cb.simulate(setting, steps, trajectories, seed=1, keep=keep, **options)


def only(run, *bounds, **options):
    (verdict,) = cb.compare(run, bounds, **options).verdicts
    return verdict
