"""Certificates: re-derive a problem's constants on a grid, and enclose them with interval arithmetic."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..facts import FirstOrderSmoothness, HessianSmoothness
from .base import Problem
from .unsmooth import _Unsmooth

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from .profile import Profile

POINTS = 200_001
TOLERANCE = 1e-9


@dataclasses.dataclass(frozen=True)
class Certification:
    """What `certify` found.

    Attributes
    ----------
    pair : HessianSmoothness, the claim
    holds : bool
        False: refuted at `point`. True: enclosed by intervals, or not refuted on the grid.
    kind : "interval", "sampled" (a grid proves nothing beyond its points) or "refuted"
    supremum : float, the largest ‖hess‖ - L1‖grad‖ found on the grid
    point : ndarray, (dim,), where it was found, or where the claim fails
    enclosure : (float, float) or None, a proved enclosure of sup(‖hess‖ - L1‖grad‖)
    least : float, the smallest f found on the grid
    least_enclosure : (float, float) or None, a proved enclosure of inf f
    reason : str, the argument outside the compact part that was covered
    """

    pair: HessianSmoothness
    holds: bool
    kind: str
    supremum: float
    point: np.ndarray
    enclosure: tuple | None
    least: float
    least_enclosure: tuple | None
    reason: str

    def __str__(self) -> str:
        place = ", ".join(f"{x:.6g}" for x in self.point)
        found = f"sup(‖hess‖ - {self.pair.L1:.6g}‖grad‖)"
        if not self.holds:
            return f"refuted: {found} exceeds {self.pair.L0:.6g} at ({place})"
        if self.enclosure is not None:
            return f"{found} in [{self.enclosure[0]:.10g}, {self.enclosure[1]:.10g}], claimed {self.pair.L0:.10g}"
        return f"{found} = {self.supremum:.10g} on a grid, at ({place}), claimed {self.pair.L0:.10g}"


def certify(
    problem: Problem,
    pair: FirstOrderSmoothness | HessianSmoothness | None = None,
    rigor: bool | None = None,
    region: tuple[float, float] = (-10.0, 10.0),
) -> Certification:
    """Check ‖hess f‖ <= L0 + L1‖grad f‖ and f >= f_star by machine.

    Problems with a profile are searched on the compact part that matters; the rest is covered by the profile's
    argument. Other problems are searched on `region`, in a box of the first two coordinates or at random points.

    Parameters
    ----------
    problem : Problem
    pair : HessianSmoothness, optional
        The claim; the problem's own by default.
    rigor : bool, optional
        Enclose with interval arithmetic (python-flint, the extra `rigor`). By default, if it is installed.
    region : (float, float)
        Range of each coordinate for problems without a profile.

    Returns
    -------
    Certification

    Raises
    ------
    ValueError
        If the claim is not in Hessian form, or if rigor=True and python-flint is missing or there is no profile.
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"certify: expected a problem, but {problem!r} was given")
    pair = problem.smoothness if pair is None else pair
    if isinstance(pair, FirstOrderSmoothness) or not isinstance(pair, HessianSmoothness):
        raise ValueError(f"certify: the claim must be HessianSmoothness(L0, L1), but {pair!r} was given")
    if isinstance(problem, _Unsmooth):
        return _refute(problem, pair)
    profile = problem.profile(pair.L1) if pair.L1 > 0 or problem.lipschitz is not None else None
    if profile is None:
        if rigor:
            raise ValueError(f"certify: {type(problem).__name__} has no profile to enclose; use rigor=False")
        return _on_points(problem, pair, region)
    return _on_profile(problem, pair, profile, rigor)


def _refute(problem: Any, pair: HessianSmoothness) -> Certification:
    t = np.geomspace(1.0, 1e100, 20_001)
    with np.errstate(over="ignore", under="ignore"):
        failing = problem.defect(t, pair.L0, pair.L1) > 0
    if not failing.any():
        raise ValueError(f"certify: no point refutes {pair} within the range of floats, though one exists beyond it")
    first = t[np.argmax(failing)]
    return Certification(
        pair, False, "refuted", np.inf, problem.escape(first), None, np.nan, None, problem.certificate.reason
    )


