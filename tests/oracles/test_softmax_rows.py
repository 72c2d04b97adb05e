"""Rows of the softmax loss as the noise: the enumerated law of clipped estimates, and certificates against brute force."""

import numpy as np
import pytest
from row_helpers import clipped, far_off, one_step
from scipy.sparse import csr_array

import clipbounds as cb
from clipbounds.bounds import koloskova2023, nobile2026
from clipbounds.oracles import RowSampling
from clipbounds.problems import Softmax

RNG = np.random.default_rng(21)
N, FEATURES, CLASSES = 9, 2, 3
ROWS = RNG.normal(size=(N, FEATURES)) * RNG.choice([0.3, 3.0], size=(N, 1))
LABELS = np.arange(N) % CLASSES * 1.0
PROBLEM = Softmax(ROWS, LABELS, 0.2, 0.05)


def gradients(problem, x):
    """From the definition, row by row."""
    weights, found = x.reshape(CLASSES, FEATURES), []
    for a, y in zip(np.asarray(problem.features), LABELS.astype(int), strict=True):
        powers = np.exp(weights @ a)
        found.append(np.outer(powers / powers.sum() - np.eye(CLASSES)[y], a).ravel() + problem.ridge * x)
    return np.array(found)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("batch", [1, 2])
def test_clipped_estimates_follow_the_enumerated_law(batch, layout):
    """Single rows and ordered pairs at five points, within 1e-6; the control is a threshold 5 % larger."""
    problem = PROBLEM if layout == "dense" else PROBLEM.replace(features=csr_array(ROWS))
    caught = 0
    for x in np.random.default_rng(batch).normal(size=(5, problem.dim)):
        rows = gradients(problem, x)
        means = rows if batch == 1 else ((rows[:, None] + rows[None]) / 2).reshape(-1, problem.dim)
        c = np.median(np.linalg.norm(means, axis=1))
        drawn = one_step(problem, RowSampling(problem), x, 64 * 600, batch_size=batch, threshold=c)
        even = np.full(len(means), 1 / len(means))
        assert far_off(drawn, (clipped(means, c), even)) == 0
        caught += far_off(drawn, (clipped(means, 1.05 * c), even))
    assert caught > 0


@pytest.mark.parametrize("p", [1.5, 2.0, 4.0])
def test_certified_moments_against_ten_thousand_points(p):
    oracle = RowSampling(PROBLEM)
    for radius in (0.1, 3.0, np.inf):
        reach = min(radius, 1e3)
        away = RNG.normal(size=(10_000, PROBLEM.dim))
        away *= reach * RNG.uniform(size=(10_000, 1)) ** (1 / PROBLEM.dim) / np.linalg.norm(away, axis=1, keepdims=True)
        slopes = PROBLEM.slopes(PROBLEM.predictions(PROBLEM.x0 + away))
        rows = (slopes[..., None] * ROWS[:, None]).reshape(10_000, N, -1)
        found = np.mean(np.linalg.norm(rows - rows.mean(axis=1, keepdims=True), axis=-1) ** p, axis=1)
        certified = oracle.moment_on(p, PROBLEM.x0, radius)
        assert found.max() <= certified
        assert np.all(np.linalg.norm(slopes, axis=-1) <= PROBLEM.slope_ranges(PROBLEM.x0, radius) * (1 + 1e-12))
        if radius == 0.1 and p == 2:  # near the centre the certificate is sharp
            assert certified <= 1.7 * found.max()
    x = PROBLEM.x0 + 1e-2 * away[0]
    rows = gradients(PROBLEM, x)
    exact = np.mean(np.linalg.norm(rows - rows.mean(axis=0), axis=1) ** p)
    assert oracle.moment_at(x, p) == pytest.approx(exact, rel=1e-10)


def test_bounds_take_the_setting():
    method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(0.5), 2)
    setting = cb.Setting(PROBLEM, RowSampling(PROBLEM), method)
    run = cb.simulate(setting, 300, 256)
    verdicts = cb.compare(run, [koloskova2023.S0(), koloskova2023.S1()]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "holds"]
    sampled = setting.replace(method=cb.methods.PerSampleClippedSGD(0.01, cb.clipping.NormClip(40.0), 4))
    assert np.isfinite(nobile2026.Theorem3(p=1.5).value(sampled, 100))
