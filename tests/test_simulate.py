"""The contract of simulate: bit-identity, statistics, divergence, bad input."""

import signal
import sys
import threading
from concurrent.futures import CancelledError
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

import clipbounds as cb
from clipbounds.run_arguments import default_checkpoints
from clipbounds.run_arrays import MEASURED


def setting(noise=None, threshold=1.0, dim=3, problem=None, step_size=0.05):
    problem = problem or cb.problems.Quadratic(np.linspace(1, 2, dim), np.full(dim, 2.0))
    method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))
    return cb.Setting(problem, noise or cb.noise.SymmetricPareto(1.5, 1.0), method)


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_threads_and_chunks_do_not_change_a_bit(keep):
    runs = [
        cb.simulate(setting(), 300, 200, seed=3, threads=threads, chunk=chunk, keep=keep)
        for threads, chunk in ((1, 1), (2, 1), (2, 3), (1, 100))
    ]
    for run in runs[1:]:
        xr.testing.assert_identical(runs[0], run)


def test_trajectories_continue_an_earlier_run():
    whole = cb.simulate(setting(), 100, 192)
    parts = [cb.simulate(setting(), 100, n, first_trajectory=f) for f, n in ((0, 128), (128, 64))]
    np.testing.assert_array_equal(whole.gradient_norm, np.concatenate([p.gradient_norm for p in parts], axis=1))


def test_checkpoints_do_not_change_the_trajectory():
    dense = cb.simulate(setting(), 200, 64, checkpoints=range(201))
    sparse = cb.simulate(setting(), 200, 64, checkpoints=[0, 7, 200])
    for name in MEASURED:
        np.testing.assert_array_equal(dense[name].sel(checkpoint=[0, 7, 200]), sparse[name])


class Watched(cb.methods.ClippedSGD):
    """Its own quantity is a view of the state, which moves on."""

    extra_measured: ClassVar = {"first": "the first coordinate"}

    def observe(self, setting, block):
        return [block.iterate(1)]


def overflowing():
    """Some lanes diverge on the way."""
    method = cb.methods.ClippedSGD(2.0, cb.clipping.Identity())
    return cb.Setting(cb.problems.Exponential(np.ones(3)), cb.noise.StudentT(1.2, 1.0), method)


def watched():
    method = Watched(0.05, cb.clipping.NormClip(1.0), averages=True)
    return cb.Setting(setting().problem, setting().noise, method)


@pytest.mark.parametrize("make", [setting, watched, overflowing])
def test_checkpoints_measured_together_are_those_measured_alone(make, monkeypatch):
    steps = [0, 1, 2, 7, 40, 41, 90]
    together = cb.simulate(make(), 90, 128, checkpoints=steps)
    for group in (1, 3):
        monkeypatch.setattr(sys.modules["clipbounds.run_arrays"], "SNAPSHOT_SIZE", group * 3 * 64)
        xr.testing.assert_identical(together, cb.simulate(make(), 90, 128, checkpoints=steps))
    alone = [cb.simulate(make(), step, 128, checkpoints=[step]) for step in steps]
    for name in [n for n, v in together.data_vars.items() if v.dims == ("checkpoint", "trajectory")]:
        np.testing.assert_array_equal(together[name], np.concatenate([one[name] for one in alone]))
    # the control: checkpoints are told apart by what is measured
    assert np.all(np.any(np.diff(together.gradient_norm, axis=0) != 0, axis=1))
    if make is overflowing:
        assert 0 < int((together.diverged_at >= 0).sum()) < 128


def test_another_seed_is_another_run():
    first, second = (cb.simulate(setting(), 50, 64, seed=s).gradient_norm[-1] for s in (1, 2))
    assert not np.any(first.values == second.values)


