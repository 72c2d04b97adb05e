"""Proved ranges hold for every trajectory, also against an adversary, and are attained where the docstring says so."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.verdict import measured_range
from clipbounds.verdict.ranges import RULES, interval

CHECKPOINTS = (0, 1, 2, 3, 5, 10, 30, 100, 400)


def clipped(step_size, threshold, **options):
    return cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold), **options)


SETTINGS = {
    "quadratic, heavy tail": cb.Setting(
        cb.problems.Quadratic([2.0], [3.0]), cb.noise.Pareto(1.3, 1.0), clipped(0.3, 1.0)
    ),
    "quadratic in the plane, two-point": cb.Setting(
        cb.problems.Quadratic([1.0, 0.2], [1.0, -2.0]), cb.noise.TwoPoint(1.0, 0.3, along=[0.6, 0.8]), clipped(0.9, 2.0)
    ),
    "flat direction": cb.Setting(
        cb.problems.Quadratic([1.0, 0.0], [1.0, 1.0]), cb.noise.Gaussian(1.0), clipped(0.1, 1.0)
    ),
    "large steps, two-point": cb.Setting(
        cb.problems.Quadratic([4.0], [0.1]), cb.noise.TwoPoint(1.0, 0.4), clipped(0.7, 2.0)
    ),
    "unclipped, bounded noise": cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), cb.methods.SGD(0.5)),
    "unclipped in the plane": cb.Setting(
        cb.problems.Quadratic([1.0, 0.5], [0.0, 4.0]), cb.noise.Rademacher(1.0, radial=True), cb.methods.SGD(0.9, batch_size=2)
    ),
    "huber, noise above the slope": cb.Setting(
        cb.problems.Huber(1.0, 0.5, [2.0]), cb.noise.Rademacher(1.0), clipped(0.5, 1.0)
    ),
    "huber, noise below the slope": cb.Setting(
        cb.problems.Huber(1.0, 2.0, [9.0]), cb.noise.Rademacher(1.0), clipped(0.5, 1.0, per_sample=True, batch_size=3)
    ),
    "cosh": cb.Setting(cb.problems.Cosh(1.0, 1.5, [1.0]), cb.noise.TwoPoint(1.0, 0.2), clipped(0.2, 1.0)),
    "cosh in 3-d": cb.Setting(cb.problems.Cosh(1.0, 0.5, [1.0, -0.5, 0.0]), cb.noise.StudentT(2.5, 1.0), clipped(0.01, 1.0)),
    "power": cb.Setting(cb.problems.Power(4.0, [1.0, 1.0]), cb.noise.Gaussian(0.5), clipped(0.01, 1.0)),
    "power on the line": cb.Setting(cb.problems.Power(3.0, [-2.0]), cb.noise.Rademacher(0.5), clipped(0.1, 1.0)),
    "double well": cb.Setting(cb.problems.DoubleWell([0.3]), cb.noise.Gaussian(1.0), clipped(0.01, 1.0)),
    "momentum": cb.Setting(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Rademacher(1.0), clipped(0.1, 1.0, momentum=0.8)),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_every_trajectory_is_in_the_range(name):
    setting = SETTINGS[name]
    run = cb.simulate(setting, 400, 320, seed=5, checkpoints=CHECKPOINTS)
    for quantity in sorted({*RULES, "clipped_fraction"} & set(run.data_vars)):
        low, high = measured_range(setting, quantity, CHECKPOINTS)
        values = run[quantity].values
        assert np.all(values >= low[:, np.newaxis] - 1e-12), quantity
        assert np.all(values <= high[:, np.newaxis] * (1 + 1e-9) + 1e-12), quantity
        assert np.array_equal(high, np.maximum.accumulate(high)) or quantity.startswith("mean"), quantity


def adversary(setting, steps):
    """Largest x_t and gradient when the bounded noise pushes to the right as hard as it can; one dimension, no kernel."""
    problem, method, w = setting.problem, setting.method, -setting.noise.atoms()[0].min()
    x = float(problem.x0[0])
    seen = [x]
    for _ in range(steps):
        g = float(problem.gradient(np.array([x]))[0]) - w
        x -= method.step_size * (
            g
            if isinstance(method, cb.methods.SGD)
            else float(np.clip(g, -method.clip.threshold, method.clip.threshold))
        )
        seen.append(x)
    return np.array(seen)


@pytest.mark.parametrize(
    "setting",
    [
        cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), clipped(0.5, 0.3)),
        cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), cb.methods.SGD(1.0)),
        cb.Setting(cb.problems.Huber(1.0, 2.0, [-1.0]), cb.noise.TwoPoint(1.0, 0.8), clipped(0.9, 5.0)),
    ],
    ids=["clipped", "unclipped", "huber"],
)
def test_the_contraction_bound_is_attained_by_an_adversary_and_never_passed(setting):
    """At eta L <= 1 the end of the interval is the adversary's limit, so 0.9 of it would be wrong."""
    reached = adversary(setting, 300)
    _, high = interval(setting, np.arange(301.0))
    assert np.all(reached <= high + 1e-12)
    assert reached[-1] > 0.999 * high[-1]


