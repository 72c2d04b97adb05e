"""Distributed methods: against a NumPy loop that shares nothing but the noise, exact limits, invariance, bad input."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds.yu2023 import (
    divergence_radii,
    noiseless_error_limit,
    optimum,
    smooth_fixed_point,
    vanilla_fixed_points,
)
from clipbounds.bounds.yu2023.instances import CURVATURES, MINIMISERS, line_problem
from clipbounds.lanes import LANES
from clipbounds.lanes.random import NOISE
from clipbounds.methods import (
    Clip21SGD,
    Complete,
    DistributedClippedSGD,
    DistributedSGD,
    ExponentialNetwork,
    GrowingSmoothClip,
    PowerSchedule,
    Ring,
    SClipEF,
)
from clipbounds.problems import ClientLogistic, ClientQuadratics, divergence_example

SEED, STEPS = 11, 60
PROBLEM = ClientQuadratics.random(4, 3, seed=2, noise_scales=(1.0, 0.0, 2.0, 0.5))
WEIGHTED = PROBLEM.replace(weights=(0.1, 0.2, 0.3, 0.4))
DECAY = PowerSchedule(2.0, -0.7, 3.0)
# big levels and small widths, so that sixty steps see the operator's linear and its saturated part
SHAPE = dict(level=PowerSchedule(3.0, -0.5), smoothing=PowerSchedule(4.0, 0.6), averaging=PowerSchedule(0.5, -0.5))
METHODS = {
    "SClip-EF": SClipEF(DECAY, **SHAPE),
    "joint": SClipEF(DECAY, joint=True, **SHAPE),
    "hard": SClipEF(DECAY, smooth=False, **SHAPE),
    "hard joint": SClipEF(DECAY, smooth=False, joint=True, **SHAPE),
    "no feedback": SClipEF(DECAY, error_feedback=False, **SHAPE),
    "vanilla": DistributedClippedSGD(0.1, cb.clipping.NormClip(2.0)),
    "growing": DistributedClippedSGD(DECAY, cb.clipping.NormClip(1.0), threshold=PowerSchedule(5.0, 0.3)),
    "Clip21": Clip21SGD(DECAY, cb.clipping.NormClip(2.0)),
    "SGD": DistributedSGD(DECAY),
    "growing smooth": GrowingSmoothClip(DECAY, PowerSchedule(5.0, 0.3)),
    "growing smooth, joint": GrowingSmoothClip(DECAY, PowerSchedule(5.0, 0.3), joint=True),
    "growing hard": GrowingSmoothClip(DECAY, PowerSchedule(5.0, 0.3), smooth=False),
    "growing hard, joint": GrowingSmoothClip(DECAY, PowerSchedule(5.0, 0.3), joint=True, smooth=False),
}


def smooth(y, level, width):
    return level * y / np.sqrt(y * y + width * width)


def to_ball(y, threshold):
    norm = np.linalg.norm(y, axis=-1, keepdims=True)
    return y * np.minimum(1.0, threshold / np.maximum(norm, 1e-300))


def operator(method, t):
    """A_t, B_t and the operator, from the definitions."""
    if isinstance(method, SClipEF):
        s = t + 1.0
        phi, width, beta = 3.0 * s**-0.5, 2.0 * s**0.3, 0.5 * s**-0.5
        if method.smooth and not method.joint:
            return beta, 1 - beta, lambda y: smooth(y, phi, width)
        if method.smooth:
            return beta, 1 - beta, lambda y: phi * y / np.sqrt(np.sum(y * y, axis=-1, keepdims=True) + width**2)
        if method.joint:
            return beta, 1 - beta, lambda y: phi / width * to_ball(y, width)
        return beta, 1 - beta, lambda y: phi / width * np.clip(y, -width, width)
    if isinstance(method, GrowingSmoothClip):
        T = 5.0 * (t + 1.0) ** 0.3
        if not method.smooth:
            return 0.0, 1.0, (lambda y: to_ball(y, T)) if method.joint else lambda y: np.clip(y, -T, T)
        if method.joint:
            return 0.0, 1.0, lambda y: T * y / np.sqrt(np.sum(y * y, axis=-1, keepdims=True) + T * T)
        return 0.0, 1.0, lambda y: smooth(y, T, T)
    keep = float(isinstance(method, Clip21SGD))
    if isinstance(method, DistributedSGD):
        return 0.0, 1.0, lambda y: y
    threshold = 2.0 if method.threshold is None else 5.0 * (t + 1.0) ** 0.3
    return keep, 1.0, lambda y: to_ball(y, threshold)


def noise_sample(noise, sample, dim, trajectories):
    """Sample number `sample` of the first trajectories, straight from the law's sampler."""
    first = sample * dim  # a sample owns `dim` draws for dim <= 8
    start, count = first // 4 * 4, 4 * (dim // 4 + 2)
    out = np.empty(count * LANES)
    noise.fill(out, start, count, noise.parameters, np.uint64(SEED), NOISE, np.uint64(0))
    return out.reshape(count, LANES)[first - start :][:dim, :trajectories].T


