"""Rounding far from the origin: every measured quantity has a rule, and moving the origin moves it by less than the rule says."""

from typing import ClassVar

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds.yu2023 import Growth
from clipbounds.methods import SGD, DistributedSGD, MiniBatch, PowerSchedule, Ring, SClipEF
from clipbounds.methods.base import Method
from clipbounds.methods.steps import RuleH
from clipbounds.problems import ClientQuadratics
from clipbounds.run_arrays import MEASURED
from clipbounds.verdict.rounding import COUNTED, UNRULED, rounding

STEPS = np.array([1, 2, 5, 20, 60, 200])
BY_SCHEDULE = ("estimator_size",)  # its bound follows from the schedules alone, wherever the iterate is


def _children(kind):
    for child in kind.__subclasses__():
        if child.__module__.startswith("clipbounds."):  # other tests define classes of their own in the same process
            yield child
        yield from _children(child)


def measured_quantities():
    """Names of everything that a run may measure, by any method of the package."""
    network = DistributedSGD(0.1, network=Ring(4))
    weighted = SGD(PowerSchedule(0.1))
    own = [m.extra_measured for m in _children(Method) if isinstance(m.extra_measured, dict)]
    return sorted(
        {*MEASURED, *network.extra_measured, *weighted.extra_measured, *(name for names in own for name in names)}
    )


def clients(origin):
    """Four clients on the plane; every entry is a short binary fraction, so that a shift by a power of two is exact."""
    hessians = np.array([[[1.0, 0.25], [0.25, 0.5]], [[0.75, 0.0], [0.0, 1.0]]] * 2)
    at = np.array([[1.0, 0.5], [0.25, 0.75], [1.0, 0.5], [0.25, 0.75]])
    return ClientQuadratics(hessians, at + origin, np.array([4.0, -2.0]) + origin)


def on(origin, method):
    return cb.Setting(clients(origin), cb.noise.NoNoise(), method)


METHODS = {  # steps of at most 1/L: the map of a step does not stretch, so what rounding adds to one step is not magnified
    "server": DistributedSGD(0.5),
    "network": DistributedSGD(0.125, network=Ring(4)),
    "weighted": SGD(PowerSchedule(0.5, -0.5)),
    "rule": MiniBatch(RuleH(step_scale=0.5, L0=1.0)),
}
CASES = [
    (
        name,
        "rule"
        if name == "mean_certified"
        else "weighted"
        if name.startswith("weighted")
        else "network"
        if name == "consensus_error"
        else "server",
    )
    for name in measured_quantities()
    if name not in (*COUNTED, *BY_SCHEDULE, *UNRULED)
]


@pytest.fixture(scope="module")
def runs():
    return {
        (name, origin): cb.simulate(on(origin, method), 200, checkpoints=STEPS, threads=1)
        for name, method in METHODS.items()
        for origin in (0.0, 2.0**30)
    }


@pytest.mark.parametrize("quantity", [name for name in measured_quantities() if name not in (*COUNTED, *UNRULED)])
def test_every_quantity_has_a_rule(quantity):
    """Where nothing is allowed, one last bit of x_t beside a large ‖x_0‖ violates a theorem: that was so for the displacement."""
    method = METHODS["network" if quantity == "consensus_error" else "server"]
    assert np.all(rounding(on(2.0**30, method), quantity, np.full(STEPS.shape, 1e-3), STEPS) > 0)


def test_a_quantity_without_a_rule_is_noticed():
    assert not np.any(rounding(on(2.0**30, METHODS["server"]), "a new quantity", np.ones(STEPS.shape), STEPS))
    assert {*COUNTED, *BY_SCHEDULE} <= set(measured_quantities())  # what needs no rule is measured at all
    assert not {*COUNTED} & {*BY_SCHEDULE}


def test_no_bound_speaks_of_a_quantity_without_a_rule():
    quantities = {
        kind.quantity for kind in _children(cb.bounds.Bound) if isinstance(getattr(kind, "quantity", None), str)
    }
    assert "gap" in quantities and not quantities & {*UNRULED}


@pytest.mark.parametrize(("quantity", "method"), CASES)
def test_moving_the_origin_moves_no_quantity_by_more_than_the_rule(quantity, method, runs):
    """The exact run is the same from any origin. So the two computed ones differ by at most both allowances."""
    near, far = (runs[method, origin][quantity].values[:, 0] for origin in (0.0, 2.0**30))
    largest = np.maximum(near, far)
    allowed = sum(rounding(on(origin, METHODS[method]), quantity, largest, STEPS) for origin in (0.0, 2.0**30))
    assert np.all(np.abs(far - near) <= allowed)
    assert np.all(allowed <= 1e5 * np.finfo(float).eps * STEPS * 2.0**30 * (1 + largest))
    assert not np.array_equal(near, far)  # the origin was felt


class _Half(Growth):
    def evaluate(self, setting, steps):
        return 0.5 * super().evaluate(setting, steps)


class TestGrowth:
    """A way far shorter than one last bit of x_0: the iterate stays, or goes a whole bit."""

    shapes: ClassVar = [(None, 2.0**30), (None, 1e12), (Ring(4), 1e9)]

    @staticmethod
    def run(network, origin, factor):
        setting = on(origin, SClipEF.standard(0.3 * factor, network=network))
        return cb.simulate(setting, 200, checkpoints=STEPS, threads=1)

    @pytest.mark.parametrize(("network", "origin"), shapes)
    @pytest.mark.parametrize("factor", [1.0, 1e-4, 1e-8, 1e-10])
    def test_holds(self, network, origin, factor):
        assert cb.compare(self.run(network, origin, factor), Growth()).verdicts[0].verdict == "holds"

    def test_a_way_is_longer_than_the_bound_by_rounding(self):
        """A step of 3/4 of the last bit of x_0, which is rounded to the whole bit on every machine; then beyond the bound by a third."""
        start = 1.5 * 2.0**30
        step = 0.75 * np.spacing(start)
        # the client is far away, so m = (1 - 1/2) c_phi, and eta_0 = theta sqrt(400)/c_phi
        setting = cb.Setting(
            ClientQuadratics.scalar([1.0], [-1e9], start), cb.noise.NoNoise(), SClipEF.standard(step / 10)
        )
        (verdict,) = cb.compare(cb.simulate(setting, 1, checkpoints=[1]), Growth()).verdicts
        assert verdict.tightness == pytest.approx(4 / 3, rel=1e-9)
        assert verdict.verdict == "holds"  # without the rule this was a violation

    def test_a_longer_way_is_violated(self):
        run = self.run(None, 2.0**30, 1e-8)
        moved = run.copy(deep=True)
        moved["displacement"][:] += 1e5 * np.spacing(2.0**30) * STEPS[:, np.newaxis]
        assert cb.compare(moved, Growth()).verdicts[0].verdict == "violated"
        far = ClientQuadratics.scalar([1.0], [-1e9])
        setting = cb.Setting(far, cb.noise.NoNoise(), SClipEF.standard(1.0))
        assert cb.compare(cb.simulate(setting, 100), [_Half()]).verdicts[0].verdict == "violated"
