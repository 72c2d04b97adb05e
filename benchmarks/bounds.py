"""CPU time of the bounds on clipped batches: beta1, Theorem 2*, Theorem 3*, Theorem 6, Theorem 7, the worst mean squared error.

A command of its own: python benchmarks/bounds.py. CPU seconds of this process, the shortest of three after one that is not
counted. The functions are those behind the bounds, without the memory in which the bounds keep their values.
"""

import time

import numpy as np

from clipbounds.bounds import nobile2026 as nb
from clipbounds.bounds.nobile2026.joint import joint_constant
from clipbounds.bounds.nobile2026.polyak import polyak_gap, polyak_last
from clipbounds.bounds.nobile2026.sharp_bias import sharp_bias
from clipbounds.bounds.nobile2026.whole_run import Average, Run, whole_gap, whole_run

P = 1.5


def shortest(work, repetitions=3):
    """CPU seconds of the fastest repetition."""
    found = []
    for _ in range(repetitions):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def cases():
    """(what, target in seconds, work)."""
    distances = np.random.default_rng(0).uniform(-5, 50, 1_000_000)
    yield "beta1, a million values", 1.0, lambda: sharp_bias(distances, 1.0, P)
    for n, growing in ((64, False), (65_536, False), (4096, True)):
        tau = nb.growing_thresholds(1.0, P, n) if growing else np.full(n, 0.5 * n ** (1 / P))
        name = f"Theorem 2*, n = {n}, {'growing' if growing else 'constant'} thresholds, d = 1"
        yield name, 0.05, lambda tau=tau: nb.deviation_star(tau, 0.2, 1.0, P, 0.001, dim=1)
    yield (
        "Theorem 3*, n = 256, growing",
        None,
        lambda: nb.SharpDescent(nb.growing_thresholds(1.0, P, 256), 1.0, P, 0.1).inverse(0.2),
    )
    for n, T, eta, tau in ((64, 30, 0.1, 8.0), (8, 300, 1.0, 4.0), (1, 300, 1.0, 5.0)):
        run = Run((tau,) * n, 0.5, P, 1.0, eta, 1.0, float(T), 0.01)
        yield f"Theorem 6, n = {n}, T = {T}, eta = {eta:g}", 2.0, lambda run=run: whole_run(run, Average("square"))
        yield f"Theorem 6 (largest gap), n = {n}, T = {T}, eta = {eta:g}", 2.0, lambda run=run: whole_gap(run)
        yield (
            f"Theorem 7 (last iterate), n = {n}, T = {T}, eta = {eta:g}",
            None,
            lambda run=run: polyak_last(run, 0.5, polyak_gap(run, 0.5)),
        )
    for n in (8, 200):
        yield f"worst mean squared error between certified values, n = {n}", None, lambda n=n: worst_error(n)


def worst_error(n):
    """`exact_mse` and the constant that it starts from, both computed anew."""
    joint_constant.cache_clear()
    return nb.exact_mse.__wrapped__(n, 1.0, P)


def main():
    for what, target, work in cases():
        work()  # tables that are made once, and imports
        aim = "" if target is None else f"  (target {target:g} s)"
        print(f"{what:<62} {shortest(work):8.4f} s{aim}", flush=True)


if __name__ == "__main__":
    main()