def reference(problem, noise, method, trajectories):
    """Iterates and estimators after STEPS steps, shapes (trajectories, dim) and (n, trajectories, dim)."""
    n, dim = problem.clients, problem.dim
    W = None if method.network is None else method.network.matrix
    points = np.tile(problem.x0, (n, trajectories, 1))
    m = np.zeros((n, trajectories, dim))
    feedback = isinstance(method, Clip21SGD) or (isinstance(method, SClipEF) and method.error_feedback)
    for t in range(STEPS):
        keep, gain, op = operator(method, t)
        eta = 0.1 if method.step_size == PowerSchedule(0.1) else 2.0 * (t + 3.0) ** -0.7
        for i in range(n):
            g = (points[i] - problem.minimisers[i]) @ problem.hessians[i]
            g = g + problem.noise_scales[i] * noise_sample(noise, t * n + i, dim, trajectories)
            m[i] = keep * m[i] + gain * op(g - m[i] if feedback else g)
        if W is None:
            points = points - eta * np.tensordot(problem.weights, m, axes=1)
        else:
            points = np.tensordot(W, points - eta * m, axes=1)
    return points, m


def check_against_reference(problem, method):
    noise, count = cb.noise.LogTailed(1.0), 3
    setting = cb.Setting(problem, noise, method)
    points, m = reference(problem, noise, method, count)
    x = points.mean(axis=0)
    run = cb.simulate(setting, STEPS, count, seed=SEED, checkpoints=[0, STEPS])
    end = run.isel(checkpoint=-1)
    expected = np.sum((x - problem.minimiser) ** 2, axis=-1)
    assert np.allclose(end.squared_distance, expected, rtol=1e-10)
    assert np.allclose(end.distance, np.sqrt(expected), rtol=1e-10)
    assert np.allclose(end.gap, problem.value(x) - problem.f_star, rtol=1e-9)
    assert np.allclose(end.displacement, np.abs(x - problem.x0).max(axis=-1), rtol=1e-10)
    assert np.allclose(end.estimator_size, np.abs(m).max(axis=(0, 2)), rtol=1e-10)
    assert end.evaluations == STEPS * problem.clients
    if method.network is not None:
        assert run.consensus_error[0].max() == 0
        spread = np.square(points - x).sum(axis=2).mean(axis=0)
        assert np.allclose(end.consensus_error, spread, rtol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_server_form_is_the_recursion_of_the_page(name):
    check_against_reference(WEIGHTED, METHODS[name])


@pytest.mark.parametrize("network", [Ring(4), ExponentialNetwork(4)])
@pytest.mark.parametrize("name", ["SClip-EF", "Clip21", "SGD"])
def test_network_form_is_the_recursion_of_the_page(name, network):
    check_against_reference(PROBLEM, METHODS[name].replace(network=network))


def test_schedules_of_the_growing_clip():
    """alpha = theta/(s + s0), T = T0 s^q at s = t + 1, and the theta that the theorems read off."""
    method, t = GrowingSmoothClip.standard(0.7, 3.0, 0.25, delay=2.0), np.array([0, 1, 99])
    assert np.allclose(method.step_size.at(t), 0.7 / (t + 3), rtol=1e-15)
    assert np.allclose(method.threshold.at(t), 3 * (t + 1) ** 0.25, rtol=1e-15)
    assert method.theta == 0.7 and method.replace(step_size=0.1).theta is None


def test_complete_network_is_the_server():
    noise = cb.noise.Gaussian(1.0)
    server, complete = (
        cb.simulate(cb.Setting(PROBLEM, noise, METHODS["SClip-EF"].replace(network=w)), 200, 8, seed=1)
        for w in (None, Complete(4))
    )
    assert np.allclose(server.squared_distance, complete.squared_distance, rtol=1e-9)
    assert complete.consensus_error.max() < 1e-28


def test_bit_identical_for_any_threads_and_chunk():
    setting = cb.Setting(PROBLEM, cb.noise.LogTailed(1.0), METHODS["SClip-EF"].replace(network=Ring(4)))
    one = cb.simulate(setting, 50, 200, seed=3, threads=1)
    two = cb.simulate(setting, 50, 200, seed=3, threads=2, chunk=2)
    assert one.identical(two)
    both = cb.simulate(setting, 50, 200, seed=3, threads=2, keep="statistics")
    assert np.allclose(both.consensus_error, one.consensus_error.mean("trajectory"), rtol=1e-12, atol=0)
    assert not np.array_equal(one.gap, cb.simulate(setting, 50, 200, seed=4).gap)


def limit(problem, method, steps):
    """The iterate that the method reaches without noise."""
    run = cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), method), steps, 1, checkpoints=[steps])
    sign = np.sign(problem.x0 - problem.minimiser)[0] or 1.0
    return problem.minimiser[0] + sign * float(run.distance[0, 0])


