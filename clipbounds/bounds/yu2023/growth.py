"""How far SClip-EF can move: bounds on every trajectory, whatever the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...methods import PowerSchedule, SClipEF
from ..base import Bound, Hypothesis

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import FloatArray
    from ...methods.base import Setting

STANDARD_POWERS = (-0.2, -0.5, 0.6, -0.5)


def is_standard(method: Any) -> bool:
    """Whether the schedules are a s^{-1/5}, c_phi s^{-1/2}, tau s^{3/5}, beta s^{-1/2}, s = t + 1."""
    return all(
        isinstance(s, PowerSchedule) and s.shift == 1 and (abs(s.power - p) < 1e-12 or s.factor == 0)
        for s, p in zip(method.schedules, STANDARD_POWERS, strict=True)
    )


def estimator_sizes(method: Any, steps: int) -> FloatArray:
    """M_0, ..., M_steps with |m_i| <= M_t per component after t steps: M_0 = 0, M_{t+1} = beta_t M_t + (1-beta_t) phi_t."""
    t = np.arange(steps)
    beta, phi = method.averaging.at(t).tolist(), method.level.at(t).tolist()
    sizes = [0.0]
    for b, p in zip(beta, phi, strict=True):
        sizes.append(b * sizes[-1] + (1 - b) * p)
    return np.array(sizes)


def displacements(method: Any, sizes: FloatArray) -> FloatArray:
    """D_0, ..., D_T with |x_t - x_0| <= D_t per component: sums of eta_t M_{t+1}."""
    eta = method.step_size.at(np.arange(len(sizes) - 1))
    return np.concatenate([[0.0], np.cumsum(eta * sizes[1:])])


def _is_sclip_ef(setting: Setting) -> list[Hypothesis]:
    return [Hypothesis("the method is SClip-EF", type(setting.method).__name__, isinstance(setting.method, SClipEF))]


class EstimatorSize(Bound):
    """Every component of every client's estimator stays below M_t; with the standard powers |m_i| <= K phi_t.

    M_0 = 0, M_{t+1} = beta_t M_t + (1 - beta_t) phi_t, for any problem, any noise and any schedules with beta_t in
    [0, 1), on a server or on a network, for the component-wise and the joint operator.

    Proof. |Psi_t| <= phi_t, so |m^{t+1}| <= beta_t |m^t| + (1 - beta_t) phi_t; induction. With the standard powers
    M_{t+1} <= K phi_t, K = (1 - beta/sqrt2)/(1 - beta): for t = 0 because K >= 1, and for t >= 1 because
    phi_{t-1} <= sqrt2 phi_t and beta_t <= beta/sqrt2 give M_{t+1} <= (sqrt2 K beta_t + 1 - beta_t) phi_t <= K phi_t.
    """

    quantity = "estimator_size"
    aggregate = "every"
    statement = r"|m_i^{t+1}|_\infty \le \beta_t M_t + (1-\beta_t)\varphi_t"
    source = "proved here (theory page error-feedback, section 2, property 8)"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        return _is_sclip_ef(setting)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return estimator_sizes(setting.method, int(steps.max()))[steps.astype(int)]


class Growth(Bound):
    """No component of the iterate moves farther than the sum of eta_s M_{s+1}; standard powers: (10/3) K a c_phi t^{3/10}.

    M as in `EstimatorSize`, K = (1 - beta/sqrt2)/(1 - beta); on a network the iterate is the mean of the x_i. Any noise.

    Proof. The iterate moves by eta_t times an average of the m_i (a doubly stochastic matrix keeps the mean), each of
    them at most M_{t+1} <= K phi_t; sum_{s=1}^t s^{-7/10} <= (10/3) t^{3/10}. The power is sharp: a single client whose
    minimiser is far away attains the sum, and `divergence_example` the power, with bounded data.
    """

    quantity = "displacement"
    aggregate = "every"
    statement = r"|x^t-x^0|_\infty \le \sum_{s<t}\eta_s M_{s+1} \le \frac{10}{3} K a c_\varphi t^{3/10}"
    source = "proved here (theory page error-feedback, section 2, property 8)"

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        return _is_sclip_ef(setting)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        sizes = estimator_sizes(setting.method, int(steps.max()))
        return displacements(setting.method, sizes)[steps.astype(int)]

    def closed_form(self, setting: Setting, steps: int) -> FloatArray:
        """(10/3) K a c_phi t^{3/10}, for the standard powers only."""
        method: Any = setting.method  # its schedules are known once it is standard
        if not (isinstance(setting.method, SClipEF) and is_standard(method)):
            raise ValueError(
                "Growth: the closed form needs SClip-EF with the standard powers; use value(setting, steps)"
            )
        beta = method.averaging.factor
        K = (1 - beta / np.sqrt(2)) / (1 - beta)
        a, c = method.step_size.factor, method.level.factor
        return 10 / 3 * K * a * c * np.asarray(steps, dtype=float) ** 0.3
