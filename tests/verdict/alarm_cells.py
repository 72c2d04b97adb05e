"""The cells of the batteries of verdicts: eight laws from Gaussian to Pareto(1.01), clipped and not, and their true means.

f = x²/2, x_0 = 0, eta = .1, the mean of |x_T|, T = 1, 10, 100.
"""

import dataclasses

import numpy as np

import clipbounds as cb

ETA = 0.1
LAWS = {  # law, a large threshold, and the index of its tail (inf for light ones)
    "Gaussian": (cb.noise.Gaussian(1.0), 3.0, np.inf),
    "Rademacher": (cb.noise.Rademacher(1.0), 3.0, np.inf),
    "TwoPoint, skew .1": (cb.noise.TwoPoint(1.0, 0.1), 3.0, np.inf),
    "Student 3": (cb.noise.StudentT(3.0, 1.0), 1e3, 3.0),
    "Student 1.5": (cb.noise.StudentT(1.5, 1.0), 1e5, 1.5),
    "Pareto 1.5": (cb.noise.Pareto(1.5, 1.0), 1e5, 1.5),
    "Pareto 1.05": (cb.noise.Pareto(1.05, 1.0), 1e7, 1.05),
    "Pareto 1.01": (cb.noise.Pareto(1.01, 1.0), 1e9, 1.01),
}
FIRST = 256  # trajectories of the first look


@dataclasses.dataclass(frozen=True)
class Cell:
    law: str
    clipped: bool
    steps: int

    @property
    def setting(self):
        law, threshold, _ = LAWS[self.law]
        method = cb.methods.ClippedSGD(ETA, cb.clipping.NormClip(threshold)) if self.clipped else cb.methods.SGD(ETA)
        return cb.Setting(cb.problems.Quadratic([1.0], [0.0]), law, method)


CELLS = [Cell(law, clipped, steps) for law in LAWS for clipped in (False, True) for steps in (1, 10, 100)]


def _draws(law, uniforms):
    """Draws of the centred law from uniform numbers in (0, 1), by its quantile function; written here, not by the package."""
    from scipy.stats import norm, t

    if isinstance(law, cb.noise.Gaussian):
        return norm.ppf(uniforms)
    if isinstance(law, cb.noise.Rademacher):
        return np.where(uniforms < 0.5, -1.0, 1.0)
    if isinstance(law, cb.noise.TwoPoint):
        q = law.skew
        return np.where(uniforms < 1 / (1 + q * q), -q, 1 / q)
    if isinstance(law, cb.noise.StudentT):
        return t.ppf(uniforms, law.dof)
    return uniforms ** (-1 / law.tail_index) - law.tail_index / (law.tail_index - 1)


def true_mean(cell, count=2_000_000, seed=12345):
    """(mean, standard error) of |x_T| by importance sampling in NumPy.

    Half of the paths are drawn from the law; in the other half one step, any of them equally likely, takes its tail
    probability log-uniform in [1e-18, 1]. A path has the weight 1/(1/2 + 1/(2T) sum_s r_s), r_s = 1/(p_s ln 1e18) being the
    ratio of the densities of the tail probability p_s, so no weight is above 2 and the contribution of a rare jump is bounded.
    """
    law, threshold, index = LAWS[cell.law]
    rng = np.random.default_rng(seed)
    depth = 18 * np.log(10)
    total, squares, done = 0.0, 0.0, 0
    for _ in range(max(1, count // 50_000)):
        n = 50_000
        heavy = np.where(rng.random(n) < 0.5, rng.integers(0, cell.steps, n), -1)
        x, ratios = np.zeros(n), np.zeros(n)
        for step in range(cell.steps):
            p = np.maximum(rng.random(n), 1e-300)
            if np.isfinite(index):
                p = np.where(heavy == step, np.exp(-depth * rng.random(n)), p)
                ratios += np.where(p >= 1e-18, 1 / (p * depth), 0.0)
            if isinstance(law, cb.noise.StudentT):  # the tail probability of |xi|, with a random sign
                xi = -_draws(law, p / 2) * np.where(rng.random(n) < 0.5, -1.0, 1.0)
            else:
                xi = _draws(law, p)
            g = x + xi
            x = x - ETA * (np.clip(g, -threshold, threshold) if cell.clipped else g)
        weight = 1 / (0.5 + 0.5 * ratios / cell.steps) if np.isfinite(index) else 1.0
        y = np.abs(x) * weight
        total, squares, done = total + y.sum(), squares + np.square(y).sum(), done + n
    mean = total / done
    return mean, np.sqrt((squares / done - mean**2) / done)