@pytest.mark.parametrize(
    ("start", "threshold", "expected"),
    [(0.0, 3.0, 3.0), (5.0, 3.0, 5.0), (8.5, 3.0, 8.5), (20.0, 3.0, 9.0), (0.0, 8.0, 7.5), (20.0, 7.5, 7.5)],
)
def test_equal_weights_stop_in_an_interval(start, threshold, expected):
    problem = ClientQuadratics.scalar((1, 3), (0, 10), start)
    low, high = vanilla_fixed_points((1, 3), (0, 10), threshold)
    assert np.clip(start, low, high) == pytest.approx(expected, abs=1e-14)
    method = DistributedClippedSGD(0.1, cb.clipping.NormClip(threshold))
    assert limit(problem, method, 3000) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("threshold", [0.5, 3.0, 6.0, 11.9, 12.0, 30.0])
@pytest.mark.parametrize("weights", [(2 / 3, 1 / 3), (1 / 3, 2 / 3), (0.9, 0.1)])
def test_unequal_weights_stop_at_one_point(threshold, weights):
    start = optimum((1, 3), (0, 10), weights) + 0.0
    point, same = vanilla_fixed_points((1, 3), (0, 10), threshold, weights)
    assert point == same
    # start on the far side of the limit from x*, so that the distance determines the iterate
    side = start + 2 * (point - start) if abs(point - start) > 1e-9 else start + 1.0
    problem = ClientQuadratics.scalar((1, 3), (0, 10), side, weights=weights)
    method = DistributedClippedSGD(0.2, cb.clipping.NormClip(threshold))
    assert limit(problem, method, 6000) == pytest.approx(point, abs=1e-12)


def test_three_instead_of_six():
    assert optimum((1, 3), (0, 10), (2 / 3, 1 / 3)) == pytest.approx(6.0, abs=1e-14)
    assert vanilla_fixed_points((1, 3), (0, 10), 6.0, (2 / 3, 1 / 3))[0] == pytest.approx(3.0, abs=1e-14)


def test_smooth_clip_of_fixed_width_stops_beside_the_optimum():
    root = smooth_fixed_point(CURVATURES, MINIMISERS, 400.0)
    method = DistributedClippedSGD(1.0, cb.clipping.SmoothClip(1.0, 20.0))
    assert limit(line_problem(x0=0.0), method, 2000) == pytest.approx(root, abs=1e-12)
    assert abs(root - 6) > 0.1


def test_clip21_has_no_bias_without_noise():
    method = Clip21SGD(0.2, cb.clipping.NormClip(0.5))
    assert limit(line_problem(x0=0.0), method, 2000) == pytest.approx(6.0, abs=1e-12)


