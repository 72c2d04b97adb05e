"""PS-Clip-SGD, a batch of 64 clipped one by one, beside a vectorised NumPy loop: python benchmarks/per_sample.py

One thread, d = 10, Pareto noise of index 1.5, growing thresholds; alternating, after a statistical comparison.
"""

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

import clipbounds as cb

sys.path.insert(0, str(Path(__file__).parent))
from run import agree

DIM, BATCH, TRAJECTORIES, STEPS, STEP_SIZE, ALPHA, TAIL = 10, 64, 1024, 40, 0.1, 1.0, 1.5


def ours(seed):
    clip = cb.clipping.GrowingClip(ALPHA, TAIL)
    method = cb.methods.ClippedSGD(STEP_SIZE, clip, batch_size=BATCH, per_sample=True)
    problem = cb.problems.Quadratic(np.ones(DIM), np.ones(DIM))
    setting = cb.Setting(problem, cb.noise.Pareto(TAIL, 1.0), method)
    run = cb.simulate(setting, STEPS, TRAJECTORIES, seed, checkpoints=[STEPS], threads=1)
    return run.gradient_norm[-1].values


def numpy_loop(seed):
    """One sample of all trajectories at a time, (dim, trajectories) arrays, everything in place."""
    rng = np.random.default_rng(seed)
    shape = (DIM, TRAJECTORIES)
    x, g, total = np.ones(shape), np.empty(shape), np.empty(shape)
    thresholds = ALPHA * np.arange(1, BATCH + 1) ** (1 / TAIL)
    for _ in range(STEPS):
        total[:] = 0
        for threshold in thresholds:
            rng.random(out=g)
            np.subtract(1.0, g, out=g)
            np.power(g, -1 / TAIL, out=g)
            g += x - TAIL / (TAIL - 1)
            g *= np.minimum(1.0, threshold / np.sqrt(np.einsum("ij,ij->j", g, g)))
            total += g
        x -= STEP_SIZE / BATCH * total
    return np.sqrt(np.einsum("ij,ij->j", x, x))


def main(repeats=7):
    if not agree(ours(1), numpy_loop(1)):
        raise SystemExit("the two programs disagree; nothing is timed")
    ratios, times = [], []
    for seed in range(2, 2 + repeats):
        marks = [time.perf_counter()]
        for program in (ours, numpy_loop):
            program(seed)
            marks.append(time.perf_counter())
        times.append(marks[1] - marks[0])
        ratios.append((marks[2] - marks[1]) / times[-1])
    scale = 1e9 / (DIM * BATCH * TRAJECTORIES * STEPS)
    print(f"ours {median(times) * scale:.2f} ns a coordinate and sample; NumPy {median(ratios):.1f} times that")
    print(f"ratios from {min(ratios):.1f} to {max(ratios):.1f} in {repeats} repetitions; target 10")


if __name__ == "__main__":
    main()
