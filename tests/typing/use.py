"""What a checker sees of the package: `make lint` reads this file, and nobody runs it.

Right uses are without complaint and have the types that are asserted; wrong ones are marked with the complaint that must
come, for mypy's `warn_unused_ignores` complains of a mark without one.
"""

from pathlib import Path
from typing import assert_type

import numpy as np
import xarray as xr

import clipbounds as cb
from clipbounds.array_types import FloatArray
from clipbounds.facts import Moment
from clipbounds.specs import POSITIVE, Vector, integer, parameter, vector


class Mine(cb.problems.Problem):
    """A problem of a user's own."""

    rate: float = parameter(POSITIVE)
    x0: Vector = vector()
    repeats: int = integer(1, default=2)

    f_star = 0.0


# specs: fields are parameters, and vectors take whatever NumPy makes an array of
clip = cb.clipping.NormClip(threshold=1)
assert_type(clip, cb.clipping.NormClip)
assert_type(clip.threshold, float)
assert_type(clip.replace(threshold=2.0), cb.clipping.NormClip)
problem = cb.problems.Quadratic([1.0, 2.0], x0=np.ones(2))
assert_type(problem.x0, FloatArray)
assert_type(problem.eigenvalues, FloatArray)
assert_type(problem.dim, int)
mine = Mine(1.0, [1, 2], repeats=3)
assert_type(mine.x0, FloatArray)
assert_type(mine.repeats, int)
law = cb.noise.Pareto(1.5, 1.0, radial=True)
assert_type(law.moment(1.2), Moment)
assert_type(law.along, FloatArray | None)

cb.clipping.NormClip("1")  # type: ignore[arg-type]
cb.clipping.NormClip()  # type: ignore[call-arg]
cb.clipping.NormClip(treshold=1.0)  # type: ignore[call-arg]
cb.problems.Quadratic([1.0])  # type: ignore[call-arg]
Mine(1.0, [1.0], "3")  # type: ignore[arg-type]
clip.treshold  # type: ignore[attr-defined]  # noqa: B018
cb.simulte  # type: ignore[attr-defined]  # noqa: B018

# a run, and what is made of it
setting = cb.Setting(problem, law, cb.methods.ClippedSGD(0.1, clip))
assert_type(setting.sigma, float)
run = cb.simulate(setting, 100, trajectories=64, keep="statistics", checkpoints=[10, 100])
assert_type(run, xr.Dataset)
bounds = cb.applicable(setting)
assert_type(bounds, list[cb.bounds.Bound])
assert_type(bounds[0].value(setting, [1, 2]), FloatArray)
assert_type(bounds[0].hypotheses(setting), list[cb.bounds.Hypothesis])
comparison = cb.compare(run, bounds, confidence=0.99)
assert_type(comparison, cb.verdict.Comparison)
assert_type(comparison.verdicts[0], cb.verdict.Verdict)
assert_type(cb.falsify(bounds[0], budget=100).broken, bool)
assert_type(cb.overlay([run, run], "applicable", x="threshold"), cb.sweep.Overlay)
assert_type(cb.measured(setting, [0, 1], gradient_norm=[2.0, 1.0]), xr.Dataset)
assert_type(cb.read_log("log.csv", Path("log.csv")), xr.Dataset)
assert_type(cb.Constants(method=cb.methods.SGD(0.1), L=1.0).moment(2.0), Moment)

cb.Setting(law, problem, cb.methods.SGD(0.1))  # type: ignore[arg-type]
cb.Setting(problem, law, clip)  # type: ignore[arg-type]
cb.simulate(setting, 100, keep="all")  # type: ignore[arg-type]
cb.simulate(setting, steps=100, seeds=3)  # type: ignore[call-arg]
cb.compare(setting, bounds)  # type: ignore[arg-type]
cb.first_passage(setting, 0.1, 100, until="end")  # type: ignore[arg-type]
