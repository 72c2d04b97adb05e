"""Rows of a dataset as the noise: laws against enumeration, certificates against brute force, one set of bounds."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_array

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, koloskova2023, nobile2026
from clipbounds.oracles import RowSampling
from clipbounds.problems import LeastSquares, Logistic, RobustRegression

RNG = np.random.default_rng(7)
N, DIM = 12, 3
FEATURES = RNG.normal(size=(N, DIM)) * RNG.choice([0.3, 1.0, 4.0], size=(N, 1))
SIGNS = np.where(FEATURES @ [1.0, -1.0, 0.5] + RNG.normal(size=N) > 0, 1.0, -1.0)
PROBLEM = Logistic(FEATURES, SIGNS, 0.1, 0.05)
FALSE_ALARM = 1e-6


def settings(problem, oracle, **options):
    clip = cb.clipping.NormClip(options.pop("threshold", 0.5))
    return cb.Setting(problem, oracle, cb.methods.ClippedSGD(0.1, clip, **options))


def row_gradients(problem, x):
    return problem.slopes(problem.predictions(x))[:, None] * np.asarray(problem.features) + problem.ridge * x


def one_step(problem, oracle, x, trajectories, **options):
    """-(x_1 - x_0)/eta of many trajectories: the clipped estimates, by the kernel."""
    from clipbounds.lanes.blocks import unpack
    from clipbounds.methods.base import BlockMaker

    moved = problem.replace(x0=x)
    setting = settings(moved, oracle.replace(problem=moved), **options)
    make = BlockMaker(setting)
    steps = []
    for first in range(0, trajectories, 64):
        block = make(3, first)
        block.run_to(1)
        steps.append(unpack(block.iterate(DIM)[None], 64))
    return (x - np.concatenate(steps)) / 0.1


def clipped(vectors, c):
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1, c / norms)


def exact_law(problem, x, batch, replacement, c):
    """Mean and covariance of the clipped estimate over all batches of rows; every order and, with it, every multiset."""
    rows = row_gradients(problem, x)
    draw = itertools.combinations_with_replacement if replacement else itertools.combinations
    sets = np.array(list(draw(range(len(rows)), batch)))
    if replacement:  # multinomial weights
        counts = np.stack([np.bincount(s, minlength=len(rows)) for s in sets])
        weights = stats.multinomial(batch, np.full(len(rows), 1 / len(rows))).pmf(counts)
    else:
        weights = np.full(len(sets), 1 / len(sets))
    estimates = clipped(rows[sets].mean(axis=1), c)
    mean = weights @ estimates
    return mean, (estimates - mean).T @ ((estimates - mean) * weights[:, None]), weights @ np.square(estimates)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_clipped_estimates_follow_the_enumerated_law(batch, replacement, layout):
    """Mean and second moments of the clipped estimate at five points: z-tests, Bonferroni, false alarm 1e-6 in all."""
    rows = FEATURES if layout == "dense" else csr_array(FEATURES)
    problem = PROBLEM.replace(features=rows)
    oracle = RowSampling(problem, replacement)
    points = [np.zeros(DIM), problem.minimiser, *RNG.normal(size=(3, DIM))]
    count = 64 * 300
    level = stats.norm.isf(FALSE_ALARM / (2 * len(points) * 2 * DIM))
    for x in points:
        drawn = one_step(problem, oracle, np.asarray(x), count, batch_size=batch)
        mean, covariance, square = exact_law(problem, x, batch, replacement, 0.5)
        error = np.sqrt(np.diag(covariance) / count)
        assert np.all(np.abs(drawn.mean(axis=0) - mean) <= level * error + 1e-13)
        # squares lie in [0, c²], so their variance is at most c² times their mean
        assert np.all(np.abs(np.square(drawn).mean(axis=0) - square) <= level * np.sqrt(0.25 * square / count) + 1e-13)
        wrong = exact_law(problem, x, batch + 1, replacement, 0.5)[1]
        assert np.any(np.abs(drawn.var(axis=0) - np.diag(wrong)) > 0.1 * np.diag(wrong)), "the control must fail"


@pytest.mark.parametrize("replacement", [True, False])
def test_batches_of_sixteen(replacement):
    """Batch 16 of 20 rows: without clipping, mean and covariance in closed form (sigma²/B, and (n-B)/(n-1) of it)."""
    features = RNG.normal(size=(20, DIM))
    problem = Logistic(features, np.sign(features[:, 0]), 0.0, 0.05)
    oracle, count = RowSampling(problem, replacement), 64 * 300
    level = stats.norm.isf(FALSE_ALARM / (5 * 4 * DIM))
    for x in RNG.normal(size=(5, DIM)):
        drawn = one_step(problem, oracle, x, count, batch_size=16, threshold=1e6)
        rows = row_gradients(problem, x)
        covariance = np.cov(rows.T, bias=True) / 16 * (1.0 if replacement else 4 / 19)
        error = np.sqrt(np.diag(covariance) / count)
        assert np.all(np.abs(drawn.mean(axis=0) - rows.mean(axis=0)) <= level * error)
        spread = np.square(drawn - rows.mean(axis=0))
        assert np.all(np.abs(spread.mean(axis=0) - np.diag(covariance)) <= level * spread.std(axis=0) / np.sqrt(count))


def test_rows_without_replacement_are_distinct_and_uniform():
    """A batch of all rows is the full gradient exactly; pairs of a batch of two are uniform (chi-square, 1e-6)."""
    whole = one_step(PROBLEM, RowSampling(PROBLEM, False), np.ones(DIM), 128, batch_size=N, threshold=1e6)
    assert np.allclose(whole, PROBLEM.gradient(np.ones(DIM)), rtol=1e-12, atol=0)
    rows = LeastSquares(np.diag(np.arange(1.0, N + 1)), np.ones(N), 0.0)
    from clipbounds.lanes.blocks import LANES
    from clipbounds.methods.base import BlockMaker

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


def brute_force(problem, p, points):
    rows = problem.slopes(problem.predictions(points))[..., None] * np.asarray(problem.features)
    return np.mean(np.linalg.norm(rows - rows.mean(axis=1, keepdims=True), axis=-1) ** p, axis=1)


CASES = {
    "logistic": PROBLEM,
    "least squares": LeastSquares(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05),
    "huber": RobustRegression(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05, width=0.5),
    "geman_mcclure": RobustRegression(FEATURES, FEATURES[:, 0] ** 2, 0.1, 0.05, loss="geman_mcclure"),
}


@pytest.mark.parametrize("p", [1.2, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("name", CASES)
def test_certified_moments_against_ten_thousand_points(name, p):
    problem = CASES[name]
    oracle = RowSampling(problem)
    for radius in (0.1, 3.0, np.inf):
        reach = min(radius, 1e3)
        away = RNG.normal(size=(10_000, DIM))
        away *= reach * RNG.uniform(size=(10_000, 1)) ** (1 / DIM) / np.linalg.norm(away, axis=1, keepdims=True)
        points = problem.x0 + away
        points[: DIM * 2] = problem.x0 + reach * np.concatenate([np.eye(DIM), -np.eye(DIM)])
        certified = oracle.moment_on(p, problem.x0, radius)
        assert brute_force(problem, p, points).max() <= certified
        assert certified.upper_bound
        if radius == 0.1 and p == 2:  # near the centre the certificate is sharp
            assert certified <= 1.7 * brute_force(problem, p, points).max()
    assert np.allclose(brute_force(problem, p, points[:5]), [oracle.moment_at(x, p) for x in points[:5]], rtol=1e-10)
    unbounded = name == "least squares"
    assert (oracle.moment_on(p) == np.inf) == unbounded


def test_no_run_leaves_the_invariant_ball():
    from clipbounds.oracles.rows import invariant_ball

    problem = CASES["least squares"].replace(x0=np.array([5.0, -3.0, 2.0]))
    eta = 1 / problem.component_lipschitz.max()
    setting = cb.Setting(problem, RowSampling(problem), cb.methods.ClippedSGD(eta, cb.clipping.NormClip(1.0)))
    centre, radius = invariant_ball(setting)
    from clipbounds.lanes.blocks import unpack
    from clipbounds.methods.base import BlockMaker

    block = BlockMaker(setting)(0, 0)
    for step in range(1, 400):
        block.run_to(step)
        assert np.linalg.norm(unpack(block.iterate(DIM)[None], 64) - centre, axis=1).max() <= radius
    assert setting.sigma == pytest.approx(np.sqrt(RowSampling(problem).moment_on(2, centre, radius)))
    for other in (setting.method.replace(step_size=1.01 * eta), setting.method.replace(momentum=0.5)):
        assert invariant_ball(setting.replace(method=other)) is None


def test_bounds_take_the_setting_or_say_what_is_missing():
    setting = settings(PROBLEM, RowSampling(PROBLEM), batch_size=2)
    run = cb.simulate(setting, 300, 256)
    for bound in (koloskova2023.S0(), koloskova2023.S1(), koloskova2023.S2()):
        assert all(row.holds for row in bound.hypotheses(setting))
    verdicts = cb.compare(run, [koloskova2023.S0(), koloskova2023.S1()]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "holds"]
    sampled = cb.Setting(
        PROBLEM, RowSampling(PROBLEM), cb.methods.PerSampleClippedSGD(0.01, cb.clipping.NormClip(40.0), 4)
    )
    assert np.isfinite(nobile2026.Theorem3(p=1.5).value(sampled, 100))
    squares = CASES["least squares"].replace(ridge=0.0)
    with pytest.raises(HypothesesFail, match="loss' is not bounded on all points"):
        koloskova2023.S0().value(settings(squares, RowSampling(squares)), 100)
    without = sampled.replace(noise=RowSampling(PROBLEM, False))
    with pytest.raises(HypothesesFail, match="drawn without replacement"):
        nobile2026.Theorem3(p=1.5).value(without, 100)


def test_a_wrong_certificate_would_be_seen():
    """The negative control: with a tenth of sigma the same comparison of S0 is violated on skewed rows."""
    n, c = 50, 0.05
    features = np.concatenate([np.full(n - 1, 0.1), [5.0]])[:, None]
    problem = RobustRegression(features, np.sign(np.arange(n) - n + 1.5), 0.0, 0.01, width=1.0)
    from clipbounds.worst_case import stationary_rows

    problem = problem.replace(x0=stationary_rows(problem, c))
    oracle = RowSampling(problem)

    class Wrong(RowSampling):
        def moment_on(self, p, centre=None, radius=np.inf):
            return super().moment_on(p, centre, radius) * 0.1**p

    honest = settings(problem, oracle, threshold=c).replace(method=cb.methods.ClippedSGD(1e-3, cb.clipping.NormClip(c)))
    steps = 200_000
    run = cb.simulate(honest, steps, 256, checkpoints=[steps])
    assert cb.compare(run, koloskova2023.S0()).verdicts[0].verdict == "holds"
    lied = honest.replace(noise=Wrong(problem))
    assert koloskova2023.S0().value(lied, steps) < 0.9 * float(run.mean_gradient_norm.mean())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RowSampling(cb.problems.Quadratic(1.0, 1.0)), "must be a mean over rows"),
        (lambda: RowSampling(PROBLEM, 2), "replacement must be True or False"),
        (lambda: RowSampling(PROBLEM, tracked_every=0), "tracked_every must be an integer >= 1"),
        (lambda: settings(PROBLEM, RowSampling(PROBLEM, False), batch_size=N + 1), "at most 12"),
        (lambda: settings(CASES["huber"], RowSampling(PROBLEM)), "the oracle was built for"),
        (lambda: RowSampling(PROBLEM).moment_at(np.ones(2), 2), "x needs the shape"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_every_epoch_of_shuffled_rows_has_every_row_once():
    """Rows that are unit vectors: SGD on squares, with step 1, writes into coordinate i when row i comes."""
    from clipbounds.lanes.blocks import LANES
    from clipbounds.methods.base import BlockMaker

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


def test_bounds_refuse_shuffled_rows():
    setting = settings(PROBLEM, cb.oracles.Shuffled(PROBLEM))
    assert np.all(np.isfinite(cb.simulate(setting, 100, 64).gradient_norm))
    with pytest.raises(HypothesesFail, match="no unbiased gradient"):
        koloskova2023.S0().value(setting, 100)
    with pytest.raises(ValueError, match="use RowSampling"):
        rule = cb.methods.RuleH(0.1, 1.0, 0.0)
        cb.Setting(PROBLEM, cb.oracles.Shuffled(PROBLEM), cb.methods.Spider(rule, 4, 12, 2))


def test_spider_takes_rows_and_its_bound_too():
    from clipbounds.bounds import reisizadeh2023

    oracle, eps = RowSampling(PROBLEM), 0.3
    plan = reisizadeh2023.plan(eps, PROBLEM, oracle, "H")
    setting = cb.Setting(PROBLEM, oracle, plan.method)
    assert all(row.holds for row in reisizadeh2023.SpiderH().hypotheses(setting))
    found = cb.first_passage(setting, eps, plan.steps)
    assert np.all(found.mean <= plan.steps)
    batches = oracle.gradients(np.stack([np.zeros(DIM), np.ones(DIM)]), 64 * 300, 5, batch=3)
    for k, x in enumerate((np.zeros(DIM), np.ones(DIM))):
        error = np.sqrt(np.diag(np.cov(row_gradients(PROBLEM, x).T, bias=True)) / 3 / (64 * 300))
        level = stats.norm.isf(FALSE_ALARM / (4 * DIM))
        assert np.all(np.abs(batches[:, k].mean(axis=0) - PROBLEM.gradient(x)) <= level * error)


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


def test_a_finite_sum_of_unbounded_variance_runs_and_is_refused_by_bounds():
    problem = cb.problems.Quadratic(1.0, 1.0)
    setting = settings(problem, cb.oracles.ScaledComponents(problem, [0.5, 1.5]))
    assert np.isfinite(float(cb.simulate(setting, 50, 64).gradient_norm[-1].mean()))
    with pytest.raises(HypothesesFail, match="sigma = inf"):
        koloskova2023.S0().value(setting, 50)


def test_the_kurtosis_of_rows_is_at_most_their_number():
    for x in RNG.normal(size=(20, DIM)):
        rows = row_gradients(PROBLEM, x)
        squares = np.sum(np.square(rows - rows.mean(axis=0)), axis=1)
        assert np.mean(squares**2) / np.mean(squares) ** 2 <= RowSampling(PROBLEM).kurtosis
