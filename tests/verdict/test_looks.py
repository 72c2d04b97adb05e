"""Looks that are left out change neither the size nor the error of those that are made."""

import dataclasses

import numpy as np
import pytest
from toy_bounds import PLAIN, LevelOf, MeanSquare

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, StudentT
from clipbounds.problems import Quadratic
from clipbounds.verdict import sequential, until_decided
from clipbounds.verdict.case import Verdict
from clipbounds.verdict.first_look import first_count
from clipbounds.verdict.looks import FARTHEST, look_error, needed, next_look, share_of_band


def looks(monkeypatch, factor, start, budget):
    """(trajectories, error) of each look, and the verdict."""
    seen, decide = [], sequential.decide

    def spy(run, setting, bounds, confidence, error, *rest, **options):
        seen.append((run.sizes["trajectory"], error))
        return decide(run, setting, bounds, confidence, error, *rest, **options)

    monkeypatch.setattr(sequential, "decide", spy)
    found = until_decided(
        PLAIN,
        20,
        MeanSquare(factor),
        start=start,
        budget=budget,
        seed=3,
        confidence=0.9,
        checkpoints=[20],
        engine="sample",
    )
    return seen, found


@pytest.mark.parametrize(("start", "budget"), [(64, 64), (64, 8192), (100, 3000), (7, 500), (256, 257)])
@pytest.mark.parametrize("factor", [0.5, 0.95, 1.0, 1.05, 1.3])
def test_a_look_of_this_size_always_has_this_error(monkeypatch, start, budget, factor):
    seen, found = looks(monkeypatch, factor, start, budget)
    sizes = [start]
    while sizes[-1] < budget:
        sizes.append(min(2 * sizes[-1], budget))
    allowed = {size: look_error(1 - 0.9, k) for k, size in enumerate(sizes, 1)}
    assert all(error == allowed[count] for count, error in seen)
    counts = [count for count, _ in seen]
    assert counts == sorted(set(counts))
    assert found.run.attrs["looks"] == 1 + sizes.index(counts[-1])
    if found.verdicts[0].open:
        assert counts[-1] == budget


def test_looks_that_cannot_decide_are_left_out(monkeypatch):
    """The true mean as the bound: no look decides, and few are made; a wide margin needs one."""
    seen, _ = looks(monkeypatch, 1.0, 64, 2**13)
    assert len(seen) <= 1 + -(-7 // FARTHEST) + 1 and seen[-1][0] == 2**13
    seen, found = looks(monkeypatch, 30.0, 64, 2**13)
    assert len(seen) == 1 and found.verdicts[0].verdict == "holds"


def share(kind, value):
    return share_of_band(kind, *(np.array([v]) for v in (1.0, 0.0, 2.0, value)))


def test_how_much_a_band_has_to_shrink():
    # the limit is at this share of the half width above, or below, the mean
    for kind, value in (("upper", 1.25), ("upper", 0.75), ("lower", 0.75), ("lower", 1.25)):
        assert share(kind, value) == pytest.approx(0.25)
    assert share("upper", 1.0) == share_of_band("upper", *(np.array([v]) for v in (1.0, -np.inf, np.inf, 2.0))) == 0
    # of two checkpoints on the bound's side the harder one counts
    two = [np.array(v) for v in ([1.0, 1.0], [0.0, 0.0], [2.0, 2.0], [1.25, 1.5])]
    assert share_of_band("upper", *two) == pytest.approx(0.25)
    # one that lies beyond decides alone
    two[3] = np.array([0.5, 1.25])
    assert share_of_band("upper", *two) == pytest.approx(0.5)


def open_one(count):
    return Verdict("b", "upper", "gap", "undecided", method="betting", open=True, needed=count)


def test_how_far_ahead():
    assert needed(64, 0.25, np.inf) == 512 and needed(64, 0.0, np.inf) == np.inf
    assert needed(64, 0.25, 256) == 256 and needed(64, 0.9, 256) < 256 and needed(256, 0.25, 256) == 2048
    assert [next_look([open_one(n)], 64) for n in (65, 127, 128, 256, 512, 1e9, np.inf, np.nan)] == [
        1,
        1,
        1,
        2,
        3,
        3,
        3,
        1,
    ]
    assert next_look([open_one(100.0), open_one(512.0)], 64) == 3
    closed = dataclasses.replace(open_one(1e9), open=False)
    assert next_look([open_one(128.0), closed], 64) == 1 == next_look([], 64)


def first(setting, steps, value, quantity="mean_gradient_norm"):
    values = {}
    at = np.array([steps])
    return first_count(setting, steps, at, [LevelOf(value, "upper", quantity)], 1e-3, values), values


def test_the_first_look_is_as_small_as_what_is_proved_allows():
    line = cb.Setting(Quadratic([1.0], [1.0]), Gaussian(1.0), ClippedSGD(0.1, NormClip(1.0)))
    counts = [first(line, steps, 0.25)[0] for steps in (1000, 3000, 10_000)]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 64
    assert first(line, 10_000, 1e-4)[0] == 256  # a bound so small is not to be decided soon
    values = first(line, 1000, 0.25)[1]
    assert values[0] == 0.25  # what the bound is, is not asked again
    # nothing proved: 256, or where that would take long as many as are judged in the time
    open_ended = line.replace(method=cb.methods.ClippedSGD(0.1, NormClip(1.0), momentum=0.9), noise=StudentT(1.5, 1.0))
    assert first(open_ended, 1000, 0.25)[0] == 256 and first(open_ended, 10**6, 0.25)[0] == 64
    # what needs no band asks for nothing
    assert first_count(line, 10, np.array([10]), [], 1e-3, {}) == 256
    assert first_count(line, 10, np.zeros(0, dtype=int), [LevelOf(1.0, "upper")], 1e-3, {}) == 256


def test_a_look_at_256_is_not_passed_by_where_a_normal_band_begins():
    """A plane: what is proved is far from deciding, and the normal band decides."""
    plane = cb.Setting(Quadratic([1.0, 0.3], [1.0, 1.0]), Gaussian(0.1), ClippedSGD(0.1, NormClip(1.0)))
    mean = float(cb.simulate(plane, 300, 512, seed=5, checkpoints=[300]).mean_gradient_norm.mean())
    found = until_decided(plane, 300, LevelOf(1.02 * mean, "upper"), start=64, checkpoints=[300], engine="sample")
    assert found.verdicts[0].method == "asymptotic" and found.run.sizes["trajectory"] == 256


def test_the_parts_of_the_error_sum_to_it():
    parts = np.cumsum([look_error(0.1, k) for k in range(1, 5000)])
    assert parts[-1] <= 0.1 and parts[-1] > 0.0999  # and nearly all of it is used
