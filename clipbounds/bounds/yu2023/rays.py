"""Rays along which growing clipping diverges: a share of the clients pushes outwards, saturated or not, the rest inwards.

Without noise and with all minimisers at 0, x = r T_s v (v a fixed vector of signs, or the unit of the line) moves, up to lower
orders, by d(r T)/ds = (theta/s) T (out·psi(outward·r) - in·psi(inward·r)), psi(z) = z/sqrt(1+z²), T = T0 s^q. So radii
are the roots of q r = theta (out·psi(outward·r) - in·psi(inward·r)); the upper one is a stable node of this equation.
Source: theory page error-feedback-2, section 5 (derived there; a finding of simulations here, not a theorem).
"""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ...problems import ClientQuadratics

FARTHEST = 1e6


@dataclasses.dataclass(frozen=True)
class Ray:
    """Roots and threshold of q r = theta (out·psi(outward·r) - in·psi(inward·r)).

    Attributes
    ----------
    out, outward : float in (0, inf), share of the push outwards and its slope at 0
    into, inward : float in (0, inf), the same of the pull inwards; out·outward < into·inward, or 0 would repel
    power : float q in (0, 1)
    """

    out: float
    outward: float
    into: float
    inward: float
    power: float = 0.3

    def net(self, r: ArrayLike) -> np.ndarray:
        """The push outwards, in units of T."""
        r = np.asarray(r, dtype=np.float64)
        push = self.out * self.outward * r / np.hypot(1.0, self.outward * r)
        return push - self.into * self.inward * r / np.hypot(1.0, self.inward * r)

    def theta(self, r: ArrayLike) -> np.ndarray:
        """The theta at which r is a root; inf where the net push is inwards."""
        net = self.net(r)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(net > 0, self.power * np.asarray(r) / net, np.inf)

    @cached_property
    def _fold(self) -> float:
        """Radius of the least theta, a minimum in log r between the scales of the two slopes and beyond."""
        from scipy.optimize import minimize_scalar

        grid = np.geomspace(1e-3 / self.inward, FARTHEST / self.outward, 4001)
        k = int(np.argmin(self.theta(grid)))
        if not 0 < k < grid.size - 1 or not self.out > self.into:
            raise ValueError(f"Ray: there is no ray that diverges, for {self!r}; out must exceed into")
        found = minimize_scalar(
            lambda u: float(self.theta(np.exp(u))), bounds=np.log(grid[[k - 1, k + 1]]), method="bounded",
            options={"xatol": 1e-12},
        )  # fmt: skip
        return float(np.exp(found.x))

    @property
    def threshold(self) -> float:
        """The smallest theta that has a root."""
        return float(self.theta(self._fold))

    def radii(self, theta: float) -> tuple[float, float]:
        """Lower (unstable) and upper (stable) radius.

        Raises
        ------
        ValueError
            If theta is not above `threshold`.
        """
        from scipy.optimize import brentq

        if not theta > self.threshold:
            raise ValueError(f"Ray.radii: theta must exceed {self.threshold:.9g}, but {theta!r} was given")

        def gap(r: float) -> float:
            return theta * float(self.net(r)) - self.power * r

        low = self._fold
        while gap(low) > 0:  # the net push turns inwards towards 0
            low /= 2
        high = theta * self.out / self.power  # the push is below `out`
        return brentq(gap, low, self._fold, xtol=1e-15), brentq(gap, self._fold, high, xtol=1e-13)


def convex_ray_example(ratio: float = 8.47, x0: float = 0.0) -> tuple[ClientQuadratics, Ray]:
    """(five convex clients in five dimensions, their `Ray`): component-wise clipping diverges for theta L >= about 13.5.

    f_i = x'w w'x/(2<1, w>), w = (-1, -1, -1, -1, ratio) and its cyclic permutations, so that grad f_i(r 1) = r w; L =
    ‖w‖²/<1, w> = 16.94 for ratio = 8.47.

    Parameters
    ----------
    ratio : float in (4, inf)
    x0 : float, the start is x0·1
    """
    if not ratio > 4:
        raise ValueError(f"convex_ray_example: ratio must exceed 4, or the mean is not convex, but {ratio!r} was given")
    first = np.array([-1.0, -1.0, -1.0, -1.0, ratio])
    rows = [np.roll(first, k) for k in range(5)]
    hessians = np.stack([np.outer(w, w) / (ratio - 4) for w in rows])
    return ClientQuadratics(hessians, np.zeros((5, 5)), np.full(5, float(x0))), Ray(0.8, 1.0, 0.2, ratio)


def concave_ray_example(clients: int = 20, smoothness: float = 60.0, x0: float = 0.0) -> tuple[ClientQuadratics, Ray]:
    """(clients on the line, their `Ray`): all but one have curvature -1, one has `smoothness` > clients - 1.

    No operator helps in dimension 1. The mean of the concavities is nubar = 1 - 1/clients.
    """
    if not smoothness > clients - 1 > 1:
        raise ValueError(
            f"concave_ray_example: smoothness must exceed clients - 1 > 1, or the mean is not convex, but {smoothness!r} and"
            f" {clients!r} were given"
        )
    curvatures = np.append(np.full(clients - 1, -1.0), smoothness)
    problem = ClientQuadratics.scalar(curvatures, np.zeros(clients), x0)
    return problem, Ray(1 - 1 / clients, 1.0, 1 / clients, smoothness)
