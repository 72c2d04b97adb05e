"""PS-Clip and SPIDER beside the same loops in vectorised NumPy: (dim, trajectories) arrays, in place where it can be."""

import dataclasses

import numpy as np
from cases import QUICK_WORK, TAIL_INDEX, Case

import clipbounds as cb


@dataclasses.dataclass(frozen=True)
class PerSample(Case):
    """PS-Clip-SGD: 64 samples a step, each clipped at its own growing threshold; Pareto noise."""

    dim: int = 10
    noise: str = "pareto"
    batch: int = 64

    STEP_SIZE, ALPHA = 0.1, 1.0

    @property
    def name(self):
        return f"PS-Clip, batch {self.batch}, {self.noise}, d = {self.dim}"

    def setting(self):
        clip = cb.clipping.GrowingClip(self.ALPHA, TAIL_INDEX)
        method = cb.methods.PerSampleClippedSGD(self.STEP_SIZE, clip, self.batch)
        problem = cb.problems.Quadratic(self.eigenvalues, np.ones(self.dim))
        return cb.Setting(problem, cb.noise.Pareto(TAIL_INDEX, 1.0), method)

    def vectorised(self, seed, threads):
        """The final gradient norms."""
        rng, shape = np.random.default_rng(seed), (self.dim, self.trajectories)
        eigenvalues = self.eigenvalues[:, np.newaxis]
        x, g, sample, total = np.ones(shape), np.empty(shape), np.empty(shape), np.empty(shape)
        thresholds = self.ALPHA * np.arange(1, self.batch + 1) ** (1 / TAIL_INDEX)
        for _ in range(self.steps):
            np.multiply(eigenvalues, x, out=g)
            g -= TAIL_INDEX / (TAIL_INDEX - 1)
            total[:] = 0
            for threshold in thresholds:
                rng.random(out=sample)
                np.subtract(1.0, sample, out=sample)
                np.power(sample, -1 / TAIL_INDEX, out=sample)
                sample += g
                sample *= np.minimum(1.0, threshold / np.sqrt(np.einsum("ij,ij->j", sample, sample)))
                total += sample
            x -= self.STEP_SIZE / self.batch * total
        np.multiply(eigenvalues, x, out=g)
        return np.sqrt(np.einsum("ij,ij->j", g, g))


@dataclasses.dataclass(frozen=True)
class SpiderSteps(Case):
    """SPIDER with clipped steps on Gaussian phases, fresh batches of 64 every 16 steps, of 8 in between."""

    dim: int = 10
    noise: str = "phases"

    EPOCH, LARGE, SMALL, STEP_SIZE, REACH = 16, 64, 8, 0.1, 0.05

    @property
    def name(self):
        return f"SPIDER, Gaussian phases, d = {self.dim}"

    def setting(self):
        problem = cb.problems.Quadratic(self.eigenvalues, np.ones(self.dim))
        rule = cb.methods.ClippedStep(self.STEP_SIZE, self.REACH)
        oracle = cb.oracles.GaussianPhase(problem, 1.0, 1.0)
        return cb.Setting(problem, oracle, cb.methods.Spider(rule, self.EPOCH, self.LARGE, self.SMALL))

    def vectorised(self, seed, threads):
        """The final gradient norms; the mean of a batch is drawn as one pair of normal vectors, as ours is."""
        rng, shape = np.random.default_rng(seed), (self.dim, self.trajectories)
        eigenvalues = self.eigenvalues[:, np.newaxis]
        x, v, before = np.ones(shape), np.empty(shape), np.empty(shape)
        a, b, g = np.empty(shape), np.empty(shape), np.empty(shape)

        def batch_gradient(point):
            # frequency 1 along the first axis
            np.multiply(eigenvalues, point, out=g)
            g_noisy = a * np.cos(point[0])
            g_noisy += b * np.sin(point[0])
            g_noisy += g
            return g_noisy

        for step in range(self.steps):
            size = self.SMALL if step % self.EPOCH else self.LARGE
            for normals in (a, b):
                rng.standard_normal(out=normals)
                normals *= 1 / np.sqrt(size * self.dim)
            if step % self.EPOCH:
                v += batch_gradient(x)
                v -= batch_gradient(before)
            else:
                v[:] = batch_gradient(x)
            norm = np.sqrt(np.einsum("ij,ij->j", v, v))
            before[:] = x
            x -= np.minimum(self.STEP_SIZE, self.REACH / norm) * v
        np.multiply(eigenvalues, x, out=g)
        return np.sqrt(np.einsum("ij,ij->j", g, g))


def other_methods(quick):
    """The cases beyond clipped SGD."""
    work = QUICK_WORK if quick else 4e7
    return [PerSample(coordinate_steps=work), SpiderSteps(coordinate_steps=work)]
