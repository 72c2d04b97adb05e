"""The near-optimum law: a prediction of the exponent of the mean squared error, never a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...methods import SClipEF
from ...noise import StudentT
from ...problems import ClientQuadratics
from ...specs import POSITIVE, parameter
from ..base import Bound, Hypothesis
from .growth import is_standard

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting
    from ...noise.base import Noise


def tail_index(noise: Noise) -> float:
    """alpha with P(|xi| > x) ~ x^{-alpha}, cut at 2: from the law's parameter, else where its moments end."""
    known = noise.dof if isinstance(noise, StudentT) else getattr(noise, "tail_index", None)
    if known is not None:
        return min(float(known), 2.0)
    if noise.moment(2.0) < float("inf"):
        return 2.0
    low, high = 0.0, 2.0
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if noise.moment(middle) < float("inf") else (low, middle)
    return 0.5 * (low + high)


class NearOptimumLaw(Bound):
    """E‖x_t - x*‖² ~ t^{-e}, e the smallest of three exponents; near the optimum of quadratics. Derived, not proved.

    * variance: .4 + .3 alpha', alpha' = min(alpha, 2), alpha the tail index of the noise;
    * start: 2 theta mubar, mubar the smallest eigenvalue of the mean Hessian;
    * bias: 1.2 for clients with the same noise law, .6 alpha' for different ones.

    The law says nothing of constants: the curve passes through (anchor_step, anchor_value).

    Parameters
    ----------
    anchor_step, anchor_value : float in (0, inf)
    """

    anchor_step: float = parameter(POSITIVE, default=1.0)
    anchor_value: float = parameter(POSITIVE, default=1.0)

    kind = "prediction"
    asserted = False
    quantity = "squared_distance"
    statement = (
        r"\mathbb{E}\|x^t-x^*\|^2 \approx C t^{-\min\{.4+.3\alpha',\,2\theta\bar\mu,\,.6\alpha'\ \mathrm{or}\ 1.2\}}"
    )
    source = "theory page error-feedback, section 3 (derived, measured)"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        quadratic = isinstance(setting.problem, ClientQuadratics)
        rows = [Hypothesis("quadratic clients", type(setting.problem).__name__, quadratic)]
        standard = isinstance(setting.method, SClipEF) and is_standard(setting.method)
        rows.append(Hypothesis("SClip-EF with the standard powers", type(setting.method).__name__, standard))
        return rows

    def exponents(self, setting: Setting) -> dict[str, float]:
        """The three exponents by name."""
        alpha = tail_index(setting.noise)
        scales = setting.problem.noise_scales
        equal = scales.max() - scales.min() <= 1e-12 * scales.max()
        return {
            "variance": 0.4 + 0.3 * alpha,
            "start": 2 * setting.method.theta * setting.problem.strong_convexity,
            "bias": 1.2 if equal else 0.6 * alpha,
        }

    def exponent(self, setting: Setting) -> float:
        """The smallest of the three."""
        return min(self.exponents(setting).values())

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.anchor_value * (steps / self.anchor_step) ** -self.exponent(setting)
