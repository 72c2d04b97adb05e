"""The largest mean gradient norm that noise can cause on the line: an explicit adversary, without sampling."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..oracles.landing import Policy

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray
    from ..problems.base import Problem


@dataclasses.dataclass(frozen=True, eq=False)
class Adversary:
    """What an adversary attains against 1-D clipped SGD.

    Attributes
    ----------
    value : float
        (1/T) sum_{t<T} E|f'(x_t)| that it attains at least: a lower bound of the worst case, exact up to rounding for
        horizons that the dynamic programme covers.
    steps : int, the horizon T
    residual : float
        0 for the dynamic programme. For one policy for all steps: no laws on the same grid have a mean above value + residual, if
        they keep to the law that moves least at points less than a longest step from an end of the grid. It is small where f'
        points back into the grid at both ends; where the adversary could push the iterate out it says little.
    policy : Policy, for `clipbounds.noise.Adaptive`
    """

    value: float
    steps: int
    residual: float
    policy: Policy

    def values(self, steps: ArrayLike) -> FloatArray:
        """The values for other horizons, each with its own adversary.

        Parameters
        ----------
        steps : int or array_like of int in [1, T]

        Returns
        -------
        ndarray
        """
        steps = np.asarray(steps)
        if not np.all((steps >= 1) & (steps <= self.steps)):
            raise ValueError(f"Adversary.values: steps must be in [1, {self.steps}], but {steps!r} was given")
        return self.policy.tables.mean(steps)


def adversary(
    problem: Problem, step_size: float, threshold: float, sigma: float, steps: int, p: float = 2.0, landing: int = 16
) -> Adversary:
    r"""An adversary on the line whose mean gradient norm is large: a certified lower bound of the worst case of clipped SGD.

    It sees x_t and chooses any law of the stochastic gradient with the mean f'(x_t) and E|g - f'(x_t)|^p <= sigma^p. The largest sum of
    E|f'(x_t)| over k steps satisfies V_0 = 0 and V_{k+1}(x) = |f'(x)| + sup over laws of E V_k(x - eta clip_c(g)).

    **Landing grid.** dx = eta c/landing, x in x0 + dx Z. Only laws are used whose next iterate is on the grid again: g = j c/landing with
    |j| < landing, any value >= c, any value <= -c. Nothing is interpolated, so the value belongs to an explicit adversary, whatever the
    grid is. If c <= 2 sigma·landing the two atoms next to f'(x) are allowed ((u-a)(b-u) <= (dx/eta)²/4 <= sigma²; for p < 2 their
    moment is at most (dx/(2 eta))^p), so every point has a law. Beyond the ends of the grid nothing is earned any more, which is
    a lower bound too, as |f'| >= 0; the grid grows until that costs less than 1e-4.

    **The law.** At a point the best law is a linear program; its multiplier of the moment is found by bisection, and the laws
    on either side of it, two atoms each, are mixed so that the moment is met. They may fall short of the best law by 1e-6 of the range
    of V; the policy is improved at some steps only. Both make the value smaller, never wrong.

    **Long horizons** (more than 5000 steps, or so many that their policies do not fit into memory) use one policy for all steps: policy iteration with a discount far below 1/T, whose
    system stays solvable whatever the policy does, and a certificate that does not depend on how the policy was found
    (`clipbounds.oracles.stationary`). If rate + h(x) <= |f'(x)| + E h(next) where h(x) > l, and V_K >= h + D there for the sum over K steps, which
    is run through, and l + D + (T-K) rate <= 0, then sum_{t<T} E|f'(x_t)| >= (T-K) rate + h(x0) + D.

    Parameters
    ----------
    problem : Problem of dimension 1; x0 is the start
    step_size, threshold, sigma : float in (0, inf)
    steps : int >= 1, the horizon T
    p : float in (1, 2]
    landing : int >= 2 and >= c/(2 sigma)
        The value increases along multiples.

    Returns
    -------
    Adversary

    Raises
    ------
    ValueError
        If an argument leaves its domain, or the grid would not fit into memory.

    Notes
    -----
    Source: proved here (theory page finite-time, section 3). The sup over f of the class is at least this value for each f.
    """
    policy = Policy(problem, step_size, threshold, sigma, steps, p, landing)
    tables = policy.tables
    return Adversary(float(tables.mean(policy.steps)), policy.steps, tables.residual, policy)
