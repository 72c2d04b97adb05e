"""Theorem 3 and Corollary 3': the mean gradient norm of PS-Clip-SGD in expectation."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...specs import Interval, parameter
from ..base import Bound
from .constants import check_exponent, check_positive, tail_constant
from .descent import Descent
from .units import Units, constant_condition, method_conditions, units_of

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from ...methods.base import Setting
    from ..base import Hypothesis

EXPONENT = Interval(1, 2, closed_high=True)
PROVED_HERE = "proved here, for the estimator of Nobile and Grohs 2026 (arXiv 2605.02701)"


class _PerSample(Bound):
    """Base of the theorems on the method; p is the exponent of the moment that is used."""

    p: float = parameter(EXPONENT, "tail exponent: E‖xi‖^p is finite")

    source = PROVED_HERE
    quantity = "mean_gradient_norm"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        return method_conditions(setting, self.p)

    def units(self, setting: Setting) -> Units:
        """`units_of` this setting, for which the hypotheses hold."""
        units = units_of(setting, self.p)
        if units is None:
            raise ValueError(f"{self.name}: {setting!r} does not clip units of a batch by their norm, or has no sigma")
        return units

    def level(self, setting: Setting, steps: FloatArray) -> FloatOrArray:
        """2 F0/(eta T)."""
        return 2 * setting.problem.initial_gap / (setting.method.step_size * steps)


class Theorem3(_PerSample):
    """(1/T) sum_t E‖grad f(x_t)‖ <= phi^{-1}(2 F0/(eta T)).

    f L-smooth, eta <= 1/L, batches of n units (samples, or means of micro-batches) with fixed thresholds tau_k and
    E‖unit - grad f‖^p <= sigma^p, 1 < p <= 2. Phi(G) = G² - B(G)² - L eta V(G) with B, V of Theorem 1, phi its lower convex
    envelope, phi^{-1} the largest root. The value is +inf when mean(tau) <= sigma: Phi is then not coercive and no
    bound on the mean gradient norm follows, and when the square of a threshold overflows: it may be no threshold, and the
    unit may have no variance. Gradients need not be bounded.

    Proof. Let m = E[ghat | x], V >= E‖ghat - m‖². The descent lemma and 2<g, m> = G² + ‖m‖² - ‖g - m‖² give
    E f(x+) <= f - (eta/2)(G² + ‖m‖² - B²) + (L eta²/2)(‖m‖² + V) <= f - (eta/2) Phi(G), as L eta <= 1. Sum over t:
    (1/T) sum E Phi(G_t) <= 2 F0/(eta T); phi <= Phi and Jensen give phi((1/T) sum E G_t) <= 2 F0/(eta T).

    Parameters
    ----------
    p : float in (1, 2]
    """

    statement = r"\frac1T\sum_{t<T}\mathbb E\|\nabla f(x_t)\|\le\phi^{-1}\!\left(\frac{2F_0}{\eta T}\right)"

    def descent(self, setting: Setting) -> Descent:
        """Phi of this setting."""
        units = self.units(setting)
        kappa = min(1.0, setting.problem.lipschitz * setting.method.step_size)
        return Descent(units.thresholds, units.sigma, self.p, kappa)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        if np.max(self.units(setting).thresholds) > 1e150:
            return np.full(steps.shape, np.inf)
        return self.descent(setting).inverse(self.level(setting, steps))


def inverse_of_minorant(level: FloatOrArray, corner: FloatOrArray) -> FloatArray:
    """sup of mean G given mean min(G², a G) <= R: sqrt R for R <= a²/4, else R/a + a/4.

    The convex envelope of min(G², a G) is G² up to a/2 and a G - a²/4 beyond; Jensen.
    """
    level = np.asarray(level, dtype=np.float64)
    return np.where(level <= corner**2 / 4, np.sqrt(level), level / corner + corner / 4)


def half_threshold_bias(threshold: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """beta' = 2^{p-1} c_p sigma^p tau^{1-p} = c_p sigma^p (tau/2)^{1-p}: the bias while G <= tau/2."""
    return tail_constant(p) * sigma**p * (threshold / 2) ** (1 - p)


