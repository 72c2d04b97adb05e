"""Add trajectories until every verdict is decided, without spoiling the confidence by looking repeatedly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exact import EXACT
from ..specs import check_integer
from .by_law import MOST_WORK, law_work, settled, work_of
from .comparison import Comparison
from .continuation import continued
from .decide import decide, drawn
from .looks import look_error, looks_of, next_look
from .provenance import count_of

if TYPE_CHECKING:
    from typing import Any

    import xarray as xr

    from ..array_types import FloatArray
    from ..bounds.base import Bound
    from ..methods.base import Setting
    from .case import Verdict


def follow(
    run: xr.Dataset,
    setting: Setting,
    bounds: list[Bound],
    confidence: float,
    error: float,
    draw: list[Bound],
    band: str | None,
    ranges: dict[Any, Any],
    until: str,
    budget: int | None,
    threads: int | None,
    engine: str,
    values: dict[int, FloatArray] | None = None,
) -> Comparison:
    """Look, add trajectories by the plan of `looks`, look again, until no verdict is open or the budget is used up.

    With engine = "auto", verdicts on means that are open when sampling has cost about what an enclosure costs, or at the
    end, are settled by the law of the iterate where the exact engine has it. When that is depends on the setting and the
    trajectories only, not on a clock. The number of the last look travels in the run (attrs["looks"]): a comparison of its own result goes on with the next look.
    `values`: as in `decide`.
    """
    if until != "decided":
        raise ValueError(f"compare: until must be None or 'decided', but {until!r} was given")
    if run.attrs["keep"] == EXACT:
        budget, engine = 0, "sample"  # there are no trajectories, and no more can help
    budget = check_integer(
        "compare", "budget", budget, min(count_of(run), 1), "the largest number of trajectories for until='decided'"
    )
    verdicts: list[Verdict] = []
    values = {} if values is None else values
    look, ahead, work = looks_of(run), 1, work_of(setting, int(run.attrs["steps"]))
    law = law_work(setting, int(run.attrs["steps"])) if engine == "auto" else np.inf
    while True:
        look += ahead
        now = decide(run, setting, bounds, confidence, look_error(error, look), band, ranges, values=values)
        # a verdict that was reached at an earlier look stands: every look has its own part of the error
        verdicts = [new if old.open else old for old, new in zip(verdicts or now, now, strict=True)]
        have = count_of(run)
        ahead = next_look(verdicts, have)
        # the budget is the size of the first look that reaches it
        while ahead > 1 and have * 2 ** (ahead - 1) >= budget:
            ahead -= 1
        more = min(have * (2**ahead - 1), budget - have)
        last = more < 1 or not any(v.open for v in verdicts)
        if law <= (MOST_WORK if last else work * (have + more)):
            verdicts, _ = settled(run, setting, bounds, verdicts, confidence)
            law, last = np.inf, last or not any(v.open for v in verdicts)
        if last:
            break
        run = continued(run, setting, more, threads)
    run = run.assign_attrs(looks=look)
    return Comparison(run, verdicts, drawn(run, setting, draw), confidence, [*bounds, *draw])
