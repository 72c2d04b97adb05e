"""Run a setting: an xarray.Dataset as the result."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from .run_arguments import checked_arguments
from .run_arrays import run_arrays
from .specs import check_integer
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from typing import Any, Literal

    import xarray as xr

    from .array_types import ArrayLike
    from .methods.base import Setting


def simulate(
    setting: Setting, steps: int, trajectories: int = 1, seed: int = 0, checkpoints: ArrayLike | None = None,
    threads: int | None = None, keep: Literal["trajectories", "statistics"] = "trajectories", *, chunk: int = 1,
    first_trajectory: int = 0, progress: Callable[[int], object] | None = None, executor: Executor | None = None,
    stop: Event | None = None, engine: Literal["sample", "exact", "auto"] = "sample", tolerance: float = 1e-4,
) -> xr.Dataset:  # fmt: skip
    """Simulate a setting.

    Parameters
    ----------
    setting : Setting
    steps : int >= 0
    trajectories : int >= 1
    seed : int in [0, 2^64)
        Together with the number of a trajectory it determines its noise, whatever the method's parameters are: runs
        with different thresholds see the same noise (common random numbers).
    checkpoints : sequence of int in [0, steps], optional
        Where quantities are recorded; about 50 from 1 to `steps`, logarithmically, by default.
    threads : int >= 1, optional
        All cores by default. The result is bit-identical for any number of threads and any `chunk`.
    keep : "trajectories" or "statistics"
        Every trajectory, or count, mean, variance, smallest and largest value (memory then does not grow with the
        number of trajectories).
    chunk : int >= 1
        Blocks of 64 trajectories in one task.
    first_trajectory : int >= 0
        Number of the first trajectory; a multiple of 64. Continues an earlier run.
    progress : callable, optional
        Called with the number of finished trajectories.
    executor : concurrent.futures.Executor, optional
        Used instead of threads of this call's own.
    stop : threading.Event, optional
        Set it, from another thread, to abandon the simulation within one call of the kernel, about 0.2 s.
    engine : "sample", "exact" or "auto"
        "exact" gives the means of what `clipbounds.exact.quantities` lists without sampling, each with ``_error``, half the
        width of a proved enclosure (`clipbounds.exact`, which says for which settings); what speaks of trajectories is then not
        used. "auto": exact where that reaches the tolerance and has gradient_norm, gap and mean_gradient_norm, else sampled.
        ``attrs["engine"]`` says which one answered.
    tolerance : float in (0, inf), the relative error that "exact" aims at

    Returns
    -------
    xarray.Dataset
        Variables gradient_norm, mean_gradient_norm and mean_squared_gradient_norm (running means over steps),
        min_gradient_norm, gap, distance,
        clipped_fraction and the method's own quantities on (checkpoint, trajectory) or, for statistics, their means
        on (checkpoint) with ``_variance``, ``_smallest`` and ``_largest``; the coordinate origin, which tells trajectories
        of different settings or seeds apart; evaluations (stochastic gradients) on
        checkpoint; diverged_at, the step at which the gradient stopped being finite, -1 if it never did.

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    clipbounds.lanes.KernelFailed
        A ValueError: a kernel of the user raised, or gave nan or inf for finite numbers without declaring it
        (``non_finite = True`` in its class). A gradient may overflow where a run has diverged.
    concurrent.futures.CancelledError
        If `stop` was set.
    """
    import xarray as xr

    arguments = checked_arguments(setting, steps, trajectories, seed, checkpoints, keep, first_trajectory)
    steps, trajectories, seed, checkpoints, keep, first_trajectory = arguments
    chunk = check_integer("simulate", "chunk", chunk, 1)
    threads = (os.cpu_count() or 1) if threads is None else check_integer("simulate", "threads", threads, 1)
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(f"simulate: executor must be a concurrent.futures.Executor, but {executor!r} was given")
    if progress is not None and not callable(progress):
        raise ValueError(f"simulate: progress must be a function of one integer, but {progress!r} was given")
    if engine != "sample":
        from .exact import run_of

        found = run_of(setting, steps, checkpoints, tolerance, engine)
        if found is not None:
            return found
    variables, coordinates = run_arrays(
        setting, steps, trajectories, seed, checkpoints, keep, first_trajectory, threads=threads, chunk=chunk,
        progress=progress, executor=executor, stop=stop,
    )  # fmt: skip
    attributes = {
        "setting": setting.to_json(), "steps": steps, "trajectories": trajectories, "seed": str(seed),
        "first_trajectory": first_trajectory, "keep": keep, "version": __version__, "engine": "sample",
    }  # fmt: skip

    def variable(dims: tuple[str, ...], data: Any, text: dict[str, str]) -> Any:
        # plain arrays: without `fastpath` xarray imports Dask, to see that they are not its arrays (0.3 s)
        return xr.Variable(dims, data, text, fastpath=True)

    return xr.Dataset(
        {name: variable(*content) for name, content in variables.items()},
        coords={name: variable(*content) for name, content in coordinates.items()},
        attrs=attributes,
    )
