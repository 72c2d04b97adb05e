"""The adversary: its laws keep their moments, its value is what they earn, and the simulator agrees."""

import re

import numpy as np
import pytest
import scipy.sparse

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.oracles import landing
from clipbounds.specs import vector
from clipbounds.worst_case import adversary

# eta, c, T, x0, value of the theory page (f = x²/2, sigma = 1, landing 16)
PAGE = [
    (0.3, 0.25, 333, 0.75, 0.767415), (0.1, 0.5, 1000, 0.5, 0.512138), (0.3, 0.75, 333, 0.3375, 0.428055),
    (0.1, 1.0, 1000, 0.25, 0.279285), (0.3, 2.0, 333, 0.1125, 0.383316), (0.1, 4.0, 1000, 0.05, 0.216726),
]  # fmt: skip
DOUBLE_WELL = cb.problems.DoubleWell(0.3)
COSINE = cb.problems.Cosh(1.0, 1.0, 0.7)


class Flat(cb.problems.Problem):
    """f = 0"""

    x0: np.ndarray = vector()

    f_star = 0.0
    smoothness = cb.problems.Quadratic(1.0, 0.0).smoothness

    def value(self, x):
        return 0 * np.asarray(x)[..., 0]

    def gradient(self, x):
        return 0 * np.asarray(x)


def quadratic(x0):
    return cb.problems.Quadratic(1.0, x0)


def stage_of(tables, to_go):
    return int(np.searchsorted(tables.begins, to_go, side="right")) - 1


def chain(found, stage):
    """Transition probabilities of a stage between grid points, from its atoms and weights."""
    policy, tables = found.policy, found.policy.tables
    x = tables.first + tables.spacing * np.arange(tables.count)
    rows = tables.stages[stage].reshape(tables.count, -1)
    step = policy.step_size * np.clip(policy.threshold * rows[:, :4], -policy.threshold, policy.threshold)
    place = np.rint((x[:, np.newaxis] - step - tables.first) / tables.spacing).astype(int)
    inside = (place >= 0) & (place < tables.count)
    source = np.broadcast_to(np.arange(tables.count)[:, np.newaxis], place.shape)
    entries = (rows[:, 4:8][inside], (source[inside], place[inside]))
    return scipy.sparse.csr_array(entries, shape=(tables.count, tables.count))


def earned(found, steps):
    """V_steps(x0)/steps by sparse matrices made from the recorded laws: an independent evaluation of the policy."""
    policy, tables = found.policy, found.policy.tables
    x = tables.first + tables.spacing * np.arange(tables.count)
    slope = np.abs(policy.problem.gradient(x[:, np.newaxis])[:, 0])
    values, current = np.zeros(tables.count), None
    for to_go in range(steps):
        stage = stage_of(tables, to_go)
        if stage != current:
            matrix, current = chain(found, stage), stage
        values = slope + matrix @ values
    return values[tables.start] / steps


@pytest.mark.parametrize(("eta", "c", "steps", "x0", "value"), PAGE)
def test_not_below_the_theory_page(eta, c, steps, x0, value):
    found = adversary(quadratic(x0), eta, c, 1.0, steps)
    assert found.value >= 0.995 * value
    setting = cb.Setting(
        quadratic(x0), cb.noise.TwoPoint(1.0, 0.5), cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c))
    )
    assert found.value <= float(theory.S0Star().value(setting, steps))


@pytest.mark.parametrize("p", (1.2, 1.6, 2.0))
@pytest.mark.parametrize("problem", [quadratic(0.4), DOUBLE_WELL, COSINE])
def test_laws_keep_mean_moment_and_grid(problem, p):
    found = adversary(problem, 0.1, 0.7, 0.8, 60, p, landing=8)
    policy, tables = found.policy, found.policy.tables
    x = tables.first + tables.spacing * np.arange(tables.count)
    slope = policy.problem.gradient(x[:, np.newaxis])[:, 0]
    for rows in tables.stages:
        rows = rows.reshape(tables.count, -1)
        g, weights, landings = 0.7 * rows[:, :4], rows[:, 4:8], rows[:, 8:]
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
        assert weights.min() >= 0
        np.testing.assert_allclose(np.sum(weights * g, axis=1), slope, rtol=1e-9, atol=1e-9)
        moments = np.sum(weights * np.abs(g - slope[:, np.newaxis]) ** p, axis=1)
        assert moments.max() <= 0.8**p * (1 + 1e-8)  # weights of far atoms are ratios of large numbers
        used = weights > 0
        np.testing.assert_allclose((np.clip(g, -0.7, 0.7) / 0.7 * 8)[used], landings[used], atol=1e-9)
    assert found.value == pytest.approx(earned(found, 60), rel=1e-12)