def test_statistics_are_those_of_the_trajectories():
    full = cb.simulate(setting(), 300, 150, seed=3)
    brief = cb.simulate(setting(), 300, 150, seed=3, keep="statistics")
    for name in MEASURED:
        values = full[name]
        np.testing.assert_allclose(brief[name], values.mean("trajectory"), rtol=1e-12)
        np.testing.assert_allclose(brief[f"{name}_variance"], values.var("trajectory", ddof=1), rtol=1e-10, atol=1e-25)
        np.testing.assert_array_equal(brief[f"{name}_smallest"], values.min("trajectory"))
        np.testing.assert_array_equal(brief[f"{name}_largest"], values.max("trajectory"))


def test_a_lane_that_overflows_is_flagged_and_leaves_the_others_alone():
    """Plain SGD on cosh: a large Pareto draw throws some trajectories beyond the overflow of the gradient."""
    problem = cb.problems.Cosh(1.0, 1.0, [0.5])
    noise = cb.noise.SymmetricPareto(1.5, 1.0)
    wild = cb.Setting(problem, noise, cb.methods.SGD(0.01))
    run = cb.simulate(wild, 1000, 256)
    flagged = run.diverged_at >= 0
    assert 0 < int(flagged.sum()) < 256
    assert np.isfinite(run.gradient_norm.sel(trajectory=~flagged)).all()
    assert not np.isfinite(run.mean_gradient_norm[-1].sel(trajectory=flagged)).any()
    brief = cb.simulate(wild, 1000, 256, keep="statistics")
    assert int(brief.diverged_count[-1]) == int(flagged.sum())
    assert int(brief.diverged_at) == int(run.diverged_at.where(flagged).min())


def test_dataset_says_what_it_is():
    run = cb.simulate(setting(), 20, 3, seed=11)
    assert cb.methods.Setting.from_json(run.attrs["setting"]) == setting()
    assert run.attrs["seed"] == "11"
    assert run.gradient_norm.dims == ("checkpoint", "trajectory")
    np.testing.assert_array_equal(run.evaluations, run.checkpoint)
    np.testing.assert_allclose(run.sel(checkpoint=1).mean_gradient_norm, np.linalg.norm([2, 3, 4]), rtol=1e-14)


def test_default_checkpoints_are_logarithmic():
    points = default_checkpoints(10**6)
    assert points[0] == 1 and points[-1] == 10**6 and len(points) <= 50
    assert (np.diff(points) > 0).all()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"steps": -1}, "steps must be an integer >= 0"),
        ({"steps": 2.5}, "steps must be an integer"),
        ({"trajectories": 0}, "trajectories must be an integer >= 1"),
        ({"seed": "one"}, "seed must be an integer"),
        ({"seed": 1.0}, "seed must be an integer"),
        ({"seed": 2**64}, "below 2^64"),
        ({"checkpoints": [1, 11]}, "[0, 10]"),
        ({"checkpoints": [0.5]}, "integers"),
        ({"checkpoints": []}, "non-empty"),
        ({"threads": 0}, "threads must be an integer >= 1"),
        ({"keep": "all"}, "keep must be one of"),
        ({"checkpoints": [[1], [2, 3]]}, "non-empty list of integers"),
        ({"keep": ["statistics"]}, "keep must be one of"),
        ({"progress": 3}, "progress must be a function"),
        ({"first_trajectory": 5}, "multiple of 64"),
        ({"first_trajectory": 2**63}, "at most 2^63"),
        ({"setting": "quadratic"}, "must be a Setting"),
    ],
)
def test_bad_input_is_one_clear_sentence(options, part):
    arguments = {"setting": setting(), "steps": 10, "trajectories": 2, **options}
    with pytest.raises(ValueError) as caught:
        cb.simulate(**arguments)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_long_simulation_can_be_stopped():
    """Within calls of the kernel, from another thread; this one would take hours."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(CancelledError):
        cb.simulate(setting(), steps=10**12, stop=stop)


def test_interrupt_ends_a_long_simulation():
    """A KeyboardInterrupt in the waiting thread ends the threads of the call as well."""
    threading.Timer(0.3, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        cb.simulate(setting(), steps=10**12)
