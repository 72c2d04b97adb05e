"""A bound is a number or is refused: nan never reaches a verdict or a figure."""

import warnings
from typing import ClassVar

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, applicable
from clipbounds.bounds import nobile2026 as nb

QUADRATIC = cb.problems.Quadratic([1.0], [3.0])


class AtSomeStep(Bound):
    """A careless formula: inf - inf beyond step 10."""

    quantity: ClassVar = "gap"

    def evaluate(self, setting, steps):
        with np.errstate(invalid="ignore"):
            return np.where(steps > 10, np.inf, 1.0) - np.where(steps > 10, np.inf, 0.0)


def per_sample(beta, batch=16):
    clip = cb.clipping.GrowingClip(1.0, beta)
    return cb.Setting(QUADRATIC, cb.noise.Gaussian(1.0), cb.methods.PerSampleClippedSGD(0.5, clip, batch_size=batch))


def test_the_base_class_refuses_nan_in_one_sentence():
    setting = cb.Setting(QUADRATIC, cb.noise.NoNoise(), cb.methods.SGD(0.1))
    assert AtSomeStep().value(setting, [1, 10]).tolist() == [1.0, 1.0]
    with pytest.raises(HypothesesFail, match="AtSomeStep: its value is not a number in this setting; look for a"):
        AtSomeStep().value(setting, [1, 11])
    run = cb.simulate(setting, 20, checkpoints=[5, 20])
    (verdict,) = cb.compare(run, AtSomeStep()).verdicts
    assert verdict.verdict == "does not apply" and "not a number" in verdict.reason


@pytest.mark.parametrize("beta", [1e-300, 1e-20, 1e-3])
@pytest.mark.parametrize("batch", [2, 16, 1000])
def test_thresholds_that_overflow_make_theorem_3_infinite(beta, batch):
    """A unit that is never clipped may have no variance for p < 2, so nothing is claimed; and nothing is computed with inf - inf."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for p in (1.01, 1.5, 2.0):
            assert np.all(nb.Theorem3(p=p).value(per_sample(beta, batch), [1, 10, 1000]) == np.inf)
    assert np.all(np.isfinite(nb.Theorem3(p=1.5).value(per_sample(1.5, batch), [1, 10, 1000])))


# `applicable` has no default exponent p, so the bounds on clipped batches are named here
FAST = [nb.Theorem3(1.5), nb.Corollary3(1.5), nb.Theorem3Star(1.5), nb.Theorem4(1.5, 0.1), nb.Theorem5(1.5, 0.1), nb.Theorem5Gap(1.5, 0.1)]  # fmt: skip
SLOW = [nb.Theorem6(1.5, 0.1), nb.Theorem6Gap(1.5, 0.1), nb.Theorem7(1.5, 0.1), nb.Theorem7Gap(1.5, 0.1)]
ENDS = (1e-300, 1e-20, 1.0, 1e20, 1e300)


def extreme(thresholds=ENDS, scales=ENDS):
    """Settings at the ends of the floats: one unit, and batches of 8 units, clipped alike or by a schedule."""
    for threshold in thresholds:
        growing = [cb.clipping.GrowingClip(1.0, threshold), cb.clipping.GrowingClip(threshold, 1.5)]
        for method in (
            cb.methods.ClippedSGD(0.5, cb.clipping.NormClip(threshold)),
            *(cb.methods.PerSampleClippedSGD(0.5, clip, batch_size=8) for clip in growing),
        ):
            for scale in scales:
                yield cb.Setting(QUADRATIC, cb.noise.Gaussian(scale), method)


def numbers(bound, setting):
    """1 if the bound gives numbers, 0 if it is refused in a table or one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            value = bound.value(setting, [1, 10, 1000])
    except HypothesesFail:
        return 0
    assert not np.isnan(value).any()
    return 1


def test_no_bound_of_the_package_is_nan_at_the_ends_of_the_floats():
    """Every bound that applies gives numbers or one sentence."""
    found = {}
    for setting in extreme():
        for bound in [*applicable(setting), *FAST]:
            found.setdefault(bound.name, []).append(numbers(bound, setting))
    assert len(found) >= 10 and min(sum(values) for values in found.values()) >= 5  # none is refused everywhere


def test_nor_are_the_bounds_on_whole_runs():
    cases = [case for case in extreme((1e-300, 1e300), (1.0,)) if case.method.samples_per_step == 8]
    assert {numbers(bound, case) for bound in SLOW for case in cases} == {0, 1}


@pytest.mark.full
@pytest.mark.parametrize("bound", SLOW, ids=lambda b: b.name)
def test_nor_are_they_anywhere(bound):
    assert sum(numbers(bound, case) for case in extreme((1e-20, 1.0, 1e20), (1.0,))) >= 5


@pytest.mark.parametrize(
    "clip", [cb.clipping.GrowingClip(1.0, 1e-3), cb.clipping.NormClip(1e-320), cb.clipping.GrowingClip(1e308, 1.0)]
)
def test_thresholds_out_of_range_fail_in_the_table(clip):
    """They raised a sentence about MeanStep, an IndexError or an OverflowError, and `compare` died with them."""
    setting = cb.Setting(QUADRATIC, cb.noise.Gaussian(1.0), cb.methods.PerSampleClippedSGD(0.5, clip, 8))
    run = cb.simulate(setting, 4, 8)
    for verdict in cb.compare(run, [nb.Theorem3Star(1.5), *SLOW]).verdicts:
        assert verdict.verdict == "does not apply"
        (row,) = [line for line in verdict.reason.splitlines() if line.startswith("1e-150 <= tau_k <= 1e150")]
        assert row.endswith("FAILS")


def test_a_threshold_beyond_the_floats_is_no_threshold():
    clip = cb.clipping.GrowingClip(1.0, 1e-3)
    assert [clip.threshold_at(k) for k in (0, 1, 2)] == [1.0, 2.0**1000, np.inf]  # 3^1000 overflows
    method = cb.methods.PerSampleClippedSGD(0.5, clip, 8)
    assert method.step_bound(1) == np.inf
