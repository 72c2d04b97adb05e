"""One-dimensional profiles: what a machine needs to re-derive the constants of a problem.

A profile is written once, for any arithmetic: `m` is NumPy on a grid, or intervals (problems/enclosure.py).
"""

import dataclasses
from collections.abc import Callable

FAR = 60.0  # how far, in units of 1/rate, a claim that no argument supports is searched for a refutation
NO_ARGUMENT = "no argument beyond the grid for this L1"


@dataclasses.dataclass(frozen=True)
class Profile:
    """phi with f(x) = sum_k phi(x_k) or f(x) = phi(‖x‖), searched on [low, high] for one L1.

    Attributes
    ----------
    value, slope, curvature : callable (x, m)
        phi, phi', phi''; m has exp, log, sin, cos, sinh, cosh.
    low, high : float
        The supremum of |phi''| - L1 |phi'| outside [low, high] is at most `tail`, because of `reason`.
    tail : float
    reason : str
    transverse : callable (x, m), optional
        phi'(r)/r, the curvature across the radius, where it may exceed phi''.
    least_outside : float
        A lower bound of phi outside [low, high].
    """

    value: Callable
    slope: Callable
    curvature: Callable
    low: float
    high: float
    tail: float
    reason: str
    transverse: Callable | None = None
    least_outside: float = 0.0
