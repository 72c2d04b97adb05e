"""`make bench`: ours beside the peers in one run, alternating; tables, JSON and figures.

    python benchmarks/run.py [--quick] [--repeats N] [--save]

Results are cross-checked statistically before anything is timed. --quick compares the ratios with the committed ones
(benchmarks/results.json) and fails below 80 % of them.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scaling
from cases import grid, parallel_grid
from other_methods import other_methods
from peers import METHOD_PEERS, PARALLEL_PEERS, PEERS, noise_floor, ours
from startup import startup

HERE = Path(__file__).parent
GUARD = 0.8
NOT_PEERS = ("ours", "noise alone")


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


def measure(case, builders, repeats, threads):
    """Nanoseconds a coordinate and step (median, spread) of every runner, alternating, and the ratio to ours."""
    builders = {"ours": ours} | ({"noise alone": noise_floor} if threads == 1 else {}) | builders
    runners = {name: made for name, build in builders.items() if (made := build(case)) is not None}
    results = {name: run(1, threads) for name, run in runners.items()}  # warm-up, and the check
    wrong = [n for n, r in results.items() if r is not None and not agree(results["ours"], r)]
    if wrong:
        raise SystemExit(f"{case.name}: {', '.join(wrong)} and ours disagree; nothing is timed")
    times = {name: [] for name in runners}
    for repeat in range(repeats):
        for name, run in runners.items():
            times[name].append(clock(run, 2 + repeat, threads))
    scale = 1e9 / case.work
    mine = np.array(times["ours"])
    print(f"  {case.name}")
    rows = {}
    for name, seconds in times.items():
        rows[name] = {
            "ns": median(seconds) * scale,
            "spread": (max(seconds) - min(seconds)) / median(seconds),
            "ratio": float(median(np.array(seconds) / mine)),
            "shortest": min(seconds) / float(mine.min()),
        }
        print(
            "    {:14} {ns:9.2f} ns a coordinate and step  {ratio:8.2f} x ours   spread {spread:.0%}".format(
                name, **rows[name]
            )
        )
    return rows


def targets(report):
    """(what, measured, wanted, met) for the table of targets."""
    one, every = report["one thread"], report["all cores"]
    gaussian = one["quadratic, gaussian, d = 10"]

    def ratio(rows, name):
        return rows[name]["ratio"] if name in rows else None

    peers = [r["ratio"] for rows in one.values() for name, r in rows.items() if name == "C++"]
    rows = [
        ("against NumPy, d = 10", ratio(gaussian, "NumPy"), 7.0),
        ("against JAX, d = 10, all cores", ratio(every["quadratic, gaussian, d = 10"], "JAX"), 15.0),
        ("against NumPy + SciPy, stable, d = 10", ratio(one["quadratic, stable, d = 10"], "NumPy + SciPy"), 20.0),
        ("against C++, d = 10", ratio(gaussian, "C++"), 2.0),
        ("against C++, the worst case", min(peers) if peers else None, 1.0),
        ("against scalar Numba, d = 1", ratio(one["quadratic, gaussian, d = 1"], "Numba, scalar"), 4.0),
        ("noise floor over whole step, d = 10 (1/1.5)", ratio(gaussian, "noise alone"), 1 / 1.5),
        *[
            (f"against NumPy, {name}", row["NumPy"]["ratio"], least)
            for least, (name, row) in zip((10.0, 1.0), report["other methods"].items(), strict=True)
        ],
    ]
    if "threads" in report:
        rows.append((f"{report['threads']['cores']} threads against one", report["threads"]["gain"], 1.85))
    if "start-up" in report:
        warm = report["start-up"]["warm"]
        rows += [
            ("50 ms over a new combination", 0.05 / warm["new combination"], 1.0),
            ("2 s over import and first step, warm", 2 / warm["first step"], 1.0),
        ]
    return [(what, value, least, None if value is None else value >= least) for what, value, least in rows]


def draw(table, path):
    """Every case a line, every runner a marker."""
    from clipbounds.report import style

    with style.context():
        names = list(dict.fromkeys(n for rows in table.values() for n in rows))
        figure, axes = style.figure(width=7.5, height=0.28 * len(table) + 1.6)
        for name, colour, marker in zip(names, style.SERIES, style.MARKERS, strict=False):
            points = [(rows[name]["ns"], k) for k, rows in enumerate(table.values()) if name in rows]
            axes.plot(*zip(*points, strict=True), linestyle="none", marker=marker, color=colour, label=name)
        axes.set_yticks(range(len(table)), list(table))
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set(xscale="log", xlabel="nanoseconds a coordinate and step, one thread")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(path)


def fallen(rows, before):
    """Peers of one case whose ratio has fallen below 80 % of the committed one.

    The ratio of the shortest times, against the medians of an idle machine: other work only makes times longer.
    """
    return [
        name
        for name, row in rows.items()
        if name not in NOT_PEERS and name in before and row["shortest"] < GUARD * before[name]["ratio"]
    ]


def guard(plan, report, committed, repeats):
    """One line for each ratio that has fallen, and has again when its case was measured a second time."""
    lines, before = [], json.loads(committed.read_text())
    for label, cases, builders, threads in plan:
        for case in cases:
            known = before.get(label, {}).get(case.name, {})
            first = fallen(report[label][case.name], known)
            if first:
                print("measured again, because other work may have been in the way:")
                again = measure(case, builders, repeats, threads)
                lines += [
                    f"{label}, {case.name}, {name}: {again[name]['shortest']:.2f} x, committed {known[name]['ratio']:.2f} x"
                    for name in fallen(again, known)
                    if name in first
                ]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few cases, under a minute, against the committed ratios")
    parser.add_argument("--repeats", type=int, default=None, help="timed repetitions (5; quick: 3)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results.json, results.png, scaling.png")
    options = parser.parse_args()
    repeats, cores = options.repeats or (3 if options.quick else 5), os.cpu_count() or 1
    report = {"machine": platform.processor() or platform.machine(), "cores": cores, "load": os.getloadavg()[0]}
    if report["load"] > 0.5:
        print(f"the machine is not idle (load {report['load']:.1f}): expect wide spreads", file=sys.stderr)
    plan = (
        ("one thread", grid(options.quick), PEERS, 1),
        ("other methods", other_methods(options.quick), METHOD_PEERS, 1),
        ("all cores", parallel_grid(options.quick), PARALLEL_PEERS, cores),
    )
    for label, cases, builders, threads in plan:
        print(label)
        report[label] = {case.name: measure(case, builders, repeats, threads) for case in cases}
    if not options.quick:
        report["start-up"] = startup()
        report["threads"] = scaling.threads()
        report["growth"] = scaling.growth()
        report["memory"] = scaling.memory()
        for name in ("start-up", "threads", "growth", "memory"):
            print(name, json.dumps(report[name]))
    print("targets (at least)")
    for what, value, least, met in targets(report):
        shown = "   not measured" if value is None else f"{value:7.2f} {'met' if met else 'NOT met'}"
        print(f"  {what:45} {least:6.2f}  {shown}")
    committed = HERE / "results.json"
    if options.save:
        committed.write_text(json.dumps(report, indent=1) + "\n")
        draw(report["one thread"] | report["other methods"], HERE / "results.png")
        if not options.quick:
            scaling.draw(report, HERE / "scaling.png")
    elif options.quick and committed.is_file():
        slower = guard(plan, report, committed, repeats)
        for line in slower:
            print(f"slower than {GUARD:.0%} of the committed ratio: {line}", file=sys.stderr)
        sys.exit(bool(slower))


if __name__ == "__main__":
    main()
