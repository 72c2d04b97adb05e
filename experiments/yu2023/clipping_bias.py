"""Where vanilla distributed clipping stops: simulated limits on the closed forms, without noise.

Left: two clients, a = (1, 3), b = (0, 10). Equal weights: below g* = 7.5 a whole interval of points is fixed. Weights
(2/3, 1/3): one point, 3 instead of 6 at c = 6. Right: a = (1, 1, 3), b = (0, 0, 10): smooth clipping with a fixed eps stops
at a distance that falls like 1/eps, and SClip-EF, whose eps grows, has no bias in the limit.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import (
    noiseless_error_limit,
    optimum,
    smooth_bias_limit,
    smooth_fixed_point,
    vanilla_fixed_points,
)
from clipbounds.bounds.yu2023.instances import CURVATURES, MINIMISERS, line_problem
from clipbounds.methods import DistributedClippedSGD, PowerSchedule, SClipEF
from clipbounds.problems import ClientQuadratics
from clipbounds.report import Outcome, Row, style

A, B, WEIGHTS = (1.0, 3.0), (0.0, 10.0), (2 / 3, 1 / 3)
TOLERANCE, STEPS = 1e-12, 6000


def limit(lab, problem, method, steps=STEPS):
    """The point where the method stops; it stays on its start's side of x*."""
    run = lab.simulate(cb.Setting(problem, cb.noise.NoNoise(), method), steps, 1, checkpoints=[steps])
    side = 1.0 if problem.x0[0] >= problem.minimiser[0] else -1.0
    return problem.minimiser[0] + side * float(run.distance[0, 0])


