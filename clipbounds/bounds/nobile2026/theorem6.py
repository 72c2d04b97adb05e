"""Theorem 6: the whole run with high probability, for any thresholds; replaces Theorems 4 and 5."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...specs import Interval, parameter
from .expectation import _PerSample
from .units import threshold_condition
from .whole_run import Average, Run, whole_gap, whole_run

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting
    from ..base import Hypothesis

QUANTITIES = {
    "mean_squared_gradient_norm": "square",
    "mean_gradient_norm": "norm",
    "min_gradient_norm": "norm",
    "mean_phi": "corner",
    "gradient_norm": "largest",
}
CACHED = 4096  # values of Theorem 6 that are remembered: .3 to 1 s each
TINY = 1e-200


def _raised(sigma: float) -> float:
    """A slightly larger sigma, the same for those that differ by rounding only: they then share a search."""
    if sigma == 0:
        return 0.0
    grid = 10.0 ** (np.floor(np.log10(sigma)) - 10)
    return float(grid * np.ceil(sigma * (1 + 1.234e-9) / grid))


_searched = lru_cache(CACHED)(whole_run)
_searched_gap = lru_cache(CACHED)(whole_gap)


class WholeRun(_PerSample):
    """Base of Theorems 6 and 7: all but a share `failure_probability` of the trajectories satisfy the bound."""

    failure_probability: float = parameter(Interval(0, 1), "delta")

    aggregate = "probability"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        return [*super().conditions(setting), threshold_condition(setting)]

    @property
    def power(self) -> int:
        """The power of the unit of gradients that the value has."""
        return 1

    def run(self, setting: Setting, steps: float) -> tuple[Run, float, float]:
        """(what the theorem depends on, in units with L = F0 = 1; sqrt(L F0), the unit of gradients; F0)."""
        units, lipschitz, eta = self.units(setting), setting.problem.lipschitz, setting.method.step_size
        sigma = min(units.sigma, float(units.thresholds.max()))
        # the start at the minimum: F0 may be replaced by anything larger, here about what the noise of one step adds
        gap = max(setting.problem.initial_gap, lipschitz * (eta * sigma) ** 2 / units.count, TINY)
        unit = np.sqrt(lipschitz * gap)
        run = Run(
            tuple((units.thresholds / unit).tolist()), _raised(units.sigma / unit), self.p, 1.0, min(1.0, lipschitz * eta), 1.0,
            float(steps), self.failure_probability,
        )  # fmt: skip
        return run, float(unit), float(gap)

    def bound(self, setting: Setting, run: Run, unit: float) -> float:
        """The value for one number of steps in units with L = F0 = 1; `unit` is the unit of gradients."""
        raise NotImplementedError

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        if not setting.problem.initial_gap < np.inf or setting.problem.lipschitz == 0:
            return np.full(steps.shape, np.inf)
        values = {}
        for T in np.unique(steps):
            run, unit, gap = self.run(setting, T)
            values[T] = self.bound(setting, run, unit) * (gap if self.quantity == "gap" else unit**self.power)
        return np.vectorize(values.__getitem__, otypes=[np.float64])(steps)


class Theorem6(WholeRun):
    r"""With probability >= 1 - delta, (1/T) sum_{t<T} q(‖grad f(x_t)‖) <= inf_a [2 D0/(eta T) + max_G (a q(G) - Psi_lambda(G))]/a.

    **Hypotheses.** f L-smooth, eta <= 1/L, batches of n units with fixed thresholds tau_k > 0, independent given the past, with
    the mean grad f and E‖unit - grad f‖^p <= sigma^p, 1 < p <= 2 (the law may depend on the past in any way); F0 >= f(x0) - inf f.
    Nothing is assumed of the thresholds, n, T.

    delta = delta_1 + delta_l + delta_m and lambda_D, lambda > 0 are fixed before the data; Psi_lambda is the one-step function of
    `StepExponent`, cut with the failure delta_1/T a step if delta_1 > 0. With

        D >= F0 + ln(1/delta_l)/lambda_D + (eta/2) T max(0, -min_{G <= sqrt(2 L D)} Psi_{lambda_D}(G)),  D0 = F0 + ln(1/delta_m)/lambda,

    with probability >= 1 - delta, for all t <= T simultaneously, f(x_t) - f* <= D and f(x_t) - f* + (eta/2) sum_{s<t} Psi_lambda(G_s) <=
    D0. So the display holds for every nondecreasing q, with the maximum over G <= sqrt(2 L D); min_t G_t <= the same for q(G) =
    G, and max_t G_t <= sqrt(2 L D).

    **Proof.** Let the run stop at the first t with f(x_t) - f* > D. Before it G_t <= sqrt(2 L D), because f is L-smooth and bounded
    below by f*. By the one-step inequality exp(lambda [f(x_t) - f(x_0)] + lambda (eta/2) sum_{s<t} Psi_lambda(G_s)), times the indicators
    of ‖zeta_s‖ <= r(G_s) if there is a cut, is a nonnegative supermartingale that starts at 1 or below: by Ville's inequality it stays
    below 1/delta_m with probability 1 - delta_m; the same for lambda_D with delta_l. r depends on G alone, not on lambda, so both have the
    same indicators, which are all 1 with probability 1 - delta_1. On the remaining event the inequality of lambda_D says
    f(x_t) - f* <= D up to and including the stopping time, so it is never reached; the one of lambda is the second claim. At
    t = T, f(x_T) - f* >= 0 gives (eta/2) sum Psi <= D0, and a q(G) - Psi(G) is at most its maximum. QED

    **Parameters of the proof** are searched with the setting alone (`whole_run.search`): for (delta_1, delta_l)/delta in (0, .1) and
    (.08, .08) lambda_D minimises D and then lambda the bound, on a logarithmic grid that is refined three times, with a coarse
    evaluation of Psi; the best of both is evaluated finely. The value is valid whatever they are, because every evaluation of
    Psi is from below. It is +inf where no lambda_D has a finite D. About half a second a value.

    Parameters
    ----------
    p : float in (1, 2]
    failure_probability : float delta in (0, 1)
    quantity : str, what is bounded
        "mean_squared_gradient_norm" (q = G²), "mean_gradient_norm" (q = G), "min_gradient_norm" (q = G), "gradient_norm" (the
        largest G_t, t <= T), or "mean_phi" (q = min(G², corner G)).
    corner : float in (0, inf), optional
        For "mean_phi"; 3 mean(tau)/8, that of Theorem 4, unless it is given.
    """

    quantity: str = "mean_squared_gradient_norm"
    corner: float = parameter(Interval(0, np.inf), "the corner of min(G², corner G)", default=None)

    statement = (
        r"\Pr\Big[\tfrac1T\sum_{t<T}q(\|\nabla f(x_t)\|)\le\inf_{a>0}\tfrac1a\Big(\tfrac{2D_0}{\eta T}"
        r"+\max_{G\le\sqrt{2LD}}(a\,q(G)-\Psi_\lambda(G))\Big)\Big]\ge1-\delta"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quantity not in QUANTITIES:
            raise ValueError(
                f"Theorem6: quantity must be one of {', '.join(QUANTITIES)}, but {self.quantity!r} was given"
            )

    @property
    def name(self) -> str:
        return f"Theorem6({self.quantity})"

    @property
    def power(self) -> int:
        return 2 if QUANTITIES[self.quantity] in ("square", "corner") else 1

    def bound(self, setting: Setting, run: Run, unit: float) -> float:
        kind = QUANTITIES[self.quantity]
        if kind == "largest":
            return float(np.sqrt(2 * run.lipschitz * _searched_gap(run)))
        if kind == "corner":
            corner = 3 * float(np.mean(run.thresholds)) / 8 if self.corner is None else self.corner / unit
            return _searched(run, Average(kind, corner))[0]
        found = _searched(run, Average(kind))[0]
        if kind == "norm":  # the mean is at most the root of the mean square
            found = min(found, np.sqrt(_searched(run, Average("square"))[0]))
        return found


class Theorem6Gap(WholeRun):
    """The localisation of Theorem 6: with probability >= 1 - delta, f(x_t) - f* <= D for all t <= T simultaneously.

    All of delta goes to the localisation and the cuts, (delta_1, delta_l)/delta = (0, 1) or (.08, .92); see `Theorem6`.

    Parameters
    ----------
    p : float in (1, 2]
    failure_probability : float delta in (0, 1)
    """

    quantity = "gap"
    statement = r"\Pr\Big[\max_{t\le T}f(x_t)-f^*\le D\Big]\ge1-\delta"

    def bound(self, setting: Setting, run: Run, unit: float) -> float:
        return _searched_gap(run)
