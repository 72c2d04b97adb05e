"""Theorem 7: functions with the Polyak-Lojasiewicz inequality; the last iterate, and a localisation that does not grow with T."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ..base import Hypothesis
from .polyak import polyak_gap, polyak_last
from .theorem6 import CACHED, WholeRun

if TYPE_CHECKING:
    from ...methods.base import Setting
    from .whole_run import Run

_last, _gap = lru_cache(CACHED)(polyak_last), lru_cache(CACHED)(polyak_gap)


class _Polyak(WholeRun):
    """Base of the two statements of Theorem 7."""

    quantity = "gap"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        problem = setting.problem
        mu = problem.strong_convexity
        return [
            *super().conditions(setting),
            Hypothesis("‖grad f‖² >= 2 mu (f - inf f), mu > 0", f"mu = {mu:.6g} (strong convexity)", bool(mu > 0)),
            Hypothesis("f* = inf f exactly", str(problem.f_star), bool(problem.f_star_attained)),
        ]

    def shape(self, setting: Setting) -> float:
        """mu/L."""
        return float(setting.problem.strong_convexity / setting.problem.lipschitz)


class Theorem7(_Polyak):
    r"""With probability >= 1 - delta, f(x_T) - f* <= (1-rho)^T F0 + (1 - (1-rho)^T) c/(2 a mu) + ln(1/delta_m)/lambda, rho = eta a mu.

    **Hypotheses.** Those of Theorem 6, ‖grad f‖² >= 2 mu (f - f*) with mu > 0, and f* = inf f exactly: a lower bound would not do,
    as the inequality may fail for it.

    On G <= sqrt(2 L D), Psi_lambda(G) >= a G² - c with c >= 0 and rho = eta a mu in (0, 1). l_t = (1-rho)^t lambda F0 +
    (1 - (1-rho)^t) lambda c/(2 a mu). If D >= F0 and D >= (1/lambda_D) ln(sum_{t=1}^T e^{l_t}/delta_l), l_t with lambda_D, then
    P(some f(x_t) - f* > D, t <= T) <= delta_l, cuts aside (`Theorem7Gap`); D no longer grows like T.

    **Proof.** Z_t = e^{lambda (f(x_t) - f*)} times the indicator of no f(x_s) - f* > D for s < t and of no cut before t. By the one-step
    inequality, E Z_{t+1} <= E[e^{lambda (f_t - f*) - (lambda eta/2)(a G_t² - c)} 1{no f(x_s) - f* > D for s <= t, no cut}] <=
    e^{lambda eta c/2} E[Z_t^{1-rho}] <= e^{lambda eta c/2} (E Z_t)^{1-rho}, by the inequality of f and Jensen (Z_t^{1-rho} = 0 where the
    indicator is 0). Z_0 <= e^{lambda F0}: ln E Z_t <= l_t by induction. The first t with f(x_t) - f* > D, no cut before it, has
    probability at most e^{-lambda D} E Z_t, and t = 0 is none because D >= F0: sum over t. Given D, the same for lambda, and
    Markov: P(f(x_T) - f* > x, no exit, no cut) <= e^{l_T - lambda x} = delta_m. QED

    The parameters are searched with the setting alone, as for Theorem 6; every value is valid. So is `Theorem7Gap`, with all of
    delta for the localisation, and the smaller of the two is given.

    Parameters
    ----------
    p : float in (1, 2]
    failure_probability : float delta in (0, 1)
    """

    statement = (
        r"\Pr\Big[f(x_T)-f^*\le(1-\rho)^TF_0+(1-(1-\rho)^T)\tfrac c{2a\mu}+\tfrac{\ln(1/\delta_m)}\lambda\Big]\ge1-\delta,\ "
        r"\rho=\eta a\mu"
    )

    def bound(self, setting: Setting, run: Run, unit: float) -> float:
        mu = self.shape(setting)
        return _last(run, mu, _gap(run, mu))


class Theorem7Gap(_Polyak):
    """The localisation of Theorem 7: with probability >= 1 - delta, f(x_t) - f* <= D for all t <= T; never above `Theorem6Gap`.

    Proof and parameters: `Theorem7`; the smaller of its D and that of Theorem 6, both chosen before the data.
    """

    statement = r"\Pr\Big[\max_{t\le T}f(x_t)-f^*\le D\Big]\ge1-\delta"

    def bound(self, setting: Setting, run: Run, unit: float) -> float:
        return _gap(run, self.shape(setting))
