"""`make bench`: ours beside the peers in one run, alternating; a table, JSON and a figure.

    python benchmarks/run.py [--quick] [--repeats N] [--compare FILE]

Results are cross-checked statistically before anything is timed. --quick compares the ratios with the committed ones
(benchmarks/results.json) and fails below 80 % of them.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from cases import grid
from peers import PEERS, noise_floor, ours

HERE = Path(__file__).parent
GUARD = 0.8


def agree(first, second):
    """Whether two samples of final gradient norms have the same mean, within six standard errors.

    The norm at the end has a finite variance: a clipped trajectory is bounded.
    """
    error = np.hypot(first.std(ddof=1) / np.sqrt(first.size), second.std(ddof=1) / np.sqrt(second.size))
    return abs(first.mean() - second.mean()) <= 6 * error + 1e-12


def clock(run, seed, threads):
    started = time.perf_counter()
    run(seed, threads)
    return time.perf_counter() - started


def measure(case, repeats, threads, console):
    """Median seconds of every runner for one case, alternating, and the ratios to ours."""
    runners = {"ours": ours(case), "noise alone": noise_floor(case)}
    runners |= {name: made for name, build in PEERS.items() if (made := build(case)) is not None}
    results = {name: run(1, threads) for name, run in runners.items()}  # warm-up, and the check
    wrong = [n for n, r in results.items() if r is not None and not agree(results["ours"], r)]
    if wrong:
        raise SystemExit(f"{case.name}: {', '.join(wrong)} and ours disagree; nothing is timed")
    times = {name: [] for name in runners}
    for repeat in range(repeats):
        for name, run in runners.items():
            times[name].append(clock(run, 2 + repeat, threads))
    scale = 1e9 / (case.trajectories * case.steps * case.dim)
    mine = np.array(times["ours"])
    rows = {}
    for name, seconds in times.items():
        ratio = np.array(seconds) / mine
        rows[name] = {
            "ns": median(seconds) * scale,
            "spread": (max(seconds) - min(seconds)) / median(seconds),
            "ratio": median(ratio),
        }
        console(
            f"    {name:14} {rows[name]['ns']:9.2f} ns a coordinate and step   {rows[name]['ratio']:7.2f} x ours   spread {rows[name]['spread']:.0%}"
        )
    return rows


def draw(table, path):
    from clipbounds.report import style

    with style.context():
        names = list(dict.fromkeys(n for rows in table.values() for n in rows))
        figure, axes = style.figure(width=7.5, height=0.28 * len(table) + 1.6)
        for name, colour, marker in zip(names, style.SERIES, style.MARKERS, strict=False):
            points = [(rows[name]["ns"], k) for k, rows in enumerate(table.values()) if name in rows]
            axes.plot(*zip(*points, strict=True), linestyle="none", marker=marker, color=colour, label=name)
        axes.set_yticks(range(len(table)), list(table))
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="nanoseconds a coordinate and step, one thread")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(path)


def guard(table, committed):
    """Ratios that have fallen below 80 % of the committed ones."""
    before = json.loads(committed.read_text())["one thread"]
    return [
        f"{case}, {name}: {rows[name]['ratio']:.2f} x, committed {before[case][name]['ratio']:.2f} x"
        for case, rows in table.items()
        for name in rows
        if name not in ("ours", "noise alone") and case in before and name in before[case]
        and rows[name]["ratio"] < GUARD * before[case][name]["ratio"]
    ]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="few cases, under a minute, compared with the committed ratios"
    )
    parser.add_argument("--repeats", type=int, default=None, help="timed repetitions (5; quick: 3)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results.json and results.png")
    options = parser.parse_args()
    repeats = options.repeats or (3 if options.quick else 5)
    report = {"machine": platform.processor() or platform.machine(), "cores": __import__("os").cpu_count()}
    for label, threads in (("one thread", 1),):
        table = {}
        print(label)
        for case in grid(options.quick):
            print(f"  {case.name}")
            table[case.name] = measure(case, repeats, threads, print)
        report[label] = table
    committed = HERE / "results.json"
    if options.save:
        committed.write_text(json.dumps(report, indent=1) + "\n")
        draw(report["one thread"], HERE / "results.png")
    if options.quick and committed.is_file():
        slower = guard(report["one thread"], committed)
        for line in slower:
            print(f"slower than {GUARD:.0%} of the committed ratio: {line}", file=sys.stderr)
        sys.exit(bool(slower))


if __name__ == "__main__":
    main()
