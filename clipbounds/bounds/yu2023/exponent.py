"""Theorem 2: the exponents of distributed SGD with growing clipping thresholds, as functions of the constants."""

import dataclasses

from ...specs import POSITIVE, Interval
from .drift import repulsion

OPERATORS = ("component-wise", "joint")


@dataclasses.dataclass(frozen=True)
class Exponents:
    """E‖x_t - x*‖² = O(t^{-smallest}), up to t^{o(1)} if start is the smallest and not the only one.

    Attributes
    ----------
    start : 2 theta mu
    bias : 2qp for clients with different noise laws or the hard clip, 4q for equal laws, 2q(p-1) without symmetry; inf if
        all clients have the same minimiser and the noise is symmetric
    variance : 1 - 2q + qp
    """

    start: float
    bias: float
    variance: float

    @property
    def smallest(self) -> float:
        return min(self.start, self.bias, self.variance)


def check_range(p: float, power: float, symmetric: bool = True) -> None:
    """Refuse p and q outside the theorem."""
    if not p > 0:
        raise ValueError(f"exponents: p must be in (0, 2], the order of a moment of the noise, but {p!r} was given")
    if not p <= 2:
        raise ValueError(f"exponents: p must be in (0, 2], a higher moment gives nothing more, but {p!r} was given")
    if not symmetric and not p > 1:
        raise ValueError(f"exponents: without symmetry p must be in (1, 2], so that a mean exists, but {p!r} was given")
    domain = Interval(0, 0.5) if symmetric else Interval(0, 1)
    if not domain.contains(power):
        raise ValueError(f"exponents: power, the q of T = T0 s^q, must be in {domain}, but {power!r} was given")


def largest_theta(
    smoothness: float,
    curvature: float | None = None,
    *,
    power: float = 0.3,
    operator: str = "component-wise",
    dim: int = 2,
) -> float:
    """q/gamma: theorem 2 needs theta below it; inf where it needs no condition.

    Parameters
    ----------
    smoothness, curvature : float L, l with l I <= Hessian of every client <= L I; l = -L if it is None, 0 for convex clients
    power : float q
    operator : "component-wise" or "joint"
    dim : int, in dimension 1 both operators are the same

    Returns
    -------
    float; gamma = max(0, -l) for the joint operator, else `repulsion`
    """
    if operator not in OPERATORS:
        raise ValueError(f"largest_theta: operator must be one of {', '.join(OPERATORS)}, but {operator!r} was given")
    if not POSITIVE.contains(smoothness):
        raise ValueError(f"largest_theta: smoothness must be in (0, inf), but {smoothness!r} was given")
    l = -smoothness if curvature is None else curvature
    if not -smoothness <= l <= smoothness:
        raise ValueError(f"largest_theta: curvature must be in [-{smoothness:g}, {smoothness:g}], but {l!r} was given")
    gamma = max(0.0, -l) if operator == "joint" or dim == 1 else float(repulsion(l, smoothness))
    return power / gamma if gamma > 0 else float("inf")


def exponents(
    theta: float, strong_convexity: float, smoothness: float, p: float, *, curvature: float | None = None,
    power: float = 0.3, operator: str = "component-wise", dim: int = 2, smooth: bool = True, equal_laws: bool = False,
    same_minimiser: bool = False, symmetric: bool = True,
) -> Exponents:  # fmt: skip
    """Theorem 2 (proof: page "Proofs: growing thresholds"): the exponents for a step theta/s and a threshold T0 s^q.

    Parameters
    ----------
    theta : float in (0, q/gamma), see `largest_theta`
    strong_convexity, smoothness : float mu of f, and L of every client
    p : float in (0, 2], E|xi|^p < inf
    curvature : float l, see `largest_theta`
    power : float q, in (0, 1/2), or in (0, 1) without symmetry; .3 for SClip-EF
    operator : "component-wise" or "joint"
    dim : int
    smooth : bool; False for the hard clip, which gains nothing from equal laws
    equal_laws : bool, all clients have the same noise law
    same_minimiser : bool, all grad f_i(x*) = 0
    symmetric : bool; False: only E xi = 0, for the plain method

    Raises
    ------
    ValueError
        For theta, p or power outside the theorem, or f without strong convexity; the message names the number that would do.
    """
    check_range(p, power, symmetric)
    if not POSITIVE.contains(strong_convexity):
        raise ValueError(
            f"exponents: the mean of the clients must be strongly convex, mu > 0, but mu = {strong_convexity!r} was given"
        )
    limit = largest_theta(smoothness, curvature, power=power, operator=operator, dim=dim)
    if not 0 < theta < limit:
        raise ValueError(
            f"exponents: theta must be in (0, {limit:.6g}), below q/gamma of theorem 2, but {theta!r} was given"
            + (
                ""
                if operator == "joint" or limit == float("inf")
                else "; the joint operator with convex clients takes any"
            )
        )
    return combine(theta * strong_convexity, p, power, equal_laws and smooth, same_minimiser, symmetric)


def combine(rate: float, p: float, power: float, equal_laws: bool, same_minimiser: bool, symmetric: bool) -> Exponents:
    """The three exponents from theta·mu and what the noise and the clients are."""
    if not symmetric:
        bias = 2 * power * (p - 1)
    elif same_minimiser:
        bias = float("inf")
    else:
        bias = 4 * power if equal_laws else 2 * power * p
    return Exponents(2 * rate, bias, 1 - 2 * power + power * p)


def best_power(p: float, *, equal_laws: bool = False, symmetric: bool = True) -> float:
    """The q at which bias and variance balance: 1/(2 + p), 1/(6 - p) for equal laws, 1/p without symmetry.

    The exponents are then 2p/(2 + p), 4/(6 - p) and 2(p-1)/p.
    """
    check_range(p, 0.3, symmetric)
    if not symmetric:
        return 1 / p
    return 1 / (6 - p) if equal_laws else 1 / (2 + p)
