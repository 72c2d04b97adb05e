"""Start-up: import and first simulated step, with an empty and with a filled kernel cache; a new combination."""

import json
import os
import subprocess
import sys
import tempfile

FIRST_STEP = """
import time
started = time.perf_counter()
import clipbounds as cb
imported = time.perf_counter() - started
import sys
lazy = not {"scipy.stats", "matplotlib", "dask", "xarray"} & set(sys.modules)
method = cb.methods.ClippedSGD(0.01, cb.clipping.NormClip(1.0))
cb.simulate(cb.Setting(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(1.0), method), 1)
first = time.perf_counter() - started
combination = []
for problem, noise, clip in (
    (cb.problems.Cosh(1, 1, [1.0] * 3), cb.noise.Pareto(1.5, 1.0), cb.clipping.CoordinateClip(1.0)),
    (cb.problems.Huber(1, 1, [1.0] * 3), cb.noise.Stable(1.5, 1.0), cb.clipping.SmoothClip(1.0, 0.1)),
    (cb.problems.Extremal(1, 1, [1.0] * 3), cb.noise.StudentT(3.0, 1.0), cb.clipping.NormClip(2.0)),
    # every kernel is in the process by now: only the combination is new
    (cb.problems.Huber(1, 1, [1.0] * 3), cb.noise.Pareto(1.5, 1.0), cb.clipping.CoordinateClip(1.0)),
):
    before = time.perf_counter()
    cb.simulate(cb.Setting(problem, noise, cb.methods.ClippedSGD(0.01, clip)), 1)
    combination.append(time.perf_counter() - before)
import json
print(json.dumps({"import": imported, "first step": first, "new kernels from disk": max(combination[:3]),
                  "new combination": combination[3], "lazy": lazy}))
"""


def _run(cache=None):
    environment = {**os.environ, **({"CLIPBOUNDS_CACHE": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_STEP], env=environment, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def startup(repeats=5):
    """Seconds: `cold` compiles the few kernels that it needs; `warm` is the smallest of several runs."""
    with tempfile.TemporaryDirectory() as cache:
        cold = _run(cache)
        warm = [_run(cache) for _ in range(repeats)]
    smallest = {name: min(run[name] for run in warm) for name in warm[0]}
    return {"cold": cold, "warm": smallest}
