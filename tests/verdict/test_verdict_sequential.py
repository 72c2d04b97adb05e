"""Adding trajectories until a verdict is decided."""

import numpy as np
import pytest
from scipy.stats import binom
from toy_bounds import CHECKPOINTS, PLAIN, MeanSquare, only, run_of

import clipbounds as cb
from clipbounds.verdict import until_decided


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_until_decided_adds_trajectories_that_a_longer_run_would_have_had(keep):
    bound = MeanSquare(1.2)
    assert only(run_of(PLAIN, 128, keep), bound).verdict == "undecided"
    options = {"checkpoints": CHECKPOINTS, "keep": keep, "seed": 1, "engine": "sample"}
    found = until_decided(PLAIN, 50, bound, start=128, budget=2**15, **options)
    (verdict,) = found.verdicts
    assert verdict.verdict == "holds"
    total = found.run.attrs["trajectories"]
    assert 128 < total < 2**15 and total % 128 == 0
    whole = run_of(PLAIN, total, keep)
    for name in (
        ("gap", "gap_variance", "gap_largest", "diverged_at") if keep == "statistics" else ("gap", "diverged_at")
    ):
        assert np.allclose(found.run[name].values, whole[name].values, rtol=1e-12, atol=0)
    # the same as continuing a run by hand, and stopping is at the budget
    by_hand = cb.compare(run_of(PLAIN, 128, keep), bound, until="decided", budget=2**15, engine="sample")
    assert by_hand.run.attrs["trajectories"] == total
    stopped = until_decided(PLAIN, 50, MeanSquare(1.0), start=100, budget=300, **options)
    assert stopped.verdicts[0].verdict == "undecided" and stopped.run.attrs["trajectories"] == 300


def test_every_look_has_its_own_part_of_the_error():
    from clipbounds.verdict.looks import look_error

    parts = [look_error(0.1, k) for k in range(1, 2000)]
    assert sum(parts) <= 0.1 and parts[0] == pytest.approx(0.05)
    wrong = 0
    for seed in range(25):
        comparison = until_decided(
            PLAIN,
            20,
            MeanSquare(),
            start=64,
            budget=1024,
            seed=seed,
            confidence=0.8,
            keep="statistics",
            checkpoints=[5, 20],
            engine="sample",
        )
        wrong += comparison.verdicts[0].verdict != "undecided"
    assert wrong <= binom.isf(1e-6, 25, 0.2)
