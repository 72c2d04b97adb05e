"""The step of SClip-EF must be limited: threshold and radius of `clipbounds.problems.divergence_example`.

On the diagonal x = r sqrt(tau) s^{3/10} (1, 1, 1) without noise the method moves, up to lower orders, by
d(r s^{3/10})/ds = s^{-7/10} (theta/3)(2 psi(r) - psi(3r)), psi(r) = r/sqrt(r² + 1): two components of size r are pushed
outwards, one of size 3r inwards. So radii are the roots of .3 r = (theta/3)(2 psi(r) - psi(3r)); the upper one is a
stable node. Source: theory page error-feedback, section 3 (proved).
"""

from __future__ import annotations

import math
from functools import cache


def _net(r: float) -> float:
    return 2 * r / math.hypot(r, 1.0) - 3 * r / math.hypot(3 * r, 1.0)


def _net_slope(r: float) -> float:
    return 2 / math.hypot(r, 1.0) ** 3 - 3 / math.hypot(3 * r, 1.0) ** 3


def theta_of_radius(r: float) -> float:
    """The theta at which r is a root: .9 r/(2 psi(r) - psi(3r)); inf where the net push is inwards."""
    net = _net(r)
    return 0.9 * r / net if net > 0 else math.inf


@cache
def _fold() -> float:
    """Radius at which the two roots meet: theta_of_radius is least where net(r) = r net'(r)."""
    from scipy.optimize import brentq

    # net > 0 beyond sqrt(5/27); theta falls from infinity there and grows again, its one minimum lying in between
    return brentq(lambda r: _net(r) - r * _net_slope(r), 0.6, 3.0, xtol=1e-15)


def divergence_threshold() -> float:
    """Smallest theta that has a root: 1.88479520514."""
    return theta_of_radius(_fold())


def divergence_radii(theta: float) -> tuple[float, float]:
    """Lower (unstable) and upper (stable) radius r.

    Raises
    ------
    ValueError
        If theta is below `divergence_threshold`: the method converges from every diagonal start.
    """
    from scipy.optimize import brentq

    if not theta >= divergence_threshold():
        raise ValueError(
            f"divergence_radii: theta must be at least {divergence_threshold():.12g}, below which there is no root, but"
            f" {theta!r} was given"
        )
    fold = _fold()
    if theta == divergence_threshold():
        return fold, fold

    def gap(r: float) -> float:
        return (theta / 3) * _net(r) - 0.3 * r

    # the net push is below 1, so the upper root is below theta/.9; below the fold it turns inwards at sqrt(5/27)
    return brentq(gap, math.sqrt(5 / 27), fold, xtol=1e-15), brentq(gap, fold, theta / 0.9, xtol=1e-15)
