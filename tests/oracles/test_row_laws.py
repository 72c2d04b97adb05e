"""Rows of a dataset as the noise: the laws of batches against exact enumeration."""

import itertools

import numpy as np
import pytest
from row_helpers import (
    DIM,
    FALSE_ALARM,
    FEATURES,
    PROBLEM,
    SIGNS,
    N,
    clipped,
    far_off,
    one_step,
    row_gradients,
    settings,
)
from scipy import stats
from scipy.sparse import csr_array

import clipbounds as cb
from clipbounds.bounds import koloskova2023
from clipbounds.oracles import RowSampling
from clipbounds.problems import LeastSquares, Logistic


def batches(repeats, size, replacement):
    """Which counts of the distinct rows a batch may hold, shape (outcomes, rows), and their probabilities.

    Row k stands repeats[k] times in the dataset: multinomial counts with replacement, hypergeometric ones without.
    """
    drawn = list(itertools.combinations_with_replacement(range(len(repeats)), size))
    counts = np.array([np.bincount(d, minlength=len(repeats)) for d in drawn])
    if replacement:
        return counts, stats.multinomial(size, repeats / repeats.sum()).pmf(counts)
    counts = counts[np.all(counts <= repeats, axis=1)]
    return counts, stats.multivariate_hypergeom(repeats, size).pmf(counts)


DISTINCT = np.ones(N, dtype=int)
REPEATED = np.array([9, 6, 4, 3, 2])  # 24 rows of which 5 differ: batches of 16 have 4845 outcomes


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(
    ("repeats", "batch"), [(DISTINCT, 1), (DISTINCT, 4), (REPEATED, 1), (REPEATED, 4), (REPEATED, 16)]
)
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_clipped_estimates_follow_the_enumerated_law(repeats, batch, replacement, layout):
    """Means and covariances of the clipped estimate at five points, half of the batches being clipped.

    Controls, each of which must be found out: one row more in a batch, the other kind of sampling, a threshold 5 % larger.
    """
    distinct = len(repeats)
    rows, signs = FEATURES[:distinct].repeat(repeats, axis=0), SIGNS[:distinct].repeat(repeats)
    problem = Logistic(rows if layout == "dense" else csr_array(rows), signs, 0.1, 0.05)
    single = Logistic(FEATURES[:distinct], SIGNS[:distinct], 0.1, 0.05)
    oracle, count, caught = RowSampling(problem, replacement), 64 * 600, {}
    for x in (np.zeros(DIM), problem.minimiser, *np.random.default_rng(batch).normal(size=(3, DIM))):

        def law(c, size=batch, kind=replacement, x=x):
            counts, weights = batches(repeats, size, kind)
            means = counts @ row_gradients(single, x) / size
            return (clipped(means, c), weights) if c else np.linalg.norm(means, axis=1)

        c = np.median(law(None))
        drawn = one_step(problem, oracle, np.asarray(x), count, batch_size=batch, threshold=c)
        assert far_off(drawn, law(c)) == 0
        wrong = {"size": law(c, batch + 1), "threshold": law(1.05 * c)}
        if batch > 1:
            wrong["kind"] = law(c, kind=not replacement)
        for name, other in wrong.items():
            caught[name] = caught.get(name, 0) + far_off(drawn, other)
    assert min(caught.values()) > 0, caught


