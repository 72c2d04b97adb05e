"""SClip-EF on a ring of eight clients: the same mean squared error as on a server, consensus at the rate t^-2.

w_ii = w_{i,i±1} = 1/3, theta = .25, log-tailed noise, started at x* so that the noise alone makes the error. Server and ring
are different processes even under the same noise, so their errors are compared as paired means.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import Growth
from clipbounds.bounds.yu2023.instances import main_problem
from clipbounds.methods import Ring, SClipEF
from clipbounds.report import Outcome, Row, row_from_verdicts, style
from clipbounds.report.parallel import simulate_all
from clipbounds.verdict import bands
from clipbounds.verdict.mean_slopes import mean_slope

CLIENTS, THETA, CONFIDENCE = 8, 0.25, 0.99


def run(lab):
    steps = lab.choose(3_000, 100_000, 100_000)
    trajectories = lab.choose(64, 64, 512)
    problem = main_problem(distance=0.0, clients=CLIENTS)
    grid = np.unique(np.round(np.geomspace(1, steps, 60)).astype(int))
    jobs = {}
    for name, network in (("ring of 8", Ring(CLIENTS)), ("server", None)):
        setting = cb.Setting(problem, cb.noise.LogTailed(1.0), SClipEF.standard(THETA, network=network))
        jobs[name] = (setting, steps, trajectories, {"checkpoints": grid})
    runs = simulate_all(lab, jobs)
    late = grid >= steps / 10 - 1
    ring, server = (runs[name].squared_distance.values for name in ("ring of 8", "server"))
    mine, base = ring[late].mean(axis=0), server[late].mean(axis=0)
    ratio = mine.mean() / base.mean()
    low, high = bands.normal(trajectories, ratio, ((mine - ratio * base) / base.mean()).var(ddof=1), CONFIDENCE)
    consensus = runs["ring of 8"].consensus_error.values
    slope = [-v for v in mean_slope(grid[late], consensus[late], CONFIDENCE)]
    check = f"n = {CLIENTS}, d = 5, theta = {THETA}, {trajectories} runs, last decade of T = {steps:g}"
    word = "holds" if low >= 0.9 and high <= 1.1 else "violated" if low > 1.1 or high < 0.9 else "undecided"
    rows = [
        Row(
            "Ring of 8: the MSE of the mean iterate is the server's to 10 %",
            f"{check}, paired asymptotic {100 * CONFIDENCE:g} % band",
            f"ratio {ratio:.4f} ({low:.4f}..{high:.4f})",
            ".9 to 1.1",
            float(ratio),
            word,
            asserted=False,
            reason="" if word != "undecided" else "the band reaches beyond 10 %",
        ),
        Row(
            "Ring of 8: consensus error² falls with an exponent near 2",
            f"{check}, tolerance .15",
            f"slope {slope[0]:.3f} ({slope[2]:.3f}..{slope[1]:.3f}); {consensus[-1].mean():.2g} at T",
            "2; page 1.87 to 1.98 and about 1.5e-9",
            None,
            "holds" if abs(slope[0] - 2) <= 0.15 else "violated",
            asserted=False,
        ),
        row_from_verdicts(
            "Growth bound on the mean of the x_i, every run",
            check,
            [cb.compare(runs[name], [Growth()]).verdicts[0] for name in jobs],
            "Growth",
        ),
    ]
    figure, axes = style.figure(2, height=3.4)
    for name, values, colour in (("server", server, style.SERIES[0]), ("ring of 8", ring, style.SERIES[1])):
        mean = values.mean(axis=1)
        under, over = bands.normal(trajectories, mean, values.var(axis=1, ddof=1), CONFIDENCE)
        style.measured(axes[0], grid, mean, np.maximum(under, 0.1 * mean), over, label=name, color=colour, marker="")
    axes[0].set(ylabel="$E\\Vert \\bar x_t-x^*\\Vert^2$", title="Mean squared error")
    positive = consensus.mean(axis=1) > 0
    mean = consensus.mean(axis=1)[positive]
    axes[1].plot(grid[positive], mean, "-", color=style.SERIES[1], label="ring of 8")
    axes[1].plot(grid[late], 3 * mean[-1] * (grid[late] / steps) ** -2.0, ":", color=style.FLOOR, label="$t^{-2}$")
    axes[1].set(ylabel="mean of $\\Vert x_i-\\bar x\\Vert^2$", title="Consensus error")
    for panel in axes:
        panel.set(xscale="log", yscale="log", xlabel="step $t$")
        panel.legend(loc="lower left")
    table = {
        "step": grid,
        "server": server.mean(axis=1),
        "ring": ring.mean(axis=1),
        "consensus": consensus.mean(axis=1),
    }
    return Outcome(rows, figure, {"network": table})
