"""Twenty-four settings on a line, and their means over all sequences of atoms."""

import numpy as np

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Rademacher, ThreePoint, TwoPoint
from clipbounds.problems import Cosh, Extremal, Huber, Quadratic

PROBLEMS = [Quadratic([1.0], [1.0]), Huber(1.0, 1.0, [2.0]), Cosh(1.0, 0.5, [1.0]), Extremal(0.5, 0.5, [1.0])]
LAWS = [TwoPoint(1.0, 0.5), ThreePoint(1.0, 0.5, 0.1), Rademacher(1.0)]
STEPS = [(0.1, 1.0), (0.02, 0.5)]
SETTINGS = [
    cb.Setting(problem, law, ClippedSGD(eta, NormClip(c))) for problem in PROBLEMS for law in LAWS for eta, c in STEPS
]


def name(setting):
    parts = (setting.problem, setting.noise)
    return "-".join(type(part).__name__ for part in parts) + f"-{setting.method.step_size}"


def enumerated(setting, steps):
    """E|f'| and E gap after each step, over all sequences of atoms."""
    places, weights = setting.noise.atoms()
    method, problem = setting.method, setting.problem
    c = method.clip.threshold
    x, mass = np.array([problem.x0[0]]), np.ones(1)
    slopes, gaps = [], []
    for _ in range(steps):
        u = problem.gradient(x[:, None])[:, 0]
        x = np.concatenate([x - method.step_size * np.clip(u + place, -c, c) for place in places])
        mass = np.concatenate([mass * weight for weight in weights])
        slopes.append(mass @ np.abs(problem.gradient(x[:, None])[:, 0]))
        gaps.append(mass @ problem.gap(x[:, None]))
    return np.array(slopes), np.array(gaps)
