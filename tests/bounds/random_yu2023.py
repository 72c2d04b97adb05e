"""Random settings for the moment recursion of yu2023: instance k is drawn from the seed [2026, 24, k] alone."""

import math

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import MomentRecursion
from clipbounds.methods import GrowingSmoothClip, PowerSchedule, SClipEF
from clipbounds.problems import ClientQuadratics

RUNS, ERRORS = 150, 4.0
GRID = np.array([1, 2, 3, 5, 10, 30, 100, 300])


def _spread(rng, low, high):
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def random_noise(rng, dim):
    """(law, a moment that it has); radial in some of the cases of higher dimension."""
    radial = {"radial": bool(dim > 1 and rng.integers(2))}
    kind, scale = rng.integers(6), _spread(rng, 0.05, 20)
    if kind == 0:
        return cb.noise.Gaussian(scale, **radial), 2.0
    if kind == 1:
        return cb.noise.Rademacher(scale, **radial), 2.0
    if kind == 2:
        return cb.noise.LogTailed(scale, **radial), 1.0
    if kind == 3:
        return cb.noise.SymmetricLomax(0.8, scale, **radial), 0.6
    if kind == 4:
        return cb.noise.SymmetricPareto(1.5, scale, **radial), float(rng.choice([1.0, 1.3]))
    return cb.noise.NoNoise(), 2.0


def random_problem(rng):
    """Quadratic clients, some of them concave in a direction, their mean strongly convex; equal or unequal noise."""
    dim, n = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 6))
    concave = bool(rng.integers(4) == 0) and n > 1
    while True:
        spectra = np.exp(rng.uniform(math.log(0.2), math.log(8), (n, dim)))
        if concave:
            spectra[0] *= -0.5
        turns = [np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(n)]
        hessians = np.stack([(q * s) @ q.T for q, s in zip(turns, spectra, strict=True)])
        weights = rng.dirichlet(np.full(n, 4.0))
        if np.linalg.eigvalsh(np.tensordot(weights, hessians, axes=1))[0] > 0.05:
            break
    minimisers = rng.standard_normal((n, dim)) * (0.0 if rng.integers(5) == 0 else _spread(rng, 0.1, 10))
    scales = np.ones(n) if rng.integers(2) else np.exp(rng.uniform(-2, 2, n))
    made = ClientQuadratics(hessians, minimisers, np.zeros(dim), weights=weights, noise_scales=scales)
    direction = rng.standard_normal(dim)
    return made.replace(
        x0=made.minimiser + direction / np.linalg.norm(direction) * rng.choice([0.0, 1.0]) * _spread(rng, 0.1, 30)
    )


def instance(k):
    """(setting, bound) number k."""
    rng = np.random.default_rng([2026, 24, k])
    problem = random_problem(rng)
    noise, p = random_noise(rng, problem.dim)
    theta = _spread(rng, 0.03, 3) / float(problem.client_lipschitz.max())
    threshold, joint = _spread(rng, 0.3, 100), bool(rng.integers(2))
    if rng.integers(2):
        delay = float(rng.choice([0.0, 3.0, 20.0]))
        method = GrowingSmoothClip.standard(theta * (1 + delay), threshold, rng.uniform(0.1, 0.45), delay, joint=joint)
    else:
        options = dict(smoothing=threshold**2, averaging=float(rng.choice([0.0, 0.5, 0.9])))
        method = SClipEF.standard(theta, joint=True, level=_spread(rng, 0.1, 10), **options)
        if not joint:  # without the warning about large theta, which is what some instances are for
            method = SClipEF(*method.schedules, error_feedback=bool(rng.integers(4)))
        elif rng.integers(3) == 0:
            method = method.replace(step_size=PowerSchedule(method.step_size.factor, -0.2, 5.0))
    return cb.Setting(problem, noise, method), MomentRecursion(p, order=int(rng.choice([2, 3, 6, 12])))


def largest_ratio(k):
    """Largest over the grid of (mean - 4 standard errors)/V_t on instance k, the largest mean/V_t, and the setting."""
    setting, bound = instance(k)
    promised = bound.value(setting, GRID)
    run = cb.simulate(setting, int(GRID[-1]), RUNS, seed=k, checkpoints=GRID, threads=1)
    mean = run.squared_distance.values.mean(axis=1)
    error = run.squared_distance.values.std(axis=1, ddof=1) / math.sqrt(RUNS)
    slack = 1e-9 * promised + 1e-20 * (1 + float(np.sum(setting.problem.minimiser**2)))  # rounding of x and of V_t
    return (
        float(np.max((mean - ERRORS * error) / (promised + slack))),
        float(np.max(mean / (promised + slack))),
        setting,
    )
