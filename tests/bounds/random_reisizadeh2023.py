"""Random settings for the bounds of reisizadeh2023, and the ratio of what they measure to what they are promised."""

import math

import numpy as np

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023 as paper
from clipbounds.first_passage import first_passage
from clipbounds.methods import ClippedStep, MiniBatch, RuleH, RuleN, RuleP, Spider
from clipbounds.oracles import (
    Additive,
    EquispacedPhases,
    GaussianPhase,
    RademacherNoise,
    constants_of_mean,
)
from clipbounds.problems import Cosh, Quadratic, RampValley, RampWall

BOUNDS = {
    "H": paper.SpiderH(),
    "P": paper.SpiderP(),
    "N": paper.SpiderN(),
    "M": paper.MiniBatchClipping(),
    "C": paper.ClippedSGD(),
}


def _spread(rng, low, high):
    """A draw that is uniform in logarithms."""
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def random_problem(rng):
    """Ramps (where the bounds are nearly tight) half of the time, with or without a wall; else quadratic or cosh."""
    kind = rng.integers(8)
    if kind < 6:
        target, curvature = _spread(rng, 0.02, 0.3), _spread(rng, 0.5, 2)
        valley = int(rng.integers(1, 6))
        options = {"curvature": curvature, "rate": float(rng.uniform(0, 2)), "valley": valley}
        if kind < 4:
            return RampValley(target, **options)
        options["rate"] += 0.1
        return RampWall(target, **options, steepness=2 * target * _spread(rng, 1, 100))
    if kind == 6:
        return Quadratic(rng.uniform(0.1, 2, 4), rng.normal(size=4))
    return Cosh(1.0, _spread(rng, 0.5, 2), rng.normal(size=3))


def random_oracle(rng, problem, bounded=False):
    """An oracle of the problem, noise on the valley only if it has one."""
    sigma = _spread(rng, 1e-3, 1)
    quiet = 1 if isinstance(problem, RampValley) else 0
    if bounded:
        return RademacherNoise(problem, sigma, quiet)
    kind = rng.integers(5)
    if kind < 2:
        return GaussianPhase(problem, sigma, _spread(rng, 0.1, 3), quiet)
    if kind == 2:
        return Additive(problem, sigma, quiet)
    if kind == 3:
        return EquispacedPhases(problem, sigma, int(rng.integers(3, 40)), _spread(rng, 0.1, 3))
    return RademacherNoise(problem, sigma, quiet)


def random_setting(name, rng):
    """A setting that satisfies the hypotheses of the bound, and a number of steps around the end of its descent."""
    problem = random_problem(rng)
    oracle = random_oracle(rng, problem, bounded=name == "C")
    scale = getattr(problem, "target", 0.1) * _spread(rng, 0.02, 0.5)
    if name == "C":
        sigma = oracle.sigma
        # eta L0 <= .1 and gamma L1 = 5 sigma eta L1 <= .1, and small against 1/L0 where the noise is to matter
        pair = constants_of_mean(problem, 0.1)
        eta = min(0.1 / pair.L0, 0.02 / (sigma * max(pair.L1, 1e-9))) * _spread(rng, 0.01, 0.9)
        if 5 * sigma * eta > 0.1 / pair.L0:
            eta = 0.02 / (pair.L0 * sigma)
        method = MiniBatch(ClippedStep(eta, 5 * sigma * eta), 1)
        start = float(np.linalg.norm(problem.gradient(problem.x0)))
        pace = eta * min(start, 5 * sigma)
    elif name == "M":
        pair = constants_of_mean(problem, scale)
        method = MiniBatch(RuleH(scale, pair.L0, pair.L1), int(_spread(rng, 1, 100)))
        pace = scale / pair.L0
    else:
        rule = {"H": RuleH, "P": RuleP, "N": RuleN}[name]
        pair = oracle.averaged_at_step(scale)
        epoch = int(_spread(rng, 1, 60))
        performed = isinstance(oracle, RademacherNoise)  # its samples cost time, those of the others are counted
        large, small = int(_spread(rng, 1, 100 if performed else 1e4)), int(_spread(rng, 1, 30 if performed else 300))
        method = Spider(rule(scale, pair.L0, pair.L1), epoch, large, small)
        pace = scale / pair.L0
    way = getattr(problem, "ramp_length", float(np.linalg.norm(problem.x0))) * rng.uniform(0.5, 1.5)
    steps = int(min(max(way / pace, 2), 20000))
    if name == "N":
        steps = -(-steps // method.epoch) * method.epoch
    return cb.Setting(problem, oracle, method), steps


def ratio(name, setting, steps, seed=0):
    """Mean of the certified quantity over steps and 64 trajectories, divided by the bound; None where it does not apply."""
    bound = BOUNDS[name]
    if not all(row.holds for row in bound.hypotheses(setting)):
        return None
    promised = float(bound.value(setting, steps))
    if not math.isfinite(promised):
        return None
    run = first_passage(setting, 1e-300, steps, seed=seed, threads=1)
    return float(run.certified.mean()) / promised


def ratios(name, count, seed):
    """The ratios of `count` random settings to which the bound applies."""
    rng = np.random.default_rng([seed, *name.encode()])
    found = []
    while len(found) < count:
        setting, steps = random_setting(name, rng)
        value = ratio(name, setting, steps)
        if value is not None:
            found.append((value, setting, steps))
    return found
