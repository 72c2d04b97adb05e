"""The lower bound that meets S0*: an adversary that sees the iterate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...oracles import Adaptive
from ...worst_case import adversary
from ..base import Hypothesis
from .common import ClippedBound

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting


class AdversaryLowerBound(ClippedBound):
    r"""Gbar >= V_T(x0)/T, the value of an explicit adversary on the line (`worst_case.adversary`).

    **Hypotheses.** Dimension 1; the noise is `noise.Adaptive` with the policy that was made for this problem, step size and
    threshold, so that E g = f'(x_t) and E|g - f'(x_t)|^p <= sigma^p given the past.

    **Proof.** The policy's dynamic programme is the expectation itself, without sampling and without interpolation, and nothing is
    earned beyond its grid: see `worst_case.adversary`. Since every hypothesis of `S0Star` holds for this noise, it bounds what
    S0* may be improved to.

    `value` speaks of runs with the adaptive noise: at the horizon of its policy (0, no claim, at other steps), or at all steps where
    one policy serves all. For other noise it says nothing. `of_class` is the lower bound of the class: a floor for the supremum over noise.
    """

    kind = "lower"
    quantity = "mean_gradient_norm"
    source = "proved here"
    statement = (
        r"\sup_{\mathrm{noise}}\bar G\ge\tfrac1TV_T(x_0),\ V_{k+1}(x)=|f'(x)|+\sup_{\mathbb Eg=f'(x),\,\mathbb E|g-f'(x)|^p\le\sigma^p}"
        r"\mathbb E\,V_k(x-\eta\,\mathrm{clip}_c(g))"
    )

    def further(self, setting: Setting) -> list[Hypothesis]:
        noise = setting.noise
        given = type(noise).__name__
        if isinstance(noise, Adaptive):
            given += (
                f", horizon {noise.policy.steps}, E|xi|^{noise.policy.p:g} <= {noise.policy.sigma:g}^{noise.policy.p:g}"
            )
        return [
            Hypothesis("dimension 1", str(setting.problem.dim), setting.problem.dim == 1),
            Hypothesis("the noise is the adversary of this setting (Adaptive)", given, isinstance(noise, Adaptive)),
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        policy = setting.noise.policy
        tables = policy.tables
        if len(tables.stages) == 1:
            return np.where(steps <= policy.steps, tables.mean(steps), 0.0)
        return np.where(steps == policy.steps, tables.mean(np.minimum(steps, policy.steps)), 0.0)

    @staticmethod
    def of_class(setting: Setting, steps: int, p: float = 2.0, landing: int = 16) -> float:
        """The lower bound at T = `steps` for the problem, step size, threshold and sigma_p of a 1-D setting."""
        method, sigma = setting.method, float(setting.moment(p)) ** (1 / p)
        return adversary(setting.problem, method.step_size, method.clip.threshold, sigma, int(steps), p, landing).value
