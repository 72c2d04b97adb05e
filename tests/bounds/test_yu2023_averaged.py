"""The averaged equation and the rays of growing clipping: closed limits, the fold by another route, simulations."""

import mpmath
import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds.yu2023 import (
    Ray,
    StrongRate,
    averaged_path,
    concave_ray_example,
    convex_ray_example,
    largest_theta,
    noiseless_error_limit,
)
from clipbounds.bounds.yu2023.instances import CURVATURES, MINIMISERS, line_problem
from clipbounds.methods import GrowingSmoothClip, SClipEF

LOMAX = cb.noise.SymmetricLomax(1.0, 1.0)
QUIET = (1.0, 1.0, 0.0)  # the two clients whose gradients have one sign are noisy, the third is not


class TestAveragedPath:
    def test_without_noise_it_has_the_limit_of_the_page(self):
        path = averaged_path(line_problem(noise_scales=(0, 0, 0)), LOMAX, 1.0, 20.0, 0.3, 1e8)
        expected = noiseless_error_limit(CURVATURES, MINIMISERS, 1.0)
        assert path.bias[-1] * path.steps[-1] ** 0.6 == pytest.approx(expected, rel=2e-3)
        assert path.variance.max() <= 1e-10  # rounding of second - first², 144/9 times that of a sum of 400 weights

    def test_first_order_of_the_noise_bias(self):
        """Lomax, alpha = 1: 1 - E psi' ~ 2 sigma/T, so e T -> 2 theta mean(sigma_i u_i*)/(theta abar - q) = 6 for QUIET."""
        path = averaged_path(line_problem(noise_scales=QUIET), LOMAX, 1.0, 3.0, 1 / 3, 1e16)
        T = 3.0 * path.steps ** (1 / 3)
        assert path.bias[-1] * T[-1] == pytest.approx(6.0, rel=1e-2)

    def test_opposite_signs_cross_once_and_hide_the_exponent(self):
        """Below 2/3 to 1e5, on it in the end: the answer to two rows of the theory page that lie below the theorem."""
        path = averaged_path(line_problem(noise_scales=QUIET), LOMAX, 1.0, 3.0, 1 / 3, 1e16)
        (crossing,) = path.crossings
        assert 1e3 < crossing < 1e4
        assert path.exponent(1e3, 1e5) < 0.4 < 0.5 < path.exponent(1e5, 1e7) < path.exponent(1e7, 1e9)
        assert path.exponent(1e14, 1e16) == pytest.approx(2 / 3, abs=0.01)
        # both parts have one sign if the third client is the noisy one
        assert not averaged_path(line_problem(noise_scales=(1, 1, 3)), LOMAX, 1.0, 3.0, 1 / 3, 1e6).crossings.size

    @pytest.mark.parametrize("smooth", [True, False])
    def test_simulation_follows_it(self, smooth):
        """The equation errs by the order of a step's share; 1/s at s = 3000, against 6 standard errors of 2048 runs."""
        problem, steps = line_problem(noise_scales=QUIET), 3000
        method = GrowingSmoothClip.standard(1.0, 3.0, 1 / 3, smooth=smooth)
        run = cb.simulate(cb.Setting(problem, LOMAX, method), steps, 2048, seed=4, checkpoints=[steps], threads=1)
        values = run.squared_distance.values[-1]
        path = averaged_path(problem, LOMAX, 1.0, 3.0, 1 / 3, steps, smooth)
        assert abs(values.mean() / path.squared[-1] - 1) <= 6 * values.std() / values.mean() / np.sqrt(2048) + 0.05

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"noise": cb.noise.Gaussian(1.0)}, "SymmetricLomax"),
            ({"theta": 0.0}, "theta must be in"),
            ({"power": 1.0}, "power must be in"),
            ({"last": 1.0}, "last must be in"),
        ],
    )
    def test_bad_input(self, changes, message):
        arguments = dict(problem=line_problem(), noise=LOMAX, theta=1.0, threshold=3.0, power=0.3, last=10.0) | changes
        with pytest.raises(ValueError, match=message):
            averaged_path(**arguments)