def test_logistic_clients_that_see_one_class_each():
    """Without clipping the limit is the minimiser; vanilla clipping below the clients' gradients stops elsewhere."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((30, 3)) + 0.5
    labels = np.where(features @ [1.0, -1.0, 0.5] + rng.standard_normal(30) > 0, 1, -1)
    problem = ClientLogistic.split_by_class(features, labels, 4, 0.1)
    plain, clipped = (
        cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), method), 2000, 1, checkpoints=[2000])
        for method in (DistributedSGD(0.5), DistributedClippedSGD(0.5, cb.clipping.NormClip(0.05)))
    )
    assert plain.distance[0, 0] < 1e-10 and plain.gap[0, 0] < 1e-12
    assert np.linalg.norm(problem.gradients_at_minimiser, axis=1).max() > 0.05 and clipped.distance[0, 0] > 0.01


@pytest.mark.parametrize(("theta", "start"), [(1.0, 6.0), (1.0, 0.0), (1.5, 20.0)])
def test_error_of_sclip_ef_without_noise(theta, start):
    """theta·abar > 3/5: e s^{3/5} tends to its limit from any start; the correction is of higher order in 1/s."""
    steps = 10**5
    method = SClipEF.standard(theta, averaging=0.0)
    run = cb.simulate(cb.Setting(line_problem(start), cb.noise.NoNoise(), method), steps, 1, checkpoints=[steps])
    expected = noiseless_error_limit(CURVATURES, MINIMISERS, theta)
    assert float(run.distance[0, 0]) * (steps + 1) ** 0.6 == pytest.approx(abs(expected), rel=5e-3)


def test_error_of_sclip_ef_without_noise_remembers_the_start():
    """theta·abar = 1/3: the value of the theory page at t = 1e6, to its last digit."""
    steps = 10**6
    method = SClipEF.standard(0.2, averaging=0.0)
    run = cb.simulate(cb.Setting(line_problem(0.0), cb.noise.NoNoise(), method), steps, 1, checkpoints=[steps])
    assert float(run.distance[0, 0]) * (steps + 1) ** (1 / 3) == pytest.approx(7.2472, abs=6e-5)


@pytest.mark.parametrize("theta", [3.0, 5.0])
def test_component_wise_diverges_and_joint_converges(theta):
    problem, steps = divergence_example(divergence_radii(theta)[1]), 30_000
    with pytest.warns(UserWarning, match="divergence_example"):
        setting = cb.Setting(problem, cb.noise.NoNoise(), SClipEF.standard(theta))
    run = cb.simulate(setting, steps, 1, checkpoints=[steps])
    ratio = float(run.distance[0, 0]) / np.sqrt(3) / (20 * (steps + 1) ** 0.3)
    assert ratio == pytest.approx(divergence_radii(theta)[1], rel=5e-3)
    joint = cb.Setting(problem, cb.noise.NoNoise(), SClipEF.standard(theta, joint=True))
    assert cb.simulate(joint, steps, 1, checkpoints=[steps]).distance[0, 0] < 0.1


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_below_the_threshold_it_converges(ratio):
    setting = cb.Setting(divergence_example(ratio), cb.noise.NoNoise(), SClipEF.standard(1.5))
    run = cb.simulate(setting, 10**5, 1, checkpoints=[10**3, 10**4, 10**5])
    distance = run.distance.values[:, 0]
    assert np.all(np.diff(distance) < 0) and distance[-1] < 0.2 * distance[0]


@pytest.mark.parametrize(
    ("problem", "method", "message"),
    [
        (cb.problems.Quadratic([1.0], [1.0]), METHODS["SClip-EF"], "shared out over clients"),
        (PROBLEM, METHODS["SClip-EF"].replace(network=Ring(8)), "network has 8 clients, but the problem has 4"),
        (WEIGHTED, METHODS["SClip-EF"].replace(network=Ring(4)), "averages all clients equally"),
    ],
)
def test_methods_that_do_not_fit(problem, method, message):
    with pytest.raises(ValueError, match=message):
        cb.Setting(problem, cb.noise.NoNoise(), method)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DistributedClippedSGD(0.1, 2.0), "NormClip"),
        (lambda: DistributedClippedSGD(0.1, cb.clipping.Identity(), threshold=PowerSchedule(1.0)), "no threshold"),
        (lambda: DistributedSGD(-0.1), "step_size"),
        (lambda: GrowingSmoothClip(0.1, -1.0), "threshold"),
        (lambda: GrowingSmoothClip(0.1, 1.0, joint="yes"), "joint must be True or False"),
        (lambda: GrowingSmoothClip.standard(0.1, 1.0, 1.2), r"power, the q of T = T0 s\^q, must be in \(0, 1\)"),
    ],
)
def test_bad_methods(make, message):
    with pytest.raises(ValueError, match=message):
        make()
