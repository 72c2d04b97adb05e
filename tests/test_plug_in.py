"""The worked example of plugging in: it runs, it is right, and its classes work from a script and an installed package."""

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import clipbounds as cb
from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.random import threefry, uniform
from clipbounds.noise import FILL
from clipbounds.specs import POSITIVE, parameter
from clipbounds.testing import check_clip_operator

EXAMPLE = Path(__file__).parents[1] / "examples" / "plug_in.py"


@pytest.fixture(scope="module")
def example():
    """The example's names, imported as a user imports their module."""
    spec = importlib.util.spec_from_file_location("plug_in_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["plug_in_example"] = module
    spec.loader.exec_module(module)
    yield vars(module)
    del sys.modules["plug_in_example"]


def test_the_example_holds_and_a_wrong_bound_is_violated(example, capsys):
    comparison = example["main"]()
    assert "holds" in capsys.readouterr().out
    assert [verdict.verdict for verdict in comparison.verdicts] == ["holds"]

    class Short(example["Walk"]):
        def evaluate(self, setting, steps):
            return 0.05 * super().evaluate(setting, steps)

    problem = example["PseudoHuber"](2.0, [3.0, -1.0])
    method = cb.methods.ClippedSGD(0.05, example["SoftSign"](1.5))
    run = cb.simulate(cb.Setting(problem, example["Laplace"](1.0), method), 200, 64)
    assert cb.compare(run, [Short()]).verdicts[0].verdict == "violated"


def test_each_class_takes_fewer_than_15_lines():
    blocks = EXAMPLE.read_text(encoding="utf-8").split("\n\n\n")
    classes = [block for block in blocks if block.startswith("class ")]
    assert len(classes) == 4
    for block in classes:
        assert sum(bool(line.strip()) for line in block.splitlines()) < 16, block


def test_the_users_components_are_what_their_docstrings_say(example):
    problem = example["PseudoHuber"](2.0, [3.0, -1.0])
    x = np.random.default_rng(0).normal(size=(50, 2)) * 3
    slopes = [(problem.value(x + 1e-6 * e) - problem.value(x - 1e-6 * e)) / 2e-6 for e in np.eye(2)]
    assert np.allclose(np.stack(slopes, axis=-1), problem.gradient(x), atol=1e-7)
    noise = example["Laplace"](1.5)
    draws = np.sort(noise.sample(200_000, 3))
    u = stats.laplace(scale=1.5).cdf(draws)
    band = math.sqrt(math.log(2 / 1e-6) / (2 * draws.size))
    assert np.abs(u - (np.arange(draws.size) + 0.5) / draws.size).max() < band
    check_clip_operator(example["SoftSign"](1.5), examples=25)


def test_per_trajectory_functions_agree_with_coordinatewise_ones(example):
    class Slow(example["PseudoHuber"]):
        @cb.problems.per_trajectory
        def gradient_kernel(x, g, params):
            for k in range(x.size):
                g[k] = x[k] / math.sqrt(1.0 + (x[k] / params[0]) ** 2)

    class SlowSign(example["SoftSign"]):
        @cb.clipping.per_trajectory
        def kernel(v, index, params):
            v[:] = params[0] * v / (params[0] + np.abs(v))

    class Two(cb.noise.Noise):
        @cb.noise.from_uniforms
        def fill(u, v):
            return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)

    x = np.random.default_rng(0).normal(size=(100, 2))
    assert np.allclose(
        Slow(2.0, [0.0, 0.0]).gradient(x), example["PseudoHuber"](2.0, [0.0, 0.0]).gradient(x), rtol=1e-14
    )
    assert np.allclose(SlowSign(1.5)(x), example["SoftSign"](1.5)(x), rtol=1e-14, atol=0)
    gaussian = cb.noise.Gaussian(1.0)
    assert stats.kstest(Two().sample(50_000, 1), gaussian.cdf).pvalue > 1e-6


def test_trajectories_of_a_plug_in_do_not_depend_on_threads(example):
    setting = cb.Setting(
        example["PseudoHuber"](2.0, [3.0, -1.0]),
        example["Laplace"](1.0, radial=True),
        cb.methods.ClippedSGD(0.05, example["SoftSign"](1.5)),
    )
    one, two = (cb.simulate(setting, 50, 256, threads=n, chunk=n) for n in (1, 2))
    assert one.equals(two)
    assert float(one.diverged_at.max()) == -1


