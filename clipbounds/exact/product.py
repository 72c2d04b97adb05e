"""Sums over coordinates that do not see each other: coordinate clipping of a separable problem under independent components of the noise.

f(x) = sum_k f_k(x_k), so the gradient of coordinate k depends on x_k alone, and so does its clipped step: each coordinate is a setting
on a line. The gap, and for a quadratic the squared gradient norm, are sums over the coordinates; so are their means, and the errors of
the enclosures add. That a norm is the root of a sum does not help: its mean is not made here. Coordinates of one curvature
and start have one law, and are computed once; under a symmetric noise the sign of the start makes no difference to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import CoordinateClip
from ..methods import ClippedSGD
from ..noise.base import INDEPENDENT, NONE
from ..problems import Cosh, Huber, Quadratic
from . import line
from .curves import MeanCurves

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..array_types import FloatArray, IntArray
    from ..methods.base import Setting

SUMS = (Quadratic, Huber, Cosh)  # over coordinates


def why_not(setting: Setting) -> str | None:
    """Why this setting is no product of settings on a line, or None."""
    problem, noise, method = setting.problem, setting.noise, setting.method
    if not (isinstance(method, ClippedSGD) and isinstance(method.clip, CoordinateClip)):
        return (
            "the problem must be of dimension 1, or the method SGD, or ClippedSGD with CoordinateClip, but is"
            f" {type(problem).__name__} in dimension {problem.dim}"
        )
    if not isinstance(problem, SUMS):
        known = ", ".join(cls.__name__ for cls in SUMS)
        return (
            f"with CoordinateClip the problem must be a sum over coordinates, {known}, but is {type(problem).__name__}"
        )
    if not noise.additive or noise.layout not in (NONE, INDEPENDENT):
        return f"the components of the noise must be independent, neither radial nor along a vector, but it is {type(noise).__name__}"
    return next((reason for part, _ in parts(setting) if (reason := line.why_not(part)) is not None), None)


def quantities(setting: Setting) -> tuple[str, ...]:
    """The sums."""
    return ("gap", "mean_squared_gradient_norm") if isinstance(setting.problem, Quadratic) else ("gap",)


def parts(setting: Setting) -> list[tuple[Setting, int]]:
    """The different settings of single coordinates, and how many have each; a coordinate without curvature adds nothing."""
    problem = setting.problem
    starts = np.abs(problem.x0) if setting.noise.symmetric else problem.x0
    curvatures = problem.eigenvalues if isinstance(problem, Quadratic) else np.ones(problem.dim)
    kinds, counts = np.unique(np.stack([curvatures, starts], axis=1)[curvatures > 0], axis=0, return_counts=True)
    found = []
    for (curvature, start), count in zip(kinds, counts, strict=True):
        change: dict[str, Any] = {"x0": [start]}
        if isinstance(problem, Quadratic):
            change["eigenvalues"] = [curvature]
        found.append((setting.replace(problem=problem.replace(**change)), int(count)))
    return found


def product_curves(
    setting: Setting,
    steps: int,
    at: IntArray,
    tolerance: float,
    nodes: int | None = None,
    certify: bool = True,
    wanted: Collection[str] | None = None,
) -> MeanCurves:
    """`mean_curves` of a product, at checked arguments; each coordinate within the tolerance of its own size."""
    names = quantities(setting)
    values: dict[str, FloatArray] = {name: np.zeros(at.shape) for name in names}
    errors = {name: np.zeros(at.shape) for name in names}
    size, pieces = 0, parts(setting)
    for part, count in pieces:
        curves = line.line_curves(part, steps, at, tolerance, nodes, certify, wanted or names)
        size = max(size, curves.nodes)
        for name in names:
            values[name] += count * curves.values[name]
            errors[name] += count * curves.errors[name]
    for name in names:
        errors[name] += len(pieces) * line.EPS * values[name]
    return MeanCurves(at, values, errors, size)
