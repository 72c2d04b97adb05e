"""SPIDER with clipped step rules, and mini-batches with the same rules, on stochastic oracles."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..clipping import Identity
from ..specs import integer
from . import spider_kernels as kernels
from .base import Method
from .steps import StepRule

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..problems.base import Problem
    from .base import Setting


class _OnOracle(Method):
    """What the two methods share: one kernel, the records of first passage, costs counted rather than performed."""

    if TYPE_CHECKING:

        @property
        def rule(self) -> Any: ...
        @property
        def _schedule(self) -> tuple[int, int, int]: ...

    advance = kernels.spider
    vector_rows = kernels.BLOCKS
    operator = Identity()
    takes_oracles = True
    extra_measured: ClassVar[dict] = {
        "mean_certified": "mean of the step rule's certified quantity over s < t (at s = 0 for t = 0)"
    }

    def validate(self) -> None:
        if not isinstance(self.rule, StepRule):
            raise ValueError(
                f"{type(self).__name__}: rule must be a step rule such as RuleH(step_scale, L0, L1), but {self.rule!r} was given"
            )

    @property
    def parameters(self) -> FloatArray:
        rule = self.rule
        return np.array([rule.code, *self._schedule, *rule.numbers, rule.ratio, rule.cap], dtype=np.float64)

    @property
    def samples_per_step(self) -> int:
        """1: what a step costs to simulate. `evaluations` counts the gradients."""
        return 1

    def step_bound(self, dim: int) -> float:
        if getattr(self.rule, "radius", None) is not None:
            return self.rule.radius
        return getattr(self.rule, "reach", np.inf)

    def observe_extra(self, setting: Setting, vectors: FloatArray) -> FloatArray:
        count, total = vectors[kernels.COUNT, :, 0], vectors[kernels.CERTIFIED, :, 0]
        start = self.rule.certify(np.linalg.norm(setting.problem.gradient(setting.problem.x0)))
        return np.where(count > 0, total / np.maximum(count, 1), start)[np.newaxis]


class Spider(_OnOracle):
    """SPIDER: v_k = mean of S1 fresh gradients every q steps, else v_{k-1} plus a mean difference of S2 gradients.

    For k mod q != 0, v_k = v_{k-1} + mean of S2 fresh samples of [grad f(x_k;xi) - grad f(x_{k-1};xi)], the same sample at
    both points; then x_{k+1} = x_k - eta(‖v_k‖) v_k by the step rule, no step at v_k = 0. In a finite sum of n terms a
    batch of at least n is the full gradient, and smaller ones are drawn with replacement.

    Batches of the oracles with Gaussian noise are sampled exactly as one normal vector: gradients are counted, not
    performed (`evaluations`). Under an additive noise law the samples of a fresh batch are performed.

    Parameters
    ----------
    rule : StepRule, such as RuleH, RuleP, RuleN
    epoch : int q >= 1
    large_batch : int S1 >= 1
    small_batch : int S2 >= 1

    Source: Reisizadeh, Li, Das, Jadbabaie, arXiv 2303.00883; the rules H and N are this project's variants.
    """

    rule: StepRule
    epoch: int = integer(1, "q")
    large_batch: int = integer(1, "S1")
    small_batch: int = integer(1, "S2")

    @property
    def _schedule(self) -> tuple[int, int, int]:
        return self.epoch, self.large_batch, self.small_batch

    def evaluations(self, problem: Problem, steps: Any) -> Any:
        """ceil(K/q) S1 + 2 S2 (K - ceil(K/q)) for K steps."""
        fresh = -(-np.asarray(steps, dtype=np.int64) // self.epoch)
        return fresh * self.large_batch + 2 * self.small_batch * (steps - fresh)


class MiniBatch(_OnOracle):
    """x <- x - eta(‖v‖) v, v the mean of B fresh gradients: mini-batch clipping (RuleH), clipped SGD, SGD or GD by the rule.

    Parameters
    ----------
    rule : StepRule
    batch_size : int B >= 1
    """

    rule: StepRule
    batch_size: int = integer(1, default=1)

    @property
    def _schedule(self) -> tuple[int, int, int]:
        return 1, self.batch_size, self.batch_size

    def evaluations(self, problem: Problem, steps: Any) -> Any:
        return steps * self.batch_size
