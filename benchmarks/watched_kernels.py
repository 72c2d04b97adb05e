"""What it costs to watch a user's kernels for exceptions, nan and inf: CPU time with the watch and without, in turn.

``python benchmarks/watched_kernels.py [pairs] [dimensions]``; docs/howto/batch.md names the target, 1 %.
"""

import math
import statistics
import sys
import time

import clipbounds as cb
from clipbounds.methods import watch
from clipbounds.specs import POSITIVE, parameter

TRAJECTORIES, SECONDS = 256, 0.1  # of one run: short, so that the machine is the same for both runs of a pair


class Saturation(cb.clipping.Clip):
    threshold: float = parameter(POSITIVE)

    @cb.clipping.coordinatewise
    def kernel(y, threshold):
        return min(threshold, max(-threshold, y))


def _seconds(setting, steps, watched):
    real = watch.users_kernels
    watch.users_kernels = real if watched else lambda setting: {}
    try:
        started = time.process_time()
        cb.simulate(setting, steps, TRAJECTORIES, threads=1, checkpoints=[steps])
        return time.process_time() - started
    finally:
        watch.users_kernels = real


def _interval(ratios):
    """Ends of an interval that holds the median with 95 % (order statistics, normal approximation of the binomial law)."""
    ordered, reach = sorted(ratios), 1.96 * len(ratios) ** 0.5 / 2
    return ordered[int(len(ratios) / 2 - reach)], ordered[min(len(ratios) - 1, math.ceil(len(ratios) / 2 + reach))]


def main(pairs=200, *dims):
    """Print, for each dimension, the median over pairs of what the watch adds, and a null of two runs without it."""
    for dim in dims or (2, 20):
        problem = cb.problems.Quadratic([1.0] * dim, [1.0] * dim)
        setting = cb.Setting(problem, cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.01, Saturation(1.0)))
        _seconds(setting, 100, True)
        steps = max(100, int(20000 * SECONDS / _seconds(setting, 20000, False)))
        added = {"watched": [], "null": []}
        for pair in range(pairs):
            for name, watched in (("watched", True), ("null", False)):
                order = (watched, False) if pair % 2 else (False, watched)
                times = [_seconds(setting, steps, on) for on in order]
                one, other = times if pair % 2 else times[::-1]
                added[name].append(100 * (one / other - 1))
        blocks = TRAJECTORIES // 64
        short = [_seconds(setting, 1, True) - _seconds(setting, 1, False) for _ in range(5 * pairs)]
        print(f"dimension {dim}, a block of one step: {1e6 * statistics.median(short) / blocks:+.0f} us")
        for name, found in added.items():
            low, high = _interval(found)
            print(
                f"dimension {dim}, {steps} steps, {pairs} pairs, {name}: {statistics.median(found):+.2f} % [{low:+.2f}, {high:+.2f}]",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
