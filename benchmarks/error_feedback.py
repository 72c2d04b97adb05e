"""SClip-EF on ten clients beside a NumPy loop that is vectorised over runs and clients; one core, one run of this file.

    python benchmarks/error_feedback.py [--steps N] [--peer-steps N] [--repeats N]

n = 10, d = 5, 64 runs, log-tailed noise. The peer draws its noise by the same inverse (SciPy's Lambert function).
"""

import argparse
import time
from statistics import median

import numpy as np
from scipy.special import lambertw

import clipbounds as cb
from clipbounds.bounds.yu2023.instances import main_problem

RUNS, THETA = 64, 0.5


def log_tailed(generator, shape):
    u = generator.random(shape)
    size = np.expm1(2 * lambertw(np.exp(0.5) / (2 * np.sqrt(1 - u))).real - 1)
    return np.where(generator.random(shape) < 0.5, -size, size)


def peer(problem, steps, seed):
    """Squared distances after `steps` steps, shape (RUNS,)."""
    generator = np.random.default_rng(seed)
    n, d = problem.clients, problem.dim
    x, m = np.tile(problem.x0, (RUNS, 1)), np.zeros((n, RUNS, d))
    for s in range(1, steps + 1):
        g = np.matmul(x - problem.minimisers[:, None, :], problem.hessians)
        y = g + log_tailed(generator, g.shape) - m
        beta, phi, eps = 0.5 * s**-0.5, s**-0.5, 400 * s**0.6
        m = beta * m + (1 - beta) * phi * y / np.sqrt(y * y + eps)
        x = x - 20 * THETA * s**-0.2 * m.mean(axis=0)
    return np.square(x - problem.minimiser).sum(axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="steps of ours (the result is scaled to 1e5)")
    parser.add_argument("--peer-steps", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    problem = main_problem()
    setting = cb.Setting(problem, cb.noise.LogTailed(1.0), cb.methods.SClipEF.standard(THETA))

    def ours(steps, seed):
        return cb.simulate(setting, steps, RUNS, seed=seed, threads=1, checkpoints=[steps]).squared_distance.values[-1]

    # the bounded first 100 steps of both must agree before anything is timed: six standard errors of the mean
    a, b = ours(100, 1), peer(problem, 100, 1)
    if not abs(a.mean() - b.mean()) <= 6 * np.hypot(a.std(ddof=1), b.std(ddof=1)) / np.sqrt(RUNS):
        raise SystemExit(f"the two disagree: {a.mean():.4g} and {b.mean():.4g}; nothing is timed")
    seconds = {"ours": [], "peer": []}
    for seed in range(options.repeats):
        started = time.process_time()
        ours(options.steps, seed)
        seconds["ours"].append((time.process_time() - started) / options.steps)
        started = time.process_time()
        peer(problem, options.peer_steps, seed)
        seconds["peer"].append((time.process_time() - started) / options.peer_steps)
    ratio = median(p / o for p, o in zip(seconds["peer"], seconds["ours"], strict=True))
    for name, values in seconds.items():
        print(f"{name}: {median(values) * 1e5:.1f} s of CPU time for 1e5 steps")
    print(f"NumPy takes {ratio:.1f} times as long")


if __name__ == "__main__":
    main()
