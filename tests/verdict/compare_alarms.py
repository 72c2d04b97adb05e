"""False verdicts of `compare` itself, one look and until decided: the cells of `alarm_cells`, end to end, 5000 seeds a cell.

Each comparison has two upper bounds, five standard errors below and above the true mean of |x_T|: the first must not "hold", the
second must not be "violated", and both together may err with probability 1 - confidence. `python compare_alarms.py`
prints the table of the page on verdicts. Every cell has seeds of its own: with a common seed the cells of one law would see the
same noise, and a limit of the pooled rate needs independent runs.

`compare` computes both ends of a band by bisection, about 10 ms a look, though only one question is asked of it: does the
band exclude the bound? It does only where the wealth of the bets against the bound reaches 1/delta, as the end of a band is
a mean that is rejected and the wealth does not increase in the mean. So `suspects` evaluates the wealth once for all
seeds, at every look; `compare` itself then judges the seeds where a false verdict is possible, and besides the first
ones of every cell, where both must agree.
"""

import sys
import time

import numpy as np
from alarm_cells import CELLS, FIRST, LAWS, true_mean
from toy_bounds import Level

import clipbounds as cb
from clipbounds.verdict import clopper_pearson, measured_range
from clipbounds.verdict.case import limit_of
from clipbounds.verdict.means import Bets, facts_of
from clipbounds.verdict.sequential import look_error

BUDGET = 1024  # until decided there are looks at 256, 512 and 1024 trajectories
SEEDS = 5000  # of a cell: no false verdict among them gives a 99 % limit below .001
DIRECT = 100  # of them `compare` judges whatever the wealth is
GROUP = 50  # seeds whose wealth is evaluated together
ROUNDING = 1e-6  # of the logarithm of the wealth: a sum of a thousand rounded terms
MODES = {  # confidence, until
    "one look, .99": (0.99, None),
    "one look, .999": (0.999, None),
    "until decided, .99": (0.99, "decided"),
    "until decided, .999": (0.999, "decided"),
}


def truth(cell):
    """True mean and its standard error, from as many paths as a few seconds allow."""
    return true_mean(cell, count=200_000 if cell.steps == 100 else 1_000_000)


def first_seed(cell):
    return 1_000_000 + 10_000 * CELLS.index(cell)


def bounds_of(mean):
    centre, error = mean
    return Level(centre - 5 * error), Level(centre + 5 * error)


def simulated(cell, seed, count):
    return cb.simulate(
        cell.setting, cell.steps, count, seed=first_seed(cell) + seed, checkpoints=[cell.steps], threads=1
    )


def suspects(cell, mean, seeds, modes=MODES):
    """Whether `compare` may give a false verdict at some look, shape (modes, seeds)."""
    steps = np.array([cell.steps])
    below, above = (limit_of(bound, cell.setting, np.array([bound.level]), steps)[0] for bound in bounds_of(mean))
    facts = facts_of(cell.setting, "gradient_norm", steps, measured_range(cell.setting, "gradient_norm", steps))
    sizes = [FIRST * 2**k for k in range(int(np.log2(BUDGET // FIRST)) + 1)]
    looks = {}  # for each mode, the bets at each look: two bounds, two sides
    for mode, (confidence, until) in modes.items():
        shares = [look_error(1 - confidence, k + 1) for k in range(len(sizes))] if until else [1 - confidence]
        looks[mode] = [Bets(facts, n, share / 4) for n, share in zip(sizes, shares, strict=False)]
    found = np.zeros((len(modes), seeds), dtype=bool)
    for start in range(0, seeds, GROUP):
        group = range(start, min(start + GROUP, seeds))
        x = np.stack([simulated(cell, seed, BUDGET).gradient_norm.values[0] for seed in group], axis=1)
        for row, bets in enumerate(looks.values()):
            for n, bet in zip(sizes, bets, strict=False):
                for wealth, candidate in (
                    (bet.over(x[:n], 0), bet.above[0] - below),  # a false "holds"
                    (bet.below(x[:n], 0), above),  # a false "violated"
                ):
                    if wealth.shares.any():
                        found[row, group] |= wealth.log(candidate) >= wealth.target - ROUNDING
    return found


def false_verdicts(cell, mean, seeds=SEEDS, direct=DIRECT, modes=MODES):
    """For each mode the numbers of false "holds" and of false "violated", shape (modes, 2), and how many seeds `compare` judged."""
    suspect = suspects(cell, mean, seeds, modes)
    wrong, judged = np.zeros((len(modes), 2), dtype=int), 0
    for seed in np.flatnonzero(suspect.any(axis=0) | (np.arange(seeds) < direct)):
        run, judged = simulated(cell, int(seed), FIRST), judged + 1
        for row, (confidence, until) in enumerate(modes.values()):
            more = {"until": until, "budget": BUDGET, "threads": 1, "engine": "sample"} if until else {}
            low, high = cb.compare(run, bounds_of(mean), confidence, **more).verdicts
            false = np.array([low.verdict == "holds", high.verdict == "violated"])
            if false.any() and not suspect[row, seed]:
                raise AssertionError(f"{cell}, seed {seed}: a false verdict that the wealth did not announce")
            wrong[row] += false
    return wrong, judged


def main(seeds):
    print(f"| noise | threshold | {' | '.join(MODES)} | worst limit |")
    print("| --- | --- |" + " --- |" * (len(MODES) + 1))
    total, judged, began = np.zeros((len(MODES), 2), dtype=int), 0, time.process_time()
    for law in LAWS:
        for clipped in (False, True):
            cells = [cell for cell in CELLS if (cell.law, cell.clipped) == (law, clipped)]
            parts = [false_verdicts(cell, truth(cell), seeds) for cell in cells]
            wrong = np.array([part for part, _ in parts])  # (T, modes, 2)
            total, judged = total + wrong.sum(axis=0), judged + sum(count for _, count in parts)
            words = f"{LAWS[law][1]:g}" if clipped else "unclipped"
            entries = (
                ", ".join(" ".join(str(n) for n in wrong[:, row, side]) for side in (0, 1)) for row in range(len(MODES))
            )
            worst = clopper_pearson(wrong.max(), seeds, 0.99, sides=1)[1]
            print(f"| {law} | {words} | {' | '.join(entries)} | {worst:.2g} |", flush=True)
            print(f"{time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"{judged} of {seeds * len(CELLS)} seeds were judged by compare itself")
    for (mode, (confidence, _)), both in zip(MODES.items(), total, strict=True):
        count = seeds * len(CELLS)
        limit = clopper_pearson(both.sum(), count, 0.99, sides=1)[1]
        print(f"| {mode} | {both.sum()} of {count} | {limit:.2g} | {1 - confidence:.3g} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
