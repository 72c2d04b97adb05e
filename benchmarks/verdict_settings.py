"""Forty settings of the four papers on which the time to a decided verdict is measured, and the plain NumPy loop of each."""

import dataclasses
from collections.abc import Callable

import numpy as np
from error_feedback import RUNS
from error_feedback import peer as feedback_peer
from other_methods import SpiderSteps

import clipbounds as cb
from clipbounds.bounds.yu2023.instances import main_problem
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD, PerSampleClippedSGD, SClipEF
from clipbounds.noise import Gaussian, LogTailed, Pareto, StudentT, TwoPoint
from clipbounds.problems import Cosh, Huber, Quadratic

ETA, C = 0.1, 1.0


@dataclasses.dataclass(frozen=True)
class Entry:
    """A setting, what is measured, and `plain(trajectories)`, which runs the same steps in NumPy."""

    name: str
    setting: cb.Setting
    steps: int
    quantity: str
    plain: Callable[[int], object]

    @property
    def work(self):
        """Coordinate updates of one trajectory."""
        clients = getattr(self.setting.problem, "clients", 1)
        return self.steps * self.setting.problem.dim * getattr(self.setting.method, "batch_size", 1) * clients


def draws(law, rng, shape):
    if isinstance(law, Gaussian):
        return law.scale * rng.standard_normal(shape)
    if isinstance(law, StudentT):
        return law.scale * rng.standard_t(law.dof, shape)
    if isinstance(law, Pareto):
        return law.scale * (rng.random(shape) ** (-1 / law.tail_index) - law.tail_index / (law.tail_index - 1))
    values, chances = law.atoms()
    return rng.choice(values, shape, p=chances)


def clipped_loop(setting, steps):
    """Mean over the steps of the gradient norms, one a trajectory: what a notebook has."""
    problem, method, law = setting.problem, setting.method, setting.noise
    batch = method.batch_size
    together = method.operator_calls_per_step == 1

    def run(trajectories):
        rng = np.random.default_rng(0)
        x = np.tile(problem.x0, (trajectories, 1))
        total = np.zeros(trajectories)
        for _ in range(steps):
            g = problem.gradient(x)
            total += np.sqrt(np.einsum("ij,ij->i", g, g))
            sample = g[:, np.newaxis] + draws(law, rng, (trajectories, batch, problem.dim))
            if together:
                sample = sample.mean(axis=1, keepdims=True)
            size = np.sqrt(np.einsum("ijk,ijk->ij", sample, sample))
            x = x - method.step_size * (sample * np.minimum(1.0, C / size)[..., np.newaxis]).mean(axis=1)
        return total / steps

    return run


def clipped(paper, problem, law, steps, batch=1, per_sample=False):
    make = PerSampleClippedSGD if per_sample else ClippedSGD
    setting = cb.Setting(problem, law, make(ETA, NormClip(C), batch_size=batch))
    uneven = "uneven " if np.ptp(getattr(problem, "eigenvalues", 0.0)) else ""
    name = f"{paper}: {uneven}{type(problem).__name__} d = {problem.dim}, {type(law).__name__}, T = {steps}"
    if batch > 1:
        name += f", {'per sample' if per_sample else 'batch'} {batch}"
    return Entry(name, setting, steps, "mean_gradient_norm", clipped_loop(setting, steps))


def round_quadratic(dim):
    return Quadratic([1.0] * dim, [1.0] * dim)


def koloskova():
    for law in (TwoPoint(1.0, 0.5), Gaussian(1.0), StudentT(1.5, 1.0), Pareto(1.5, 1.0)):
        for steps in (1000, 10_000):
            yield clipped("koloskova2023", round_quadratic(1), law, steps)
    for law in (TwoPoint(1.0, 0.5), Gaussian(1.0)):
        yield clipped("koloskova2023", Huber(1.0, 1.0, [2.0]), law, 1000)
        yield clipped("koloskova2023", Cosh(1.0, 0.5, [1.0]), law, 1000)
    for dim, law in ((10, Gaussian(0.3)), (10, StudentT(1.5, 0.3)), (100, Gaussian(0.1))):
        yield clipped("koloskova2023", round_quadratic(dim), law, 1000)
    yield clipped("koloskova2023", Quadratic(np.linspace(0.3, 1.0, 10), [1.0] * 10), Gaussian(0.3), 1000)


def nobile():
    for law in (TwoPoint(1.0, 0.5), Gaussian(1.0), StudentT(1.5, 1.0), Pareto(1.5, 1.0)):
        yield clipped("nobile2026", round_quadratic(1), law, 1000, 8, True)
    for dim, law in ((10, Gaussian(0.3)), (10, StudentT(1.5, 0.3)), (10, Pareto(1.5, 0.3)), (100, Gaussian(0.1))):
        yield clipped("nobile2026", round_quadratic(dim), law, 1000, 8, True)
    yield clipped("nobile2026", round_quadratic(1), Gaussian(1.0), 1000, 8)
    yield clipped("nobile2026", round_quadratic(1), StudentT(1.5, 1.0), 1000, 8)
    yield clipped("nobile2026", round_quadratic(10), Gaussian(1.0), 1000, 8)
    yield clipped("nobile2026", round_quadratic(10), Pareto(1.5, 0.3), 1000, 8)


def yu():
    """The plain loop draws log-tailed noise whatever the law is: the dearest of these draws, by one function of SciPy."""
    problem = main_problem()
    for law in (LogTailed(1.0), StudentT(1.5, 1.0), Gaussian(1.0)):
        for steps in (300, 3000):
            setting = cb.Setting(problem, law, SClipEF.standard(0.5))
            name = f"yu2023: SClip-EF, {type(law).__name__}, T = {steps}"

            def plain(trajectories, steps=steps):
                for seed in range(-(-trajectories // RUNS)):
                    feedback_peer(problem, steps, seed)

            yield Entry(name, setting, steps, "squared_distance", plain)


def reisizadeh():
    for dim in (1, 10, 100):
        for steps in (160, 1600):

            def plain(trajectories, dim=dim, steps=steps):
                SpiderSteps(dim, trajectories=trajectories, coordinate_steps=trajectories * steps * dim).vectorised(
                    0, 1
                )

            name = f"reisizadeh2023: SPIDER d = {dim}, T = {steps}"
            yield Entry(name, SpiderSteps(dim).setting(), steps, "mean_gradient_norm", plain)


def entries():
    return [*koloskova(), *nobile(), *yu(), *reisizadeh()]
