"""Add trajectories until every verdict is decided, without spoiling the confidence by looking repeatedly."""

from ..specs import check_integer
from .comparison import Comparison
from .continuation import continued
from .decide import decide, drawn


def look_confidence(confidence, look):
    """Confidence of look k = 1, 2, ...: 1 - (1 - confidence)/(k(k+1)). The parts sum to 1 - confidence over all k."""
    return 1 - (1 - confidence) / (look * (look + 1))


def follow(run, setting, bounds, confidence, draw, band, ranges, until, budget, threads):
    """Look, double the trajectories, look again, until no verdict is open or the budget is used up."""
    if until != "decided":
        raise ValueError(f"compare: until must be None or 'decided', but {until!r} was given")
    budget = check_integer("compare", "budget", budget, 1, "the largest number of trajectories for until='decided'")
    verdicts, look = [None] * len(bounds), 0
    while True:
        look += 1
        now = decide(run, setting, bounds, look_confidence(confidence, look), band, ranges)
        # a verdict that was reached at an earlier look stands: every look has its own part of the error
        verdicts = [new if old is None or old.open else old for old, new in zip(verdicts, now, strict=True)]
        have = int(run.attrs["trajectories"])
        more = min(have, budget - have)
        if more < 1 or not any(v.open for v in verdicts):
            break
        run = continued(run, setting, more, threads)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence)
