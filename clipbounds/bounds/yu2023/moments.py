"""Theorem 3: the mean squared distance of SClip-EF and of growing smooth clipping after finitely many steps."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...methods import SClipEF
from ...specs import Interval, integer, parameter
from ..base import Bound, Hypothesis
from . import moment_kernels as kernels
from .drift import Clients, drifts, finite_moment, is_symmetric, method_rows, moment_sums
from .growth import estimator_sizes

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...methods.base import Setting

HIGHEST = 40  # moments in use


@cache
def curvature_constant(p: float) -> float:
    """c_p = sup over z > 0 of (1 - (1 + z²)^{-3/2})/z^p, rounded up; 3/2 at p = 2.

    Parameters
    ----------
    p : float in (0, 2]
    """
    from scipy.optimize import minimize_scalar

    if not Interval(0, 2, closed_high=True).contains(p):
        raise ValueError(f"curvature_constant: p must be in (0, 2], but {p!r} was given")
    # in log z the quotient has one maximum; -expm1 keeps its digits where z is small, and p = 2 has its supremum at 0
    found = minimize_scalar(
        lambda u: math.expm1(-1.5 * math.log1p(math.exp(2 * u))) * math.exp(-p * u), bounds=(-12.0, 12.0), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    return min(1.5, -float(found.fun)) * (1 + 1e-12) if p < 2 else 1.5


def step_table(method: Any, steps: int, dim: int) -> np.ndarray:
    """What theorem 3 needs of every step: a, T, the longest step, |m| in u_i, c/|m|, |m|, beta and phi/T, as columns."""
    t = np.arange(steps)
    norm = 1.0 if method.joint else math.sqrt(dim)
    if not isinstance(method, SClipEF):
        a, T = method.step_size.at(t), method.threshold.at(t)
        none = np.zeros(steps)
        return np.stack([a, T, norm * a * T, none, none, none, none, none], axis=1)
    eta, phi, eps, beta = (schedule.at(t) for schedule in method.schedules)
    T, sizes = np.sqrt(eps), norm * estimator_sizes(method, steps)
    a = (1 - beta) * eta * phi / T
    before = sizes[:-1]
    fed_back = float(method.error_feedback)
    return np.stack(
        [a, T, eta * sizes[1:], fed_back * before, fed_back * a + eta * beta, before, beta, phi / T], axis=1
    )


class MomentRecursion(Bound):
    """Theorem 3. E‖x_t - x*‖² <= V_t = M_2: bounds M_j of E r^j, j = 2..order, r = ‖x_t - x*‖, advanced step by step.

    For SClip-EF with any schedules and for `GrowingSmoothClip`, with the smooth operator, component-wise or joint, on a
    server, under symmetric noise with E|xi|^p <= sigma_i^p (of each component, or of the norm for the joint operator),
    0 < p <= 2, and no other moment. With r_i = grad f_i(x) - grad f_i(x*), l_i <= Hessian of f_i <= L_i, mean = sum_i w_i:

        M_j' = min{ sum_i C(j,i) M_{j-i} Sbar^i,  (R + Sbar)^j,  M_{j+1}'^{j/(j+1)},
                    (1 - j a mu) M_j + j a (mu + gamma) Omega_j + j a B_{j-1} + j C_j
                        + sum_i C(j,i+2) Sbar^i Q_{j-2-i}  if j a mu <= 1 },

    a = (1 - beta) eta phi/T, T = sqrt(eps) (plain: a = alpha), Sbar the longest step, R the farthest point, M_0 = 1,
    M_1 = sqrt(M_2), M_{J+1} = R M_J, M_{J+2} = R² M_J, and Omega, B, C, Q upper bounds of E omega r^j, of E r^{j-1} b without
    and with the m_i alone, and of E r^k‖S‖², from lemmas 2 and 3; for C a bound of E‖m_i‖² is advanced too.

    Proof. In short (in full on the page "Proofs: growing thresholds", lemmas 1 to 4 and theorem 3). Symmetry makes the
    averaged operator E C_T(u + xi) = M u with 0 <= I - M <= min(1, d(|u|/T) + n), d(z) = 1 - (1+z²)^{-1/2},
    n = E[1 - (1 + xi²/T²)^{-3/2}]. Whatever part of the pull is lost to I - M <= omega I can turn against e by at most
    gamma r² omega; sum_i w_i grad f_i(x*) = 0 leaves of the differences between clients only what I - M does to them.
    So <e, E D> >= mu r² - (mu + gamma) omega r² - r b. Taylor's formula for ‖e - S‖^j gives the last line, where the
    expectations of r^k d((G + L r)/T) are bounded by Jensen's inequality under the weight r^k, which is increasing in
    every moment, so that upper bounds may be inserted; the other terms are ‖e'‖ <= r + Sbar, the path bound and Jensen.

    Parameters
    ----------
    p : float in (0, 2], the moment of the noise that is used; default 1
    order : int J in [2, 40], the moments in use; default 12. More of them forget the far field later, at a cost of J².
    """

    p: float = parameter(Interval(0, 2, closed_high=True), "a moment of the noise", default=1.0)
    order: int = integer(2, "moments in use", default=12)

    quantity = "squared_distance"
    aggregate = "mean"
    statement = r"\mathbb{E}\|x^t-x^*\|^2 \le V_t = M_2(t)"
    source = "Theorem 3 of growing thresholds, proved here (theory page error-feedback-2, section 4)"

    def validate(self) -> None:
        if self.order > HIGHEST:
            raise ValueError(f"MomentRecursion: order must be at most {HIGHEST}, but {self.order} was given")

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        rows, known = method_rows(setting)
        if not known:
            return rows
        method, noise = setting.method, setting.noise
        rows.append(Hypothesis("the smooth operator", f"smooth = {method.smooth}", bool(method.smooth)))
        rows.append(Hypothesis("noise symmetric", type(noise).__name__, is_symmetric(noise)))
        return [*rows, finite_moment(noise, self.p)]

    def _noise_factors(self, setting: Setting, clients: Clients) -> list[FloatArray]:
        """Columns for the kernel: n_i, second differences, sigma' and w_i per power of T, and the number of components."""
        method, noise, dim, p = setting.method, setting.noise, setting.problem.dim, self.p
        moment, total = moment_sums(noise, p, dim, method.joint)
        scale = clients.scales**p
        first = moment * scale * 2 ** (1 - p) if p <= 1 else (moment * scale) ** (1 / p)
        components = np.full(scale.size, 1.0 if method.joint else float(dim))
        return [
            curvature_constant(p) * moment * scale,
            1.5 ** (p / 2) * moment * scale,
            first,
            total * scale,
            components,
        ]

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        clients = Clients.of(setting.problem)
        return moment_curve(
            clients=clients,
            noise_factors=self._noise_factors(setting, clients),
            table=step_table(setting.method, int(steps.max()), setting.problem.dim),
            kinds=drifts(setting),
            start=float(setting.problem.distance(setting.problem.x0)),
            p=self.p,
            order=self.order,
        )[steps.astype(int)]


