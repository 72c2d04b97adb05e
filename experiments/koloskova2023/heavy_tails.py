"""Heavy tails: with p moments the floor falls only like c^{-(p-1)}.

The two-point family with E|xi|^p = sigma^p attains u*_p(c); its members are simulated on f = x²/2. The exact stationary
gradient of one-sided Pareto noise of the same p-th moment lies below. At finite step and horizon the upper bound for p moments is S0*;
the adversary that keeps the same moment shows how much it leaves.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style, within
from clipbounds.report.digits import rounded
from clipbounds.verdict import bands, fit_slope

SIGMA, CONFIDENCE = 1.0, 0.999
EXPONENTS = (1.2, 1.5, 1.8)
# eta T = 400 and thresholds at which S0* is evaluated over the adversary; landing 8, or 2c where that is more
TIME, JOINT_STEPS, JOINT_THRESHOLDS = 400.0, (0.1, 0.01, 1e-3), (0.25, 1.0, 4.0)


def joint_cell(p, threshold, step_size):
    """S0* and the adversary on f = x²/2 from the floor, E|xi|^p = 1."""
    start = cb.worst_case.floor(threshold, SIGMA, p)
    method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))
    problem, steps = cb.problems.Quadratic(1.0, float(start)), round(TIME / step_size)
    landing = max(8, int(np.ceil(2 * threshold / SIGMA)))
    found = cb.worst_case.adversary(problem, step_size, threshold, SIGMA, steps, p, landing)
    setting = cb.Setting(problem, cb.noise.Adaptive(found.policy), method)
    return float(theory.S0Star(p).value(setting, steps)), found.value


def joint_row(p, table):
    """S0* over the adversary for one p."""
    c, eta, star, adversary = table.T
    ratio = star / adversary
    at = np.argmax(ratio)
    complete = bool(np.all(np.isfinite(ratio)) and np.all(adversary > 0))
    return Row(
        f"p = {p}: S0* is above the adversary that keeps E|xi|^p <= sigma^p",
        f"f = x²/2, eta T = {TIME:g}, {len(table)} cells: c = .25, 1, 4, eta = .1, .01, .001; evaluated, not simulated",
        f"S0*/adversary from {ratio.min():.4f} to {ratio.max():.3f} (c = {c[at]:g}, eta = {eta[at]:g}), median {np.median(ratio):.3f}",
        "at least 1",
        float(1 / ratio.min()),
        "holds" if complete and ratio.min() >= 1 else "violated",
    )


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
            found.append((values.mean(), *bands.guarded_normal(values, share)))
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
    for p in EXPONENTS:
        cells = [(c, eta) for eta in lab.choose(JOINT_STEPS[:1], JOINT_STEPS, JOINT_STEPS) for c in JOINT_THRESHOLDS]
        table = np.array([(c, eta, *joint_cell(p, c, eta)) for c, eta in cells])
        rows.append(joint_row(p, table))
        names = ("c/sigma", "eta", "S0*", "adversary")
        data[f"S0* p={p}"] = dict(zip(names, table.T, strict=True)) | {"ratio": table[:, 2] / table[:, 3]}
    axes.set(
        xscale="log", yscale="log", xlabel="threshold $c/\\sigma_p$", ylabel="stationary $\\|\\nabla f\\|/\\sigma_p$"
    )
    axes.set_title("Heavy tails: the floor falls like $c^{-(p-1)}$ (lines: $u^*_p$)")
    axes.plot([], [], ":", color="black", linewidth=1, label="one-sided Pareto noise, exact")
    axes.legend()
    return Outcome(rows, figure, data)
