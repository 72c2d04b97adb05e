"""A user's kernel that raises or makes nan or inf ends the run, and the sentence names kernel, step and trajectory."""

import math
import re
import sys

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.first_passage import first_passage
from clipbounds.lanes import LANES, KernelFailed, kernel
from clipbounds.methods.base import ADVANCE
from clipbounds.noise.base import FILL
from clipbounds.specs import POSITIVE, parameter

QUADRATIC = cb.problems.Quadratic([1.0, 0.5], [1.0, 1.0])
GAUSSIAN = cb.noise.Gaussian(1.0)


class Raises(cb.clipping.Clip):
    limit: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, limit):
        if y > limit:
            raise ValueError("too steep")
        return y


class Broken(cb.clipping.Clip):
    """0/0 beyond the limit."""

    limit: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, limit):
        gap = 0.0 if y > limit else 1.0
        return y * gap / gap


class Meant(Broken):
    non_finite = True


class Infinite(cb.noise.Noise):
    """1/0 above the limit of a uniform number."""

    limit: float = parameter(POSITIVE)

    @cb.noise.from_quantile
    def fill(u, limit):
        return u - 0.5 if u < limit else 1.0 / (u - u)


class Overdrawn(cb.noise.Noise):
    @cb.noise.from_uniforms
    def fill(u, v):
        if u > 0.999:
            raise ArithmeticError("no draw")
        return u - v


class Slope(cb.problems.Problem):
    """The gradient x/gap, 0/0 beyond the limit."""

    limit: float = parameter(POSITIVE)
    x0: np.ndarray = cb.specs.vector()
    f_star = 0.0
    smoothness = cb.facts.HessianSmoothness(1.0, 0.0)

    @cb.problems.coordinatewise
    def gradient_kernel(x, limit):
        gap = 0.0 if x > limit else 1.0
        return x * gap / gap

    def value(self, x):
        return np.sum(np.square(x), axis=-1) / 2


class Wall(Slope):
    """exp overflows far away, as the gradient of a run that diverges may."""

    @cb.problems.coordinatewise
    def gradient_kernel(x, limit):
        return limit * (math.exp(x) - math.exp(-x))


class Asserts(Slope):
    @cb.problems.per_trajectory
    def gradient_kernel(x, g, params):
        if x[0] > params[0]:
            raise AssertionError("left the domain")
        g[:] = x


