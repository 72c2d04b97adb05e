"""Mean curves without sampling: which settings have them, which quantities, and the one function that computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..noise.base import NONE
from ..run_arguments import default_checkpoints
from ..specs import check_integer
from . import line, linear, product

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..array_types import ArrayLike, IntArray
    from ..methods.base import Setting
    from .curves import MeanCurves


def why_not(setting: Setting) -> str | None:
    """Why this setting has no mean curves without sampling, or None; in one sentence."""
    if setting.noise.layout == NONE:
        return "without noise one sampled trajectory is exact"
    if linear.unclipped(setting):
        return linear.why_not(setting)
    return (line if setting.problem.dim == 1 else product).why_not(setting)


def quantities(setting: Setting) -> tuple[str, ...]:
    """The quantities of a run whose means are enclosed for this setting; () where it has no mean curves.

    On a line: gradient_norm, gap, mean_gradient_norm; for a quadratic also distance and mean_squared_gradient_norm, under
    Gaussian or Student noise distance and clipped_fraction. For
    sums over coordinates (coordinate clipping) the gap, for a quadratic and for SGD without clipping also mean_squared_gradient_norm.
    """
    if why_not(setting) is not None:
        return ()
    if linear.unclipped(setting):
        return linear.NAMES
    return (line if setting.problem.dim == 1 else product).quantities(setting)


def mean_curves(
    setting: Setting,
    steps: int,
    checkpoints: ArrayLike | None = None,
    tolerance: float = 1e-4,
    nodes: int | None = None,
    certify: bool = True,
    wanted: Collection[str] | None = None,
) -> MeanCurves:
    """Means over the noise of what `quantities` lists, enclosed: by the law of the iterate on a line, or by closed forms.

    Parameters
    ----------
    setting : Setting, one of
        `ClippedSGD` in dimension 1, with a convex problem and a noise with finitely many atoms; with `Quadratic`,
        `Huber`, `Cosh` or `Quartic` and a Gaussian or Student noise; or with `Quadratic` and a Pareto or symmetric Lomax noise
        (`line`);
        `ClippedSGD` with `CoordinateClip`, and such a `Quadratic`, `Huber` or `Cosh` in any dimension with independent components
        of such a noise (`product`);
        `SGD` on a `Quadratic` in any dimension with a noise of finite variance (`linear`)
    steps : int >= 1
    checkpoints : array_like of int in [1, steps], optional
    tolerance : float in (0, inf)
        The grid is refined until the error of each wanted quantity is at most this times its own size at every checkpoint.
    nodes : int >= 2, optional
        This many nodes, and no refinement.
    certify : bool
        Without it the errors are inf, and on a grid not computed: a third of the time there.
    wanted : names of quantities that the tolerance is meant for; all by default. The others have the errors that come with them

    Returns
    -------
    MeanCurves, with its errors

    Raises
    ------
    ValueError
        If the law of this setting is not propagated, or the grid that the tolerance needs would be too large (the work of the largest
        is some ten seconds): the sentence says which.
    """
    reason = why_not(setting)
    if reason is not None:
        raise ValueError(f"mean_curves: {reason}; use simulate")
    steps = check_integer("mean_curves", "steps", steps, 1)
    if not tolerance > 0:
        raise ValueError(f"mean_curves: tolerance must be > 0, but {tolerance!r} was given")
    at = default_checkpoints(steps) if checkpoints is None else _checked(checkpoints, steps)
    known = quantities(setting)
    for name in wanted or ():
        if name not in known:
            raise ValueError(f"mean_curves: wanted must name some of {', '.join(known)}, but {name!r} was given")
    nodes = nodes if nodes is None else check_integer("mean_curves", "nodes", nodes, 2)
    if linear.unclipped(setting):
        return linear.linear_curves(setting, at)
    make = line.line_curves if setting.problem.dim == 1 else product.product_curves
    return make(setting, steps, at, tolerance, nodes, certify, wanted)


def _checked(checkpoints: ArrayLike | None, steps: int) -> IntArray:
    at = np.asarray(checkpoints)
    if at.ndim != 1 or not at.size or at.dtype.kind not in "iu" or at.min() < 1 or at.max() > steps:
        raise ValueError(
            f"mean_curves: checkpoints must be a list of integers in [1, {steps}], but {checkpoints!r} was given"
        )
    return at.astype(np.int64)
