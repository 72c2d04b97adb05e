"""What is data and what is not: copies, mixtures, averages and selections are refused; parts and longer runs count right."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom
from toy_bounds import NOISY, PLAIN, Level, MeanSquare, Reach, only, run_of

import clipbounds as cb
from clipbounds.verdict import until_decided


def refused(run, *words, bound=None):
    with pytest.raises(ValueError) as caught:
        cb.compare(run, bound or Level(1.0))
    text = str(caught.value)
    assert text.startswith("compare: ") and "\n" not in text
    for word in words:
        assert word in text


def joined(*runs):
    return xr.concat(runs, dim="trajectory", data_vars="minimal", coords="minimal", compat="override", join="override")


def test_copies_are_no_data():
    run = run_of(NOISY, 64)
    refused(joined(*[run] * 8), "trajectory 0 is in the run 8 times", "copies are no data")
    refused(run.isel(trajectory=[0, 1, 1, 2]), "trajectory 1 is in the run 2 times")


def test_runs_of_different_settings_or_seeds_do_not_mix():
    more = {"first_trajectory": 64, "checkpoints": [1, 5]}
    run = cb.simulate(NOISY, 5, 64, seed=1, checkpoints=[1, 5])
    other = NOISY.replace(method=cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(3.0)))
    refused(joined(run, cb.simulate(other, 5, 64, seed=1, **more)), "different settings or seeds")
    refused(joined(run, cb.simulate(NOISY, 5, 64, seed=2, **more)), "different settings or seeds")
    # another part of the same streams is data, and gives what one run gives
    whole = cb.simulate(NOISY, 5, 128, seed=1, checkpoints=[1, 5])
    a, b = (only(r, Level(0.2)) for r in (joined(run, cb.simulate(NOISY, 5, 64, seed=1, **more)), whole))
    assert (a.verdict, a.reason) == (b.verdict, b.reason) and np.array_equal(a.high, b.high)


def test_parts_of_a_run_count_their_trajectories():
    run = run_of(PLAIN, 512)
    part, short = run.isel(trajectory=slice(0, 100)), run_of(PLAIN, 100)
    assert np.array_equal(only(part, MeanSquare(1.5)).high, only(short, MeanSquare(1.5)).high)
    found = cb.compare(part, MeanSquare(), until="decided", budget=300, engine="sample")
    assert found.run.sizes["trajectory"] == 300 == found.run.attrs["trajectories"]
    assert np.unique(found.run["trajectory"]).size == 300
    # a run that was joined by hand is continued behind its last trajectory, whatever its attributes remember
    both = joined(run_of(PLAIN, 64), run_of(PLAIN, 64, first_trajectory=64))
    longer = cb.compare(both, MeanSquare(), until="decided", budget=256, engine="sample").run
    assert np.array_equal(longer["trajectory"], np.arange(256))
    assert np.array_equal(longer["gap"], run_of(PLAIN, 256)["gap"])


def test_averaged_masked_and_empty_runs_get_one_sentence():
    run, statistics = run_of(NOISY, 64), run_of(NOISY, 64, "statistics")
    refused(run.mean("trajectory", keep_attrs=True), "averaged")
    refused(run.isel(trajectory=slice(0, 0)), "no trajectories")
    refused(run.where(run["gap"].isel(checkpoint=-1) > 0.01), "masked")
    refused(run.drop_vars("trajectory"), "dropped")
    refused(run.drop_vars("diverged_at"), "dropped")
    refused(statistics.drop_vars("diverged_count"), "merged or averaged")
    refused(statistics.drop_vars("gradient_norm_variance"), "averages are no data")
    refused(xr.concat([statistics, statistics], dim="run"), "merged or averaged")
    refused(run.drop_vars("checkpoint"), "checkpoints")
    fewer = run.copy()
    fewer.attrs = {k: v for k, v in run.attrs.items() if k != "keep"}
    refused(fewer, "keep")
    assert only(run, Reach()).verdict == "holds"


def test_the_number_of_looks_travels_in_the_run():
    run = run_of(PLAIN, 64)
    first = cb.compare(run, MeanSquare(), until="decided", budget=256, engine="sample")
    assert first.run.attrs["looks"] == 3 and "looks" not in run.attrs
    second = cb.compare(first.run, MeanSquare(), until="decided", budget=512, engine="sample")
    assert second.run.attrs["looks"] == 5  # looks 4 (256 again) and 5
    # a single comparison of such a run is a look, too: its band is as wide as that of look 4
    again = only(first.run, MeanSquare(), confidence=0.9)
    alone = only(run_of(PLAIN, 256), MeanSquare(), confidence=1 - 0.1 / 20)
    assert np.allclose(again.high, alone.high, rtol=1e-5)


def test_comparing_a_result_again_and_again_keeps_the_confidence():
    """25 runs at confidence .8, each compared five times with its own result: at most a fifth decide the true mean."""
    wrong = 0
    for seed in range(25):
        found = until_decided(
            PLAIN,
            20,
            MeanSquare(),
            start=64,
            budget=128,
            seed=seed,
            confidence=0.8,
            checkpoints=[5, 20],
            engine="sample",
        )
        decided = found.verdicts[0].verdict != "undecided"
        for budget in (128, 256, 256, 512, 512):
            found = cb.compare(found.run, MeanSquare(), 0.8, until="decided", budget=budget, engine="sample")
            decided |= found.verdicts[0].verdict != "undecided"
        wrong += decided
    assert wrong <= binom.isf(1e-6, 25, 0.2)