def run(lab):
    thresholds = np.array(lab.choose((3.0, 9.0), (0.5, 1.5, 3, 4.5, 6, 7, 7.5, 9, 10, 12, 14), np.arange(0.5, 15, 0.5)))
    ends, points, worst = [], [], 0.0
    for k, c in enumerate(thresholds):
        method = DistributedClippedSGD(0.2, cb.clipping.NormClip(c))
        low, high = vanilla_fixed_points(A, B, c)
        found = [limit(lab, ClientQuadratics.scalar(A, B, start), method) for start in (-5.0, 15.0)]
        ends.append(found)
        worst = max(worst, abs(found[0] - low), abs(found[1] - high))
        point = vanilla_fixed_points(A, B, c, WEIGHTS)[0]
        found = limit(lab, ClientQuadratics.scalar(A, B, -5.0, weights=WEIGHTS), method)
        points.append(found)
        worst = max(worst, abs(found - point))
        lab.step(k + 1, len(thresholds) + 2, f"c = {c:g}")

    smoothing = np.array(lab.choose((1e2, 1e4), (10, 1e2, 1e3, 1e4, 1e5), np.geomspace(10, 1e6, 11)))
    biases, smooth_worst = [], 0.0
    centre = optimum(CURVATURES, MINIMISERS)
    for eps in smoothing:
        width = float(np.sqrt(eps))
        step = PowerSchedule(0.3 * width)  # effective step .3 on curvatures up to 3
        problem = line_problem(x0=-2.0)
        found = limit(lab, problem, DistributedClippedSGD(step, cb.clipping.SmoothClip(1.0, width)), 2000)
        biases.append(centre - found)
        smooth_worst = max(smooth_worst, abs(found - smooth_fixed_point(CURVATURES, MINIMISERS, eps)))
    lab.step(len(thresholds) + 1, len(thresholds) + 2, "smooth operator")

    last = lab.choose(3_000, 300_000, 1_000_000)
    grid = np.unique(np.round(np.geomspace(10, last, 40)).astype(int))
    standard = cb.Setting(line_problem(x0=0.0), cb.noise.NoNoise(), SClipEF.standard(1.0, averaging=0.0))
    path = lab.simulate(standard, last, 1, checkpoints=grid)
    scaled = path.distance.values[:, 0] * (grid + 1.0) ** 0.6
    expected = abs(noiseless_error_limit(CURVATURES, MINIMISERS, 1.0))
    lab.step(len(thresholds) + 2, len(thresholds) + 2, "SClip-EF")

    rows = [
        Row(
            "Vanilla clipping stops at the closed form: an interval for equal weights, one biased point otherwise",
            f"a = (1, 3), b = (0, 10), {len(thresholds)} thresholds, three starts, {STEPS} steps, tolerance {TOLERANCE:g}",
            # what lies below the tolerance is rounding, other on every processor
            f"largest difference {'below the tolerance' if worst <= TOLERANCE else f'{worst:.2g}'}",
            f"{TOLERANCE:g}",
            None,
            "holds" if worst <= TOLERANCE else "violated",
        ),
        Row(
            "Smooth clipping with a fixed eps stops beside x*, at B/eps for large eps",
            f"a = (1, 1, 3), b = (0, 0, 10), {len(smoothing)} values of eps; tolerance {TOLERANCE:g} on the root",
            f"largest difference {'below the tolerance' if smooth_worst <= TOLERANCE else f'{smooth_worst:.2g}'}; eps·bias = {-smoothing[-1] * biases[-1]:.4f} at eps = {smoothing[-1]:g}",
            f"root of the mean; B = {smooth_bias_limit(CURVATURES, MINIMISERS):.4f}",
            None,
            "holds" if smooth_worst <= TOLERANCE else "violated",
        ),
        Row(
            "SClip-EF without noise: (x_t - x*) s^{3/5} tends to theta abar B/(tau (theta abar - 3/5))",
            f"theta = 1, beta = 0, t = {last:g}, within {lab.choose(5, 0.5, 0.5)} %",
            f"{-scaled[-1]:.5f}",
            f"{-expected:.5f}",
            float(scaled[-1] / expected),
            "holds" if abs(scaled[-1] / expected - 1) <= lab.choose(0.05, 0.005, 0.005) else "violated",
        ),
    ]
    figure, axes = style.figure(2, height=3.6)
    dense = np.linspace(0.05, thresholds.max() + 0.5, 400)
    low, high = np.array([vanilla_fixed_points(A, B, c) for c in dense]).T
    axes[0].fill_between(
        dense, low, high, color=style.SERIES[3], alpha=0.3, linewidth=0, label="fixed points, equal weights"
    )
    for found, label in zip(np.array(ends).T, ("limits, equal weights", None), strict=True):
        axes[0].plot(thresholds, found, "o", color=style.SERIES[0], label=label)
    axes[0].plot(
        dense,
        [vanilla_fixed_points(A, B, c, WEIGHTS)[0] for c in dense],
        "--",
        color=style.SERIES[5],
        label="fixed point, weights (2/3, 1/3)",
    )
    axes[0].plot(thresholds, points, "s", color=style.SERIES[5], label="limits, weights (2/3, 1/3)")
    for value in (optimum(A, B), optimum(A, B, WEIGHTS)):
        axes[0].axhline(value, color=style.FLOOR, linestyle=":", linewidth=1)
    axes[0].plot([], [], ":", color=style.FLOOR, linewidth=1, label="$x^*$ of either weights")
    axes[0].set(xlabel="threshold $c$", ylabel="limit of $x_t$", title="Vanilla distributed clipping")
    axes[0].legend(loc="lower right", fontsize=7)
    many = np.geomspace(smoothing.min(), smoothing.max(), 100)
    axes[1].plot(
        many,
        [centre - smooth_fixed_point(CURVATURES, MINIMISERS, e) for e in many],
        "-",
        color=style.SERIES[0],
        label="fixed $\\varepsilon$: root, against $\\varepsilon$",
    )
    axes[1].plot(smoothing, biases, "o", color=style.SERIES[0], label="fixed $\\varepsilon$: limits")
    axes[1].plot(
        many, -smooth_bias_limit(CURVATURES, MINIMISERS) / many, ":", color=style.FLOOR, label="$|B|/\\varepsilon$"
    )
    axes[1].plot(
        grid,
        scaled / (grid + 1.0) ** 0.6,
        "-",
        color=style.SERIES[1],
        label="SClip-EF, $\\theta=1$: $x^*-x_t$, against $t$",
    )
    axes[1].plot(
        grid,
        expected / (grid + 1.0) ** 0.6,
        "--",
        color=style.SERIES[5],
        linewidth=1,
        label="its limit law $.810\\,t^{-3/5}$".replace(".810", f"{expected:.3f}"),
    )
    axes[1].set(
        xscale="log",
        yscale="log",
        xlabel="$\\varepsilon$, or step $t$",
        ylabel="bias $|x - x^*|$",
        title="Smooth operator, no noise",
    )
    axes[1].legend(loc="lower left", fontsize=7)
    table = {
        "threshold": thresholds,
        "limit_low": np.array(ends)[:, 0],
        "limit_high": np.array(ends)[:, 1],
        "limit_weighted": points,
    }
    return Outcome(rows, figure, {"limits": table, "smooth": {"smoothing": smoothing, "bias": biases}})
