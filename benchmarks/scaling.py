"""How time grows with trajectories, steps, dimension and threads, and memory with trajectories and steps."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cases import Case

import clipbounds as cb

DECADES = (1, 10, 100, 1000, 10_000)
PEAK = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import clipbounds as cb
from cases import Case

def peak():
    # ru_maxrss outlives exec, so a child would show what its parent needed
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

steps, trajectories = int(sys.argv[2]), int(sys.argv[3])
setting = Case(10, "gaussian").setting()
cb.simulate(setting, 10, 64, threads=2, keep="statistics")
before = peak()
cb.simulate(setting, steps, trajectories, threads=2, keep="statistics")
print(json.dumps([before, peak()]))
"""


def seconds(setting, steps, trajectories, threads, repeats):
    """Shortest time of a run that keeps statistics at its end."""
    times = []
    for seed in range(repeats):
        started = time.perf_counter()
        cb.simulate(
            setting, steps, trajectories, seed=seed, checkpoints=[steps], threads=threads, keep="statistics", chunk=4
        )
        times.append(time.perf_counter() - started)
    return min(times)


def slope(x, y):
    """Exponent of growth over the last decade, where the fixed costs of a call no longer count."""
    return float(np.log(y[-1] / y[-2]) / np.log(x[-1] / x[-2]))


def growth(decades=DECADES, repeats=3):
    """Seconds against 64·k trajectories, k steps and k dimensions; the others stay fixed."""
    curves = {
        "trajectories": ([64 * k for k in decades], lambda n: (10, 100, n)),
        "steps": ([100 * k for k in decades], lambda n: (10, n, 64)),
        "dimension": (list(decades), lambda n: (n, 1000, 64)),
    }
    seconds(Case(10, "gaussian").setting(), 10, 64, 1, 1)  # compiles or loads the kernels
    results = {}
    for name, (counts, shape) in curves.items():
        times = []
        for count in counts:
            dim, steps, trajectories = shape(count)
            times.append(seconds(Case(dim, "gaussian").setting(), steps, trajectories, 1, repeats))
        results[name] = {"count": counts, "seconds": times, "slope": slope(counts, times)}
    return results


def machine_gain(cores, repeats):
    """What the machine's cores give to work that shares nothing: our noise alone, filled on one core and on all.

    Virtual cores may share a physical one, or run slower when both are busy.
    """
    from peers import noise_floor

    runs = [noise_floor(Case(10, "gaussian")) for _ in range(cores)]  # each has a buffer of its own
    for run in runs:
        run(0, 1)
    ratios = []
    with ThreadPoolExecutor(cores) as pool:
        for seed in range(repeats):
            started = time.perf_counter()
            for run in runs:
                run(seed, 1)
            alone = time.perf_counter()
            list(pool.map(lambda run, seed=seed: run(seed, 1), runs))
            ratios.append((alone - started) / (time.perf_counter() - alone))
    return float(np.median(ratios))


def threads(repeats=9, work=2e8):
    """Time of one thread over the time of all cores, alternating; median over repetitions."""
    case, cores = Case(10, "gaussian", trajectories=4096, coordinate_steps=work), os.cpu_count()
    setting, ratios = case.setting(), []
    seconds(setting, 2, 64 * cores, cores, 1)  # loads the kernels
    for _ in range(repeats):
        one, all_cores = (seconds(setting, case.steps, case.trajectories, n, 1) for n in (1, cores))
        ratios.append(one / all_cores)
    gain = float(np.median(ratios))
    return {"cores": cores, "gain": gain, "machine": machine_gain(cores, repeats), "all": ratios}


def memory():
    """Peak resident memory (MiB) before and after a run with keep="statistics", each in a process of its own."""
    here = os.path.dirname(os.path.abspath(__file__))
    results = {}
    for name, runs in {
        "trajectories": [(10, 64 * k) for k in DECADES[1:]],
        "steps": [(10 * k, 640) for k in DECADES[:4]],
    }.items():
        peaks = []
        for steps, trajectories in runs:
            command = [sys.executable, "-c", PEAK, here, str(steps), str(trajectories)]
            peaks.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        column = 1 if name == "trajectories" else 0
        results[name] = {
            "count": [run[column] for run in runs],
            "before": [p[0] for p in peaks],
            "peak": [p[1] for p in peaks],
        }
    return results


def draw(report, path):
    """Time in three panels and memory in the fourth."""
    from clipbounds.report import style

    with style.context():
        figure, axes = style.figure(columns=2, rows=2, width=8.5)
        for axis, (name, curve) in zip(axes.flat, report["growth"].items(), strict=False):
            x = np.array(curve["count"], dtype=float)
            style.measured(axis, x, curve["seconds"], label=f"measured, slope {curve['slope']:.2f}")
            axis.plot(x, curve["seconds"][-1] * x / x[-1], "--", color=style.FLOOR, label="slope 1")
            axis.set(xscale="log", yscale="log", xlabel=name, ylabel="seconds, one thread")
            axis.legend()
        axis = axes.flat[3]
        for (name, curve), colour, marker in zip(report["memory"].items(), style.SERIES, style.MARKERS, strict=False):
            axis.plot(curve["count"], curve["peak"], marker=marker, color=colour, label=f"against {name}")
        axis.set(xscale="log", xlabel="trajectories, or steps", ylabel="peak resident memory (MiB)")
        axis.set_ylim(0, 1.5 * max(max(c["peak"]) for c in report["memory"].values()))
        axis.legend(loc="lower right")
        figure.savefig(path)
