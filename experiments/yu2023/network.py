"""SClip-EF on a ring of eight clients: the same mean squared error as on a server, consensus at the rate t^-2.

w_ii = w_{i,i±1} = 1/3, log-tailed noise, the same for both, started at x*. At theta = .25, the value of the theory page, the
ring's early consensus error leaves an excess that the slowest mode forgets like t^{-2 theta mubar}: it is inside the bands of
both at T, but a paired comparison still sees it. At theta = .5 it is gone.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import Growth
from clipbounds.bounds.yu2023.instances import main_problem
from clipbounds.methods import Ring, SClipEF
from clipbounds.report import Outcome, Row, refusals, row_from_verdicts, style, within
from clipbounds.report.parallel import simulate_all
from clipbounds.verdict import bands, mean_slope

CLIENTS, CONFIDENCE = 8, 0.99
THETA, LARGER = 0.25, 0.5
# Of 256 runs at theta = .25 one carried a fifth of the variance, and no band was shown. If the largest stays, its share falls like
# 1/runs: three times as many, on a seed (added to the lab's) that was not used before.
TIMES, SEED = 3, 141


def paired(runs, theta, until):
    """Ratio of the means over the decade before `until`, ring to server, with the band of the delta method."""
    rows = (steps := runs["ring", theta].checkpoint.values) >= until / 10 - 1
    rows &= steps <= until
    mine, base = (runs[name, theta].squared_distance.values[rows].mean(axis=0) for name in ("ring", "server"))
    ratio = mine.mean() / base.mean()
    return ratio, *bands.guarded_normal(ratio + (mine - ratio * base) / base.mean(), CONFIDENCE)


def run(lab):
    steps = lab.choose(3_000, 100_000, 100_000)
    trajectories = lab.choose(256, 256, 512)
    problem = main_problem(distance=0.0, clients=CLIENTS)
    grid = np.unique(np.round(np.geomspace(1, steps, 60)).astype(int))
    jobs = {}
    for theta, until in ((THETA, steps), (LARGER, steps // 3)):
        for name, network in (("ring", Ring(CLIENTS)), ("server", None)):
            setting = cb.Setting(problem, cb.noise.LogTailed(1.0), SClipEF.standard(theta, network=network))
            options = {"checkpoints": np.append(grid[grid < until], until)}
            count = trajectories
            if theta == THETA:
                count, options["seed"] = TIMES * trajectories, lab.seed + SEED
            jobs[name, theta] = (setting, until, count, options)
    runs = simulate_all(lab, jobs)
    ring, server = (runs[name, THETA].squared_distance.values for name in ("ring", "server"))
    bands_at_end = {name: bands.guarded_normal(v[-1], CONFIDENCE) for name, v in (("ring", ring), ("server", server))}
    (ring_low, ring_high), (server_low, server_high) = bands_at_end["ring"], bands_at_end["server"]
    refused = refusals([bands.carried(ring[-1]), bands.carried(server[-1])])
    overlap = ring_low <= server_high and server_low <= ring_high
    early = steps < 100_000 and not overlap
    decades = [paired(runs, THETA, steps * 10.0**-k)[0] for k in range(int(np.log10(steps)) - 1, -1, -1)]
    ratio, low, high = paired(runs, LARGER, steps // 3)
    outside = (low > 1.1 or high < 0.9) and steps >= 100_000  # at the quick budget the start is not forgotten yet
    word = "holds" if low >= 0.9 and high <= 1.1 else "violated" if outside else "undecided"

    late = grid >= steps / 10 - 1
    consensus = runs["ring", THETA].consensus_error.values
    slope = [-v for v in mean_slope(grid[late], consensus[late], CONFIDENCE)]
    exponent = within(slope[2], slope[1], 2.0, 0.15 / 2)
    check = f"n = {CLIENTS}, d = 5, {{}} runs, asymptotic {100 * CONFIDENCE:g} % bands"
    many = check.format(TIMES * trajectories)
    rows = [
        Row(
            "Ring of 8: the MSE of the mean iterate is the server's within bands at T",
            f"{many}, theta = {THETA}, T = {steps:g}, bands of either mean",
            f"ring {ring[-1].mean():.3g} ({ring_low:.3g}..{ring_high:.3g}); paired ratio by decade "
            + ", ".join(f"{r:.2f}" for r in decades),
            f"server {server[-1].mean():.3g} ({server_low:.3g}..{server_high:.3g})",
            float(ring[-1].mean() / server[-1].mean()),
            "undecided" if refused or early else "holds" if overlap else "violated",
            asserted=False,
            reason=refused or ("the start is not forgotten yet at this budget" if early else ""),
        ),
        Row(
            "Ring of 8: once the start is forgotten the MSE is the server's to 10 %",
            f"{check.format(trajectories)}, theta = {LARGER}, paired, last decade of T = {steps // 3:g}",
            f"ratio {ratio:.4f} ({low:.4f}..{high:.4f})",
            ".9 to 1.1",
            float(ratio),
            word,
            asserted=False,
            reason="" if word != "undecided" else "the band reaches beyond 10 %: more steps or runs are needed",
        ),
        Row(
            "Ring of 8: consensus error² falls with an exponent near 2",
            f"{many}, theta = {THETA}, last decade of T = {steps:g}, tolerance .15",
            f"slope {slope[0]:.3f} ({slope[2]:.3f}..{slope[1]:.3f}); {consensus[-1].mean():.2g} at T",
            "2; page 1.87 to 1.98 and about 1.5e-9",
            None,
            exponent,
            asserted=False,
            reason="the band reaches beyond the tolerance, or one run carries too much of the variance for a band"
            if exponent == "undecided"
            else "",
        ),
        row_from_verdicts(
            "Growth bound on the mean of the x_i, every run",
            f"{len(jobs)} settings, {trajectories} or {TIMES * trajectories} runs each",
            [cb.compare(run, [Growth()]).verdicts[0] for run in runs.values()],
            "Growth",
        ),
    ]
    figure, axes = style.figure(2, height=3.4)
    for name, values, colour in (("server", server, style.SERIES[0]), ("ring of 8", ring, style.SERIES[1])):
        mean = values.mean(axis=1)
        under, over = bands.guarded_normal(values, CONFIDENCE)
        style.measured(axes[0], grid, mean, np.maximum(under, 0.1 * mean), over, label=name, color=colour, marker="")
    axes[0].set(ylabel="$E\\Vert \\bar x_t-x^*\\Vert^2$", title=f"Mean squared error, $\\theta={THETA}$")
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
    return Outcome(rows, figure, {"network": table}, [(Growth(), jobs["ring", THETA][0])])
