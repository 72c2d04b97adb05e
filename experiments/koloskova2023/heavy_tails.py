"""Heavy tails: with p moments the floor falls only like c^{-(p-1)}.

The two-point family with E|xi|^p = sigma^p attains u*_p(c); its members are simulated on f = x²/2. The exact stationary
gradient of one-sided Pareto noise of the same p-th moment lies below.
"""

import numpy as np

import clipbounds as cb
from clipbounds.report import Outcome, Row, style, within
from clipbounds.report.digits import rounded
from clipbounds.verdict import bands, fit_slope

SIGMA, CONFIDENCE = 1.0, 0.999
EXPONENTS = (1.2, 1.5, 1.8)


def run(lab):
    thresholds = np.geomspace(1, 100, lab.choose(4, 7, 13))
    trajectories = lab.choose(256, 256, 1024)
    share = 1 - (1 - CONFIDENCE) / (len(EXPONENTS) * len(thresholds))
    figure, axes = style.figure()
    rows, data, done = [], {}, 0
    for p, colour, marker in zip(EXPONENTS, style.SERIES, style.MARKERS, strict=False):
        floor = np.array([cb.worst_case.floor(c, SIGMA, p) for c in thresholds])
        found = []
        for c in thresholds:
            # of the maximiser of a flat maximum half of the digits are the processor's own, and the floor does not see them;
            # with six of them the simulation is the same one everywhere
            skew = rounded(cb.worst_case.floor_noise(c, SIGMA, p).skew, 6)
            noise = cb.noise.TwoPoint(SIGMA / cb.noise.TwoPoint(1.0, skew).moment(p) ** (1 / p), skew)
            start = cb.worst_case.two_point_fixed_point(c, noise.sigma, noise.skew)
            # a spike moves the iterate by eta c; it must stay small beside the floor, and spikes must be seen often
            step_size = 0.02 * start / c
            spike = noise.skew**2 / (1 + noise.skew**2)
            steps = int(min(lab.choose(2e4, 3e5, 2e6), max(200 / step_size, 400 / spike)))
            method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(c))
            setting = cb.Setting(cb.problems.Quadratic(1.0, start), noise, method)
            values = lab.simulate(setting, steps, trajectories, checkpoints=[steps]).mean_gradient_norm[-1].values
            found.append((values.mean(), *bands.normal(values.size, values.mean(), values.var(ddof=1), share)))
            done += 1
            lab.step(done, len(EXPONENTS) * len(thresholds), f"p = {p}, c = {c:.3g}")
        mean, low, high = np.array(found).T
        pareto = cb.noise.Pareto(p + 0.1, 1.0)
        pareto = cb.noise.Pareto(p + 0.1, SIGMA / pareto.moment(p) ** (1 / p))
        exact = np.array([abs(cb.worst_case.stationary_gradient(pareto, c)) for c in thresholds])
        fit = fit_slope(thresholds, mean)
        floor_slope = fit_slope(thresholds, floor).slope
        far = np.array([1e20, 1e21])  # the slope -(p-1) is an asymptote, reached slowly for p near 1
        tail = fit_slope(far, cb.worst_case.floor(far, SIGMA, p)).slope
        off = np.max(np.maximum(np.abs(low / floor - 1), np.abs(high / floor - 1)))
        verdict = within(low, high, floor, 0.05)
        verdict = "violated" if abs(tail + p - 1) > 1e-3 else verdict  # u*_p is exact: its slope has no error
        rows.append(
            Row(
                f"p = {p}: the floor of the worst noise is u*_p(c), which falls like c^-(p-1) for large c",
                f"f = x²/2, two-point noise with E|xi|^p = 1, {len(thresholds)} thresholds in [1, 100] sigma, {trajectories} trajectories; normal bands, 5 %",
                f"band within {100 * off:.1f} % of u*_p; slope {fit.slope:.3f} (u*_p: {floor_slope:.3f}, at c = 1e20 {tail:.4f})",
                f"u*_p(c), slope -> {1 - p:.1f}",
                float(np.max(mean / floor)),
                verdict,
                reason=f"the band reaches {100 * off:.1f} % away" if verdict == "undecided" else "",
            )
        )
        style.measured(axes, thresholds, mean, low, high, f"$p={p}$, worst two-point noise", colour, marker)
        axes.plot(thresholds, floor, "-", color=colour, linewidth=1)
        axes.plot(thresholds, exact, ":", color=colour, linewidth=1)
        data[f"p={p}"] = {
            "c/sigma": thresholds,
            "measured": mean,
            "low": low,
            "high": high,
            "u*_p": floor,
            "Pareto": exact,
        }
    axes.set(
        xscale="log", yscale="log", xlabel="threshold $c/\\sigma_p$", ylabel="stationary $\\|\\nabla f\\|/\\sigma_p$"
    )
    axes.set_title("Heavy tails: the floor falls like $c^{-(p-1)}$ (lines: $u^*_p$)")
    axes.plot([], [], ":", color="black", linewidth=1, label="one-sided Pareto noise, exact")
    axes.legend()
    return Outcome(rows, figure, data)
