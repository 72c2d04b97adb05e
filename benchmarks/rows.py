"""Clipped SGD on rows of a dataset beside NumPy and SciPy: a command of its own, one thread, CPU time.

    python benchmarks/rows.py

n = 5000, d = 300, batches of 16 rows, 64 trajectories, dense and at 1 % density. Ours runs 4 n/16 steps, in which the full
gradient is evaluated once, as in any run; the peers never evaluate it. Each number is the shortest of some repetitions, so that a busy
machine harms little. Two lines say what memory costs: the same rows from 50 different ones only, which lie in the cache; and,
as the peer's time over it, how fast any program could be that only loads one number from each cache line of its rows.
"""

import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402
from numba import types  # noqa: E402
from scipy.sparse import csr_array, random_array  # noqa: E402

import clipbounds as cb  # noqa: E402
from clipbounds.lanes.blocks import FLOATS  # noqa: E402
from clipbounds.lanes.compile import kernel  # noqa: E402
from clipbounds.lanes.views import piece  # noqa: E402
from clipbounds.methods.blocks import BlockMaker  # noqa: E402

ROWS, DIM, BATCH, TRAJECTORIES, STEP_SIZE, THRESHOLD, REPETITIONS = 5000, 300, 16, 64, 0.01, 1.0, 5
STEPS = 4 * ROWS // BATCH  # one piece of tracking
LINE = 8  # numbers in a cache line


def shortest(work):
    """The shortest CPU time of a call."""
    best = np.inf
    for _ in range(REPETITIONS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def ours(features, labels, steps):
    """Seconds a step."""
    problem = cb.problems.Logistic(features, labels, 0.0)
    method = cb.methods.ClippedSGD(STEP_SIZE, cb.clipping.NormClip(THRESHOLD), BATCH)
    make = BlockMaker(cb.Setting(problem, cb.oracles.RowSampling(problem), method))
    make(0, 0).run_to(1)
    return shortest(lambda: make(0, 0).run_to(steps)) / steps


@kernel(types.float64(FLOATS, FLOATS, types.int64, types.int64))
def load(values, chosen, count, dim):
    """One number of each cache line of some rows."""
    total = 0.0
    for i in range(count):
        a = piece(values, int(chosen[i]) * dim, dim)
        for k in range(0, dim, LINE):
            total += a[k]
    return total


def loading(features):
    """Seconds in which the rows of one step can be fetched at all."""
    drawn = np.random.default_rng(0).integers(0, len(features), (40, TRAJECTORIES * BATCH)).astype(float)
    values = features.ravel()
    return shortest(lambda: [load(values, chosen, chosen.size, DIM) for chosen in drawn]) / len(drawn)


def descend(x, g):
    norms = np.linalg.norm(g, axis=1, keepdims=True)
    x -= STEP_SIZE * g * np.minimum(1.0, THRESHOLD / norms)


def batched(features, labels, steps):
    """NumPy with all trajectories at once, by matrix products: faster than einsum."""
    rng = np.random.default_rng(0)

    def work():
        x = np.zeros((TRAJECTORIES, DIM))
        for _ in range(steps):
            chosen = rng.integers(0, len(labels), (TRAJECTORIES, BATCH))
            rows, signs = features[chosen], labels[chosen]
            z = (rows @ x[:, :, np.newaxis])[:, :, 0]
            weights = -signs / (1 + np.exp(signs * z)) / BATCH
            descend(x, (weights[:, np.newaxis, :] @ rows)[:, 0])

    return shortest(work) / steps


def sparse(features, labels, steps):
    """SciPy's CSR rows, trajectory by trajectory."""
    rng = np.random.default_rng(0)

    def work():
        x, g = np.zeros((TRAJECTORIES, DIM)), np.empty((TRAJECTORIES, DIM))
        for _ in range(steps):
            chosen = rng.integers(0, len(labels), (TRAJECTORIES, BATCH))
            for l in range(TRAJECTORIES):
                rows, signs = features[chosen[l]], labels[chosen[l]]
                g[l] = rows.T @ (-signs / (1 + np.exp(signs * (rows @ x[l]))) / BATCH)
            descend(x, g)

    return shortest(work) / steps


def main():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(ROWS, DIM))
    thin = csr_array(random_array((ROWS, DIM), density=0.01, rng=rng))
    labels = np.where(rng.normal(size=ROWS) > 0, 1.0, -1.0)
    whole, few = batched(dense, labels, 20), batched(dense[:50], labels[:50], 20)
    mine = ours(thin, labels, 2 * STEPS)
    table = [
        ("dense, NumPy batched", ours(dense, labels, STEPS), whole),
        ("1 % density, SciPy rows", mine, sparse(thin, labels, 3)),
        ("1 % density, NumPy batched on dense rows", mine, batched(thin.toarray(), labels, 20)),
        ("dense, 50 different rows", ours(dense[:50], labels[:50], STEPS), few),
        ("dense rows fetched, nothing computed", loading(dense), whole),
    ]
    print("| case and peer | ours, us a step | peer, us a step | ratio |\n| --- | --- | --- | --- |")
    for name, mine, peer in table:
        print(f"| {name} | {1e6 * mine:.0f} | {1e6 * peer:.0f} | {peer / mine:.1f} |")


if __name__ == "__main__":
    main()
