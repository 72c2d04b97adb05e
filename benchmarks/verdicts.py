"""Core-seconds to a decided verdict: python benchmarks/verdicts.py [--before PYTHON|FILE] [--only TEXT] [--json FILE]

For each of forty settings (verdict_settings.py) and margins of 10, 3 and 1 %, the mean m of a quantity is measured once, and "the mean is at
most (1 + margin) m" and "at least (1 - margin) m" are decided at confidence .999 by `until_decided`, on one thread. Beside that:

* before: the same by another installation of clipbounds, whose Python is given (an older version to compare with), or the rows that such
  a run left in FILE.before, with the means that it decided about;
* plain: a vectorised NumPy loop, its seconds a trajectory times the number of trajectories from which a t interval of confidence .999 is
  as narrow as the margin. That number is taken from the measured standard deviation, as if it were known; on heavy
  tails the interval is not valid. So it is the best that the plain way can do, not what it costs to find out.

Times are CPU seconds, without compilation; what is proved about a setting is found again for each.
"""

import argparse
import functools
import gc
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np
from verdict_settings import entries

import clipbounds as cb

MARGINS = (0.1, 0.03, 0.01)
MOST, WORK = 2**17, 2**30  # trajectories, and coordinate updates of all of them
Z = 3.2905  # of a normal band of confidence .999


class Level(cb.bounds.Bound):
    """A number as a bound of the mean."""

    level: float
    side: str
    of: str

    source = "benchmark"

    @property
    def kind(self):
        return self.side

    @property
    def quantity(self):
        return self.of

    def evaluate(self, setting, steps):
        return self.level + 0 * steps


def timed(work):
    start = time.process_time()
    return work(), time.process_time() - start


def forget():
    """What the verdicts remember of settings, as in a new process."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper) and thing.__module__.startswith("clipbounds.verdict"):
            thing.cache_clear()


def measured(entry):
    """(mean, standard deviation) of the quantity, from trajectories and where it exists from its law."""
    count = int(np.clip(WORK / 2 / entry.work, 64, 2**14))
    run = cb.simulate(entry.setting, entry.steps, count, seed=99, checkpoints=[entry.steps], threads=1)
    values = run[entry.quantity].values[-1]
    mean = float(values.mean())
    if entry.quantity == "mean_gradient_norm" and cb.exact.why_not(entry.setting) is None:
        mean = float(cb.exact.mean_curves(entry.setting, entry.steps, [entry.steps]).mean_gradient_norm[0])
    return mean, float(values.std(ddof=1))


def decided(entry, mean, margin):
    """(words, trajectories, CPU seconds) of `until_decided` on the last checkpoint."""
    bounds = [
        Level((1 + margin) * mean, "upper", entry.quantity),
        Level((1 - margin) * mean, "lower", entry.quantity),
    ]
    budget = int(np.clip(2 ** math.floor(math.log2(WORK / entry.work)), 64, MOST))
    forget()
    found, seconds = timed(
        lambda: cb.verdict.until_decided(
            entry.setting, entry.steps, bounds, budget=budget, seed=1, checkpoints=[entry.steps], threads=1
        )
    )
    words = "/".join(v.verdict for v in found.verdicts)
    return words, int(found.run.attrs["trajectories"]), seconds


def ours(means):
    """Rows [setting, margin, words, trajectories, seconds] of this installation."""
    for entry in entries():
        if entry.name in means:
            decided(entry, means[entry.name][0], 0.5)  # compiles
            for margin in MARGINS:
                yield [entry.name, margin, *decided(entry, means[entry.name][0], margin)]


def before(python, means, path):
    """{(setting, margin): [words, trajectories, seconds]} of another installation; means and rows are left beside `path`."""
    with tempfile.TemporaryDirectory() as folder:
        given = os.path.join(folder, "means.json")
        with open(given, "w") as file:
            json.dump(means, file)
        answer = subprocess.run(
            [python, os.path.abspath(__file__), "--means", given], check=True, stdout=subprocess.PIPE, text=True
        )
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    if path:
        with open(path + ".before", "w") as file:
            json.dump([means, rows], file)
    return rows


def plain_seconds(entry):
    """CPU seconds of a trajectory in NumPy, at 256 of them."""
    count = 256
    return min(timed(lambda: entry.plain(count))[1] for _ in range(2)) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", help="the Python of another installation, or a file of rows of an earlier run")
    parser.add_argument("--only", default="", help="settings whose names contain this")
    parser.add_argument("--json", help="write the rows to this file")
    parser.add_argument("--means", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.means:
        with open(options.means) as file:
            for row in ours(json.load(file)):
                print(json.dumps(row), flush=True)
        return
    chosen = [entry for entry in entries() if options.only in entry.name]
    rows = []
    if options.before and options.before.endswith(".before"):
        with open(options.before) as file:
            facts, rows = json.load(file)
        chosen = [entry for entry in chosen if entry.name in facts]
        facts = {entry.name: facts[entry.name] for entry in chosen}
    else:
        facts = {entry.name: measured(entry) for entry in chosen}
        if options.before:
            rows = before(options.before, facts, options.json)
    old = {(name, margin): rest for name, margin, *rest in rows}
    plain = {entry.name: plain_seconds(entry) for entry in chosen}
    print(
        "| setting | margin | now | trajectories | CPU s | before | trajectories | CPU s | plain trajectories | CPU s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for name, margin, words, count, seconds in ours(facts):
        mean, spread = facts[name]
        needed = max(math.ceil((Z * spread / (margin * mean)) ** 2), 30)
        was = old.get((name, margin), ["-", 0, math.nan])
        row = [name, margin, words, count, seconds, *was, needed, needed * plain[name]]
        rows.append(row)
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row) + " |", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=0)
    for margin in MARGINS:
        these = [row for row in rows if row[1] == margin]
        words = [f"{margin:g}: decided {sum('undecided' not in row[2] for row in these)} of {len(these)}"]
        if old:
            same = [row for row in these if row[2] == row[5] and "undecided" not in row[2]]
            words.append(f"before {sum('undecided' not in row[5] for row in these)}")
            if same:
                ratios = sorted(row[7] / row[4] for row in same)
                words.append(
                    f"before/now on {len(same)} decided by both: median {median(ratios):.2f}, least {ratios[0]:.2f}"
                )
            spent = [row[7] / row[4] for row in these if "undecided" not in row[2]]
            if spent:
                words.append(f"spent before, decided or not: median {median(spent):.2f}")
        done = [row[9] / row[4] for row in these if "undecided" not in row[2]]
        if done:
            words.append(f"plain/now: median {median(done):.1f}")
        print("; ".join(words))


if __name__ == "__main__":
    sys.exit(main())
