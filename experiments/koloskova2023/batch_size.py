"""Batches help only if clipping comes after averaging: the floor falls like 1/B, per-sample clipping keeps it.

f = x²/2, c = 2 sigma. Clip after averaging: noise of skewness q = sigma/(2 c B), whose batch mean is nearly two-point and
nearly attains sigma²/(4 c B). Clip each sample: the worst two-point noise of a single sample, whose floor does not move.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style, within
from clipbounds.verdict import bands, fit_slope

SIGMA, THRESHOLD, STEP_SIZE, CONFIDENCE = 1.0, 2.0, 2e-4, 0.999


def run(lab):
    sizes = np.array(lab.choose([1, 4, 16], [1, 2, 4, 8, 16], [1, 2, 4, 8, 16, 32, 64]))
    steps = lab.choose(20_000, 100_000, 400_000)
    trajectories = lab.choose(256, 256, 1024)
    share = 1 - (1 - CONFIDENCE) / (2 * len(sizes))
    table = {"after averaging": [], "each sample": []}
    examples = []
    done = 0
    for per_sample, name in ((False, "after averaging"), (True, "each sample")):
        for size in sizes:
            q = SIGMA / (2 * THRESHOLD) / (1 if per_sample else size)
            start = cb.worst_case.floor(THRESHOLD, SIGMA / (1 if per_sample else np.sqrt(size)))
            method = cb.methods.ClippedSGD(
                STEP_SIZE, cb.clipping.NormClip(THRESHOLD), batch_size=int(size), per_sample=per_sample
            )
            setting = cb.Setting(cb.problems.Quadratic(1.0, start), cb.noise.TwoPoint(SIGMA, q), method)
            values = lab.simulate(setting, steps, trajectories, checkpoints=[steps]).mean_gradient_norm[-1].values
            table[name].append((values.mean(), *bands.guarded_normal(values, share)))
            done += 1
            lab.step(done, 2 * len(sizes), f"clip {name}, B = {size}")
        examples.append(setting)
    table = {name: np.array(rows).T for name, rows in table.items()}
    single = cb.worst_case.floor(THRESHOLD, SIGMA)
    floors = {"after averaging": single / sizes, "each sample": np.full(len(sizes), single)}
    check = f"f = x²/2, c = 2 sigma, two-point noise, eta = {STEP_SIZE:g}, T = {steps:.2g}, {trajectories} trajectories, normal bands"
    rows = []
    for name, slope in (("after averaging", -1.0), ("each sample", 0.0)):
        mean, low, high = table[name]
        fit = fit_slope(sizes, mean)
        # the slope of the means has no band of its own: beyond its tolerance it only keeps the row from holding
        verdict = within(low, high, floors[name], 0.1)
        verdict = "undecided" if verdict == "holds" and abs(fit.slope - slope) > 0.05 else verdict
        off = np.max(np.maximum(np.abs(low / floors[name] - 1), np.abs(high / floors[name] - 1)))
        what = "sigma²/(4 c B)" if slope else "sigma²/(4c) for every B"
        rows.append(
            Row(
                f"Clipping {name}: the floor is {what}",
                f"{check}; slope tolerance .05, band within 10 %",
                f"slope {fit.slope:.3f}, band within {100 * off:.1f} % of the floor",
                what,
                float(np.max(mean / floors[name])),
                verdict,
                reason="the band or the slope reaches beyond the tolerance" if verdict == "undecided" else "",
            )
        )
    figure, axes = style.figure()
    for (name, values), colour, marker in zip(table.items(), style.SERIES, style.MARKERS, strict=False):
        axes.plot(
            sizes, floors[name], "-", color=style.FLOOR, linewidth=1, label="exact floor" if marker == "o" else None
        )
        style.measured(axes, sizes, *values, label=f"clip {name}", color=colour, marker=marker)
    axes.set_xscale("log", base=2)
    axes.set(yscale="log", xlabel="batch size $B$", ylabel="stationary $\\|\\nabla f\\|/\\sigma$")
    axes.set_title("Only clipping after averaging profits from a batch ($c = 2\\sigma$)")
    axes.legend()
    columns = {"B": sizes}
    for name, values in table.items():
        columns |= {f"{name} {what}": v for what, v in zip(("mean", "low", "high"), values, strict=True)}
    return Outcome(rows, figure, {"batch_size": columns}, [(theory.StochasticFloor(), example) for example in examples])
