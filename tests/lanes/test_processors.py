"""With CLIPBOUNDS_FUSE=0 kernels give the same bits on every processor that this one can stand in for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import clipbounds as cb

ROOT = Path(cb.__file__).parents[1]
# a method that amplifies last bits, and samplers with long polynomials
RUN = """
import hashlib
import clipbounds as cb
from clipbounds.methods import Spider
problem = cb.problems.RampValley(0.2)
from clipbounds.bounds import reisizadeh2023 as theory
oracle = cb.oracles.GaussianPhase(problem, 1.0, quiet=1)
plan = theory.plan(0.2, problem, oracle, "H")
found = cb.first_passage(cb.Setting(problem, oracle, plan.method), 0.2, plan.steps, seed=1)
digest = hashlib.sha256(found.certified.tobytes() + found.hit.tobytes())
for noise in (cb.noise.Gaussian(1.0), cb.noise.Stable(1.5, 1.0), cb.noise.StudentT(3.0, 1.0)):
    method = cb.methods.ClippedSGD(0.01, cb.clipping.NormClip(1.0))
    run = cb.simulate(cb.Setting(cb.problems.Cosh(1.0, 1.0, [1.0] * 3), noise, method), 200, 64, threads=1)
    digest.update(run.iterate.values.tobytes() if "iterate" in run else run.gradient_norm.values.tobytes())
print(digest.hexdigest())
"""


@pytest.fixture
def paths(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import cpu_paths

    yield cpu_paths.paths()
    sys.modules.pop("cpu_paths", None)


def digest(changes, fuse):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_CPU", "NPY_", "OPENBLAS_"))}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env={**clean, **changes, "CLIPBOUNDS_FUSE": fuse}, capture_output=True, text=True,
        check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.full
def test_unfused_kernels_are_the_same_on_all_paths_and_fused_ones_are_not(paths):
    assert len({digest(changes, "0") for changes in paths.values()}) == 1
    if "x86-64-v3" in paths:  # the control: with a fused product the generic processor differs
        assert digest(paths["generic"], "1") != digest(paths["x86-64-v3"], "1")
