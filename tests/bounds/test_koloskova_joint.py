"""S0*: its envelope lies below Psi*, its values against the theory page, never above S0, and above simulated means."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.bounds.koloskova2023.common import Constants
from clipbounds.bounds.koloskova2023.envelope import Envelope

# eta, c, T, x0, S0* of the theory page (f = x²/2, sigma = 1)
PAGE = [
    (0.3, 0.25, 333, 0.75, 0.81198), (0.03, 0.25, 3333, 0.75, 0.76968), (0.1, 0.5, 1000, 0.5, 0.55118),
    (0.3, 0.75, 333, 0.3375, 0.50595), (0.03, 0.75, 3333, 0.33328125, 0.35185), (0.1, 1.0, 1000, 0.25, 0.31418),
    (0.3, 2.0, 333, 0.1125, 0.42015), (0.03, 2.0, 3333, 0.12375, 0.15731), (0.1, 4.0, 1000, 0.05, 0.22943),
]  # fmt: skip


def setting_at(eta, c, x0=0.3, noise=None, **options):
    noise = noise or cb.noise.TwoPoint(1.0, 0.5)
    return cb.Setting(
        cb.problems.Quadratic(1.0, x0), noise, cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c), **options)
    )


@pytest.mark.parametrize(("eta", "c", "steps", "x0", "value"), PAGE)
def test_values_of_the_theory_page(eta, c, steps, x0, value):
    found = float(theory.S0Star().value(setting_at(eta, c, x0), steps))
    assert found == pytest.approx(value, rel=1e-3)
    assert found <= float(theory.S0().value(setting_at(eta, c, x0), steps))


@pytest.mark.parametrize("p", (1.2, 1.6, 2.0))
@pytest.mark.parametrize(("eta", "c", "L1"), [(0.3, 0.25, 0.0), (0.2, 1.0, 1.0), (0.05, 6.0, 0.0), (0.3, 3.0, 0.9)])
def test_the_envelope_lies_below(p, eta, c, L1):
    """Every bound of the sup over u rests on this: checked at points inside the cells, by the primal side."""
    k = Constants(eta, c, 1.0, L1, np.inf if L1 == 0 else 1 / L1)
    envelope = Envelope(k, 1.0, p, 1e-3)
    rng = np.random.default_rng(0)
    cell = rng.integers(0, envelope.edges.size - 1, 60)
    share = rng.random(60)
    a, b = envelope.edges[cell], envelope.edges[cell + 1]
    u = a + share * (b - a)
    below = envelope.values[cell] + share * (envelope.corners[cell] - envelope.values[cell])
    for point, line in zip(u, below, strict=True):
        law = cb.worst_case.one_step_law(point, c, 1.0, 0.5 * eta * (1.0 + L1 * point), p)
        assert line <= law.value + 1e-10 * c * (point + c)
    # a slope that is a little larger is refuted somewhere (negative control)
    steeper = below + 0.5 * share * (b - a) * c
    laws = [cb.worst_case.one_step_law(x, c, 1.0, 0.5 * eta * (1.0 + L1 * x), p).value for x in u]
    assert np.any(steeper > np.array(laws))


@pytest.mark.parametrize("p", (1.2, 1.5, 2.0))
def test_slack_is_small(p):
    """The certified value against the infimum over a dense set of slopes and norms, which it must exceed, but only little."""
    eta, c, steps = 0.1, 0.8, 500
    setting = setting_at(eta, c)
    sigma = float(setting.moment(p)) ** (1 / p)
    u = np.concatenate([[0.0], np.geomspace(1e-3, 30, 3000)])
    values = cb.worst_case.one_step(u, c, sigma, 0.5 * eta, p)
    budget = setting.problem.initial_gap / (eta * steps)
    slopes = c * np.linspace(0.01, 0.9, 1500)
    crude = min((budget + np.max(lam * u - values)) / lam for lam in slopes)
    found = float(theory.S0Star(p).value(setting, steps))
    assert crude * (1 - 2e-3) <= found <= crude * (1 + 1e-3)


@pytest.mark.parametrize("c", (0.1, 0.4, 1.0, 3.0, 10.0))
def test_never_above_s0_and_tends_to_the_floor(c):
    for eta in (0.3, 0.01):
        steps = np.array([10, 1000])
        star, old = (bound.value(setting_at(eta, c), steps) for bound in (theory.S0Star(), theory.S0()))
        assert np.all(star <= old)
    far = float(theory.S0Star().value(setting_at(1e-7, c), 1e12))
    assert 1 <= far / cb.worst_case.floor(c, 1.0) <= 1.03


def test_smoothness_pairs_batches_and_added_variance():
    cosh = cb.problems.Cosh(1.0, 1.0, 1.0)
    gaussian = cb.noise.Gaussian(0.5)
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    setting = cb.Setting(cosh, gaussian, method)
    assert float(theory.S0Star().value(setting, 100)) <= float(theory.S0().value(setting, 100))
    steep = cb.Setting(cosh, gaussian, method.replace(step_size=1.5))
    with pytest.raises(HypothesesFail, match="eta c L1 <= 1"):
        theory.S0Star().value(steep, 100)
    single = float(theory.S0Star(1.5).value(setting_at(0.1, 1.0), 100))
    averaged = float(theory.S0Star(1.5).value(setting_at(0.1, 1.0, batch_size=8), 100))
    clipped = float(theory.S0Star(1.5).value(setting_at(0.1, 1.0, batch_size=8, per_sample=True), 100))
    assert averaged < single and clipped == single
    private = float(theory.S0Star(1.5, added_variance=0.3).value(setting_at(0.1, 1.0), 100))
    assert single < private
    with pytest.raises(HypothesesFail, match="L-smooth"):
        theory.S0Star(added_variance=0.1).value(setting, 100)


def test_heavy_tails_have_a_bound_where_s0_refuses():
    pareto = cb.noise.Pareto(1.7, 0.5)
    setting = setting_at(0.05, 2.0, noise=pareto)
    with pytest.raises(HypothesesFail):
        theory.S0().value(setting, 100)
    with pytest.raises(HypothesesFail, match=r"p = 1\.8"):
        theory.S0Star(1.8).value(setting, 100)
    run = cb.simulate(setting, 2000, 2048, checkpoints=[100, 2000])
    verdict = cb.compare(run, [theory.S0Star(1.5)]).verdicts[0]
    assert str(verdict.verdict) == "holds"


@pytest.mark.parametrize("p", (1.0, 0.5, 2.5, np.nan))
def test_bad_exponent(p):
    with pytest.raises(ValueError, match="S0Star: p must be"):
        theory.S0Star(p)


def test_no_noise_is_a_limit():
    quiet = setting_at(0.1, 1.0, noise=cb.noise.NoNoise())
    value = float(theory.S0Star().value(quiet, 100))
    assert value <= float(theory.S0().value(quiet, 100))
    assert value >= float(cb.simulate(quiet, 100, checkpoints=[100]).mean_gradient_norm[-1, 0])
    assert float(theory.S0Star(1.3).value(quiet, 100)) == pytest.approx(value, rel=1e-3)
