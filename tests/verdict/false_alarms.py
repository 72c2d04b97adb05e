"""The rate of false verdicts of the bets alone in the cells of `alarm_cells`, with Clopper-Pearson limits.

A false "holds" is an upper bound just below the true mean that is confirmed, a
false "violated" one just above it that is rejected: the band excludes the mean. `python false_alarms.py` prints the table
of the page on verdicts.
"""

import sys
import time

import numpy as np
from alarm_cells import CELLS, FIRST, LAWS, true_mean

import clipbounds as cb
from clipbounds.verdict import clopper_pearson, measured_range
from clipbounds.verdict.means import Bets, facts_of
from clipbounds.verdict.sequential import look_error

CONFIDENCES = (0.99, 0.999)
LOOKS = 4  # until decided, at 256, 512, 1024 and 2048 trajectories


def false_alarms(cell, confidences, seeds, first_seed=0, looks=LOOKS, mean=None):
    """For each confidence the numbers of false "holds" and false "violated" of `seeds` runs, one look and until decided.

    The bounds lie five standard errors of the true mean beyond it. Shape (confidences, 2, 2).
    """
    centre, error = true_mean(cell) if mean is None else mean
    below, above = centre - 5 * error, centre + 5 * error
    setting, steps = cell.setting, np.array([cell.steps])
    facts = facts_of(setting, "gradient_norm", steps, measured_range(setting, "gradient_norm", steps))
    sizes = FIRST * 2 ** np.arange(looks)
    plans = []
    for delta in 1 - np.array(confidences):
        until = [Bets(facts, int(n), look_error(delta, k + 1) / 2) for k, n in enumerate(sizes)]
        plans.append((([FIRST], [Bets(facts, FIRST, delta / 2)]), (sizes, until)))
    wrong = np.zeros((len(confidences), 2, 2), dtype=int)
    group = max(1, 2**15 // int(sizes[-1]))
    for start in range(0, seeds, group):
        many = min(group, seeds - start)
        run = cb.simulate(
            setting, cell.steps, int(many * sizes[-1]), seed=first_seed + start, checkpoints=steps, threads=1
        )
        x = run["gradient_norm"].values[0].reshape(many, -1).T
        for k, modes in enumerate(plans):
            for mode, (at, bets) in enumerate(modes):
                wrong[k, mode] += [int(np.sum(word)) for word in _decided(x, at, bets, below, above)]
    return wrong


def _decided(x, sizes, plans, below, above):
    """Whether each sample, at one of the looks, gives a false "holds", a false "violated"."""
    holds = violated = False
    for n, plan in zip(sizes, plans, strict=True):
        holds = holds | plan.excludes(x[:n], 0, larger=below)
        violated = violated | plan.excludes(x[:n], 0, smaller=above)
    return holds, violated


def main(seeds):
    print(
        "| law | | T | confidence | one look: holds, violated | until decided: holds, violated | limit of the worst |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for cell in CELLS:
        began = time.process_time()
        mean = true_mean(cell)
        for confidence, (one, until) in zip(
            CONFIDENCES, false_alarms(cell, CONFIDENCES, seeds, mean=mean), strict=True
        ):
            limits = clopper_pearson(max(one.max(), until.max()), seeds, 0.99)
            clipped = f"c = {LAWS[cell.law][1]:g}" if cell.clipped else "unclipped"
            print(
                f"| {cell.law} | {clipped} | {cell.steps} | {confidence} | {one[0]}, {one[1]} | {until[0]}, {until[1]} |"
                f" {limits[0]:.2g} to {limits[1]:.2g} |",
                flush=True,
            )
        print(f"{cell} {mean} {time.process_time() - began:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
