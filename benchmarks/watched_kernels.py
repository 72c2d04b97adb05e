"""What it costs to watch a user's kernels for exceptions, nan and inf: CPU time with the watch and without, in turn.

``python benchmarks/watched_kernels.py [pairs]``; docs/howto/batch.md names the target, 1 %.
"""

import statistics
import sys
import time

import clipbounds as cb
from clipbounds.methods import watch
from clipbounds.specs import POSITIVE, parameter

TRAJECTORIES, SECONDS = 256, 0.5  # of one run


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


def main(pairs=15):
    """Print the smallest and the median CPU time with and without the watch for dimensions 2 and 20, and their ratios."""
    for dim in (2, 20):
        problem = cb.problems.Quadratic([1.0] * dim, [1.0] * dim)
        setting = cb.Setting(problem, cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.01, Saturation(1.0)))
        _seconds(setting, 100, True)
        steps = max(100, int(2000 * SECONDS / _seconds(setting, 2000, False)))
        times = {True: [], False: []}
        for pair in range(pairs):
            for watched in (True, False) if pair % 2 else (False, True):
                times[watched].append(_seconds(setting, steps, watched))
        for name, of in (("smallest", min), ("median", statistics.median)):
            on, off = of(times[True]), of(times[False])
            print(
                f"dimension {dim}, {steps} steps, {name}: {on:.4f} s watched, {off:.4f} s not, {100 * (on / off - 1):+.2f} %"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
