"""What a verdict costs: trajectories and processor seconds until a bound 5 % beside the true mean is decided.

The cells of `alarm_cells` with T = 10. A bound 5 % above the mean of |x_T| must come to "hold", one 5 % below to be "violated", at
confidence .999, one thread, from 256 trajectories on, at most 2^17; the median of three seeds. `python verdict_costs.py` prints the
columns "now" of the page on verdicts. With PYTHONPATH at a checkout of the commit before 5d85b47 it prints the columns "before".
"""

import statistics
import time

from alarm_cells import CELLS, FIRST, LAWS, true_mean
from toy_bounds import Level

import clipbounds as cb

MARGIN, CONFIDENCE, MOST, SEEDS = 0.05, 0.999, 2**17, (1, 2, 3)


def cost(cell, level, seed):
    """(trajectories, seconds, verdict) of one comparison, its simulations included."""
    began = time.process_time()
    run = cb.simulate(cell.setting, cell.steps, FIRST, seed=seed, checkpoints=[cell.steps], threads=1)
    found = cb.compare(run, [Level(level)], CONFIDENCE, until="decided", budget=MOST, threads=1)
    return found.run.sizes["trajectory"], time.process_time() - began, found.verdicts[0].verdict


def words(cell, level, expected):
    """An entry of the table: the median of the seeds, and what came out if it is not what is expected."""
    costs = [cost(cell, level, seed) for seed in SEEDS]
    verdicts = [verdict for _, _, verdict in costs]
    count = statistics.median_low(n for n, _, _ in costs)
    if verdicts.count("undecided") >= 2:
        return f"undecided at {count}"
    wrong = sum(verdict not in (expected, "undecided") for verdict in verdicts)
    said = f": wrong for {wrong} of {len(SEEDS)} seeds" if wrong else ""
    return f"{count}, {statistics.median(seconds for _, seconds, _ in costs):.2g} s{said}"


def main():
    print("| noise | threshold | holds | violated |\n| --- | --- | --- | --- |")
    for cell in CELLS:
        if cell.steps == 10:
            cost(cell, true_mean(cell, count=50_000)[0], 0)  # kernels are compiled
            mean = true_mean(cell)[0]
            entries = words(cell, (1 + MARGIN) * mean, "holds"), words(cell, (1 - MARGIN) * mean, "violated")
            threshold = f"{LAWS[cell.law][1]:g}" if cell.clipped else "unclipped"
            print(f"| {cell.law} | {threshold} | {entries[0]} | {entries[1]} |", flush=True)


if __name__ == "__main__":
    main()