def _norms(matrices: FloatArray) -> FloatArray:
    return np.abs(np.linalg.eigvalsh(matrices)).max(axis=-1)


def _climb(
    function: Callable[..., Any], start: FloatArray, value: float, region: tuple[float, float]
) -> tuple[FloatArray, float]:
    """The best point of a grid, improved by the simplex method inside the region."""
    from scipy.optimize import minimize

    def negative(x: FloatOrArray) -> float:
        return -float(function(x[None])[0]) if region[0] <= x.min() and x.max() <= region[1] else np.inf

    answer = minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-9})
    return (answer.x, -float(answer.fun)) if -answer.fun > value else (start, value)


def _points(problem: Problem, region: tuple[float, float]) -> FloatArray:
    low, high = region
    if problem.dim == 1:
        return np.linspace(low, high, POINTS)[:, None]
    if problem.dim == 2:
        axis = np.linspace(low, high, 201)
        return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.random.default_rng(0).uniform(low, high, (20_000, problem.dim))


def _on_points(problem: Problem, pair: HessianSmoothness, region: tuple[float, float]) -> Certification:
    points = _points(problem, region)
    if problem.minimiser is not None:
        points = np.concatenate([points, problem.minimiser[None]])

    def defect_at(x: ArrayLike) -> FloatArray:
        return _norms(problem.hessian(x)) - pair.L1 * np.linalg.norm(problem.gradient(x), axis=-1)

    defect, values = defect_at(points), problem.value(points)
    point, supremum = _climb(defect_at, points[np.argmax(defect)], float(defect.max()), region)
    slack = TOLERANCE if type(problem).hessian is not Problem.hessian else 1e-6  # rounding of finite differences
    holds = bool(supremum <= pair.L0 + slack * max(1.0, pair.L0)) and bool(
        values.min() >= problem.f_star - TOLERANCE * max(1.0, abs(values.min()))
    )
    return Certification(
        pair, holds, "sampled" if holds else "refuted", supremum, point,
        None, float(values.min()), None, f"points in {region} only",
    )  # fmt: skip


def _on_profile(problem: Problem, pair: HessianSmoothness, profile: Profile, rigor: bool | None) -> Certification:
    def defect_at(x: ArrayLike) -> FloatArray:
        curvature = np.abs(profile.curvature(x, np))
        if profile.transverse is not None:
            curvature = np.maximum(curvature, np.abs(profile.transverse(x, np)))
        return curvature - pair.L1 * np.abs(profile.slope(x, np))

    x = np.linspace(profile.low, profile.high, POINTS)
    defect = defect_at(x)
    least = float(profile.value(x, np).min())
    best, supremum = _climb(
        lambda p: defect_at(p[:, 0]), x[[np.argmax(defect)]], float(defect.max()), (profile.low, profile.high)
    )
    terms = problem.dim if problem.separable else 1
    enclosure = least_enclosure = None
    kind = "sampled"
    if rigor is not False and profile.tail < np.inf:
        from .enclosure import available, enclose_profile

        if available():
            enclosure, low = enclose_profile(profile, pair.L1)
            least_enclosure = (terms * low[0], terms * low[1])
            kind = "interval"
        elif rigor:
            raise ValueError('certify: rigor=True needs python-flint; pip install "clipbounds[rigor]"')
    slack = TOLERANCE * max(1.0, pair.L0)
    upper = enclosure[1] if enclosure else max(supremum, profile.tail)
    floor = least_enclosure[0] if least_enclosure else terms * min(least, profile.least_outside)
    holds = upper <= pair.L0 + slack and floor >= problem.f_star - TOLERANCE * max(1.0, abs(problem.f_star))
    point = np.zeros(problem.dim)
    point[0] = best[0]
    return Certification(
        pair, bool(holds), kind if holds else "refuted", supremum, point, enclosure,
        terms * least, least_enclosure, profile.reason,
    )  # fmt: skip
