"""The smoothed operator and its average over symmetric noise: section 2 of the theory page, with sharp constants."""

import math

import mpmath
import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds.yu2023 import smoothing_constant


def psi(y, level, width):
    return level * y / np.hypot(y, width)


class TestOperator:
    """Section 2: what only this page says of phi y/sqrt(y² + eps)."""

    rng = np.random.default_rng(0)
    y, z = rng.standard_normal((2, 4000)) * 10.0 ** rng.uniform(-3, 6, (2, 4000))

    @pytest.mark.parametrize(("level", "width"), [(1.0, 1.0), (0.3, 20.0), (5.0, 0.01)])
    def test_formula_and_limits(self, level, width):
        clip = cb.clipping.SmoothClip(level, width)
        assert np.allclose(clip(self.y[:, None])[:, 0], psi(self.y, level, width), rtol=1e-14, atol=0)
        extreme = np.array([[1e200], [np.inf], [-np.inf], [1e308]])
        assert np.array_equal(clip(extreme)[:, 0], [level, level, -level, level])
        assert clip(np.array([[1e-200]]))[0, 0] == pytest.approx(level / width * 1e-200, rel=1e-14)

    @pytest.mark.parametrize(("level", "width"), [(1.0, 1.0), (0.3, 20.0), (5.0, 0.01)])
    def test_gradient_of_pseudo_huber(self, level, width):
        with mpmath.workdps(40):
            for y in (0.0, 1e-3, 0.5, -2.0, 37.0):
                slope = mpmath.diff(lambda v: level * (mpmath.sqrt(v * v + mpmath.mpf(width) ** 2) - width), y)
                assert float(slope) == pytest.approx(float(psi(y, level, width)), rel=1e-12, abs=1e-15)

    @pytest.mark.parametrize(("level", "width"), [(1.0, 1.0), (0.3, 20.0), (5.0, 0.01)])
    def test_inequalities(self, level, width):
        clip = cb.clipping.SmoothClip(level, width)
        a, b = (clip(v[:, None])[:, 0] for v in (self.y, self.z))
        kappa, size = level / width, np.minimum(1.0, np.abs(self.y) / width)
        tiny = 1e-14 * level
        assert np.all(
            (a - b) * (self.y - self.z) >= (a - b) ** 2 / kappa * (1 - 1e-9) - 1e-15 * level * abs(self.y - self.z)
        )
        assert np.all(np.abs(a) <= level * size + tiny) and np.all(np.abs(a) >= level * size / math.sqrt(2) - tiny)
        assert np.all(a**2 <= level**2 * np.abs(self.y) / (2 * width) + tiny)
        assert np.all(
            np.abs(a - kappa * self.y)
            <= level * np.abs(self.y) ** 3 / (2 * width**3) * (1 + 1e-9) + 1e-12 * np.abs(kappa * self.y)
        )
        inside = np.abs(self.y) < 1e3 * width
        inverse = width * a / np.sqrt(level**2 - a**2, where=inside, out=np.ones_like(a))
        assert np.allclose(inverse[inside], self.y[inside], rtol=1e-8)

    def test_negative_controls(self):
        """The constants are sharp: 1/sqrt2, 1/2 and 1/2 cannot be improved by one percent."""
        one = psi(1.0, 1.0, 1.0)
        assert one < 1.01 / math.sqrt(2)
        assert one**2 > 0.99 / 2
        assert abs(psi(0.01, 1.0, 1.0) - 0.01) > 0.99 * 0.01**3 / 2

    def test_curvature_and_distance_to_the_hard_clip(self):
        """sup|Psi''| = .85865 phi/eps at sqrt(eps)/2; farthest from the hard clip at sqrt(eps), by (1 - 1/sqrt2) phi."""
        y = np.linspace(0, 10, 200001)
        second = 3 * y / (1 + y * y) ** 2.5
        assert second.max() == pytest.approx(0.85865, abs=5e-6) and y[second.argmax()] == pytest.approx(0.5, abs=1e-4)
        away = np.minimum(y, 1) - psi(y, 1.0, 1.0)
        assert away.max() == pytest.approx(1 - 1 / math.sqrt(2)) and y[away.argmax()] == pytest.approx(1.0)

    def test_jacobian_of_the_joint_form(self):
        clip, r, h = cb.clipping.JointSmoothClip(2.0, 3.0), 4.0, 1e-5
        x = np.array([0.0, r, 0.0])
        jacobian = np.stack([(clip(x + h * e) - clip(x - h * e)) / (2 * h) for e in np.eye(3)])
        eigenvalues = np.sort(np.linalg.eigvalsh(0.5 * (jacobian + jacobian.T)))
        assert np.allclose(eigenvalues, [2 * 9 / 125, 2 / 5, 2 / 5], rtol=1e-8)

    @pytest.mark.parametrize("noise", [cb.noise.LogTailed(1.0), cb.noise.Gaussian(2.0), cb.noise.Rademacher(3.0)])
    @pytest.mark.parametrize("width", [0.5, 3.0, 20.0])
    def test_averaged_operator(self, noise, width):
        """h(u) = kappa lambda(u) u with 1 - C1 (|u|/2 + E|xi|)/width <= lambda <= 1, by quadrature or a finite sum."""
        u = np.array([-30.0, -1.0, 0.01, 0.3, 2.0, 50.0])
        if noise.atoms() is not None:
            support, weights = noise.atoms()
        else:  # midpoints in the probability scale, refined where the tails are
            p = np.concatenate([np.geomspace(1e-14, 1e-2, 60001), np.linspace(1e-2, 0.5, 60001)[1:]])
            support, weights = noise.quantile(0.5 * (p[1:] + p[:-1])), np.diff(p)
            support, weights = np.concatenate([support, -support]), np.concatenate([weights, weights])
        h = np.array([np.sum(weights * psi(v + support, 1.0, width)) for v in u])
        multiplier = h * width / u
        lower = 1 - smoothing_constant() * (np.abs(u) / 2 + float(noise.moment(1.0))) / width
        assert np.all(multiplier <= 1 + 1e-6) and np.all(multiplier >= lower - 1e-6) and np.all(multiplier > 0)
        assert np.all(np.diff(h) > 0)
        assert h[1] == pytest.approx(np.sum(weights * psi(-1.0 - support, 1.0, width)), rel=1e-9)

    def test_averaged_operator_needs_the_constant(self):
        """Near its maximiser in y the constant C1 is attained: with .95 C1 Rademacher noise is a counterexample."""
        grid = np.linspace(0.5, 2, 10001)
        best = grid[((1 - (1 + grid**2) ** -1.5) / grid).argmax()]
        u = 1e-4
        multiplier = 0.5 * (psi(u + best, 1.0, 1.0) + psi(u - best, 1.0, 1.0)) / u
        assert multiplier >= 1 - smoothing_constant() * (u / 2 + best) - 1e-9
        assert multiplier < 1 - 0.95 * smoothing_constant() * (u / 2 + best)
