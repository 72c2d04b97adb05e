"""Enclosures against sampled means, by the script that makes the table of docs/numerics.md with ten million trajectories."""

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module("exact_against_sampling")


@pytest.mark.full
@pytest.mark.parametrize("law", range(4))
def test_enclosures_lie_in_the_band_of_sampled_means_and_moved_ones_do_not(script, law):
    """200,000 trajectories of 1000 steps. False alarm: 1e-6 for the proved bands of a law together, and about as much for normal scores.

    The control: a mean moved by three half widths of the band is outside, and one moved by ten standard errors has a score beyond 5.
    """
    noise = list(script.LAWS.values())[law]
    run = script.sampled(noise, 200_000)
    found = list(script.compared(run, noise, 1e-6 / 15))
    assert len(found) == 15
    for name, step, mean, band, middle, width, score in found:
        error = abs(mean - middle) / abs(score)
        assert abs(mean - middle) <= band + width, (name, step)
        assert abs(score) < 5.5, (name, step)  # 15 scores beyond that: 6e-7
        assert abs(mean - (middle + 3 * band)) > band + width and abs(mean - middle - 11.5 * error) > 5.5 * error
        assert width < 0.1 * error  # the enclosure is finer than what sampling sees


def test_few_trajectories_and_what_a_wrong_mean_would_be(script):
    """The mean of another step size is seen: x_0 = 1, eta = .11 for .1, at step 10."""
    noise = script.LAWS["two-point, q = .5"]
    run = script.sampled(noise, 6400)
    found = {
        (name, step): (mean, band, middle) for name, step, mean, band, middle, *_ in script.compared(run, noise, 1e-8)
    }
    mean, band, middle = found["mean_gradient_norm", 10]
    wrong = float(
        script.cb.simulate(
            script.setting_of(noise).replace(method=script.setting_of(noise).method.replace(step_size=0.11)),
            10, engine="exact", checkpoints=[10],
        )["mean_gradient_norm"][0]
    )  # fmt: skip
    assert abs(mean - middle) <= band < abs(mean - wrong)
    assert np.isfinite([end for row in found.values() for end in row]).all()
