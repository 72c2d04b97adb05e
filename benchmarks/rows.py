"""Clipped SGD on rows of a dataset beside NumPy and SciPy: a command of its own, one thread, CPU time.

    python benchmarks/rows.py

n = 5000, d = 300, batches of 16 rows, 64 trajectories, dense and at 1 % density. Ours evaluates the full gradient once in
4 n/16 steps, as a run does; the peers never do. Each number is the shortest of some repetitions, so that a busy machine
harms little. The last line times the same rows from 50 different ones only, which lie in the cache: what memory costs.
"""

import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402
from scipy.sparse import csr_array, random_array  # noqa: E402

import clipbounds as cb  # noqa: E402
from clipbounds.methods.base import BlockMaker  # noqa: E402

ROWS, DIM, BATCH, TRAJECTORIES, STEP_SIZE, THRESHOLD, REPETITIONS = 5000, 300, 16, 64, 0.01, 1.0, 5


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
    table = [
        ("dense, NumPy batched", ours(dense, labels, 200), batched(dense, labels, 10)),
        ("1 % density, SciPy rows", ours(thin, labels, 2000), sparse(thin, labels, 3)),
        ("1 % density, NumPy batched on dense rows", ours(thin, labels, 2000), batched(thin.toarray(), labels, 10)),
        ("dense, 50 different rows", ours(dense[:50], labels[:50], 200), batched(dense[:50], labels[:50], 10)),
    ]
    print("| case and peer | ours, us a step | peer, us a step | ratio |\n| --- | --- | --- | --- |")
    for name, mine, peer in table:
        print(f"| {name} | {1e6 * mine:.0f} | {1e6 * peer:.0f} | {peer / mine:.1f} |")


if __name__ == "__main__":
    main()