def moment_curve(
    clients: Clients,
    noise_factors: list,
    table: np.ndarray,
    kinds: list[tuple[float, bool]],
    start: float,
    p: float,
    order: int,
    far_field: bool = True,
) -> np.ndarray:
    """V_0, ..., V_T from the numbers of theorem 3; the unit of length is the farthest point, so that no power overflows.

    Parameters
    ----------
    clients : Clients
    noise_factors : five arrays of shape (n,), see `MomentRecursion`
    table : array (T, 8), see `step_table`
    kinds : pairs (gamma, whether the drift is of the form "sym")
    start : float, ‖x_0 - x*‖
    p, order : as for `MomentRecursion`
    far_field : bool; False leaves the far-field term out, for a negative control

    Returns
    -------
    ndarray (T + 1,)
    """
    unit = start + float(table[:, 2].sum()) or 1.0
    T = table[:, 1]
    near = T ** (1 - p) if p <= 1 else np.ones_like(T)
    lengths = np.array([1 / unit, 1.0, 1 / unit, 1.0, 1 / unit, 1.0, 1.0, 1.0])
    full = np.column_stack([table * lengths, T**-p, near])
    columns = [clients.weights, clients.slopes, clients.smoothness * unit, *noise_factors, clients.weights**2]
    rows, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    rows[:, [kernels.WEIGHT, kernels.SHARE]] *= counts[:, np.newaxis]  # clients that are alike are one
    common = [
        clients.strong_convexity * unit, unit * (clients.weights @ clients.smoothness), clients.weights @ clients.slopes,
        clients.slopes.max(), unit * clients.smoothness.max(), clients.equal_laws, far_field,
    ]  # fmt: skip
    turned = np.array([(unit * gamma, symmetric) for gamma, symmetric in kinds], dtype=np.float64)
    binomials = np.ascontiguousarray(kernels.BINOMIALS[: order + 3, : order + 3]).ravel()
    out = np.zeros(len(table) + 1)
    out[0] = (start / unit) ** 2
    scratch = np.zeros(6 * (order + 3) + len(rows))
    kernels.recursion(
        full.ravel(), rows.ravel(), np.array(common, dtype=np.float64), turned.ravel(), binomials, scratch, out, order
    )
    return out * unit**2