class Corollary3(_PerSample):
    """Corollary 3': a constant threshold tau >= 4 sigma, in closed form.

    beta' = 2^{p-1} c_p sigma^p tau^{1-p}, R = 2F0/(eta T) + L eta (2 tau)^{2-p} sigma^p/n + beta'², a = 3 tau/8:
    (1/T) sum E G_t <= sqrt R if R <= a²/4, else R/a + a/4.

    Proof. V <= (2 tau)^{2-p} sigma^p/n. If G <= tau/2 then B <= beta'. If G > tau/2 then G² - B² >= a G: with
    tau - G >= sigma (p-1)/p the bias is at most sigma/p <= tau/4 < G/2, so G² - B² >= (3/4) G² >= (3/8) tau G; otherwise
    G >= 7 tau/8 and B = G - x, x = tau - sigma in [3 tau/4, tau), so G² - B² = x (2G - x) >= (6/7) x G >= (9/14) tau G
    (for 2G - x >= 2G - tau >= (6/7) G). So min(G², a G) <= Phi(G) + L eta V + beta'² in every case; average over t,
    and invert.
    """

    statement = r"\frac1T\sum\mathbb E G_t\le\sqrt R,\quad R=\tfrac{2F_0}{\eta T}+\tfrac{L\eta(2\tau)^{2-p}\sigma^p}{n}+\beta'^2"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        units = units_of(setting, self.p)
        return [*super().conditions(setting), constant_condition(units, 4, "constant tau >= 4 sigma")]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        units = self.units(setting)
        tau, kappa = float(units.thresholds[0]), setting.problem.lipschitz * setting.method.step_size
        noise = kappa * (2 * tau) ** (2 - self.p) * units.sigma**self.p / units.count
        level = self.level(setting, steps) + noise + half_threshold_bias(tau, units.sigma, self.p) ** 2
        return inverse_of_minorant(level, 3 * tau / 8)


@dataclasses.dataclass(frozen=True)
class Split:
    """A budget of N samples as T = `steps` steps of batches of n = `batch_size`; `bound` is on the mean of E G_t."""

    batch_size: int
    steps: int
    threshold: float
    bound: float


def best_split(samples: int, initial_gap: float, lipschitz: float, sigma: float, p: float, scale: float = 1.0) -> Split:
    """Corollary 3' with eta = 1/L, tau = scale sigma n^{1/p} and the best n for a budget of N = n T samples.

    R* falls as N^{-2(p-1)/(3p-2)}, so the mean gradient norm as N^{-(p-1)/(3p-2)}. Every n gives a valid bound; all
    admissible n (tau >= 4 sigma, that is n >= (4/scale)^p) on a logarithmic grid of ratio 1.02 are tried.

    Parameters
    ----------
    samples : int N
    initial_gap, lipschitz, sigma : F0, L, (E‖xi‖^p)^{1/p}, each in (0, inf)
    p : float in (1, 2]
    scale : float lam in (0, inf)

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If N is below the smallest admissible batch.
    """
    p = check_exponent("best_split", p)
    for name, value in (("initial_gap", initial_gap), ("lipschitz", lipschitz), ("sigma", sigma), ("scale", scale)):
        check_positive("best_split", name, value)
    least = int(np.ceil((4 / scale) ** p * (1 - 1e-12)))
    if samples < least:
        raise ValueError(
            f"best_split: tau = scale sigma n^(1/p) >= 4 sigma needs batches of n >= {least}, but only {samples} samples"
            " were given; give more samples or a larger scale"
        )
    count = 2 + int(np.log(samples / least) / np.log(1.02))
    n = np.unique(np.geomspace(least, samples, count).astype(np.int64))
    tau, steps = scale * sigma * n ** (1 / p), samples // n
    noise = (2 * tau) ** (2 - p) * sigma**p / n
    level = 2 * lipschitz * initial_gap / steps + noise + half_threshold_bias(tau, sigma, p) ** 2
    bounds = inverse_of_minorant(level, 3 * tau / 8)
    k = int(np.argmin(bounds))
    return Split(int(n[k]), int(steps[k]), float(tau[k]), float(bounds[k]))