def test_rows_without_replacement_are_distinct_and_uniform():
    """A batch of all rows is the full gradient exactly; pairs of a batch of two are uniform (chi-square, 1e-6)."""
    whole = one_step(PROBLEM, RowSampling(PROBLEM, False), np.ones(DIM), 128, batch_size=N, threshold=1e6)
    assert np.allclose(whole, PROBLEM.gradient(np.ones(DIM)), rtol=1e-12, atol=0)
    rows = LeastSquares(np.diag(np.arange(1.0, N + 1)), np.ones(N), 0.0)
    from clipbounds.lanes.blocks import LANES
    from clipbounds.methods.blocks import BlockMaker

    setting = settings(rows, RowSampling(rows, False), batch_size=2)
    make, seen = BlockMaker(setting), np.zeros((N, N))
    for first in range(0, 64 * 400, 64):
        block = make(0, first)
        block.run_to(1)
        chosen = block.vectors[(8 * N + 1) * LANES : (8 * N + 3) * LANES].reshape(2, LANES).astype(int)
        np.add.at(seen, (chosen[0], chosen[1]), 1)
    assert np.trace(seen) == 0
    off = seen[~np.eye(N, dtype=bool)]
    assert stats.chisquare(off).pvalue > FALSE_ALARM


def test_all_thresholds_and_groupings_see_the_same_rows():
    oracle = RowSampling(PROBLEM)
    loose = [one_step(PROBLEM, oracle, np.ones(DIM), 64, batch_size=4, threshold=c) for c in (1e5, 1e6)]
    assert np.array_equal(*loose)
    runs = []
    for groups in (1, 2, 4):
        method = cb.methods.MicroBatchClippedSGD(0.1, cb.clipping.NormClip(1e6), 4, groups)
        run = cb.simulate(cb.Setting(PROBLEM, oracle, method), 50, 64)
        runs.append(run.gradient_norm.values)
    assert np.allclose(runs[0], runs[1], rtol=1e-10) and np.allclose(runs[0], runs[2], rtol=1e-10)


def test_threads_and_first_trajectory_change_nothing():
    setting = settings(PROBLEM, RowSampling(PROBLEM), batch_size=2)
    one = cb.simulate(setting, 200, 192, threads=1)
    two = cb.simulate(setting, 200, 192, threads=2, chunk=2)
    later = cb.simulate(setting, 200, 64, first_trajectory=128)
    assert one.identical(two)
    assert np.array_equal(one.gradient_norm[:, 128:], later.gradient_norm)


def test_tracking_moves_no_iterate_and_estimates_without_bias():
    """Running means from sampled steps against those from every step, on the same trajectories: paired z-test."""
    every = cb.simulate(settings(PROBLEM, RowSampling(PROBLEM, tracked_every=1)), 400, 64 * 40, checkpoints=[130, 400])
    some = cb.simulate(settings(PROBLEM, RowSampling(PROBLEM, tracked_every=90)), 400, 64 * 40, checkpoints=[130, 400])
    assert np.array_equal(every.gradient_norm, some.gradient_norm)
    apart = (some.mean_gradient_norm - every.mean_gradient_norm).values
    assert np.all(np.abs(apart.mean(axis=1)) <= stats.norm.isf(FALSE_ALARM / 4) * apart.std(axis=1) / np.sqrt(64 * 40))
    assert np.all(apart.std(axis=1) > 0)
    assert np.all(some.min_gradient_norm >= every.min_gradient_norm)


