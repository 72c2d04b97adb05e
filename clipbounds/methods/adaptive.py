"""Methods whose step sizes or thresholds follow the gradients. They are simulated only: no bound is claimed for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Clip, Identity, NormClip
from ..clipping.norm import ball
from ..lanes.blocks import LANES, aligned_zeros
from ..specs import POSITIVE, Interval, integer, parameter
from . import adaptive_kernels as kernels
from .base import Method
from .sgd import check_operator

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..problems import Problem
    from .base import Setting

MEMORY = Interval(0, 1, closed_low=True)
SHARE = Interval(0, 1, closed_low=True, closed_high=True)


class AdaptiveMethod(Method):
    """Base: methods with additive noise, `batch_size` samples a step, and perhaps a row of one number a trajectory."""

    if TYPE_CHECKING:

        @property
        def batch_size(self) -> int: ...

    vector_rows = 4

    @property
    def samples_per_step(self) -> int:
        return self.batch_size

    def with_row(self, problem: Problem, value: float) -> FloatArray:
        """The state at step 0, followed by a row of LANES numbers `value`."""
        state = super().initial_state(problem)
        vectors = aligned_zeros(state.size + LANES)
        vectors[: state.size], vectors[state.size :] = state, value
        return vectors


class AdaGradNorm(AdaptiveMethod):
    """b <- sqrt(b² + ‖e‖²), x <- x - (eta/b) e, e = clip(mean of the batch).

    Source: AdaGrad-Norm of Ward, Wu and Bottou 2019 (arXiv 1806.01811), without clipping, which is the default here.
    No step is longer than eta, since b >= ‖e‖.

    Parameters
    ----------
    step_size : float eta in (0, inf), a length
    clip : Clip, of the gradient before anything else; Identity() for none
    batch_size : int >= 1
    start : float b at step 0 in (0, inf), in gradient units
    """

    step_size: float = parameter(POSITIVE)
    clip: Clip = Identity()
    batch_size: int = integer(1, default=1)
    start: float = parameter(POSITIVE, "b at step 0", default=1.0)

    advance = kernels.adagrad_norm
    extra_measured = {
        "effective_step_size": "eta/b, by which the clipped estimate was multiplied last (eta/start at t = 0)"
    }

    def validate(self) -> None:
        check_operator(self)

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.step_size, self.batch_size, ball(self.clip)[0]])

    def initial_state(self, problem: Problem) -> FloatArray:
        return self.with_row(problem, self.start)

    def observe(self, setting: Setting, block: Any) -> list[FloatArray]:
        return [self.step_size / block.vectors[-LANES:]]

    def step_bound(self, dim: int) -> float:
        return self.step_size


class Adam(AdaptiveMethod):
    """m <- beta1 m + (1 - beta1) e, s <- beta2 s + (1 - beta2) e² by components, e = clip(mean of the batch), then

    x <- x - eta (m/(1 - beta1^t))/(sqrt(s/(1 - beta2^t)) + epsilon) at the step t = 1, 2, ...; m = s = 0 at the start.

    Source: Kingma and Ba 2015 (arXiv 1412.6980), without clipping, which is the default here. An entry of e beyond 1e154
    makes its s infinite and stops this component, as in any implementation that squares.

    Parameters
    ----------
    step_size : float eta in (0, inf)
    clip : Clip, of the gradient before anything else; Identity() for none
    batch_size : int >= 1
    beta1, beta2 : float in [0, 1)
    epsilon : float in (0, inf), in gradient units
    """

    step_size: float = parameter(POSITIVE)
    clip: Clip = Identity()
    batch_size: int = integer(1, default=1)
    beta1: float = parameter(MEMORY, "at 1 the mean never learns", default=0.9)
    beta2: float = parameter(MEMORY, "at 1 the second moment never learns", default=0.999)
    epsilon: float = parameter(POSITIVE, "so that a step from 0/0 is none", default=1e-8)

    advance = kernels.adam
    vector_rows = 6

    def validate(self) -> None:
        check_operator(self)

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.step_size, self.batch_size, ball(self.clip)[0], self.beta1, self.beta2, self.epsilon])

    def step_bound(self, dim: int) -> float:
        """eta sqrt(dim)/sqrt((1 - beta2)(1 - beta1²/beta2)) if beta1² < beta2, and inf otherwise.

        By Cauchy and Schwarz m_t = (1 - beta1) sum beta1^j e_{t-j} is at most
        (1 - beta1) sqrt(sum (beta1²/beta2)^j) sqrt(s_t/(1 - beta2)) in each component, the sum at most
        1/(1 - beta1²/beta2), and (1 - beta1) sqrt(1 - beta2^t)/(1 - beta1^t) <= 1.
        """
        if not self.beta1**2 < self.beta2:
            return math.inf
        return self.step_size * math.sqrt(dim / ((1 - self.beta2) * (1 - self.beta1**2 / self.beta2)))


class QuantileClippedSGD(AdaptiveMethod):
    """x <- x - eta mean of clip_C(sample), then C <- C exp(-rate (share of samples with ‖g‖ <= C - quantile)).

    The threshold C follows the quantile of the norms of single samples along the run; each trajectory has its own.
    Source: the geometric update of Andrew, Thakkar, McMahan and Ramaswamy 2021 (arXiv 1905.03871), without the noise that
    makes it private. C stays in [1e-300, 1e300].

    Parameters
    ----------
    step_size : float eta in (0, inf)
    threshold : float C at step 0 in (0, inf)
    quantile : float in [0, 1], the share of samples that is not to be clipped
    rate : float in (0, inf), .2 in the source
    batch_size : int >= 1
    """

    step_size: float = parameter(POSITIVE)
    threshold: float = parameter(POSITIVE, "the clipping threshold at step 0")
    quantile: float = parameter(SHARE, "the share of samples that is not to be clipped", default=0.5)
    rate: float = parameter(POSITIVE, default=0.2)
    batch_size: int = integer(1, default=1)

    advance = kernels.quantile
    extra_measured = {"threshold": "the clipping threshold C of the step to come"}

    @property
    def operator(self) -> Clip:
        return NormClip(self.threshold)

    @property
    def operator_calls_per_step(self) -> int:
        return self.batch_size

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.step_size, self.batch_size, self.quantile, self.rate])

    def initial_state(self, problem: Problem) -> FloatArray:
        return self.with_row(problem, self.threshold)

    def observe(self, setting: Setting, block: Any) -> list[FloatArray]:
        return [block.vectors[-LANES:].copy()]
