"""From the log of a network in training to a threshold, and what happened with it.

    python examples/threshold_from_a_log.py [FOLDER]

A perceptron learns scikit-learn's digits (a fifth of the labels wrong) by plain SGD and logs its gradient norms. `diagnose` reads the
log; sigma comes from repeated gradients at five points of the run, (L0, L1) from exact gradients along it, and both are estimates. The threshold
at which the sharpest bound is near its least is then run with other seeds, beside a tenth, ten times, and none.
Nothing is asserted of a network: the table says what happened. Thresholds, seeds and sizes were fixed before the first run.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import clipbounds as cb
from clipbounds.networks import digits
from clipbounds.networks.perceptron import Perceptron

HIDDEN, BATCH, STEP_SIZE, STEPS = 32, 8, 0.1, 1000
EVERY = 20  # steps between exact gradients
POINTS, REPETITIONS = 5, 32
SEEDS = range(1, 9)  # the log is seed 0


def gradient_of(network, x, labels):
    """The mean gradient of the cross-entropy over the samples, one flat vector."""
    pairs = zip(*network.deltas(x, labels), strict=True)
    parts = [part for a, d in pairs for part in ((a.T @ d).ravel(), d.sum(axis=0))]
    return np.concatenate(parts) / len(labels)


def loss_of(network, x, labels):
    """The mean cross-entropy."""
    scores = network.scores(x)
    top = scores.max(axis=1)
    return float(
        np.mean(np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(labels)), labels])
    )


def parameters_of(network):
    return np.concatenate([part.ravel() for layer in network.layers for part in layer])


def move(network, step):
    """Add a flat vector to the parameters."""
    start = 0
    for layer in network.layers:
        for part in layer:
            part += step[start : start + part.size].reshape(part.shape)
            start += part.size


def train(data, seed, threshold=np.inf, steps=STEPS):
    """SGD on fresh samples, clipped: the records of the log, points and exact gradients of every 20th step, repeated gradients, network."""
    x, labels = data.train
    network, draws = Perceptron((x.shape[1], HIDDEN, 10), seed), np.random.default_rng([seed, 1])
    records, points, exact, repeated = [], [], [], []

    def sampled():
        chosen = draws.integers(len(labels), size=BATCH)
        return gradient_of(network, x[chosen], labels[chosen])

    for t in range(steps):
        if t % EVERY == 0:
            points.append(parameters_of(network))
            exact.append(gradient_of(network, x, labels))
        if seed == 0 and t % (steps // POINTS) == 0:
            repeated.append([sampled() for _ in range(REPETITIONS)])
        gradient = sampled()
        norm = float(np.linalg.norm(gradient))
        records.append({"step": t, "grad_norm": norm})
        move(network, -STEP_SIZE * min(1.0, threshold / norm) * gradient)
    return records, np.array(points), np.array(exact), np.array(repeated), network


def run(folder, steps=STEPS, seeds=SEEDS):
    """Log, diagnosis, runs; returns the diagnosis and a row (threshold, gradient norm, loss, accuracy) for each threshold."""
    data = digits.load(corrupted=0.2)
    x, labels = data.train
    records, points, exact, repeated, _ = train(data, 0, steps=steps)
    log = Path(folder) / "trainer_state.json"
    log.write_text(json.dumps({"log_history": records}), encoding="utf-8")
    start = loss_of(Perceptron((x.shape[1], HIDDEN, 10), 0), x, labels)  # the cross-entropy is never below 0
    found = cb.diagnose(log, 1.0, step_size=STEP_SIZE, F0=start, gradients=repeated, trajectory=(points, exact))
    found.write(Path(folder) / "diagnosis.html")
    advised = found.best_threshold
    rows = []
    for threshold in () if advised is None else (advised / 10, advised, 10 * advised, np.inf):
        seen = []
        for seed in seeds:
            _, _, gradients, _, network = train(data, seed, threshold, steps)
            seen.append((
                np.linalg.norm(gradients, axis=1).mean(), loss_of(network, x, labels), network.accuracy(*data.test)
            ))  # fmt: skip
        rows.append((threshold, *np.mean(seen, axis=0), *np.std(seen, axis=0, ddof=1)))
    return found, rows


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    found, rows = run(folder)
    print(found)
    print(f"\nwhat happened, {len(SEEDS)} other seeds (mean ± standard deviation); log and page are in {folder}")
    print("threshold      mean ‖grad f‖      training loss      test accuracy")
    for threshold, norm, loss, accuracy, norm_sd, loss_sd, accuracy_sd in rows:
        print(
            f"{threshold:9.3g}  {norm:8.3f} ± {norm_sd:.3f}   {loss:8.3f} ± {loss_sd:.3f}   {accuracy:8.3f} ± {accuracy_sd:.3f}"
        )
