"""D1-D3: never violated on random instances (oracle: a plain NumPy loop), attained where the theorems say so."""

import math

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as K
from clipbounds.facts import HessianSmoothness

SLACK = 1 + 1e-9


def descend(setting, steps):
    """x_0..x_T of clipped gradient descent, by NumPy alone."""
    eta, c = setting.method.step_size, setting.method.clip.threshold
    x = [np.array(setting.problem.x0)]
    for _ in range(steps):
        g = setting.problem.gradient(x[-1])
        x.append(x[-1] - eta * min(1.0, c / max(np.linalg.norm(g), 1e-300)) * g)
    return np.array(x)


def instance(rng, convex=False):
    """A random problem and a threshold; the step follows from a drawn theta."""
    dim = int(rng.integers(1, 4))
    x0 = rng.normal(size=dim) * rng.uniform(0.5, 4)
    makers = [
        lambda: cb.problems.Quadratic(rng.uniform(0.1, 3, dim), x0),
        lambda: cb.problems.Huber(rng.uniform(0.3, 3), rng.uniform(0.1, 3), x0),
        lambda: cb.problems.Cosh(rng.uniform(0.3, 2), rng.uniform(0.3, 1.2), x0),
        lambda: cb.problems.Power(rng.uniform(2.5, 5), x0, reference_L1=rng.uniform(0.2, 2)),
        lambda: cb.problems.Sombrero(x0, reference_L1=rng.uniform(0.5, 4)),
        lambda: cb.problems.DoubleWell(x0[:1]),
    ]
    problem = makers[rng.integers(4 if convex else 6)]()
    return problem, float(np.exp(rng.uniform(-3, 2)))


def clipped(problem, eta, c):
    return cb.Setting(problem, cb.noise.NoNoise(), cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c)))


def first_order_step(problem, c, theta):
    """The step with this theta, cut to eta c L1 <= 1."""
    pair = problem.smoothness.first_order()
    eta = theta / (pair.L0 + c * pair.L1)
    return min(eta, 1 / (c * pair.L1)) if pair.L1 > 0 else eta


def measured(setting, steps):
    x = descend(setting, steps)
    norms = np.linalg.norm(setting.problem.gradient(x), axis=1)
    c, eta = setting.method.clip.threshold, setting.method.step_size
    alpha = eta * np.minimum(1, c / np.maximum(norms[:-1], 1e-300))
    return {
        "mean_phi": np.mean(norms[:-1] * np.minimum(norms[:-1], c)),
        "mean_gradient_norm": norms[:-1].mean(),
        "min_gradient_norm": norms.min(),
        "strict_minimum": norms[:-1].min(),
        "gap": setting.problem.gap(x[-1]),
        "distance": setting.problem.distance(x[-1]),
        "weighted_average_gap": setting.problem.gap((alpha[:, np.newaxis] * x[:-1]).sum(axis=0) / alpha.sum()),
        "norms": norms,
    }


def test_non_convex_bounds_hold_on_random_instances():
    rng = np.random.default_rng(2023)
    tightest = {}
    for _ in range(150):
        problem, c = instance(rng)
        setting = clipped(problem, first_order_step(problem, c, rng.uniform(0.02, 1.9)), c)
        steps = int(np.exp(rng.uniform(0, 5)))
        run = measured(setting, steps)
        for bound in (K.D1Phi(), K.D1Min(), K.D1Mean(), K.D1Refined(), K.D1Hessian()):
            value = float(bound.value(setting, steps))
            quantity = "strict_minimum" if isinstance(bound, K.D1Min) else bound.quantity
            assert run[quantity] <= value * SLACK + 1e-13, (bound.name, setting, steps)
            tightest[bound.name] = max(tightest.get(bound.name, 0), run[quantity] / value)
        assert K.D1Refined().value(setting, steps) <= K.D1Min().value(setting, steps) * SLACK
        # the count: the first index with gradient norm <= eps, for an eps that the run reaches
        eps = max(run["norms"].min() * 1.01, 1e-9)
        assert np.argmax(run["norms"] <= eps) <= K.iterations(setting, eps) * SLACK
    assert min(tightest.values()) > 0.3  # the instances exercise every bound


