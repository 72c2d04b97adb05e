"""What the drift of distributed clipping depends on: constants of the clients and of the noise, lemma 3 of the proofs.

The proofs are on the page "Proofs: growing thresholds" of the documentation; the numbers of lemmas and theorems are its.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...methods import GrowingSmoothClip, SClipEF
from ...noise import Gaussian, Noise, NoNoise
from ...noise.base import INDEPENDENT
from ...problems import ClientProblem
from ..base import Hypothesis


def repulsion(curvature: ArrayLike, smoothness: ArrayLike) -> np.ndarray:
    """Gamma with <M'e, r_i> >= -Gamma ‖e‖² for all 0 <= M' <= I, where curvature I <= Hessian of f_i <= smoothness I.

    (L - l)²/(8(L + l)) if L + 3l >= 0, else -l; for convex clients at most L/8. Component-wise clipping can push
    outwards this much where it clips everything.

    Parameters
    ----------
    curvature, smoothness : array_like l, L, with -L <= l <= L
    """
    l, L = np.asarray(curvature, dtype=np.float64), np.asarray(smoothness, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.square(L - l) / (8 * (L + l))
    return np.where(L + 3 * l >= 0, np.where(L > 0, inner, 0.0), -l)


@dataclasses.dataclass(frozen=True)
class Clients:
    """The constants of the clients, arrays of shape (n,), and mu.

    Attributes
    ----------
    weights, scales : shares, and factors of the noise
    smoothness, curvature : L_i and l_i, l_i I <= Hessian of f_i <= L_i I
    slopes : G_i = ‖grad f_i(x*)‖
    strong_convexity : mu of f
    """

    weights: np.ndarray
    scales: np.ndarray
    smoothness: np.ndarray
    curvature: np.ndarray
    slopes: np.ndarray
    strong_convexity: float

    @classmethod
    def of(cls, problem: Any) -> "Clients":
        return cls(
            problem.weights, problem.noise_scales, np.asarray(problem.client_lipschitz), np.asarray(problem.client_curvature),
            np.linalg.norm(problem.gradients_at_minimiser, axis=1), float(problem.strong_convexity),
        )  # fmt: skip

    @property
    def equal_laws(self) -> bool:
        """Whether all clients have the same noise law."""
        return bool(np.ptp(self.scales) == 0)

    @property
    def mean_repulsion(self) -> float:
        """The mean of the Gamma_i."""
        return float(self.weights @ repulsion(self.curvature, self.smoothness))

    @property
    def mean_concavity(self) -> float:
        """nubar, the mean of max(0, -l_i)."""
        return float(self.weights @ np.maximum(0.0, -self.curvature))


def is_symmetric(noise: Noise) -> bool:
    """Whether the noise vector and each of its components are symmetric."""
    return bool(noise.symmetric or noise.radial)


def is_rotation_invariant(noise: Noise, dim: int) -> bool:
    """Whether the law of the noise vector is invariant under rotations and reflections."""
    if dim == 1:
        return is_symmetric(noise)
    normal = isinstance(noise, Gaussian) and noise.layout == INDEPENDENT
    return bool(noise.radial or normal or isinstance(noise, NoNoise))


def moment_sums(noise: Noise, p: float, dim: int, joint: bool) -> tuple[float, float]:
    """(sigma^p of one component or of the norm, bound of the sum of E|xi_k|^p over the components that the operator acts on)."""
    if joint:
        value = float(noise.vector_moment(p, dim))
        return value, value
    value = float(noise.moment(p))
    independent = noise.layout == INDEPENDENT
    return value, value * (dim if independent else dim ** (1 - p / 2))  # power means: the length is that of the law


def drifts(setting: Any) -> list[tuple[float, bool]]:
    """The drifts of lemma 3 that apply: pairs (gamma, whether it is the form "sym")."""
    problem, noise, method = setting.problem, setting.noise, setting.method
    clients = Clients.of(problem)
    scalar = is_rotation_invariant(noise, problem.dim) and (method.joint or problem.dim == 1)
    found = [(min(clients.mean_repulsion, clients.mean_concavity) if scalar else clients.mean_repulsion, False)]
    if method.joint or problem.dim == 1:
        found.append((clients.mean_concavity, True))
    return found


def far_field_gamma(setting: Any) -> float:
    """The gamma of theorem 1: the smallest that applies; no symmetry is needed for it."""
    clients, method = Clients.of(setting.problem), setting.method
    return clients.mean_concavity if method.joint or setting.problem.dim == 1 else clients.mean_repulsion


def method_rows(setting: Any) -> tuple[list[Hypothesis], bool]:
    """(rows of the table about problem and method, whether the rest of the table can be evaluated)."""
    problem, method = setting.problem, setting.method
    shared = isinstance(problem, ClientProblem)
    known = isinstance(method, (SClipEF, GrowingSmoothClip))
    rows = [
        Hypothesis("f = sum of w_i f_i over clients, f_i L_i-smooth", type(problem).__name__, shared),
        Hypothesis("SClip-EF or GrowingSmoothClip", type(method).__name__, known),
    ]
    if not (shared and known):
        return rows, False
    rows.append(
        Hypothesis(
            "on a server", "no network" if method.network is None else repr(method.network), method.network is None
        )
    )
    mu = float(problem.strong_convexity)
    rows.append(Hypothesis("f is mu-strongly convex, mu > 0", f"mu = {mu:.6g}", mu > 0))
    independent = setting.noise.additive
    rows.append(Hypothesis("noise independent over clients and steps", type(setting.noise).__name__, independent))
    return rows, bool(independent)


def finite_moment(noise: Noise, p: float) -> Hypothesis:
    """E|xi|^p as a row of the table."""
    value = float(noise.moment(p))
    return Hypothesis("E|xi|^p < inf", f"p = {p:.6g}, E|xi|^p = {value:.6g}", math.isfinite(value))