@pytest.mark.parametrize("eta_l", [0.3, 1.0, 1.7, 3.0])
def test_random_adversaries_stay_inside_the_interval(eta_l):
    """Any noise in [-w, w], also with eta L > 1, where the interval is wider by eta c."""
    generator = np.random.default_rng(int(10 * eta_l))
    for problem in (
        cb.problems.Quadratic([2.0], [1.5]),
        cb.problems.Huber(2.0, 1.5, [-2.0]),
        cb.problems.Cosh(1.0, 2**0.5, [1.0]),
    ):
        for threshold in (0.2, 1.0, 10.0):
            setting = cb.Setting(problem, cb.noise.Rademacher(1.0), clipped(eta_l / 2, threshold))
            low, high = interval(setting, np.arange(201.0))
            assert np.isfinite(high[-1])
            x = np.full((64, 1), problem.x0[0])
            for t in range(1, 201):
                xi = np.where(
                    generator.random((64, 1)) < 0.5,
                    np.sign(generator.random((64, 1)) - 0.5),
                    generator.uniform(-1, 1, (64, 1)),
                )
                xi[:16] = 1.0 if t % 7 else -1.0
                xi[16:32] = np.sign(x[16:32])  # against the gradient or with it, whichever is worse at the time
                x = x - setting.method.step_size * np.clip(problem.gradient(x) + xi, -threshold, threshold)
                assert low[t] - 1e-12 <= x.min() and x.max() <= high[t] + 1e-12


def test_growth_is_attained_without_noise():
    """On the flank of Huber a clipped step has length eta c: distance and gap move exactly as the reach says."""
    setting = cb.Setting(cb.problems.Huber(1.0, 2.0, [20.0]), cb.noise.NoNoise(), clipped(0.1, 1.0))
    run = cb.simulate(setting, 50, 1, checkpoints=[50])
    low, high = measured_range(setting, "distance", [50])
    assert run["distance"].values[0, 0] == pytest.approx(low[0], rel=1e-8)
    assert high[0] == pytest.approx(20.0)  # the steps point inward: never further than at the start
    low, _ = measured_range(setting, "gradient_norm", [50])
    assert low[0] == 0.0  # 2 - 1·5 < 0


def test_gradient_growth_form_is_attained_by_cosh():
    """Away from 0, sinh approaches the Hessian-form growth (g_0 + H0/H1) e^{H1 D} - H0/H1 within the factor 1 + coth."""
    problem = cb.problems.Cosh(1.0, 1.0, [5.0, 0.0])  # two coordinates, so that the general rule is used
    setting = cb.Setting(problem, cb.noise.Gaussian(1.0), clipped(0.1, 1.0))
    _, high = measured_range(setting, "gradient_norm", [20])
    assert np.sinh(7.0) <= high[0] <= 1.02 * np.sinh(7.0)
    _, gap = measured_range(setting, "gap", [20])
    assert np.cosh(7.0) - 1 <= gap[0] <= 1.03 * np.cosh(7.0)