@kernel(ADVANCE)
def late_division(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    for step in range(first, last):
        if step == 7:
            vectors[3] = vectors[3] / (vectors[3] - vectors[3])


@kernel(ADVANCE)
def late_error(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    for step in range(first, last):
        if step == 7:
            raise IndexError("seven")


class Dividing(cb.methods.SGD):
    advance = late_division


class Erring(cb.methods.SGD):
    advance = late_error


def plain(operator=None, noise=GAUSSIAN, problem=QUADRATIC, step_size=0.1):
    return cb.Setting(problem, noise, cb.methods.ClippedSGD(step_size, operator or cb.clipping.Identity()))


def iterates(setting, steps):
    """The stochastic gradients g(x_t) + xi_t of 64 trajectories of SGD without a threshold, shape (steps, LANES, dim)."""
    x = np.repeat(setting.problem.x0[np.newaxis], LANES, axis=0)
    dim, found = x.shape[1], []
    draws = np.zeros(4 * steps * dim * LANES)
    setting.noise.fill(draws, 0, steps * dim, setting.noise.parameters, np.uint64(0), np.uint64(0), np.uint64(0))
    draws = draws.reshape(-1, dim, LANES)[:steps].transpose(0, 2, 1)
    for t in range(steps):
        found.append(setting.problem.gradient(x) + draws[t])
        x = x - setting.method.step_size * found[-1]
    return np.array(found)


@pytest.mark.parametrize("operator", [Raises, Broken])
@pytest.mark.parametrize("limit", [1.0, 4.0])
def test_the_step_of_an_operator_is_the_first_at_which_its_argument_is_beyond_the_limit(operator, limit):
    beyond = (iterates(plain(), 400) > limit).any(axis=2)
    step = int(np.argmax(beyond.any(axis=1)))
    assert beyond[step].any()
    words = f"at step {step}," if operator is Broken else f"raised ValueError at step {step} "
    with pytest.raises(KernelFailed, match=f"^{operator.__name__}.kernel .*{words}") as caught:
        cb.simulate(plain(operator(limit)), 400, LANES, checkpoints=[3, 50, 400])
    assert len(str(caught.value)) < 200
    if operator is Broken:
        assert f"trajectory {int(np.argmax(beyond[step]))};" in str(caught.value)
    else:
        assert re.search(r"\(test_watch.py, line \d+\): too steep$", str(caught.value))


def test_an_operator_that_never_meets_its_limit_gives_the_same_numbers_as_none():
    quiet, none = (cb.simulate(plain(o), 50, 100) for o in (Raises(1e9), cb.clipping.Identity()))
    assert np.array_equal(quiet.gradient_norm, none.gradient_norm)


def test_what_is_meant_is_not_an_error():
    run = cb.simulate(plain(Meant(4.0)), 400, LANES, checkpoints=[400])
    beyond = (iterates(plain(), 400) > 4.0).any(axis=(0, 2))
    assert ((run.diverged_at.values >= 0) == beyond).all()


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        (plain(noise=Infinite(0.9)), "Infinite.fill gave nan or inf as a draw at step"),
        (plain(noise=Infinite(0.9, radial=True)), "Infinite.fill gave nan or inf as a draw at step"),
        (plain(noise=Overdrawn()), r"Overdrawn.fill raised ArithmeticError at step .*: no draw"),
        (plain(problem=Slope(1.05, [1.0, 1.0])), "Slope.gradient_kernel gave nan or inf at a point with entries"),
        (plain(problem=Slope(0.5, [1.0, 1.0])), "Slope.gradient_kernel gave nan or inf at .* at step 0,"),
        (plain(problem=Asserts(1.05, [1.0])), "Asserts.gradient_kernel raised AssertionError at step .*: left the"),
        (cb.Setting(QUADRATIC, GAUSSIAN, Dividing(0.1)), "Dividing.advance gave nan or inf .* at step 7, trajectory 3"),
        (cb.Setting(QUADRATIC, GAUSSIAN, Erring(0.1)), "Erring.advance raised IndexError at step 7 .*: seven"),
        (plain(Broken(1.0), Infinite(0.9999)), "Broken.kernel"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_part_is_named(setting, part, threads):
    with pytest.raises(KernelFailed, match=part):
        cb.simulate(setting, 200, 200, threads=threads, checkpoints=[200])


def test_a_run_that_diverges_is_not_an_error():
    """A step far too long: the iterates double until exp overflows."""
    wall = Wall(1.0, [3.0])
    run = cb.simulate(plain(problem=wall, step_size=2.0), 60, LANES)
    assert (run.diverged_at.values >= 0).all()
    clean = cb.simulate(plain(problem=wall, step_size=0.05), 60, LANES)
    assert (clean.diverged_at.values == -1).all()


def test_a_gradient_that_overflows_at_the_start_is_an_error():
    with pytest.raises(KernelFailed, match=r"Wall.gradient_kernel .* at step 0, trajectory 0"):
        cb.simulate(plain(problem=Wall(1.0, [800.0])), 60, LANES)


@kernel(FILL)
def thrower(out, first, count, params, seed, stream, trajectory):
    if first >= 40:
        raise RuntimeError("window")
    for i in range(count * LANES):
        out[i] = 0.0


class Thrower(cb.noise.Noise):
    fill = thrower


def test_long_and_short_calls_of_the_kernel_find_the_same_step(monkeypatch):
    setting, said = cb.Setting(QUADRATIC, Thrower(), cb.methods.SGD(0.1)), set()
    for work in (1, 2000, 2**25):
        monkeypatch.setattr(sys.modules["clipbounds.run_arrays"], "CALL_WORK", work)
        with pytest.raises(KernelFailed) as caught:
            cb.simulate(setting, 1000, 3, checkpoints=[1000])
        said.add(str(caught.value))
    assert len(said) == 1


def test_first_passages_are_watched():
    method = cb.methods.MiniBatch(cb.methods.ConstantStep(0.1), 4)
    setting = cb.Setting(QUADRATIC, Thrower(), method)
    with pytest.raises(KernelFailed, match=r"Thrower.fill raised RuntimeError"):
        first_passage(setting, 1e-9, 1000)


def test_the_package_is_not_watched():
    from clipbounds.methods.watch import users_kernels

    assert users_kernels(plain()) == {} and set(users_kernels(plain(Raises(1.0)))) == {"operator"}
