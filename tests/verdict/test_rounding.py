"""Rounding violates no bound, and hides no violation that is larger than rounding."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import Scaled
from clipbounds.bounds import koloskova2023 as K

EPS = np.finfo(np.float64).eps


def exact_steps(setting, steps):
    """Distances to the minimiser in 50 digits: x_{t+1} - x* = x_t - x* - eta clip(H (x_t - x*)), x_0 and H as floats."""
    import mpmath

    with mpmath.workdps(50):
        problem, method = setting.problem, setting.method
        h = [mpmath.mpf(float(v)) for v in problem.eigenvalues]
        e = [mpmath.mpf(float(v)) for v in problem.x0]
        eta, c = mpmath.mpf(method.step_size), mpmath.mpf(method.clip.threshold)
        found = []
        for _ in range(steps):
            g = [a * b for a, b in zip(h, e, strict=True)]
            norm = mpmath.sqrt(sum(v * v for v in g))
            share = min(mpmath.mpf(1), c / norm) if norm else mpmath.mpf(1)
            e = [a - eta * share * b for a, b in zip(e, g, strict=True)]
            found.append(float(mpmath.sqrt(sum(v * v for v in e))))
        return np.array(found)


def at_one_over_l(rng):
    """A random quadratic of 1 to 5 dimensions with the step 1/L, clipped somewhere between never and always."""
    dim = int(rng.integers(1, 6))
    eigenvalues = 10.0 ** rng.uniform(-3, 3, dim)
    start = rng.normal(size=dim) * 10.0 ** rng.uniform(-3, 3)
    size = np.linalg.norm(eigenvalues * start)
    clip = cb.clipping.NormClip(size * 10.0 ** rng.uniform(-1, 1))
    method = cb.methods.ClippedSGD(1 / eigenvalues.max(), clip)
    return cb.Setting(cb.problems.Quadratic(eigenvalues, start), cb.noise.NoNoise(), method)


def test_a_step_of_one_over_l_violates_nothing():
    """1000 random quadratics at eta = 1/L, where D3 may be 0 and x_t one rounding away from the minimiser."""
    rng = np.random.default_rng(14)
    bounds = [K.D3(), K.D3ClosedForm()]
    for _ in range(1000):
        run = cb.simulate(at_one_over_l(rng), 12, checkpoints=[1, 2, 3, 5, 12], threads=1)
        for verdict in cb.compare(run, bounds).verdicts:
            assert verdict.verdict == "holds" and verdict.method == "exact", (run.attrs["setting"], verdict)


def test_the_eigenvalue_three():
    """f = 3x²/2 from 1 at eta = 1/3: the bound is 0, x_1 is half an eps or, without fused multiply-add, 0; 1000 eps is not forgiven."""
    setting = cb.Setting(
        cb.problems.Quadratic([3.0], [1.0]),
        cb.noise.NoNoise(),
        cb.methods.ClippedSGD(1 / 3, cb.clipping.NormClip(10.0)),
    )
    run = cb.simulate(setting, 3, checkpoints=[1, 2, 3])
    assert float(run["distance"][0, 0]) <= EPS and float(K.D3().value(setting, 1)) < 1e-15
    assert cb.compare(run, K.D3()).verdicts[0].verdict == "holds"
    moved = run.copy(deep=True)
    moved["distance"][0] += 1000 * EPS
    assert cb.compare(moved, K.D3()).verdicts[0].verdict == "violated"
    moved = run.copy(deep=True)
    moved["distance"][2] += EPS  # two contractions later the rounding of the first step is forgotten
    assert cb.compare(moved, K.D3()).verdicts[0].verdict == "violated"


def test_a_thousandth_below_d3_is_violated_where_d3_is_tight():
    """One unclipped step on the line: D3 is sqrt(1 - eta mu) times the start, the distance 1 - eta mu times; eta mu <= 5e-4."""
    rng = np.random.default_rng(15)
    for _ in range(100):
        curvature, start = 10.0 ** rng.uniform(-2, 2), 10.0 ** rng.uniform(-3, 3)
        clip = cb.clipping.NormClip(2 * curvature * start)
        eta = 10.0 ** rng.uniform(-5, -3.31) / curvature
        setting = cb.Setting(
            cb.problems.Quadratic([curvature], [start]), cb.noise.NoNoise(), cb.methods.ClippedSGD(eta, clip)
        )
        run = cb.simulate(setting, 1, checkpoints=[1], threads=1)
        words = [v.verdict for v in cb.compare(run, [K.D3(), Scaled(K.D3(), 0.999)]).verdicts]
        assert words == ["holds", "violated"]


@pytest.mark.parametrize("seed", range(20))
def test_the_allowance_covers_the_rounding_and_little_more(seed):
    """Against 50 digits: the computed distance differs by less than the allowance, which is at most 1e4 eps of the start a step."""
    from clipbounds.verdict.rounding import rounding

    setting = at_one_over_l(np.random.default_rng(seed))
    steps = np.arange(1, 31)
    run = cb.simulate(setting, 30, checkpoints=steps)
    computed, exact = run["distance"].values[:, 0], exact_steps(setting, 30)
    allowed = rounding(setting, "distance", exact, steps)
    assert np.all(np.abs(computed - exact) <= allowed)
    assert np.all(allowed <= 1e4 * EPS * steps * np.linalg.norm(setting.problem.x0))
