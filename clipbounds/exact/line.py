"""Mean curves of clipped SGD on a line without sampling: which settings, which accuracy; the proofs are in `grid`, `density` and `panels`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import CoordinateClip, NormClip
from ..methods import ClippedSGD, Setting
from ..noise import Gaussian
from ..noise.base import INDEPENDENT, NONE
from ..problems import Quadratic
from .atoms import AtomsOnLine
from .curves import QUANTITIES, MeanCurves, averaged, picked
from .density import DensityOnLine, why_not_density
from .grid import CONSTANT, EPS, ONE_TURN, kinds_of_batches, slope_of
from .panels import DISTRIBUTION
from .panels_on_line import ANALYTIC_LAWS, PanelsOnLine

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..array_types import FloatArray, IntArray

MOST_ATOMS = 32  # different values of a step's noise


def why_not(setting: Setting) -> str | None:
    """Why the law of this setting is not propagated, or None."""
    problem, noise, method = setting.problem, setting.noise, setting.method
    if problem.dim != 1 or not isinstance(problem, (*CONSTANT, *ONE_TURN)):
        known = ", ".join(cls.__name__ for cls in (*CONSTANT, *ONE_TURN))
        return f"the problem must be one of {known} in dimension 1, but is {type(problem).__name__} in dimension {problem.dim}"
    plain = isinstance(method, ClippedSGD) and isinstance(method.clip, (NormClip, CoordinateClip))
    if not plain or method.momentum != 0 or not _is_one_sample(setting):
        return (
            "the method must be ClippedSGD with NormClip or CoordinateClip, one sample a step (or the mean of Gaussian ones, or"
            f" a mean that has at most {MOST_ATOMS} values) and momentum 0"
        )
    if method.scheduled:
        return "step size and threshold must be constants, but a schedule was given"
    if method.averages:
        return "averages of the iterates are measured on trajectories, but averages=True was given"
    if not noise.additive or (noise.atoms() is not None and noise.layout not in (NONE, INDEPENDENT)):
        return f"the noise must be additive, neither radial nor along a vector, but is {type(noise).__name__}"
    return why_not_density(setting) if noise.atoms() is None else None


def _is_one_sample(setting: Setting) -> bool:
    """Whether a step has one sample, or a mean of several whose law is known."""
    noise, method = setting.noise, setting.method
    if method.batch_size == 1 or method.per_sample:
        return method.batch_size == 1
    return isinstance(noise, Gaussian) or (
        noise.atoms() is not None and kinds_of_batches(noise, method.batch_size) <= MOST_ATOMS
    )


def quantities(setting: Setting) -> tuple[str, ...]:
    """What is enclosed on a line: for a quadratic also what is a multiple of it, by panels also the share of clipped steps."""
    panels, quadratic = _engine(setting) is PanelsOnLine, isinstance(setting.problem, Quadratic)
    more = {"distance": panels or quadratic, "mean_squared_gradient_norm": quadratic, "clipped_fraction": panels}
    return (*QUANTITIES, *(name for name, known in more.items() if known))


def line_curves(
    setting: Setting,
    steps: int,
    at: IntArray,
    tolerance: float,
    nodes: int | None = None,
    certify: bool = True,
    wanted: Collection[str] | None = None,
) -> MeanCurves:
    """`mean_curves` of a setting on a line, at checked arguments."""
    setting = _one_sample(setting)
    chain = _engine(setting)(setting, steps, tolerance)
    count = nodes or chain.first
    if not certify:
        means, size = chain.means(count)
        values = _at(setting, means, means[:, -1], True, at)
        return MeanCurves(at, values, dict.fromkeys(values, np.full(at.shape, np.inf)), size)
    while True:
        means, errors, later, size = chain.certified(count)
        values, found = (
            _at(setting, curves, last, start, at)
            for curves, last, start in ((means, means[:, -1], True), (errors, later, False))
        )
        for name in values:  # the sums of averages, and a factor
            found[name] = found[name] + (2 * means.shape[1] + 8) * EPS * values[name]
        worst = max(
            _relative(found[name], np.ones(at.shape) if name == "clipped_fraction" else values[name])
            for name in (wanted or values)
        )
        if nodes is not None or worst <= tolerance:
            return MeanCurves(at, values, found, size)
        if size >= chain.most:
            raise ValueError(
                f"mean_curves: a relative error of {tolerance:g} is out of reach, as the largest grid, of {size} nodes, errs by"
                f" {worst:.2g}; give a tolerance above that, or simulate"
            )
        count = int(min(size * min(max(1.2 * math.sqrt(worst / tolerance), 1.5), 16.0), chain.most))


def _relative(errors: FloatArray, values: FloatArray) -> float:
    """The largest error as a part of its value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.where(errors > 0, errors / values, 0.0)))


def _one_sample(setting: Setting) -> Setting:
    """The mean of a batch of Gaussian samples is a Gaussian sample."""
    method = setting.method
    if method.batch_size == 1 or not isinstance(setting.noise, Gaussian):
        return setting
    noise = Gaussian(setting.noise.scale / math.sqrt(method.batch_size))
    return setting.replace(noise=noise, method=method.replace(batch_size=1))


def _engine(setting: Setting) -> Any:
    if setting.noise.atoms() is not None:
        return AtomsOnLine
    return PanelsOnLine if isinstance(setting.noise, ANALYTIC_LAWS) else DensityOnLine


def _at(setting: Setting, curves: FloatArray, last: FloatArray, start: bool, at: IntArray) -> dict[str, FloatArray]:
    """The quantities from E|f'| and E gap after 1, 2, .. steps, which are `last` afterwards; `start`: with those of step 0, else with 0."""
    problem = setting.problem
    norm, gap = (abs(float(slope_of(problem, problem.x0)[0])), float(problem.gap(problem.x0))) if start else (0.0, 0.0)
    values = {
        "gradient_norm": picked(curves[0], last[0], at),
        "gap": picked(curves[1], last[1], at),
        "mean_gradient_norm": averaged(norm, curves[0], last[0], at),
    }
    if isinstance(problem, Quadratic):  # |f'| = L |x - x*| and f'² = 2 L (f - f*)
        curvature = float(problem.eigenvalues[0])
        values["distance"] = values["gradient_norm"] / curvature
        values["mean_squared_gradient_norm"] = 2 * curvature * averaged(gap, curves[1], last[1], at)
    if len(curves) > 2:  # `panels.FUNCTIONS`
        values["distance"] = picked(curves[2], last[2], at)
        law, c, slope = setting.noise, setting.method.clip.threshold, float(slope_of(problem, problem.x0)[0])
        at_once = float(law.sf(c - slope) + law.cdf(-c - slope)) if start else DISTRIBUTION
        values["clipped_fraction"] = averaged(at_once, curves[3], last[3], at)
    return values
