"""Mean curves in the form of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..version import __version__
from .curves import QUANTITIES
from .means import mean_curves, quantities, why_not

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    import xarray as xr

    from ..array_types import IntArray
    from ..methods.base import Setting

EXACT = "exact"  # attrs["keep"] of a run that has means with their errors and no trajectories
ENGINES = ("sample", EXACT, "auto")


def run_of(
    setting: Setting,
    steps: int,
    checkpoints: IntArray,
    tolerance: float,
    engine: str,
    wanted: Collection[str] | None = None,
) -> xr.Dataset | None:
    """The Dataset of `simulate` for engine = "exact" or "auto"; None where "auto" has to sample. `wanted` as in `mean_curves`.

    Raises
    ------
    ValueError
        If there is no such engine, or no exact one for this setting.
    """
    import xarray as xr

    if engine not in ENGINES:
        raise ValueError(f"simulate: engine must be one of {', '.join(ENGINES)}, but {engine!r} was given")
    reason = why_not(setting)
    if reason is None and steps < 1:
        reason = "there must be at least one step"
    if reason is not None and engine == EXACT:
        raise ValueError(
            f"simulate: engine='exact' does not exist for this setting: {reason}; take engine='sample' or 'auto'"
        )
    if reason is not None:
        return None
    if engine == "auto" and not set(QUANTITIES) <= set(quantities(setting)):
        return None  # a sampled run says more
    later = checkpoints[checkpoints >= 1]
    try:
        curves = mean_curves(setting, steps, later if later.size else [1], tolerance, wanted=wanted)
    except ValueError:
        if engine == EXACT:
            raise
        return None
    start = _at_start(setting)
    first = checkpoints.size - later.size
    variables: dict[str, tuple[str, Any]] = {}
    for name, values in curves.values.items():
        for end, before, there in (("", start[name], values), ("_error", 0.0, curves.errors[name])):
            variables[name + end] = ("checkpoint", np.concatenate([[before] * first, there[: later.size]]))
    variables["evaluations"] = ("checkpoint", setting.method.evaluations(setting.problem, checkpoints))
    attributes = {
        "setting": setting.to_json(), "steps": steps, "trajectories": 0, "seed": "0", "first_trajectory": 0, "keep": EXACT,
        "version": __version__, "engine": EXACT, "nodes": curves.nodes, "tolerance": float(tolerance),
    }  # fmt: skip
    return xr.Dataset(variables, {"checkpoint": checkpoints}, attributes)


def _at_start(setting: Setting) -> dict[str, float]:
    """The quantities at step 0."""
    problem = setting.problem
    norm, away = float(np.linalg.norm(problem.gradient(problem.x0))), problem.distance(problem.x0)
    return {
        "gradient_norm": norm,
        "mean_gradient_norm": norm,
        "mean_squared_gradient_norm": norm**2,
        "clipped_fraction": 0.0,
        "gap": float(problem.gap(problem.x0)),
        "distance": float("nan" if away is None else away),
    }