def test_hessian_form_needs_no_condition_on_the_step_length():
    """eta c H1 up to 3: D1Hessian applies and holds, the first-order bounds refuse."""
    rng = np.random.default_rng(7)
    for _ in range(60):
        problem = cb.problems.Cosh(rng.uniform(0.01, 0.2), rng.uniform(0.5, 1.5), [rng.uniform(2, 6)])
        c, s = rng.uniform(0.5, 5), rng.uniform(1.0, 3)
        setting = clipped(problem, s / (c * problem.rate), c)
        if not all(row.holds for row in K.D1Hessian().hypotheses(setting)):
            continue
        with pytest.raises(cb.bounds.HypothesesFail):
            K.D1Min().value(setting, 5)
        for steps in (1, 4, 20):
            assert measured(setting, steps)["min_gradient_norm"] <= K.D1Hessian().value(setting, steps) * SLACK


def test_convex_bounds_hold_on_random_instances():
    rng = np.random.default_rng(305)
    tightest = {}
    for _ in range(150):
        problem, c = instance(rng, convex=True)
        setting = clipped(problem, first_order_step(problem, c, rng.uniform(0.02, 1.0)), c)
        steps = int(np.exp(rng.uniform(0, 6)))
        run = measured(setting, steps)
        bounds = [K.D2LastIterate(), K.D2WeightedAverage()]
        if problem.strong_convexity > 0:
            bounds += [K.D3(), K.D3ClosedForm()]
        for bound in bounds:
            value = float(bound.value(setting, steps))
            assert run[bound.quantity] <= value * SLACK + 1e-13, (bound.name, setting, steps)
            tightest[bound.name] = max(tightest.get(bound.name, 0), run[bound.quantity] / value)
    assert tightest["D3"] > 0.9 and tightest["D2LastIterate"] > 0.2


def test_one_convex_step_inequality():
    """‖x+ - x*‖² <= ‖x - x*‖² - 2 alpha (f(x) - f*), the engine of D2 and D3."""
    rng = np.random.default_rng(11)
    for _ in range(200):
        problem, c = instance(rng, convex=True)
        setting = clipped(problem, first_order_step(problem, c, rng.uniform(0.1, 1.0)), c)
        x = descend(setting, 1)
        u = np.linalg.norm(problem.gradient(x[0]))
        alpha = setting.method.step_size * min(1, c / u)
        before, after = problem.distance(x[0]) ** 2, problem.distance(x[1]) ** 2
        assert after <= (before - 2 * alpha * problem.gap(x[0])) + 1e-12 * before


def test_both_convex_formulas_and_their_maximum():
    """(b) alone, where L is not known: it holds too, and is infinite from B = c/(2 L1) on."""
    from clipbounds.bounds.koloskova2023.convex import without_curvature

    problem = cb.problems.Cosh(1.0, 1.0, [3.0])
    c = 2.0
    setting = clipped(problem, first_order_step(problem, c, 0.5), c)
    pair = problem.smoothness.first_order()
    for steps in (10, 100, 1000):
        B = np.array([9.0 / (2 * setting.method.step_size * steps)])
        value = without_curvature(B, c, pair.L0, pair.L1)[0]
        assert measured(setting, steps)["gap"] <= value
        assert np.isinf(value) == (B[0] >= c / (2 * pair.L1))


