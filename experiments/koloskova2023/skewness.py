"""The bias needs skewness: along the two-point family the floor is the parabola sigma q - c q².

f = x²/2, c = sigma = 1. Symmetric noise (q = 1) has the whole interval [0, sigma - c] as stationary points, here the
point 0; the parabola is largest at q = sigma/(2c).
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style, within
from clipbounds.verdict import bands

SIGMA, THRESHOLD, STEP_SIZE, CONFIDENCE = 1.0, 1.0, 1e-3, 0.999


def run(lab):
    skews = np.linspace(0.1, 0.9, lab.choose(5, 9, 17))
    steps = lab.choose(20_000, 200_000, 800_000)
    trajectories = lab.choose(256, 256, 1024)
    parabola = np.array([cb.worst_case.two_point_fixed_point(THRESHOLD, SIGMA, q) for q in skews])
    share = 1 - (1 - CONFIDENCE) / len(skews)
    found = []
    for k, (q, start) in enumerate(zip(skews, parabola, strict=True)):
        method = cb.methods.ClippedSGD(STEP_SIZE, cb.clipping.NormClip(THRESHOLD))
        setting = cb.Setting(cb.problems.Quadratic(1.0, start), cb.noise.TwoPoint(SIGMA, q), method)
        values = lab.simulate(setting, steps, trajectories, checkpoints=[steps]).mean_gradient_norm[-1].values
        found.append((values.mean(), *bands.guarded_normal(values, share)))
        lab.step(k + 1, len(skews), f"q = {q:.2g}")
    mean, low, high = np.array(found).T
    off = np.max(np.maximum(np.abs(low / parabola - 1), np.abs(high / parabola - 1)))
    largest = skews[np.argmax(mean)]
    rows = [
        Row(
            "Under two-point noise of skewness q the stationary gradient is sigma q - c q²",
            f"f = x²/2, c = sigma = 1, eta = {STEP_SIZE:g}, T = {steps:.2g}, {trajectories} trajectories, {len(skews)} skewnesses; normal band",
            f"band within {100 * off:.2f} % of the parabola; largest at q = {largest:.2g}",
            "sigma q - c q², 3 % at this eta",
            float(np.max(mean / parabola)),
            verdict := within(low, high, parabola, 0.03),
            reason="the band reaches beyond 3 %" if verdict == "undecided" else "",
        )
    ]
    figure, axes = style.figure()
    fine = np.linspace(0, 1, 200)
    axes.plot(fine, SIGMA * fine - THRESHOLD * fine**2, "-", color=style.FLOOR, label="$\\sigma q - c q^2$")
    axes.axhline(
        cb.worst_case.floor(THRESHOLD, SIGMA), color=style.UPPER, linewidth=1, label="$u^*(c,\\sigma)$, worst case"
    )
    style.measured(axes, skews, mean, low, high)
    axes.set(xlabel="skewness $q$ of the two-point noise", ylabel="stationary $\\|\\nabla f\\|/\\sigma$")
    axes.set_title("The bias against the skewness ($c = \\sigma$)")
    axes.legend(loc="lower center")
    data = {"skewness": {"q": skews, "measured": mean, "low": low, "high": high, "parabola": parabola}}
    return Outcome(rows, figure, data, [(theory.StochasticFloor(), setting), (theory.FiniteLowerBound(), setting)])
