"""The upper bounds against random settings: never violated, and not vacuous.

The measured means are over 64 trajectories. Where the bound is nearly tight there is next to no noise, so the comparison
has no statistical slack to hide behind; seeds are fixed.
"""

import dataclasses

import pytest
from random_reisizadeh2023 import BOUNDS, ratios

# H, P, N, M are tight for small noise on a ramp; C loses a constant factor in its proof even there
WORST = {"H": 0.9, "P": 0.9, "N": 0.9, "M": 0.9, "C": 0.8}


def check(name, count, seed):
    found = ratios(name, count, seed)
    worst, setting, steps = max(found, key=lambda item: item[0])
    assert worst <= 1 + 1e-9, f"{name} is violated by {worst:.6g} at {setting.to_json()} after {steps} steps"
    return worst


@pytest.mark.parametrize("name", BOUNDS)
def test_never_violated_on_a_few(name):
    worst = check(name, 25, seed=0)
    assert worst > 0.6


@pytest.mark.full
@pytest.mark.parametrize("name", BOUNDS)
def test_never_violated_on_two_hundred_and_nearly_tight(name):
    worst = check(name, 200, seed=0)
    assert worst >= WORST[name]
    # negative control: a constant that is 25 % too small is caught
    assert worst > 0.75


def test_a_bound_with_a_smaller_constant_is_caught():
    """On a ramp without noise and with short steps H is tight, so 0.9 of it must be exceeded."""
    import clipbounds as cb
    from clipbounds.first_passage import first_passage
    from clipbounds.methods import MiniBatch, RuleH
    from clipbounds.oracles import Exact, constants_of_mean

    problem = cb.problems.RampValley(0.05)
    delta = 1e-3
    pair = constants_of_mean(problem, delta)
    method = MiniBatch(RuleH(delta, pair.L0, pair.L1))
    setting = cb.Setting(problem, Exact(problem), method)
    steps = int(problem.ramp_length * (pair.L0 + 0.1 * pair.L1) / delta)
    bound = float(BOUNDS["M"].value(setting, steps))
    measured = first_passage(setting, 1e-300, steps, threads=1).certified[0]
    assert 0.9 * bound < measured <= bound
    # half the gap, as if F0 had been taken from a minimum that is not one, is caught too
    wrong = dataclasses.replace(
        setting, problem=problem.replace(gap_at_start=0.5), noise=Exact(problem.replace(gap_at_start=0.5))
    )
    assert measured > float(BOUNDS["M"].value(wrong, steps))