@pytest.mark.parametrize("c", [0.05, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("steps", [1, 30, 1000])
def test_non_convex_lower_bound_is_attained(c, steps):
    """‖g_t‖ = G for all t <= T, F0 exactly as prescribed, and D1-LB <= D1Refined up to 1 - theta/2 = 1."""
    F0, L, eta = 2.0, 1.5, 1e-3
    setting = K.hardest_huber(F0, L, eta, c, steps)
    G = float(K.hardest_slope(F0, L, eta, c, steps))
    assert setting.problem.initial_gap == pytest.approx(F0, rel=1e-12)
    run = cb.simulate(setting, steps, checkpoints=range(steps + 1))
    np.testing.assert_allclose(run.gradient_norm.values, G, rtol=1e-12)
    assert 1 - 1e-11 <= K.D1LowerBound().value(setting, steps) / G <= 1
    assert K.D1LowerBound.of_class(setting, steps) == pytest.approx(G, rel=1e-12)
    upper = float(K.D1Refined().value(setting, steps))
    assert 0.999 <= G / upper <= SLACK
    assert 0.9 * upper < G  # negative control: a bound smaller by a tenth is violated here
    after = cb.simulate(setting, steps + 50, checkpoints=[steps + 50])
    assert K.D1LowerBound().value(setting, steps + 50) == 0.0 <= after.gradient_norm.values[-1, 0]


@pytest.mark.parametrize(
    ("setting", "steps"),
    [
        # the knee is passed by 5e-10 of the way, which is 5e-4 of the knee: the gradient is 0.9995
        (clipped(cb.problems.Huber(1.0, 1.0, [1 + 1e6 * (1 - 5e-10)]), 1.0, 1.0), 10**6),
        # 1e7 subtractions from 3003 lose 3e-7
        (K.hardest_huber(1e4, 1.0, 0.3, 1e-3, 10**7), 10**7),
    ],
)
def test_lower_bounds_survive_the_rounding_of_the_arrival(setting, steps):
    run = cb.simulate(setting, steps, checkpoints=[steps])
    verdicts = cb.compare(run, [K.D1LowerBound(), K.D2LowerBound()]).verdicts
    assert [v.verdict for v in verdicts] == ["holds", "holds"]
    assert all(v.tightness > 0.999 for v in verdicts)


def test_tight_instances_of_d1():
    """Long horizon, small theta on the hardest Huber function: D1 min, mean and phi are tight; times 0.9 they break."""
    for c in (0.2, 5.0):
        steps = 20_000
        setting = K.hardest_huber(50.0, 1.0, 1e-2, c, steps)
        run = cb.simulate(setting, steps, checkpoints=[steps])
        low = run.min_gradient_norm.values[-1, 0]
        value = float(K.D1Min().value(setting, steps))
        assert 0.94 <= low / value <= SLACK and low > 0.9 * value
        G = setting.problem.slope
        mean = run.mean_gradient_norm.values[-1, 0]
        for bound, seen in ((K.D1Mean(), mean), (K.D1Phi(), G * min(G, c))):
            value = float(bound.value(setting, steps))
            assert seen <= value * SLACK
            if c == 5.0:  # unclipped: Jensen is an equality for a constant gradient norm
                assert seen > 0.9 * value
    hessian = K.D1Hessian().value(setting, steps)
    assert hessian == pytest.approx(float(K.D1Refined().value(setting, steps)), rel=1e-12)  # H1 = 0: the same bound


def test_counts_lie_between_the_lower_and_the_upper_count():
    """Huber of slope just above eps: the first hit of eps lies between D1-LB and D1, both flat, then like 1/c."""
    F0, L, eta, eps = 1.0, 1.0, 1e-2, 0.1
    for c in (0.01, 0.05, 0.2, 3.0):
        least = float(K.least_iterations(F0, L, eta, c, eps))
        steps = math.floor(least)
        setting = K.hardest_huber(F0, L, eta, c, steps)
        assert setting.problem.slope >= eps
        run = cb.simulate(setting, steps + 2000, checkpoints=range(steps, steps + 2001))
        hit = steps + int(np.argmax(run.gradient_norm.values[:, 0] <= eps))
        assert least - 1 <= hit <= K.iterations(setting, eps) * SLACK
        assert K.D1Iterations(eps).value(setting, 1) == K.iterations(setting, eps)
        expected = F0 / (eta * (1 - eta * L / 2) * eps * min(eps, c))
        assert K.iterations(setting, eps) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("c", "steps"), [(10.0, 5), (10.0, 2000), (0.5, 100), (0.5, 1500), (0.02, 1000)])
def test_convex_lower_bound_is_attained(c, steps):
    R0, L, eta = 3.0, 1.0, 1e-2
    gap, slope = K.hardest_gap(R0, L, eta, c, steps)
    setting = K.hardest_convex_huber(R0, L, eta, c, steps)
    seen = cb.simulate(setting, steps, checkpoints=[steps]).gap.values[-1, 0]
    assert seen == pytest.approx(float(gap), rel=1e-9)
    assert K.D2LowerBound().value(setting, steps) == pytest.approx(float(gap), rel=1e-9)
    assert K.D2LowerBound.of_class(setting, steps) == pytest.approx(float(gap), rel=1e-12)
    assert seen <= K.D2LastIterate().value(setting, steps) * SLACK
    # the class value is the larger of the two statements of the page, and no slope of this shape does better
    for other in np.geomspace(1e-3, 2 * L * R0, 400):
        x = R0 - eta * steps * min(other, c)
        if x >= other / L:
            assert other * x - other**2 / (2 * L) <= float(gap) * SLACK
    assert slope > 0


def test_d2_reaches_half_on_the_hardest_function():
    """Ratio > 1/2 - 0.01 for eta L T large where G_A decides; never above 1/2. Half of the bound is exceeded at 0.9/2."""
    steps = 20_000
    setting = K.hardest_convex_huber(3.0, 1.0, 1e-2, 10.0, steps)
    ratio = cb.simulate(setting, steps, checkpoints=[steps]).gap.values[-1, 0] / K.D2LastIterate().value(setting, steps)
    assert 0.49 <= ratio <= 0.5
    # a wrong exponent, B/sqrt(T) less, is violated
    assert ratio * np.sqrt(steps) > 1


def test_d3_is_tight_for_few_small_steps_and_breaks_times_nine_tenths():
    problem = cb.problems.Quadratic([1.0], [2.0])
    for eta, c in ((1e-3, 100.0), (1e-2, 0.5)):
        setting = clipped(problem, eta, c)
        for bound in (K.D3(), K.D3ClosedForm()):
            seen = measured(setting, 3)["distance"]
            value = float(bound.value(setting, 3))
            assert seen <= value * SLACK and seen > 0.9 * value
        assert measured(setting, 3)["distance"] / float(K.D3().value(setting, 3)) > 0.99
    # vector of steps: the recursion by a plain loop
    setting = clipped(cb.problems.Cosh(0.5, 1.0, [4.0]), 0.05, 1.0)
    pair, mu = setting.problem.smoothness.first_order(), 0.5
    square, values = 16.0, []
    for _ in range(400):
        far = square - 2 * 0.05 / (pair.L1 + math.sqrt(pair.L1**2 + 4 * pair.L0 / (mu * square)))
        square = max((1 - 0.05 * mu) * square, far)
        values.append(math.sqrt(square))
    np.testing.assert_allclose(K.D3().value(setting, range(1, 401)), values, rtol=1e-11)


def test_compare_judges_the_bounds_and_their_negative_controls():
    class NineTenths(K.D1Min):
        def evaluate(self, setting, steps):
            return 0.9 * super().evaluate(setting, steps)

    class NineTenthsRefined(K.D1Refined):
        def evaluate(self, setting, steps):
            return 0.9 * super().evaluate(setting, steps)

    setting = K.hardest_huber(50.0, 1.0, 1e-2, 5.0, 20_000)
    run = cb.simulate(setting, 20_000)
    bounds = [
        K.D1Min(),
        K.D1Refined(),
        K.D1Mean(),
        K.D2LastIterate(),
        K.D1LowerBound(),
        NineTenths(),
        NineTenthsRefined(),
    ]
    verdicts = [v.verdict for v in cb.compare(run, bounds).verdicts]
    assert verdicts == ["holds"] * 5 + ["violated"] * 2


def test_another_pair_of_the_frontier():
    problem = cb.problems.Sombrero([2.0], reference_L1=3.0)
    setting = clipped(problem, 0.02, 1.0)
    pair = problem.smoothness_at(1.0)
    assert isinstance(pair, HessianSmoothness)
    bound = K.D1Min(reference_L1=1.0)
    theta = 0.02 * (pair.L0 + pair.L1) / math.log(2)
    average = problem.initial_gap / (0.02 * (1 - theta / 2) * 50)
    assert bound.value(setting, 50) == pytest.approx(max(math.sqrt(average), average), rel=1e-12)
    assert measured(setting, 50)["strict_minimum"] <= bound.value(setting, 50)
