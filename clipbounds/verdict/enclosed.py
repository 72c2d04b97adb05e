"""A bound against an enclosure of the mean: no sampling, so no confidence is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .case import Case, Verdict


def judge_enclosure(case: Case) -> Verdict:
    """ "holds" or "violated" where the whole enclosure is on one side of the bound, else "undecided"."""
    sample, bound = case.sample, case.bound
    rest: dict[str, Any] = {"method": "exact", "measured": sample.mean, "low": sample.smallest, "high": sample.largest}
    if bound.aggregate != "mean":
        words = "a probability" if bound.aggregate == "probability" else "every trajectory"
        return case.says(
            "undecided",
            f"the bound speaks of {words}, the exact engine of means: simulate with engine='sample'",
            **rest,
        )
    beyond = case.beyond(sample.smallest, sample.largest)
    if beyond.any():
        return case.violated(beyond, **rest)
    inside = case.inside(sample.smallest, sample.largest)
    if inside.all():
        return case.says("holds", "", **rest)
    step = int(sample.steps[~inside][0])
    return case.says(
        "undecided",
        f"the enclosure contains the bound at step {step}: simulate with a smaller tolerance",
        **rest,
        open=True,
    )
