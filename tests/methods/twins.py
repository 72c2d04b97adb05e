"""What NumPy twins of the compiled loops share: problems, operators, and the draws of the public stream."""

import numpy as np

import clipbounds as cb
from clipbounds.lanes.random import NOISE, threefry2x64

SIGMA, SKEW, STEPS, TRAJECTORIES, SEED = 1.3, 0.6, 200, 5, 7
LAW = cb.noise.TwoPoint(SIGMA, SKEW)
PROBLEMS = (
    cb.problems.Quadratic([0.5, 1.0, 2.0], [3.0, -2.0, 1.0]),
    cb.problems.Cosh(0.5, 1.0, [1.0, -2.0]),
    cb.problems.Huber(1.0, 0.7, 2.0),
)


def uniforms(seed, draws, trajectories):
    """Uniform draws (draws, trajectories), two a counter, from the public generator alone."""
    pairs = -(-draws // 2)
    counters = np.stack(np.meshgrid(np.arange(pairs), np.arange(trajectories), indexing="ij"), axis=-1)
    words = threefry2x64(np.array([seed, NOISE], np.uint64), counters.astype(np.uint64))
    u = ((words >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return np.moveaxis(u, 2, 1).reshape(2 * pairs, trajectories)[:draws]


def draws(dim, steps=STEPS, batch=1, trajectories=TRAJECTORIES):
    """Samples of `LAW`, (steps, batch, trajectories, dim); dim at most 3, where a sample owns dim draws."""
    u = uniforms(SEED, steps * batch * dim, trajectories).reshape(steps, batch, dim, trajectories)
    share = SKEW**2 / (1 + SKEW**2)
    return np.where(u < share, SIGMA / SKEW, -SIGMA * SKEW).transpose(0, 1, 3, 2)


def norm(v):
    return np.sqrt(np.sum(v * v, axis=-1, keepdims=True))


def clip(v, threshold):
    length = norm(v)
    return v * np.minimum(1.0, threshold / np.where(length > 0, length, 1.0))


def start(problem):
    return np.repeat(problem.x0[np.newaxis], TRAJECTORIES, axis=0)


def simulated(problem, method, steps=STEPS):
    """Gradient norms and gaps at x_0, ..., x_T, (steps + 1, trajectories) each."""
    run = cb.simulate(cb.Setting(problem, LAW, method), steps, TRAJECTORIES, SEED, checkpoints=range(steps + 1))
    return run


def check(run, problem, path):
    """The run visits the points of `path`, (steps + 1, trajectories, dim), to 1e-13 of the largest value."""
    gradients = norm(problem.gradient(path))[..., 0]
    np.testing.assert_allclose(run.gradient_norm, gradients, rtol=0, atol=1e-13 * max(1.0, gradients.max()))
    gaps = problem.value(path) - problem.f_star
    np.testing.assert_allclose(run.gap, gaps, rtol=0, atol=1e-13 * max(1.0, gaps.max()))
