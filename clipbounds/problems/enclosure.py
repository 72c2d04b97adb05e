"""Interval enclosures of sup(|phi''| - L1|phi'|) and inf phi over a profile, by branch and bound on Taylor models.

On a box [c - r, c + r] every function is replaced by its Taylor polynomial at c with interval coefficients, the last
of which holds on the whole box; the sum over the signs of phi'' and phi' makes absolute values harmless:
|h| - L1|g| = max over s of min over t of (s h - t L1 g), s, t = ±1.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import FloatOrArray
    from .profile import Profile

ORDER = 5
PRECISION = 160
MOST_BOXES = 20_000


def available() -> bool:
    """Whether python-flint can be imported."""
    try:
        import flint  # noqa: F401
    except ImportError:
        return False
    return True


class _Series:
    """The arithmetic that a profile is written for, on truncated power series of intervals."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in ("exp", "log", "sin", "cos"):
            return lambda x: getattr(x, name)()
        raise AttributeError(name)

    def cosh(self, x: FloatOrArray) -> Any:
        return (x.exp() + (-x).exp()) / 2

    def sinh(self, x: FloatOrArray) -> Any:
        return (x.exp() - (-x).exp()) / 2


def _as_series(value: Any) -> Any:
    import flint

    return value if isinstance(value, flint.arb_series) else flint.arb_series([value], prec=ORDER + 1)


def _coefficients(function: Callable[..., Any], centre: Any, radius: Any) -> list[Any]:
    """Taylor coefficients 0..ORDER-1 at the centre, and the coefficient ORDER on the whole box."""
    import flint

    series = _Series()
    at_centre = _as_series(function(flint.arb_series([centre, 1], prec=ORDER + 1), series))
    try:
        on_box = _as_series(function(flint.arb_series([flint.arb(centre, radius), 1], prec=ORDER + 1), series))
        last = on_box[ORDER]
    except (ValueError, ZeroDivisionError):  # the box is too wide for a quotient: it will be divided
        last = flint.arb(0, float("inf"))
    return [at_centre[k] for k in range(ORDER)] + [last]


def _upper(coefficients: list[Any], radius: Any) -> Any:
    """An upper bound of the Taylor model on the box."""
    total = coefficients[0] + abs(coefficients[1]) * radius
    for k in range(2, ORDER + 1):
        term = coefficients[k] * radius**k
        # even powers lie in [0, radius^k]
        total += abs(term) if k % 2 or k == ORDER else term.max(0)
    return total.upper()


def _lower_at_centre(coefficients: list[Any]) -> Any:
    return coefficients[0].lower()


def _combine(curvature: list[Any], slope: list[Any], L1: Any) -> tuple[Callable[..., Any], Any]:
    """Bound functions of one box: the sup of |h| - L1|g| above, and its value at the centre below."""
    signs = (1, -1)

    def upper(radius: Any) -> Any:
        best = None
        for s in signs:
            options = [
                _upper([s * h - t * L1 * g for h, g in zip(curvature, slope, strict=True)], radius) for t in signs
            ]
            least = options[0].min(options[1])
            best = least if best is None else best.max(least)
        return best

    return upper, (abs(curvature[0]) - L1 * abs(slope[0])).lower()


def _branch_and_bound(measure: Callable[..., Any], low: float, high: float, tolerance: float) -> tuple[float, float]:
    """Enclosure of the supremum of a function on [low, high]; `measure(centre, radius)` gives (upper, attained)."""
    import flint

    pieces = 64
    width = (flint.arb(high) - flint.arb(low)) / pieces
    queue, count = [], 0
    attained: Any = None

    def add(centre: Any, radius: Any) -> None:
        nonlocal attained, count
        upper, value = measure(centre, radius)
        attained = value if attained is None else attained.max(value)
        heapq.heappush(queue, (-float(upper), count, centre, radius, upper))
        count += 1

    for k in range(pieces):
        # a radius slightly too large covers the rounding of centres
        add((flint.arb(low) + (k + flint.arb("0.5")) * width).mid(), (width * flint.arb("0.5000001")).upper())
    while float(queue[0][4]) - float(attained) > tolerance * max(1.0, abs(float(attained))) and count < MOST_BOXES:
        _, _, centre, radius, _ = heapq.heappop(queue)
        half = (radius * flint.arb("0.5000001")).upper()
        for side in (-1, 1):
            add((centre + side * radius / 2).mid(), half)
    return _down(attained), _up(queue[0][4])


def _down(x: Any) -> float:
    value = float(x.mid())
    return value - 2e-16 * abs(value) - 1e-300


def _up(x: Any) -> float:
    value = float(x.mid())
    return value + 2e-16 * abs(value) + 1e-300


def enclose_profile(
    profile: Profile, L1: float, tolerance: float = 1e-10
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Proved enclosures of sup(|phi''| - L1|phi'|) and of inf phi on the whole line (or ray).

    Parameters
    ----------
    profile : Profile
    L1 : float >= 0
    tolerance : float, the width aimed at

    Returns
    -------
    ((float, float), (float, float))
    """
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = PRECISION
    try:
        slope_factor = flint.arb(L1)

        def defect(centre: Any, radius: Any) -> tuple[Any, Any]:
            slope = _coefficients(profile.slope, centre, radius)
            pairs = [_coefficients(profile.curvature, centre, radius)]
            if profile.transverse is not None:
                pairs.append(_coefficients(profile.transverse, centre, radius))
            bounds = [_combine(curvature, slope, slope_factor) for curvature in pairs]
            uppers = [upper(radius) for upper, _ in bounds]
            upper, value = uppers[0], bounds[0][1]
            for other, (_, attained) in zip(uppers[1:], bounds[1:], strict=True):
                upper, value = upper.max(other), value.max(attained)
            return upper, value

        def negative(centre: Any, radius: Any) -> tuple[Any, Any]:
            coefficients = [-c for c in _coefficients(profile.value, centre, radius)]
            return _upper(coefficients, radius), _lower_at_centre(coefficients)

        low, high = _branch_and_bound(defect, profile.low, profile.high, tolerance)
        least_low, least_high = _branch_and_bound(negative, profile.low, profile.high, tolerance)
        return (low, max(high, profile.tail)), (min(-least_high, profile.least_outside), -least_low)
    finally:
        flint.ctx.prec = before