@pytest.mark.parametrize(
    ("problem", "eta", "c", "p"),
    [(quadratic(0.25), 0.1, 1.0, 2.0), (quadratic(0.06), 0.3, 4.0, 2.0), (quadratic(0.7), 0.3, 0.25, 2.0),
     (quadratic(0.3), 0.1, 1.0, 1.5), (DOUBLE_WELL, 0.05, 1.0, 2.0), (COSINE, 0.1, 0.5, 2.0)],
)  # fmt: skip
def test_the_simulator_confirms_the_programme(problem, eta, c, p):
    steps = 200
    found = adversary(problem, eta, c, 1.0, steps, p)
    setting = cb.Setting(problem, cb.noise.Adaptive(found.policy), cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c)))
    run = cb.simulate(setting, steps, 8192, checkpoints=[steps], seed=1)
    means = run.mean_gradient_norm[-1].values
    # false alarm: 6e-7 a case (5 standard errors of a bounded quantity)
    assert abs(means.mean() - found.value) <= 5 * means.std(ddof=1) / np.sqrt(means.size) + 1e-4 * found.value
    comparison = cb.compare(run, [theory.AdversaryLowerBound(), theory.S0Star(p)])
    assert "violated" not in [v.verdict for v in comparison.verdicts]


def by_one_policy(monkeypatch, *arguments, tail_work=1e8, **options):
    """The adversary with one policy for all steps, whatever the horizon."""
    monkeypatch.setattr("clipbounds.oracles.landing.DYNAMIC", 0)
    monkeypatch.setattr("clipbounds.oracles.stationary.TAIL_WORK", tail_work)
    landing._tables.cache_clear()
    found = adversary(*arguments, **options)
    assert len(found.policy.tables.stages) == 1
    return found


def by_programme(monkeypatch, *arguments, **options):
    monkeypatch.setattr("clipbounds.oracles.landing.DYNAMIC", 10**6)
    landing._tables.cache_clear()
    return adversary(*arguments, **options)


@pytest.mark.parametrize(
    ("problem", "eta", "c", "p", "steps"),
    [(quadratic(0.25), 0.08, 1.0, 2.0, 5000), (quadratic(0.25), 0.02, 1.0, 2.0, 20_000), (quadratic(0.75), 0.08, 0.25, 2.0, 5000),
     (quadratic(0.06), 0.08, 4.0, 2.0, 5000), (quadratic(0.3), 0.08, 1.0, 1.5, 5000), (DOUBLE_WELL, 0.05, 1.0, 2.0, 5000)],
)  # fmt: skip
def test_one_policy_for_all_steps_agrees_with_the_programme(monkeypatch, problem, eta, c, p, steps):
    long = by_one_policy(monkeypatch, problem, eta, c, 1.0, steps, p, landing=8)
    # a tenth of the horizon is run through, and the rest rests on the certificate
    short = 0.1 * steps * long.policy.tables.count
    certified = by_one_policy(monkeypatch, problem, eta, c, 1.0, steps, p, landing=8, tail_work=short)
    assert certified.policy.tables.totals.size < steps
    truth = earned(certified, steps)
    assert 0.995 * truth <= certified.value <= truth * (1 + 1e-9)
    full = by_programme(monkeypatch, problem, eta, c, 1.0, steps, p, landing=8)
    for found in (long, certified):
        # the programme improves its policy at some steps only, and one policy knows no end
        assert 0.995 * full.value <= found.value <= full.value * (1 + 1e-4)
        assert full.value <= found.value + found.residual
    # negative control: a rate larger by a hundredth is no certificate
    assert 1.01 * certified.value > truth


