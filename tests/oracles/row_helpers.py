"""Small datasets whose rows are the noise, and one step of clipped SGD on them: what tests of rows share."""

import numpy as np

import clipbounds as cb
from clipbounds.lanes.blocks import unpack
from clipbounds.methods.blocks import BlockMaker
from clipbounds.problems import LeastSquares, Logistic, RobustRegression

_RNG = np.random.default_rng(7)
N, DIM = 12, 3
FEATURES = _RNG.normal(size=(N, DIM)) * _RNG.choice([0.3, 1.0, 4.0], size=(N, 1))
SIGNS = np.where(FEATURES @ [1.0, -1.0, 0.5] + _RNG.normal(size=N) > 0, 1.0, -1.0)
PROBLEM = Logistic(FEATURES, SIGNS, 0.1, 0.05)
CASES = {
    "logistic": PROBLEM,
    "least squares": LeastSquares(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05),
    "huber": RobustRegression(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05, width=0.5),
    "geman_mcclure": RobustRegression(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05, loss="geman_mcclure"),
}
FALSE_ALARM = 1e-6


def settings(problem, oracle, **options):
    clip = cb.clipping.NormClip(options.pop("threshold", 0.5))
    return cb.Setting(problem, oracle, cb.methods.ClippedSGD(0.1, clip, **options))


def row_gradients(problem, x):
    return problem.slopes(problem.predictions(x))[:, None] * np.asarray(problem.features) + problem.ridge * x


def one_step(problem, oracle, x, trajectories, **options):
    """-(x_1 - x_0)/eta of many trajectories: the clipped estimates, by the kernel."""
    moved = problem.replace(x0=x)
    setting = settings(moved, oracle.replace(problem=moved), **options)
    make = BlockMaker(setting)
    steps = []
    for first in range(0, trajectories, 64):
        block = make(3, first)
        block.run_to(1)
        steps.append(unpack(block.iterate(problem.dim)[None], 64))
    return (x - np.concatenate(steps)) / 0.1


def clipped(vectors, c):
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1, c / norms)


def far_off(drawn, law):
    """How many of the means and covariances of the drawn estimates contradict the law {values, probabilities}.

    Bernstein's inequality with the exact variance and range of each statistic, so that the rate of false alarms of all
    five points together is at most FALSE_ALARM, without an appeal to a limit.
    """
    values, weights = law
    mean = weights @ values
    pairs = np.triu_indices(values.shape[1])
    seen, exact = (np.hstack([v, (v - mean)[:, pairs[0]] * (v - mean)[:, pairs[1]]]) for v in (drawn, values))
    centre = weights @ exact
    variance, reach = weights @ np.square(exact - centre), np.abs(exact - centre).max(axis=0)
    log = np.log(2 * 5 * exact.shape[1] / FALSE_ALARM) / len(drawn)
    radius = reach * log / 3 + np.sqrt(np.square(reach * log / 3) + 2 * variance * log)
    # x - x_1 over the step size: the rounding of numbers below 4, divided by .1
    return int(np.sum(np.abs(seen.mean(axis=0) - centre) > radius + 100 * np.finfo(float).eps))
