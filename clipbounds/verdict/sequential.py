"""Add trajectories until every verdict is decided, without spoiling the confidence by looking repeatedly."""

import numpy as np

from ..lanes.blocks import LANES
from ..simulate import simulate
from ..specs import check_integer
from .comparison import Comparison


def look_confidence(confidence, look):
    """Confidence of look k = 1, 2, ...: 1 - (1 - confidence)/(k(k+1)). The parts sum to 1 - confidence over all k."""
    return 1 - (1 - confidence) / (look * (look + 1))


def continued(run, setting, trajectories, threads=None):
    """The run with `trajectories` more of them; the new ones follow the old ones in the same streams."""
    attrs = run.attrs
    first = int(attrs["first_trajectory"]) + int(attrs.get("lanes_used", attrs["trajectories"]))
    first = -(-first // LANES) * LANES
    more = simulate(
        setting, int(attrs["steps"]), trajectories, seed=int(attrs["seed"]), checkpoints=run["checkpoint"].values,
        threads=threads, keep=attrs["keep"], first_trajectory=first,
    )  # fmt: skip
    merged = _join(run, more) if attrs["keep"] == "trajectories" else _merge(run, more)
    merged.attrs = {
        **attrs,
        "trajectories": int(attrs["trajectories"]) + trajectories,
        "lanes_used": first + trajectories - int(attrs["first_trajectory"]),
    }
    return merged


def _join(run, more):
    import xarray as xr

    return xr.concat(
        [run, more], dim="trajectory", data_vars="minimal", coords="minimal", compat="override", join="override"
    )


def _merge(run, more):
    """Chan's update of mean and variance; smallest, largest, and the numbers of diverged trajectories."""
    n, m = int(run.attrs["trajectories"]), int(more.attrs["trajectories"])
    names = [name for name in run.data_vars if f"{name}_variance" in run.data_vars]
    data = {}
    with np.errstate(invalid="ignore", over="ignore"):
        for name in names:
            delta = more[name].values - run[name].values
            squares = delta**2 * (n * m / (n + m))
            for part, count in ((run, n), (more, m)):
                squares = squares + (part[f"{name}_variance"].values * (count - 1) if count > 1 else 0.0)
            data[name] = run[name].values + delta * (m / (n + m))
            data[f"{name}_variance"] = squares / (n + m - 1)
            for end, pick in (("_smallest", np.minimum), ("_largest", np.maximum)):
                data[name + end] = pick(run[name + end].values, more[name + end].values)
    first = [int(part["diverged_at"]) for part in (run, more) if int(part["diverged_at"]) >= 0]
    data["diverged_count"] = run["diverged_count"].values + more["diverged_count"].values
    data["diverged_at"] = np.asarray(min(first, default=-1))
    return run.assign({name: run[name].copy(data=value) for name, value in data.items()})


def follow(run, setting, bounds, confidence, draw, band, ranges, until, budget, threads):
    """Look, double the trajectories, look again, until no verdict is open or the budget is used up."""
    from .compare import decide, drawn

    if until != "decided":
        raise ValueError(f"compare: until must be None or 'decided', but {until!r} was given")
    budget = check_integer("compare", "budget", budget, 1, "the largest number of trajectories for until='decided'")
    verdicts, look = [None] * len(bounds), 0
    while True:
        look += 1
        now = decide(run, setting, bounds, look_confidence(confidence, look), band, ranges)
        # a verdict that was reached at an earlier look stands: every look has its own part of the error
        verdicts = [new if old is None or old.open else old for old, new in zip(verdicts, now, strict=True)]
        have = int(run.attrs["trajectories"])
        more = min(have, budget - have)
        if more < 1 or not any(v.open for v in verdicts):
            break
        run = continued(run, setting, more, threads)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence)


def until_decided(
    setting,
    steps,
    bounds,
    *,
    start=256,
    budget=2**16,
    seed=0,
    confidence=0.999,
    keep="trajectories",
    checkpoints=None,
    threads=None,
    **options,
):
    """Simulate `start` trajectories and double them until no verdict is open or `budget` is reached.

    Parameters
    ----------
    setting, steps, seed, keep, checkpoints, threads : as in `clipbounds.simulate`
    bounds, confidence : as in `compare`; the confidence holds for the whole procedure
    start, budget : int >= 1, first and largest number of trajectories
    options : further arguments of `compare` (draw, band, ranges)

    Returns
    -------
    Comparison, whose `run` has all trajectories
    """
    from .compare import compare

    run = simulate(setting, steps, start, seed=seed, checkpoints=checkpoints, threads=threads, keep=keep)
    return compare(run, bounds, confidence, until="decided", budget=budget, threads=threads, **options)
