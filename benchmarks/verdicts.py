"""Core-seconds to a decided verdict: python benchmarks/verdicts.py [--before PYTHON|FILE] [--only TEXT] [--json FILE]

For each of forty settings (verdict_settings.py) and margins of 10, 3 and 1 %, the mean m of a quantity is measured once, and "the mean is at
most (1 + margin) m" and "at least (1 - margin) m" are decided at confidence .999 by `until_decided`, on one thread. Beside that:

* before: the same by another installation of clipbounds, whose Python is given (an older version to compare with), or the rows that such
  a run left in FILE.before, with the means that it decided about;
* plain: a vectorised NumPy loop with the number of trajectories from which a t interval of confidence .999 is as narrow as the margin. That number is
  taken from the measured standard deviation, as if it were known; on heavy tails the interval is not valid. So it is the best that
  the plain way can do, not what it costs to find out;
* fixed: the same loop with the number of trajectories, fixed beforehand, from which empirical Bernstein's interval (Maurer and Pontil 2009) is as narrow as
  that, on the range that this package proves (a notebook has none). The spread is again taken as known. This is the plain way with a proof.

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
from clipbounds.verdict.ranges import measured_range

MARGINS = (0.1, 0.03, 0.01)
MOST, WORK = 2**17, 2**30  # trajectories, and coordinate updates of all of them
CONFIDENCE, Z = 0.999, 3.2905
PLAIN_WORK = 2**24


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


@functools.cache
def loop_seconds(name, count):
    (entry,) = (e for e in entries() if e.name == name)
    return min(timed(lambda: entry.plain(count))[1] for _ in range(2))


def plain_seconds(entry, count):
    """CPU seconds of the NumPy loop with so many trajectories; of as many as a second or two takes, and in proportion beyond them."""
    most = int(np.clip(PLAIN_WORK // entry.work, 64, 4096))
    return loop_seconds(entry.name, min(count, most)) * max(count / most, 1.0)


def fixed_count(entry, mean, spread, margin):
    """Trajectories that empirical Bernstein's interval needs, or None where no finite range is proved."""
    low, high = (float(v[0]) for v in measured_range(entry.setting, entry.quantity, np.array([entry.steps]), False))
    if not math.isfinite(high - low):
        return None
    log = math.log(4 / (1 - CONFIDENCE))  # both sides, and both terms of each
    # n solves margin·mean = spread sqrt(2 log/n) + 7 (high - low) log/(3 n), a quadratic in sqrt(n)
    a, b, c = margin * mean, spread * math.sqrt(2 * log), 7 * (high - low) * log / 3
    return math.ceil(((b + math.sqrt(b * b + 4 * a * c)) / (2 * a)) ** 2) + 1


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
    by_name = {entry.name: entry for entry in chosen}
    heads = ["setting", "margin"]
    for who in ("now", "before"):
        heads += [who, "trajectories", "CPU s"]
    heads += ["plain trajectories", "CPU s", "fixed trajectories", "CPU s"]
    print("| " + " | ".join(heads) + " |")
    print("| --- " * len(heads) + "|")
    rows = []
    for name, margin, words, count, seconds in ours(facts):
        mean, spread = facts[name]
        needed = max(math.ceil((Z * spread / (margin * mean)) ** 2), 30)
        was = old.get((name, margin), ["-", 0, math.nan])
        entry = by_name[name]
        fixed = fixed_count(entry, mean, spread, margin)
        row = [name, margin, words, count, seconds, *was, needed, plain_seconds(entry, needed)]
        row += ["-", math.nan] if fixed is None else [fixed, plain_seconds(entry, fixed)]
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
        for column, who in ((9, "plain"), (11, "fixed")):
            done = [row[column] / row[4] for row in these if "undecided" not in row[2] and row[column] == row[column]]
            if done:
                words.append(f"{who}/now on {len(done)}: median {median(done):.1f}")
        print("; ".join(words))


if __name__ == "__main__":
    sys.exit(main())
