"""A bound is a number or is refused: nan never reaches a verdict or a figure."""

import warnings
from typing import ClassVar

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, applicable
from clipbounds.bounds.nobile2026 import Theorem3

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
            assert np.all(Theorem3(p=p).value(per_sample(beta, batch), [1, 10, 1000]) == np.inf)
    assert np.all(np.isfinite(Theorem3(p=1.5).value(per_sample(1.5, batch), [1, 10, 1000])))


def test_no_bound_of_the_package_is_nan_at_the_ends_of_the_floats():
    """Every bound that applies gives numbers or one sentence."""
    ends = (1e-300, 1e-20, 1.0, 1e20, 1e300)
    for threshold in ends:
        for method in (
            cb.methods.ClippedSGD(0.5, cb.clipping.NormClip(threshold)),
            cb.methods.PerSampleClippedSGD(0.5, cb.clipping.GrowingClip(1.0, threshold), batch_size=8),
        ):
            for scale in ends:
                setting = cb.Setting(QUADRATIC, cb.noise.Gaussian(scale), method)
                for bound in applicable(setting):
                    try:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore", RuntimeWarning)
                            value = bound.value(setting, [1, 10, 1000])
                    except HypothesesFail:
                        continue
                    assert not np.isnan(value).any()
