"""S0*: drift and second moment of a clipped step bounded by one worst law, for every p in (1, 2]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...specs import NON_NEGATIVE, Interval, parameter
from ...worst_case import floor
from ..base import Hypothesis
from ..nobile2026.constants import group_sigma
from .common import Constants, lipschitz_row, lower_bound_row, moment_row, step_rows
from .envelope import Envelope
from .sharp import S0
from .stochastic import StochasticBound

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting


class S0Star(StochasticBound):
    r"""Gbar <= inf over lam > 0 of [ F0/(eta T) + kappa V + sup_{u>=0}(lam u - Psi*(u)) ]/lam, kappa = eta(L0 + L1 u)/2.

    Psi*(u) = inf { E[u clip_c(Y) - kappa clip_c(Y)²] : E Y = u, E |Y-u|^p <= sigma^p } (`worst_case.one_step`).

    **Hypotheses.** Given the past, E g_t = grad f(x_t) and E‖g_t - grad f(x_t)‖^p <= sigma^p, 1 < p <= 2: the law may depend on the
    past in any way, so the bound holds against an adaptive adversary. First-order constants on a radius >= eta c with eta c L1 <= 1,
    or a global L (L1 = 0, any eta). f* <= inf f. V = E‖z‖² of independent centred noise z added after clipping needs a global L,
    because the step then has no bounded length; 0 without it.

    **Proof.** The step d = -eta clip_c(g) has ‖d‖ <= eta c, so with h = grad f(x_t), u = ‖h‖,
    f(x+d) - f(x) <= <h, d> + (L0 + L1 u)‖d‖²/2 (D0; for a global L the descent lemma, for any step). Its mean, given the past, is
    -eta E[<h, clip_c g> - kappa‖clip_c g‖²] <= -eta Psi*(u) <= -eta(lam u - sup_v(lam v - Psi*(v))). z adds eta² V L/2. The steps are bounded, so that all
    means exist; sum over t < T and divide by eta lam T. QED

    **Mini-batches.** Clip after averaging B independent samples: sigma is replaced by sigma/sqrt(B) for p = 2, and by
    sigma (1 + K_p(B-1))^{1/p}/B for p < 2 (`nobile2026.group_sigma`). Clip each sample and average: the mean of the first term is that
    of one sample, and the second moment of the average is by convexity at most that of one clipped sample, so the single-sample
    sigma serves.

    **Sharper than S0.** S0 takes the drift from one worst law and the second moment from another; here both come from one law, so
    S0* <= S0 for p = 2 (the smaller of the two computed values is returned). S0 to S3 say nothing for p < 2. `AdversaryLowerBound`
    shows how much is left. As eta -> 0 and eta T -> inf, S0* tends to the bias floor u* for p = 2; for p < 1.3 this is false.

    **Where it is loose.** For c far below sigma and short eta T the budget F0 is paid in full at slopes lam < c. There
    E f(x_t) - f* <= F0 + eta t sup_u(-Psi*(u)) and ‖grad f‖² <= 2L(f - f*) give, by Jensen, E‖grad f(x_t)‖ <= sqrt(2L(F0 + eta t sup_u(-Psi*))), whose
    mean is smaller (c = .1 sigma, eta T = 10: about 1.0 against 1.3, and the adversary has .9): the upper end is the loose one. `S0Finite` uses both
    inequalities at every step and meets the adversary there (.91).

    **Rounding.** Any lam gives a valid bound. The supremum is taken over a piecewise affine function below Psi* (`envelope`), with
    dual values of the moment problem at its edges: it is never too small.

    Parameters
    ----------
    p : float in (1, 2]
        Which moment of the noise is used.
    added_variance : float V in [0, inf)
    """

    p: float = parameter(Interval(1, 2, closed_high=True), "the moment of the noise that is used", default=2.0)
    added_variance: float = parameter(NON_NEGATIVE, "E‖z‖² of noise added after clipping", default=0.0)

    source = "proved here"
    statement = (
        r"\bar G\le\inf_\lambda\frac1\lambda\Bigl[\frac{F_0}{\eta T}+\sup_{u\ge0}(\lambda u-\Psi^*(u))\Bigr],\ "
        r"\Psi^*(u)=\inf_{\mathbb EY=u,\,\mathbb E|Y-u|^p\le\sigma^p}\mathbb E\bigl[u\,\mathrm{clip}_c(Y)-\kappa\,\mathrm{clip}_c(Y)^2\bigr]"
    )

    @property
    def name(self) -> str:
        return "S0Star" if self.p == 2 else f"S0Star(p={self.p:g})"

    def further(self, setting: Setting) -> list[Hypothesis]:
        return [moment_row(setting, self.p), *self.smooth_rows(setting), lower_bound_row(setting.problem)]

    def smooth_rows(self, setting: Setting) -> list[Hypothesis]:
        if self.added_variance > 0:
            return [lipschitz_row(setting.problem)]
        return step_rows(self.constants(setting))

    def _constants(self, setting: Setting) -> Constants:
        k = self.constants(setting)
        if self.added_variance > 0:
            return Constants(k.eta, k.c, setting.problem.lipschitz, 0.0, np.inf)
        return k

    def noise_level(self, setting: Setting) -> float:
        """(E‖xi‖^p)^{1/p} of what is clipped: one sample, or the average of a batch."""
        sigma = float(setting.moment(self.p)) ** (1 / self.p)
        method = setting.method
        return sigma if method.per_sample else group_sigma(sigma, self.p, method.batch_size)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        k, sigma = self._constants(setting), self.noise_level(setting)
        if not 0 < k.eta * k.c * k.c < np.inf:  # c² leaves the range of floats: inf is an upper bound
            return np.full_like(steps, np.inf)
        budget = self.budget(setting, steps) + 0.5 * k.eta * k.L0 * self.added_variance
        flat, where = np.unique(np.atleast_1d(budget).ravel(), return_inverse=True)
        half = 0.5 * k.eta * (k.L0 + k.c * k.L1)
        # gradient norms far below the size of Gbar do not matter
        size = floor(k.c, sigma, self.p) + np.sqrt(flat[0] + half * min(k.c, sigma) ** 2)
        envelope = Envelope(k, sigma, self.p, max(1e-3 * float(size), 1e-12 * (k.c + sigma)))
        value = np.array([envelope.bound(b) for b in flat])[where.ravel()].reshape(np.shape(steps))
        if self.p == 2 and self.added_variance == 0:
            value = np.minimum(value, S0(reference_L1=self.reference_L1).evaluate(setting, steps))
        return value
