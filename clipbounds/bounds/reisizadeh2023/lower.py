"""Lower bounds: the zero-chain, fixed steps without clipping, and the shapes that the literature states.

They bound a cost, which `first_passage` measures, and no variable of a run: `compare` answers "not measured".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from ...methods import ConstantStep, MiniBatch
from ...oracles import ZeroChainOracle
from ...problems import FixedStepRamp, FixedStepWall
from ...specs import POSITIVE, Interval, integer, parameter
from ..base import Bound, Hypothesis, Recalled
from .common import at_most

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatArray
    from ...methods.base import Setting


class ZeroChainFloor(Bound):
    """Queries until the last coordinate of a chain moves: at least (T - log(1/d))/(2p), with probability 1 - d.

    Hypotheses: the oracle reveals the next of T coordinates with probability p per query, whatever was asked before.

    Proof. The number X of coordinates revealed in N queries is dominated by a binomial (N, p), so P(X >= T) <=
    e^{-T} E e^X <= e^{-T + N p (e - 1)} <= e^{-T + 2 N p}, which is d at N = (T - log(1/d))/(2p).

    Parameters
    ----------
    failure_probability : float d in (0, 1)
    """

    failure_probability: float = parameter(Interval(0, 1), "d", default=math.exp(-1))

    kind = "lower"
    quantity = "queries_to_the_end"
    aggregate = "probability"
    statement = r"N\ge\frac{T-\log(1/d)}{2p}\ \text{with probability }1-d"
    source = "proved here; theory page variance-reduction, section 3 (after Arjevani et al. 2023)"

    def hypotheses(self, setting: Setting) -> list[Hypothesis]:
        # smoothness plays no role here, so its certificate does not matter
        return self.conditions(setting)

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        given = setting.noise
        return [Hypothesis("the oracle is a ZeroChainOracle", type(given).__name__, isinstance(given, ZeroChainOracle))]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        floor = setting.problem.length + math.log(self.failure_probability)
        return max(floor, 0.0) / (2 * setting.noise.probability) + 0 * steps


class FixedStepFloor(Bound):
    """Iterations of gradient descent with one step size that must serve f_A and f_B: K >= L1 M (Delta - 5 eps/4)/(8 eps² (ln(L1 M/L0) + 1)).

    Hypotheses: the problem is f_B with eps <= L0/3, so that it is (L0, L1)-smooth; the step size h does not make f_A with
    the same (L0, L1) and the start f_A' = M diverge.

    Proof. f_A diverges for h > 2 (ln(L1 M/L0) + 1)/(L1 M): the first step then ends farther from 0 than it began, and the ratio
    |f_A'(x)|/|x| increases. On f_B the derivative is 2 eps until x < 1, so (Delta - 5 eps/4)/(2 eps) has to be covered in
    steps of 2 eps h before |f_B'| <= eps.

    Parameters
    ----------
    steepness : float M in [L0/L1, inf)
    L0, L1 : float in (0, inf)
    """

    steepness: float = parameter(POSITIVE, "M")
    L0: float = parameter(POSITIVE, default=1.0)
    L1: float = parameter(POSITIVE, default=1.0)

    kind = "lower"
    quantity = "iterations_to_target"
    aggregate = "every"
    statement = r"K\ge\frac{L_1M(\Delta-5\epsilon/4)}{8\epsilon^2(\ln(L_1M/L_0)+1)}"
    source = "proved here; theory page variance-reduction, section 3"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        method, problem = setting.method, setting.problem
        rule: Any = getattr(method, "rule", None)
        fits = isinstance(method, MiniBatch) and isinstance(rule, ConstantStep)
        rows = [
            Hypothesis("gradient descent with a fixed step", f"{type(method).__name__}, {type(rule).__name__}", fits),
            Hypothesis("the problem is f_B", type(problem).__name__, isinstance(problem, FixedStepRamp)),
        ]
        if all(row.holds for row in rows):
            limit = FixedStepWall(self.steepness, self.L0, self.L1).largest_step
            rows.append(at_most("eps <= L0/3", problem.target, self.L0 / 3))
            rows.append(at_most("h <= 2 (ln(L1 M/L0) + 1)/(L1 M)", rule.step_size, limit))
        return rows

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        eps, gap = setting.problem.target, setting.problem.gap_at_start
        logarithm = math.log(self.L1 * self.steepness / self.L0) + 1
        return self.L1 * self.steepness * (gap - 1.25 * eps) / (8 * eps**2 * logarithm) + 0 * steps


class _Shape(Recalled):
    """An order of growth with the unknown constant set to 1."""

    eps: float = parameter(POSITIVE, "accuracy")
    L: float = parameter(POSITIVE, "Lipschitz or mean-square Lipschitz constant", default=1.0)
    sigma: float = parameter(POSITIVE, default=1.0)
    n: int = integer(1, "terms of a finite sum", default=1)

    kind: ClassVar[str] = "lower"
    quantity = "evaluations_to_target"

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.order(setting.problem.initial_gap) + 0 * steps

    def order(self, gap: float) -> float:
        """The order of growth for the initial gap Delta."""
        raise NotImplementedError


class VarianceLower(_Shape):
    """Omega(Delta L sigma² eps^-4) gradients under bounded variance. Source: Arjevani et al. 2023 [paper]; constant unknown."""

    statement = r"\Omega(\Delta L\sigma^2\epsilon^{-4})"
    source = "Arjevani, Carmon, Duchi, Foster, Srebro, Woodworth 2023; constant set to 1"

    def order(self, gap: float) -> float:
        return gap * self.L * self.sigma**2 / self.eps**4


class VarianceReducedLower(_Shape):
    """Omega(Delta Lbar sigma eps^-3 + sigma² eps^-2) under mean-square smoothness. Source: Arjevani et al. 2023 [paper]."""

    statement = r"\Omega(\Delta\bar L\sigma\epsilon^{-3}+\sigma^2\epsilon^{-2})"
    source = "Arjevani, Carmon, Duchi, Foster, Srebro, Woodworth 2023; constant set to 1"

    def order(self, gap: float) -> float:
        return gap * self.L * self.sigma / self.eps**3 + self.sigma**2 / self.eps**2


class FiniteSumLower(_Shape):
    """Omega(n + L Delta sqrt(n) eps^-2) for finite sums, n <= O(eps^-4). Source: Fang et al. 2018 [recalled]."""

    statement = r"\Omega(n+L\Delta\sqrt n\,\epsilon^{-2})"
    source = "Fang, Li, Lin, Zhang 2018; constant set to 1"

    def order(self, gap: float) -> float:
        return self.n + self.L * gap * math.sqrt(self.n) / self.eps**2
