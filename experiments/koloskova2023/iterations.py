"""Deterministic clipped GD: any threshold works, and c enters only below the target accuracy.

Iterations until ‖grad f‖ <= eps against c. The instance is the one that makes D1 tight: a Huber function whose slope is
eps (1 + 1e-9) started at f - f* = F0, so that the gradient stays just above eps until the quadratic end. The knee sits at
c = eps: the count is flat above it and falls like 1/c below it. A quadratic is shown beside it: on it the threshold
matters only through the time spent far away.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style
from clipbounds.verdict import fit_slope

EPS, INITIAL_GAP, CURVATURE, STEP_SIZE = 0.05, 1.0, 1.0, 0.04


def first_hit(lab, setting, eps, last):
    """First step at which ‖grad f‖ <= eps, exactly, by passes over ever finer checkpoints."""
    low, high = 0, last
    while high - low > 1:
        grid = np.unique(np.linspace(low, high, 200).astype(np.int64))
        norms = lab.simulate(setting, high, checkpoints=grid).gradient_norm[:, 0].values
        if not (norms <= eps).any():
            raise RuntimeError(f"‖grad f‖ stays above {eps} for {last} steps")
        index = int(np.argmax(norms <= eps))
        low, high = int(grid[max(index - 1, 0)]), int(grid[index])
        if index == 0:
            break
    return high


def method(threshold):
    return cb.methods.ClippedSGD(STEP_SIZE, cb.clipping.NormClip(threshold))


def hard_setting(threshold):
    slope = EPS * (1 + 1e-9)
    x0 = (INITIAL_GAP + slope**2 / (2 * CURVATURE)) / slope
    return cb.Setting(cb.problems.Huber(CURVATURE, slope, x0), cb.noise.NoNoise(), method(threshold))


def benign_setting(threshold):
    problem = cb.problems.Quadratic(CURVATURE, np.sqrt(2 * INITIAL_GAP / CURVATURE))
    return cb.Setting(problem, cb.noise.NoNoise(), method(threshold))


def run(lab):
    ratios = np.geomspace(0.03, 30, lab.choose(9, 19, 37))
    upper, lower, hard, benign = [], [], [], []
    for k, ratio in enumerate(ratios):
        c = ratio * EPS
        setting = hard_setting(c)
        upper.append(theory.iterations(setting, EPS))
        lower.append(theory.least_iterations(INITIAL_GAP, CURVATURE, STEP_SIZE, c, EPS))
        hard.append(first_hit(lab, setting, EPS, int(np.ceil(upper[-1])) + 1))
        benign.append(first_hit(lab, benign_setting(c), EPS, int(np.ceil(upper[-1])) + 1))
        lab.step(k + 1, len(ratios), f"c = {ratio:.2g} eps")
    upper, lower, hard = np.array(upper), np.array(lower), np.array(hard, dtype=float)

    below, above = ratios <= 1 / 3, ratios >= 3
    slopes = [fit_slope(ratios[part], hard[part]).slope for part in (below, above)]
    inside = bool(np.all((np.floor(lower) <= hard) & (hard <= np.ceil(upper))))
    # the negative control: a count 10 % smaller than D1 must be exceeded on these instances
    shrunk = int(np.sum(hard > 0.9 * upper))
    rows = [
        Row(
            "Iterations of clipped GD to ‖grad f‖ <= eps lie between D1-LB and D1 for every c",
            f"Huber with slope eps, F0 = 1, L = 1, eta = {STEP_SIZE}, {len(ratios)} thresholds in [0.03, 30] eps; exact counts",
            f"{int(hard.min())} to {int(hard.max())} iterations; 0.9 D1 is exceeded at {shrunk} of {len(ratios)} (control)",
            "D1-LB <= count <= D1",
            float(np.max(hard / upper)),
            "holds" if inside and shrunk == len(ratios) else "violated",
        ),
        Row(
            "Any threshold works: the count is flat for c >= eps and like 1/c for c < eps",
            "least-squares slopes in logarithms over c <= eps/3 and c >= 3 eps; tolerance .03",
            f"{slopes[0]:.3f} below, {slopes[1]:.3f} above",
            "-1 and 0",
            None,
            "holds" if abs(slopes[0] + 1) <= 0.03 and abs(slopes[1]) <= 0.03 else "violated",
        ),
    ]
    figure, axes = style.figure()
    style.upper(axes, ratios, upper, "D1 (upper)")
    style.measured(axes, ratios, hard, label="measured, Huber with slope ε")
    style.lower(axes, ratios, lower, "D1-LB (lower)")
    axes.plot(ratios, benign, "s", color=style.RECALLED, markersize=3, label="measured, quadratic")
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="threshold $c/\\varepsilon$",
        ylabel="iterations to $\\|\\nabla f\\| \\leq \\varepsilon$",
    )
    axes.set_title("Clipped GD: flat above the knee, slope −1 below")
    axes.legend()
    data = {"iterations": {"c/eps": ratios, "D1": upper, "measured": hard, "D1-LB": lower, "quadratic": benign}}
    stated = (theory.D1Iterations(EPS), theory.D1Refined(), theory.D1LowerBound())
    return Outcome(rows, figure, data, [(bound, hard_setting(EPS / 3)) for bound in stated])
