"""Wrong bounds of the kinds that papers have: a search must break each, and shrink the instance."""

import dataclasses

import numpy as np

import clipbounds as cb
from clipbounds.bounds import Bound, Hypothesis, koloskova2023, nobile2026, reisizadeh2023, yu2023
from clipbounds.bounds.koloskova2023.common import Constants
from clipbounds.bounds.koloskova2023.deterministic import least_average
from clipbounds.bounds.koloskova2023.lower import hardest_gap
from clipbounds.bounds.koloskova2023.stochastic import S2
from clipbounds.falsifier import Template, catalogue
from clipbounds.specs import parameter


class WithMomentum(koloskova2023.S0):
    """S0 without the hypothesis that the momentum is 0."""

    def conditions(self, setting):
        rows = super().conditions(setting)
        if isinstance(setting.method, cb.methods.ClippedSGD) and setting.method.momentum:
            return super().conditions(setting.replace(method=setting.method.replace(momentum=0.0)))
        return rows


class HessianConstants(S2):
    """S2 with Hessian constants in the place of first-order ones."""

    def constants(self, setting):
        pair, method = self.pair(setting), setting.method
        return Constants(method.step_size, method.clip.threshold, pair.L0, pair.L1, np.inf)


class WithoutEnd(koloskova2023.D1Min):
    """D1 × .99, without the gap of the last iterate: max(sqrt A, A/c) by .99."""

    def evaluate(self, setting, steps):
        average = 0.99**2 * least_average(self, setting, steps)
        return np.maximum(np.sqrt(average), average / self.constants(setting).c)


class LineIsWorst(koloskova2023.D2B):
    """The worst convex function is one of a single variable: D2-LB as an upper bound."""

    def evaluate(self, setting, steps):
        k = self.constants(setting)
        R = float(np.linalg.norm(setting.problem.x0 - setting.problem.minimiser))
        return hardest_gap(R, setting.problem.lipschitz, k.eta, k.c, steps)[0]

    def conditions(self, setting):
        rows = super().conditions(setting)
        return [*rows, Hypothesis("dimension two", f"{setting.problem.dim}", setting.problem.dim == 2)]


class WithoutFloor(koloskova2023.D3):
    """D3 as if every step were unclipped: R0 (1 - eta mu)^{t/2}."""

    def evaluate(self, setting, steps):
        mu = setting.problem.strong_convexity
        R = float(np.linalg.norm(setting.problem.x0 - setting.problem.minimiser))
        return R * (1 - setting.method.step_size * mu) ** (steps / 2)


class HalfError(reisizadeh2023.SpiderH):
    """SPIDER-H with half of ebar."""

    def _error(self, setting, reach):
        return 0.5 * super()._error(setting, reach)


class SmallError(Bound):
    """The estimation error of one batch at gradient 0 in one dimension, as a step of length 1 on x²/2: C_n by .97."""

    p: float = parameter(default=2.0)
    quantity = "gap"  # half of the squared error

    def conditions(self, setting):
        method, problem = setting.method, setting.problem
        one = isinstance(method, cb.methods.PerSampleClippedSGD) and method.step_size == 1
        flat = isinstance(problem, cb.problems.Quadratic) and problem.dim == 1 and problem.x0[0] == 0
        paper = isinstance(getattr(method, "clip", None), cb.clipping.GrowingClip) and method.clip.beta == self.p
        sigma = float(setting.moment(self.p)) ** (1 / self.p)
        return [
            Hypothesis("one batch, eta = 1", "", one),
            Hypothesis("gradient 0 in one dimension, curvature 1", "", flat and problem.eigenvalues[0] == 1),
            Hypothesis("the paper's schedule", "", paper),
            Hypothesis("finite p-th moment", f"{sigma:.6g}", bool(np.isfinite(sigma))),
        ]

    def evaluate(self, setting, steps):
        method = setting.method
        sigma, n = float(setting.moment(self.p)) ** (1 / self.p), method.batch_size
        constant = nobile2026.joint_constant(self.p, method.clip.alpha / sigma, n)
        return np.where(steps == 1, 0.97 * 0.5 * constant * sigma**2 * n ** (2 / self.p - 2), np.inf)


class LikelyError(Bound):
    """Theorem 2 at gradient 0 with `factor`·delta inside: the quantile of the error of one batch.

    Doubling delta is no fault that a search can show: over exact two-point laws, n = 1 to 512, thresholds .05 to 30 and
    delta = .5, .1, .01, .001 the probability of an error above the bound is at most .18, .14, .10, .06 of delta.
    """

    failure_probability: float = parameter(default=0.01)
    factor: float = parameter(default=2.0)
    quantity, aggregate = "distance", "probability"

    def conditions(self, setting):
        return SmallError(2.0).conditions(setting)[:2]

    def evaluate(self, setting, steps):
        method, sigma = setting.method, setting.sigma
        levels = method.clip.alpha * np.sqrt(np.arange(1, method.batch_size + 1))
        bound = nobile2026.deviation_bound(levels, 0.0, sigma, 2.0, min(self.factor * self.failure_probability, 0.99))
        return np.where(steps == 1, bound, np.inf)


class NoMemory(yu2023.EstimatorSize):
    """The growth bound of SClip-EF with K = 1: |m^{t+1}| <= phi_t for the standard powers.

    The sum of it over the steps, a c_phi (10/3) t^{3/10} for the displacement, is no fault: what the estimator lacks
    after its first step, beta phi_0, is more than all it has later beyond phi_t.
    """

    def conditions(self, setting):
        rows = super().conditions(setting)
        return [*rows, Hypothesis("standard powers", "", rows[0].holds and yu2023.growth.is_standard(setting.method))]

    def evaluate(self, setting, steps):
        return setting.method.level.at(steps - 1)


def _one_batch(count=256):
    line = cb.problems.Quadratic([1.0], [0.0])
    return [
        Template(
            cb.Setting(line, law, cb.methods.PerSampleClippedSGD(1.0, cb.clipping.GrowingClip(scale, 2.0), count)),
            1,
            fixed=(
                "problem",
                "method.step_size",
                "method.clip.beta",
                "method.momentum",
                "method.batch_size",
                "noise.sigma",
            ),
        )
        for law in (cb.noise.TwoPoint(1.0, 0.1), cb.noise.ThreePoint(1.0, 0.5, 0.1))
        for scale in (0.3, 1.0)
    ]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A wrong bound, and the space in which it is searched (None: the catalogue)."""

    bound: Bound
    space: list | None = None


FAULTS = {
    "S1 by .95": Fault(cb.bounds.Scaled(koloskova2023.S1(), 0.95)),
    "S0 with momentum": Fault(WithMomentum()),
    "S2 with Hessian constants": Fault(HessianConstants()),
    "D1 without the end term, by .99": Fault(WithoutEnd()),
    "D2-LB as an upper bound in dimension 2": Fault(LineIsWorst()),
    "D3 without its floor": Fault(WithoutFloor()),
    "SPIDER-H with half of ebar": Fault(HalfError()),
    "mean squared error by .97": Fault(SmallError(), _one_batch()),
    "Theorem 2 with delta doubled": Fault(LikelyError(), [*_one_batch(), *_one_batch(1)]),
    "Theorem 2 with delta by 20": Fault(LikelyError(factor=20.0), _one_batch(1)),
    "growth with K = 1": Fault(NoMemory(), [t for t in catalogue() if t.group == "distributed"]),
}