def test_policies_that_do_not_return_are_no_obstacle(monkeypatch):
    """Average-cost equations are singular here: from the left end of the grid, and from the other well, nothing leads back to x0."""
    c, steps = 0.25, 40_000
    found = adversary(quadratic(0.75), 0.01, c, 1.0, steps, landing=4)
    assert found.steps > landing.DYNAMIC
    assert found.value == pytest.approx(cb.worst_case.floor(c, 1.0), rel=0.01)
    certified = by_one_policy(monkeypatch, quadratic(0.75), 0.01, c, 1.0, steps, landing=4, tail_work=1e6)
    assert certified.value >= 0.99 * found.value
    assert certified.value <= earned(certified, steps) * (1 + 1e-9)


def test_long_horizons_reach_the_floor():
    c = 1.0
    found = adversary(quadratic(0.25), 1e-4, c, 1.0, 4_000_000, landing=4)
    setting = cb.Setting(
        quadratic(0.25), cb.noise.Adaptive(found.policy), cb.methods.ClippedSGD(1e-4, cb.clipping.NormClip(c))
    )
    assert found.value == pytest.approx(cb.worst_case.floor(c, 1.0), rel=0.01)
    assert found.value <= float(theory.S0Star().value(setting, found.steps))


@pytest.mark.parametrize("steps", (100, 6000))
def test_units_do_not_matter(steps):
    """f' and sigma in other units are the same problem; far from 1 the multipliers of the laws would underflow."""
    plain = adversary(quadratic(0.25), 0.1, 1.0, 1.0, steps, landing=4)
    for exponent in (-1000, -300, 300, 900):
        unit = 2.0**exponent
        scaled = adversary(cb.problems.Quadratic(unit, 0.25), 0.1 / unit, unit, unit, steps, landing=4)
        assert scaled.value == plain.value * unit and scaled.residual == plain.residual * unit


@pytest.mark.parametrize("steps", (100, 6000, pytest.param(200_000, marks=pytest.mark.full)))
def test_gradients_that_vanish(steps):
    """A gradient that is 0 or nearly so on the whole grid earns nothing or nearly so; nothing underflows, nothing is divided by 0."""
    nearly = adversary(cb.problems.Quadratic(1e-300, 0.0), 0.1, 1.0, 1.0, steps, landing=4)
    assert 0 < nearly.value < 1e-300 * 0.1 * steps
    flat = adversary(Flat(0.0), 0.1, 1.0, 1.0, steps, landing=4)
    assert flat.value == flat.residual == 0


def test_what_was_run_through_is_not_lost(monkeypatch):
    """A horizon that is short beside the time 1/(eta L) in which a policy settles: the certificate is poor, the steps run through count."""
    arguments = (cb.problems.Quadratic(1e-6, 1.0), 0.1, 1.0, 1.0)
    found = by_one_policy(monkeypatch, *arguments, 6000, landing=4, tail_work=5000 * 48_001)
    totals = found.policy.tables.totals
    assert totals.size < 6000 and found.value >= totals[-1] / 6000 > 0
    assert found.value <= earned(found, 6000) * (1 + 1e-9)


def test_finer_landings_and_horizons():
    values = [adversary(quadratic(0.2), 0.2, 2.0, 1.0, 150, landing=m).value for m in (2, 4, 8, 16)]
    assert np.all(np.diff(values) >= -1e-4 * values[-1])
    found = adversary(quadratic(0.2), 0.2, 2.0, 1.0, 150)
    for steps in (1, 10, 75):
        direct = adversary(quadratic(0.2), 0.2, 2.0, 1.0, steps).value
        assert float(found.values(steps)) == pytest.approx(direct, rel=2e-3)
    assert float(found.values(1)) == pytest.approx(0.2, rel=1e-14)


def test_a_larger_claim_is_refuted():
    """Negative control: 1.05 of the value is above what the policy earns, and .9 of S0* below (c = 4, eta = .3)."""
    found = adversary(quadratic(0.0625), 0.3, 4.0, 1.0, 333)
    method = cb.methods.ClippedSGD(0.3, cb.clipping.NormClip(4.0))
    setting = cb.Setting(quadratic(0.0625), cb.noise.Adaptive(found.policy), method)
    assert found.value > 0.95 * float(theory.S0Star().value(setting, 333))
    assert 1.05 * found.value > earned(found, 333)