def test_nan_gradients_of_a_users_problem_are_flagged_per_lane():
    class Cliff(cb.problems.Problem):
        x0: np.ndarray = cb.specs.vector()
        f_star = 0.0
        smoothness = cb.facts.HessianSmoothness(1.0, 0.0)
        non_finite = True

        @cb.problems.coordinatewise
        def gradient_kernel(x):
            return x if x < 1.2 else math.nan

        def value(self, x):
            return np.sum(np.square(x), axis=-1) / 2

    setting = cb.Setting(Cliff([0.0]), cb.noise.Gaussian(1.0), cb.methods.SGD(0.5))
    run = cb.simulate(setting, 40, 128, checkpoints=[40])
    diverged = run.diverged_at.values
    assert 0 < np.count_nonzero(diverged >= 0) < 128
    fine = diverged < 0
    assert np.isfinite(run.gradient_norm.values[-1, fine]).all()
    assert not np.isfinite(run.gradient_norm.values[-1, ~fine]).any()

    Cliff.non_finite = False  # undeclared, the same is an error that names the kernel
    with pytest.raises(ValueError, match=r"^Cliff.gradient_kernel gave nan or inf at a point"):
        cb.simulate(setting, 40, 128, checkpoints=[40])


class Silent(cb.noise.Noise):
    scale: float = parameter(POSITIVE)


class Idle(cb.clipping.Clip):
    pass


def test_what_a_class_lacks_is_named_with_what_to_write():
    line, gaussian, sgd = cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(1.0), cb.methods.SGD(0.1)
    for build, part in (
        (lambda: cb.Setting(line, Silent(1.0), sgd), r"Silent has no fill: .* def fill\(out, first, count"),
        (lambda: Silent(1.0).sample(3, 1), "Silent has no fill"),
        (
            lambda: cb.Setting(line, gaussian, cb.methods.ClippedSGD(0.1, Idle())),
            r"Idle has no kernel: .* def kernel\(v",
        ),
        (lambda: Idle()([1.0]), "Idle has no kernel"),
    ):
        with pytest.raises(ValueError, match=part):
            build()
    with pytest.raises(NotImplementedError, match=r"Silent states no moments: define moment\(self, p\)"):
        Silent(1.0).moment(2)
    with pytest.raises(NotImplementedError, match=r"Idle states no bound: define bound\(self, dim\)"):
        Idle().bound(2)
    with pytest.raises(ValueError, match=r"Own: a spec has no __init__ of its own; declare .* validate"):
        type("Own", (cb.noise.Noise,), {"__init__": lambda self: None})


@kernel(FILL)
def allocating(out, first, count, params, seed, stream, trajectory):
    values = np.empty(LANES)
    for i in range(count):
        for l in range(LANES):
            values[l] = uniform(threefry(seed, stream, np.uint64(first + i), trajectory + np.uint64(l))[0]) - 0.5
        out[i * LANES : (i + 1) * LANES] = values


class Centred(cb.noise.Noise):
    fill = allocating


def test_a_users_kernel_may_allocate_arrays():
    """The package's own may not: references are not counted in them."""
    draws = Centred().sample(10_000, 1)
    assert stats.kstest(draws, stats.uniform(-0.5, 1).cdf).pvalue > 1e-6
    run = cb.simulate(cb.Setting(cb.problems.Quadratic([1.0], [1.0]), Centred(), cb.methods.SGD(0.1)), 5, 64)
    assert np.all(np.isfinite(run.gradient_norm))


def test_the_example_works_from_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "users_package.py").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("users_package")
    method = cb.methods.ClippedSGD(0.1, package.SoftSign(1.0))
    setting = cb.Setting(package.PseudoHuber(1.0, [1.0]), package.Laplace(1.0), method)
    assert cb.Setting.from_json(setting.to_json()) == setting
    assert [v.verdict for v in package.main().verdicts] == ["holds"]


def test_the_example_runs_as_a_script(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(cb.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0 and "holds" in done.stdout, done.stderr
