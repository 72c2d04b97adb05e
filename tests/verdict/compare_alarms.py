"""False verdicts of `compare` itself, one look and until decided: the cells of `false_alarms`, end to end.

Each comparison has two upper bounds, five standard errors below and above the true mean of |x_T|: the first must not "hold", the
second must not be "violated", and both together may err with probability 1 - confidence. `python compare_alarms.py`
prints the table of the page on verdicts. Every cell has seeds of its own: with a common seed the cells of one law would see the
same noise, and a limit of the pooled rate needs independent runs.
"""

import sys
import time

import numpy as np
from false_alarms import CELLS, FIRST, LAWS, true_mean
from toy_bounds import Level

import clipbounds as cb
from clipbounds.verdict import clopper_pearson

BUDGET = 1024  # until decided there are looks at 256, 512 and 1024 trajectories
MODES = {  # confidence, until, and the number of seeds a cell, chosen for a pooled limit below the nominal rate
    "one look, .99": (0.99, None, 100),
    "one look, .999": (0.999, None, 100),
    "until decided, .99": (0.99, "decided", 24),
    "until decided, .999": (0.999, "decided", 100),
}


def truth(cell):
    """True mean and its standard error, from as many paths as a few seconds allow."""
    return true_mean(cell, count=200_000 if cell.steps == 100 else 1_000_000)


def first_seed(cell):
    return 10_000 * (1 + CELLS.index(cell))


def false_verdicts(cell, mean, modes=MODES):
    """For each mode the numbers of false "holds" and of false "violated", shape (modes, 2)."""
    centre, error = mean
    bounds = [Level(centre - 5 * error), Level(centre + 5 * error)]
    wrong = np.zeros((len(modes), 2), dtype=int)
    for seed in range(max(seeds for _, _, seeds in modes.values())):
        run = cb.simulate(
            cell.setting, cell.steps, FIRST, seed=first_seed(cell) + seed, checkpoints=[cell.steps], threads=1
        )
        for row, (confidence, until, seeds) in enumerate(modes.values()):
            if seed < seeds:
                more = {"until": until, "budget": BUDGET, "threads": 1} if until else {}
                below, above = cb.compare(run, bounds, confidence, **more).verdicts
                wrong[row] += below.verdict == "holds", above.verdict == "violated"
    return wrong


def main():
    print("| noise | threshold | " + " | ".join(f"{mode}: holds, violated" for mode in MODES) + " |")
    print("| --- | --- |" + " --- |" * len(MODES))
    total, began = np.zeros((len(MODES), 2), dtype=int), time.process_time()
    for law in LAWS:
        for clipped in (False, True):
            wrong = sum(false_verdicts(c, truth(c)) for c in CELLS if (c.law, c.clipped) == (law, clipped))
            total += wrong
            words = f"{LAWS[law][1]:g}" if clipped else "unclipped"
            print(f"| {law} | {words} | " + " | ".join(f"{a}, {b}" for a, b in wrong) + " |", flush=True)
            print(f"{time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    for (mode, (confidence, _, seeds)), both in zip(MODES.items(), total, strict=True):
        count = seeds * len(CELLS)
        limit = clopper_pearson(both.sum(), count, 0.99, sides=1)[1]
        print(f"{mode}: {both.sum()} of {count}, rate at most {limit:.2g} (99 %), nominal {1 - confidence:.3g}")


if __name__ == "__main__":
    main()