def test_at_every_step_the_running_mean_is_that_of_the_method_with_exact_gradients():
    """A batch of all rows without replacement is the gradient: gradient descent by two kernels."""
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(0.3), batch_size=N)
    rows = cb.simulate(cb.Setting(PROBLEM, RowSampling(PROBLEM, False, 1), method), 100, 1)
    plain = cb.simulate(cb.Setting(PROBLEM, cb.noise.NoNoise(), method.replace(batch_size=1)), 100, 1)
    for name in (
        "gradient_norm",
        "mean_gradient_norm",
        "mean_squared_gradient_norm",
        "min_gradient_norm",
        "clipped_fraction",
    ):
        assert np.allclose(rows[name], plain[name], rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("method", [cb.methods.SGD, cb.methods.NormalizedSGD])
def test_momentum_and_other_methods_run(method):
    made = method(0.05, batch_size=2) if method is cb.methods.NormalizedSGD else method(0.05, 2, 0.5)
    run = cb.simulate(cb.Setting(PROBLEM, RowSampling(PROBLEM), made), 300, 64)
    assert np.all(np.isfinite(run.gradient_norm)) and run.evaluations[-1] == 600


def test_growing_thresholds_of_per_sample_clipping():
    """Sample k of a batch is clipped at alpha k^{1/beta}: the law of one step by enumeration of all ordered pairs."""
    x, clip = np.ones(DIM), cb.clipping.GrowingClip(0.4, 1.5)
    problem = PROBLEM.replace(x0=x)
    method = cb.methods.PerSampleClippedSGD(0.1, clip, 2)
    run = cb.simulate(cb.Setting(problem, RowSampling(problem), method), 1, 64 * 300, checkpoints=[1])
    rows = row_gradients(problem, x)
    steps = (clipped(rows, 0.4)[:, None] + clipped(rows, 0.4 * 2 ** (1 / 1.5))[None]) / 2
    norms = np.linalg.norm(problem.gradient(x - 0.1 * steps), axis=-1)
    error = norms.std() / np.sqrt(64 * 300)
    assert abs(float(run.gradient_norm.mean()) - norms.mean()) <= stats.norm.isf(FALSE_ALARM / 2) * error


def test_every_epoch_of_shuffled_rows_has_every_row_once():
    """Rows that are unit vectors: SGD on squares, with step 1, writes into coordinate i when row i comes."""
    from clipbounds.lanes.blocks import LANES
    from clipbounds.methods.blocks import BlockMaker

    rows = LeastSquares(np.eye(N), np.ones(N), 0.0)
    setting = settings(rows, cb.oracles.Shuffled(rows), batch_size=5)
    make, firsts = BlockMaker(setting), np.zeros((N, N))
    for first in range(0, 64 * 400, 64):
        block, order = make(0, first), []
        for step in range(1, 13):  # 60 rows: five epochs
            block.run_to(step)
            order.append(block.vectors[(8 * N + 1) * LANES : (8 * N + 6) * LANES].reshape(5, LANES).astype(int).copy())
        epochs = np.concatenate(order).reshape(5, N, LANES)
        assert np.array_equal(np.sort(epochs, axis=1), np.broadcast_to(np.arange(N)[None, :, None], epochs.shape))
        np.add.at(firsts, (epochs[1, 0], epochs[1, 1]), 1)
    # the first two rows of the second epoch are a uniform ordered pair
    assert stats.chisquare(firsts[~np.eye(N, dtype=bool)]).pvalue > FALSE_ALARM


@pytest.mark.parametrize("groups", [1, 2])
def test_other_oracles_in_clipped_sgd(groups):
    """Equispaced phases, n = 5: one clipped step of groups of 2 samples against the enumeration of all batches."""
    problem = cb.problems.Quadratic([1.0, 2.0], [0.3, -0.2])
    oracle = cb.oracles.EquispacedPhases(problem, 1.0, 5)
    method = cb.methods.MicroBatchClippedSGD(0.1, cb.clipping.NormClip(0.4), 2 * groups, groups)
    setting = cb.Setting(problem, oracle, method)
    run = cb.simulate(setting, 1, 64 * 300, checkpoints=[1])
    phases = 2 * np.pi * np.arange(1, 6) / 5
    along = np.sqrt(2) * np.cos(oracle.frequency * 0.3 + phases)
    pairs = problem.gradient(problem.x0) + np.add.outer(along, along).ravel()[:, None] / 2 * np.array([1.0, 0.0])
    steps = clipped(pairs, 0.4)
    if groups == 2:
        steps = ((steps[:, None] + steps[None]) / 2).reshape(-1, 2)
    norms = np.linalg.norm(problem.gradient(problem.x0 - 0.1 * steps), axis=1)
    error = norms.std() / np.sqrt(64 * 300)
    assert abs(float(run.gradient_norm.mean()) - norms.mean()) <= stats.norm.isf(FALSE_ALARM / 2) * error
    assert all(row.holds for row in koloskova2023.S0().hypotheses(settings(problem, oracle)))