def growth(make, theta, ratio, steps=30_000, joint=False, perturbation=0.0):
    """Radius ‖x_t‖/(sqrt(d) T) at t = 1000 and at the end, from the given radius."""
    problem, _ = make(x0=20 * ratio)
    if perturbation:
        turned = perturbation * np.random.default_rng(1).standard_normal(problem.dim)
        problem = problem.replace(x0=problem.x0 * (1 + turned))
    method = SClipEF.standard(theta, joint=True)
    method = method if joint else SClipEF(*method.schedules)
    run = cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), method), steps, 1, checkpoints=[1000, steps], threads=1)
    return run.distance.values[:, 0] / np.sqrt(problem.dim) / (20 * (run.checkpoint.values + 1.0) ** 0.3)


class TestRays:
    @pytest.mark.filterwarnings("ignore:SClipEF")
    def test_convex_clients_diverge_component_wise_beyond_the_fold(self):
        problem, ray = convex_ray_example()
        L = float(problem.client_lipschitz.max())
        assert problem.client_curvature.min() >= -1e-13 and problem.strong_convexity > 0.8
        assert np.allclose(problem.hessians[0] @ np.ones(5), [-1, -1, -1, -1, 8.47], rtol=1e-13)
        assert ray.threshold * L == pytest.approx(13.5, abs=0.05)  # the theory page
        theta = 20 / L
        for perturbation in (0.0, 0.05):
            end = growth(convex_ray_example, theta, ray.radii(theta)[1], perturbation=perturbation)[-1]
            assert end == pytest.approx(ray.radii(theta)[1], rel=5e-3)
        assert growth(convex_ray_example, theta, ray.radii(theta)[1], joint=True)[-1] < 1e-3
        first, last = growth(convex_ray_example, 10 / L, 1.05 * ray.radii(theta)[0])  # at 20/L this start diverges
        assert last < 0.5 * first
        assert largest_theta(L, 0.0) * L == pytest.approx(2.4)  # what theorem 2 needs

    def test_concave_clients_diverge_under_any_operator(self):
        problem, ray = concave_ray_example()
        theta = 1.3 * ray.threshold
        end = growth(concave_ray_example, theta, ray.radii(theta)[1], joint=True)[-1]
        assert end == pytest.approx(ray.radii(theta)[1], rel=5e-3)
        below = 0.29 / (1 - 1 / problem.clients)  # theorem 2 applies: it falls
        setting = cb.Setting(problem, LOMAX, SClipEF.standard(below, joint=True))
        assert 0 < StrongRate(0.9).exponent(setting) <= 2 * below * problem.strong_convexity
        first, last = growth(concave_ray_example, below, ray.radii(theta)[1], joint=True)
        assert last < 0.8 * first

    def test_the_concave_threshold_tends_to_that_of_the_theorem(self):
        values = []
        for n in (10, 100, 1000, 10_000):
            values.append(concave_ray_example(n, 3.0 * n)[1].threshold * (1 - 1 / n))
        assert np.all(np.diff(values) < 0) and 0.3 < values[-1] < 0.302

    @pytest.mark.parametrize("ray", [Ray(0.8, 1.0, 0.2, 8.47), Ray(0.95, 1.0, 0.05, 60.0)])
    def test_fold_and_roots(self, ray):
        with mpmath.workdps(30):

            def theta(r):
                push = ray.out * ray.outward * r / mpmath.sqrt(1 + (ray.outward * r) ** 2)
                return ray.power * r / (push - ray.into * ray.inward * r / mpmath.sqrt(1 + (ray.inward * r) ** 2))

            fold = mpmath.findroot(lambda r: mpmath.diff(theta, r), 0.5)
            assert abs(theta(fold) / ray.threshold - 1) < 1e-12
        low, high = ray.radii(1.2 * ray.threshold)
        for r, inside in ((low, 1), (high, -1)):
            assert float(ray.theta(r)) == pytest.approx(1.2 * ray.threshold, rel=1e-9)
            drift = [1.2 * ray.threshold * float(ray.net(s * r)) - ray.power * s * r for s in (0.99, 1.01)]
            assert drift[0] * inside < 0 < drift[1] * inside

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Ray(0.8, 1.0, 0.2, 8.47).radii(0.5), "theta must exceed"),
            (lambda: Ray(0.2, 1.0, 0.8, 8.47).threshold, "no ray that diverges"),
            (lambda: convex_ray_example(4.0), "ratio must exceed 4"),
            (lambda: concave_ray_example(20, 10.0), "must exceed clients - 1"),
        ],
    )
    def test_bad_input(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()