def test_the_running_mean_is_bounded_by_the_mean_of_the_ranges():
    setting = SETTINGS["quadratic, heavy tail"]
    steps = np.array([1, 2, 7, 100, 3000])
    low, high = measured_range(setting, "mean_gradient_norm", steps)
    for t, a, b in zip(steps, low, high, strict=True):
        each_low, each_high = measured_range(setting, "gradient_norm", np.arange(t))
        assert a <= each_low.mean() + 1e-12
        assert each_high.mean() * (1 - 1e-12) <= b <= 1.02 * each_high.mean()
        square_low, square_high = measured_range(setting, "mean_squared_gradient_norm", t)
        assert square_low <= np.mean(each_low**2) * (1 + 4e-9) + 1e-12  # ends are widened by 1e-9
        assert np.mean(each_high**2) * (1 - 4e-9) <= square_high <= 1.04 * np.mean(each_high**2)


def test_nothing_is_proved_for_unbounded_steps_sampled_constants_or_unknown_quantities():
    plain = cb.Setting(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(1.0), cb.methods.SGD(0.1))
    for quantity in ("gradient_norm", "mean_gradient_norm", "gap", "distance"):
        assert measured_range(plain, quantity, [10])[1][0] == np.inf
    assert measured_range(plain, "loss of a friend", [10]) == (-np.inf, np.inf)

    class Mine(cb.problems.Quadratic):
        certificate = cb.problems.Problem.certificate

    mine = plain.replace(problem=Mine([1.0], [1.0]), method=clipped(0.1, 1.0))
    assert measured_range(mine, "gap", [10])[1][0] == np.inf
    assert measured_range(mine, "gap", [10], accept_sampled=True)[1][0] < np.inf


def test_scaling_is_tight_enough_to_matter():
    """The contraction range does not grow with t, where the growth range would reach thousands."""
    setting = cb.Setting(cb.problems.Quadratic([1.0], [0.25]), cb.noise.TwoPoint(1.0, 0.5), clipped(1e-3, 1.0))
    _, high = measured_range(setting, "mean_gradient_norm", [800_000])
    assert high[0] <= 2.0 * (1 + 1e-8)  # w = sigma/q = 2
    # the same without clipping, although the steps are unbounded and start at the minimum
    plain = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), cb.noise.Rademacher(1.0), cb.methods.SGD(0.5))
    for quantity, most in (("gradient_norm", 1.0), ("gap", 0.5), ("distance", 1.0), ("mean_gradient_norm", 0.99)):
        assert measured_range(plain, quantity, [100])[1][0] == pytest.approx(most, rel=1e-8)


@pytest.mark.parametrize(
    "problem", [cb.problems.NegativeLog([1.0]), cb.problems.Reciprocal([0.5])], ids=["-log", "1/x"]
)
def test_an_objective_that_is_smooth_for_no_pair_has_no_range(problem):
    """Neither growth nor convexity on the line: the interval of x_t may leave the domain, where the formula means nothing."""
    setting = cb.Setting(problem, cb.noise.StudentT(2.5, 1.0), clipped(0.02, 1.0))
    for quantity in ("gradient_norm", "gap"):
        low, high = measured_range(setting, quantity, [10, 60])
        assert np.all(low == 0) and np.all(high == np.inf)


def test_small_initial_gradients_keep_their_digits():
    """(g_0 + H0/H1) - H0/H1 lost those of g_0 = 4e-8, and the exact value at step 1 left its own range."""
    problem = cb.problems.Power(6.0, [-0.006, 0.023])
    setting = cb.Setting(problem, cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(1e-3, cb.clipping.NormClip(1.0)))
    start = np.linalg.norm(problem.gradient(problem.x0))
    low, high = measured_range(setting, "mean_gradient_norm", [1])
    np.testing.assert_allclose([low[0], high[0]], start, rtol=3e-9)
