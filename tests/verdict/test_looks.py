"""Looks that are left out change neither the size nor the error of those that are made."""

import numpy as np
import pytest
from toy_bounds import PLAIN, MeanSquare

from clipbounds.verdict import sequential, until_decided
from clipbounds.verdict.case import Verdict
from clipbounds.verdict.looks import FARTHEST, look_error, next_look, share_of_band


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


def open_at(mean, low, high, value, kind="upper"):
    arrays = {name: np.atleast_1d(v).astype(float) for name, v in {"measured": mean, "low": low, "high": high, "value": value}.items()}  # fmt: skip
    return Verdict("b", kind, "gap", "undecided", method="betting", open=True, **arrays)


def test_how_far_ahead():
    # the limit is at this share of the half width above, or below, the mean
    for kind, value in (("upper", 1.25), ("upper", 0.75), ("lower", 0.75), ("lower", 1.25)):
        assert share_of_band(kind, *(np.array([v]) for v in (1.0, 0.0, 2.0, value))) == pytest.approx(0.25)
    # of two checkpoints on the bound's side the harder one counts
    two = [np.array(v) for v in ([1.0, 1.0], [0.0, 0.0], [2.0, 2.0], [1.25, 1.5])]
    assert share_of_band("upper", *two) == pytest.approx(0.25)
    # one that lies beyond decides alone
    two[3] = np.array([0.5, 1.25])
    assert share_of_band("upper", *two) == pytest.approx(0.5)
    assert next_look([open_at(1, 0, 2, 1.25)]) == 3
    assert next_look([open_at(1, 0, 2, 1.5)]) == 1
    assert next_look([open_at(1, 0, 2, 1.5), open_at(1, 0, 2, 1.25)]) == 3
    assert next_look([open_at(1, 0, 2, 1.0)]) == next_look([open_at(1, -np.inf, np.inf, 2.0)]) == FARTHEST
    assert next_look([]) == 1


def test_the_parts_of_the_error_sum_to_it():
    assert sum(look_error(0.1, k) for k in range(1, 5000)) <= 0.1
    # looks with half of it each, as a procedure that forgot to count them would spend
    assert sum(0.05 for _ in range(3)) > 0.1
