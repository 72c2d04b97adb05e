"""Bad input: one clear sentence that names the parameter, the domain and the value."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds import noise, worst_case

PARABOLA = cb.problems.Quadratic([1.0], [1.0])


class Nameless(noise.Noise):
    """A law that offers nothing."""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_case.drift(-1.0, 1.0, 1.0), "gradient_norm must lie in .0, inf"),
        (lambda: worst_case.drift(np.array([1.0, -2.0]), 1.0, 1.0), "-2.0 was given"),
        (lambda: worst_case.drift(1.0, 0.0, 1.0), "threshold must lie in"),
        (lambda: worst_case.drift(1.0, np.nan, 1.0), "threshold must lie in"),
        (lambda: worst_case.drift(1.0, 1.0, -0.1), "sigma must lie in"),
        (lambda: worst_case.drift(np.inf, 1.0, 1.0), "gradient_norm"),
        (lambda: worst_case.drift("a", 1.0, 1.0), "must be numbers"),
        (lambda: worst_case.drift_atoms(1.0, -1.0, 1.0), "threshold"),
        (lambda: worst_case.floor(1.0, 1.0, 1.0), "p must lie in"),
        (lambda: worst_case.floor(1.0, 1.0, 2.5), "p must lie in"),
        (lambda: worst_case.floor(-1.0, 1.0), "threshold"),
        (lambda: worst_case.floor_noise(1.0, 0.0), "sigma"),
        (lambda: worst_case.floor_noise(np.ones(2), 1.0), "must be one number"),
        (lambda: worst_case.two_point_fixed_point(1.0, 1.0, 1.5), "skew"),
        (lambda: worst_case.supporting_line(1.0, 1.0, 0.1), "at least the floor"),
        (lambda: worst_case.bounded_noise_floor(1.0, -1.0), "bound"),
        (lambda: worst_case.moment_problem(1.0, 1.0, 1.0, p=3.0), "p must lie in"),
        (lambda: worst_case.moment_problem(1.0, 1.0, 1.0, grid=1), "grid must be an integer"),
        (lambda: worst_case.moment_floor(0.0, 1.0), "threshold"),
        (lambda: worst_case.mean_clipped_step("gauss", 0.0, 1.0), "noise must be a law"),
        (lambda: worst_case.mean_clipped_step(noise.Gaussian(1.0, radial=True), 0.0, 1.0), "radial"),
        (lambda: worst_case.mean_clipped_step(Nameless(), 0.0, 1.0), "has neither"),
        (lambda: worst_case.stationary_gradient(noise.Gaussian(1.0), -1.0), "threshold"),
        (lambda: worst_case.stationary_gradient(noise.Stable(1.5, 1.0, skewness=0.5), 1.0), "has neither"),
        (lambda: worst_case.stationary_vector(np.ones(3), np.ones(3), 1.0), "shape"),
        (lambda: worst_case.stationary_vector(np.ones((3, 2)), np.zeros(3), 1.0), "positive sum"),
        (lambda: worst_case.stationary_law(PARABOLA, noise.Gaussian(1.0), 0.0, 1.0), "step_size"),
        (lambda: worst_case.stationary_law(PARABOLA, noise.Gaussian(1.0), 0.1, 1.0, cells=3), "even"),
        (lambda: worst_case.stationary_law(PARABOLA, noise.Gaussian(1.0, along=[1.0]), 0.1, 1.0), "along"),
        (
            lambda: worst_case.stationary_law(cb.problems.Quadratic([1.0, 2.0], [0.0, 0.0]), noise.NoNoise(), 0.1, 1.0),
            "dimension 1",
        ),
    ],
)
def test_one_clear_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
