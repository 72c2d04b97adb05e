"""No step size removes the bias: clipped SGD stops at u*, plain SGD goes to 0 like sqrt(eta).

f = x²/2 under the same two-point noise (sigma = 1, the worst one for c = 1): the late-time mean of ‖grad f‖ against eta.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style, within
from clipbounds.verdict import bands, fit_slope

SIGMA, THRESHOLD, CONFIDENCE = 1.0, 1.0, 0.999


def run(lab):
    step_sizes = np.geomspace(1, 1e-4, lab.choose(5, 9, 17))
    times = lab.choose(40, 200, 800)  # eta·T
    trajectories = lab.choose(256, 256, 1024)
    noise = cb.worst_case.floor_noise(THRESHOLD, SIGMA)
    start = cb.worst_case.two_point_fixed_point(THRESHOLD, SIGMA, noise.skew)
    floor = cb.worst_case.floor(THRESHOLD, SIGMA)
    table = {}
    for name, method, x0 in (
        ("clipped", lambda eta: cb.methods.ClippedSGD(eta, cb.clipping.NormClip(THRESHOLD)), start),
        ("plain", cb.methods.SGD, 0.0),
    ):
        rows = []
        for k, eta in enumerate(step_sizes):
            steps = int(np.ceil(times / eta))
            setting = cb.Setting(cb.problems.Quadratic(1.0, x0), noise, method(eta))
            result = lab.simulate(setting, steps, trajectories, checkpoints=[steps // 5, steps])
            # mean over the last four fifths, the first fifth being the transient
            means = result.mean_gradient_norm.values
            late = (steps * means[1] - (steps // 5) * means[0]) / (steps - steps // 5)
            share = 1 - (1 - CONFIDENCE) / (2 * len(step_sizes))
            rows.append((late.mean(), *bands.guarded_normal(late, share)))
            lab.step(k + 1, len(step_sizes), f"{name} SGD, eta = {eta:.1g}")
        table[name] = np.array(rows).T
    small = step_sizes <= 0.1
    fit = fit_slope(step_sizes[small], table["plain"][0][small])
    last = table["clipped"][:, -1]
    control = fit_slope(step_sizes[small], table["clipped"][0][small])
    check = f"f = x²/2, two-point noise q = {noise.skew:g}, eta from 1 to 1e-4, eta T = {times}, {trajectories} trajectories, normal bands"
    decided = within(last[1], last[2], floor, 0.01)
    rows = [
        Row(
            "As eta -> 0 clipped SGD stops at u*(c, sigma)",
            check,
            f"{last[0]:.5f} in [{last[1]:.5f}, {last[2]:.5f}] at eta = 1e-4",
            f"u* = {floor:g}, 1 %",
            float(last[0] / floor),
            decided,
            reason="the band reaches beyond 1 %" if decided == "undecided" else "",
        ),
        Row(
            "Plain SGD on the same noise goes to 0 like sqrt(eta)",
            f"{check}; slope over eta <= .1, tolerance .03",
            f"slope {fit.slope:.3f} ± {fit.standard_error:.3f} (clipped SGD, the control: {control.slope:.3f})",
            "0.5",
            None,
            "holds" if abs(fit.slope - 0.5) <= 0.03 else "violated",
        ),
    ]
    figure, axes = style.figure()
    axes.axhline(floor, color=style.FLOOR, linewidth=1, label="$u^*(c,\\sigma)$")
    for (name, values), colour, marker in zip(table.items(), style.SERIES, style.MARKERS, strict=False):
        style.measured(axes, step_sizes, *values, label=f"{name} SGD", color=colour, marker=marker)
    axes.plot(
        step_sizes,
        np.sqrt(step_sizes / np.pi),
        ":",
        color=style.RECALLED,
        label="$\\sqrt{\\eta/\\pi}\\,\\sigma$ (guide)",
    )
    axes.set(
        xscale="log", yscale="log", xlabel="step size $\\eta$", ylabel="late-time mean of $\\|\\nabla f\\|/\\sigma$"
    )
    axes.set_title("A smaller step does not remove the clipping bias ($c = \\sigma$)")
    axes.legend()
    columns = {"eta": step_sizes}
    clipped = cb.Setting(
        cb.problems.Quadratic(1.0, start), noise, cb.methods.ClippedSGD(step_sizes[-1], cb.clipping.NormClip(THRESHOLD))
    )
    for name, values in table.items():
        columns |= {f"{name} {what}": v for what, v in zip(("mean", "low", "high"), values, strict=True)}
    return Outcome(rows, figure, {"step_size": columns}, [(theory.StochasticFloor(), clipped)])
