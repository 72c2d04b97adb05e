"""Schedules and networks."""

import numpy as np
import pytest

from clipbounds.lanes import kernel
from clipbounds.methods import (
    SCHEDULE,
    Complete,
    ExponentialNetwork,
    Mixing,
    PowerSchedule,
    Ring,
    Schedule,
    SClipEF,
    Torus,
)
from clipbounds.specs import POSITIVE, parameter


@kernel(SCHEDULE)
def halving(step, params):
    """params: first value, steps until it is halved."""
    return params[0] * 2.0 ** -(step // params[1])


class Halving(Schedule):
    first: float = parameter(POSITIVE)
    period: float = parameter(POSITIVE)
    kernel = halving


def test_power_schedule_in_both_forms():
    schedule = PowerSchedule(3.0, -0.2, 2.0)
    t = np.array([0, 1, 7, 10**6])
    assert np.array_equal(schedule.at(t), 3.0 * (t + 2.0) ** -0.2)
    assert np.allclose(Schedule.at(schedule, t), schedule.at(t), rtol=1e-14, atol=0)
    assert np.array_equal(PowerSchedule(5.0).at(t), np.full(4, 5.0))


def test_a_schedule_of_ones_own():
    assert np.array_equal(Halving(8.0, 10).at([0, 9, 10, 25]), [8, 8, 4, 2])
    method = SClipEF(Halving(1.0, 100), level=Halving(2.0, 50))
    assert method.theta is None and method.level.at(np.array([50])) == 1.0


def test_numbers_are_constant_schedules():
    assert SClipEF(0.5).step_size == PowerSchedule(0.5)


def test_theta_of_the_standard_powers():
    method = SClipEF.standard(0.25, level=2.0, smoothing=100.0)
    assert method.theta == pytest.approx(0.25)
    t = np.arange(5)
    effective = method.step_size.at(t) * method.level.at(t) / np.sqrt(method.smoothing.at(t))
    assert np.allclose(effective, 0.25 / (t + 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SClipEF("large"), "must be a schedule"),
        (lambda: SClipEF(-1.0), "must be a schedule"),
        (lambda: SClipEF(0.0), r"stay in \(0, inf\)"),
        (lambda: SClipEF(1.0, averaging=PowerSchedule(0.5, 0.1)), r"averaging must stay in \[0, 1\)"),
        (lambda: SClipEF(1.0, averaging=1.0), r"averaging must stay in \[0, 1\)"),
        (lambda: SClipEF(1.0, network=np.eye(3)), "Ring"),
        (lambda: SClipEF(1.0, joint=2), "True or False"),
        (lambda: PowerSchedule(1.0, 0.0, 0.0), "shift"),
    ],
)
def test_bad_schedules(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "network", [Ring(8), Ring(3, 0.5), Torus(3, 4), ExponentialNetwork(8), ExponentialNetwork(5), Complete(4)]
)
def test_networks_are_doubly_stochastic_and_mix(network):
    W = network.matrix
    assert W.min() >= 0 and np.allclose(W.sum(axis=0), 1) and np.allclose(W.sum(axis=1), 1)
    assert network.contraction < 1
    assert np.array_equal(Mixing(W).matrix, W)
    x = np.random.default_rng(0).standard_normal(network.clients)
    before, after = np.linalg.norm(x - x.mean()), np.linalg.norm(W @ x - x.mean())
    assert after <= network.contraction * before * (1 + 1e-12)


def test_contraction_in_closed_form():
    assert Ring(8).contraction == pytest.approx((1 + 2 * np.cos(2 * np.pi / 8)) / 3)
    assert Complete(6).contraction == pytest.approx(0, abs=1e-12)
    assert Mixing(np.eye(3)).contraction == pytest.approx(1)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, 0.5], [0.4, 0.6]], "column 0 has the sum 0.9|column 1 has the sum 1.1"),
        ([[0.5, 0.4], [0.5, 0.6]], "row 0 has the sum 0.9|row 1 has the sum 1.1"),
        ([[1.5, -0.5], [-0.5, 1.5]], "entries >= 0"),
        ([[1.0, 0.0]], "square"),
    ],
)
def test_matrices_that_are_not_doubly_stochastic(matrix, message):
    with pytest.raises(ValueError, match=message):
        Mixing(matrix)