def test_noise_speaks_of_its_setting_only():
    policy = adversary(quadratic(0.25), 0.1, 1.0, 1.0, 20).policy
    noise = cb.noise.Adaptive(policy)
    assert cb.noise.Adaptive(policy) == noise and noise.problem == policy.problem
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    setting = cb.Setting(policy.problem, noise, method)
    assert cb.Setting.from_json(setting.to_json()) == setting
    assert float(setting.moment(2.0)) == 1.0 and setting.sigma == 1.0
    with pytest.raises(ValueError, match="the policy was made for ClippedSGD"):
        cb.Setting(policy.problem, noise, method.replace(step_size=0.2))
    with pytest.raises(ValueError, match="oracle was built for"):
        cb.Setting(quadratic(0.3), noise, method)
    with pytest.raises(ValueError, match="Adaptive: policy must be"):
        cb.noise.Adaptive(0.5)
    plain = cb.Setting(policy.problem, cb.noise.Gaussian(1.0), method)
    with pytest.raises(HypothesesFail, match="Adaptive"):
        theory.AdversaryLowerBound().value(plain, 20)
    assert theory.AdversaryLowerBound.of_class(plain, 20) == adversary(quadratic(0.25), 0.1, 1.0, 1.0, 20).value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"problem": cb.problems.Quadratic([1.0, 2.0], [1.0, 1.0])}, "Problem of dimension 1"),
        ({"landing": 1}, "landing must be"),
        ({"landing": 2, "threshold": 10.0}, "give landing=5 or more"),
        ({"p": 1.0}, "p must be"),
        ({"sigma": 0.0}, "sigma must be"),
        ({"steps": 0}, "steps must be"),
        ({"steps": 5, "landing": 10**7}, "does not fit into 480 MB: give a smaller landing"),
    ],
)
def test_bad_input(change, words):
    arguments = {"problem": quadratic(0.2), "step_size": 0.1, "threshold": 1.0, "sigma": 1.0, "steps": 10} | change
    with pytest.raises(ValueError, match=words):
        adversary(**arguments)


def test_the_horizon_that_fits_is_named():
    arguments = (quadratic(0.2), 0.1, 1.0, 1.0)
    with pytest.raises(
        ValueError, match=r"480 MB: the horizon may be at most \d+ steps; give a shorter one or a"
    ) as error:
        adversary(*arguments, 20_000, landing=5_000)
    longest = int(re.search(r"at most (\d+) steps", str(error.value))[1])
    landing.Policy(*arguments, longest, landing=5_000).check_memory()
    with pytest.raises(ValueError, match=f"at most {longest} steps"):
        landing.Policy(*arguments, longest + 1, landing=5_000).check_memory()


def fits(*arguments, **options):
    try:
        landing.Policy(*arguments, **options).check_memory()
    except ValueError:
        return False
    return True


def test_a_shorter_horizon_fits_wherever_a_longer_one_does():
    """Also across the end of the dynamic programme, whose policies of all stages need more memory than one for all steps."""
    horizons = (1, 30, 300, 2000, landing.DYNAMIC, landing.DYNAMIC + 1, 20_000, 10**6)
    seen = set()
    for m in (2, 100, 1000, 5000, 20_000):
        for eta in (1e-4, 0.1):
            found = [fits(quadratic(0.2), eta, 1.0, 1.0, steps, landing=m) for steps in horizons]
            assert found == sorted(found, reverse=True)
            seen.add(tuple(found))
    assert len(seen) > 2  # some of them fit, and some do not
    long = landing.Policy(quadratic(0.2), 1e-4, 1.0, 1.0, landing.DYNAMIC, landing=100)
    assert fits(quadratic(0.2), 1e-4, 1.0, 1.0, landing.DYNAMIC, landing=100) and not long.recorded


def test_where_the_stages_do_not_fit_one_policy_serves(monkeypatch):
    arguments, steps = (quadratic(0.25), 0.1, 1.0, 1.0), 300
    full = by_programme(monkeypatch, *arguments, steps, landing=8)
    stages = len(full.policy.tables.stages)
    numbers = landing._one_policy(8) * (2 * full.policy.half_width(8) + 3)
    monkeypatch.setattr("clipbounds.oracles.landing.LARGEST", numbers)
    landing._tables.cache_clear()
    found = adversary(*arguments, steps, landing=8)
    assert stages > len(found.policy.tables.stages) == 1
    assert 0.99 * full.value <= found.value <= full.value * (1 + 1e-4)
    assert found.value == pytest.approx(earned(found, steps), rel=1e-9)
    landing._tables.cache_clear()  # the next test has memory again
