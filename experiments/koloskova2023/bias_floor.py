"""The stochastic bias: upper and lower bounds meet at u*(c, sigma), constant included.

Clipped SGD on f = x²/2 under the worst two-point noise, started where its mean step vanishes, against the exact floor
u*(c, sigma) = sigma²/(4c) for c >= sigma/2 and sigma - c below, with the closed bound S1, min(sigma, sigma²/4c) and the
recalled lower bound of the paper.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, row_from_verdicts, style, within
from clipbounds.verdict import bands

SIGMA, STEP_SIZE = 1.0, 5e-4
CHECKED = (0.5, 0.75, 1.0, 2.0, 4.0, 8.0)
CONFIDENCE = 0.999


def worst_setting(threshold, step_size=STEP_SIZE):
    """f = x²/2 with the two-point noise that attains the floor, at its fixed point."""
    noise = cb.worst_case.floor_noise(threshold, SIGMA)
    start = cb.worst_case.two_point_fixed_point(threshold, SIGMA, noise.skew)
    method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))
    return cb.Setting(cb.problems.Quadratic(1.0, start), noise, method)


def run(lab):
    steps = lab.choose(40_000, 400_000, 1_600_000)
    trajectories = lab.choose(256, 256, 1024)
    thresholds = np.unique(np.concatenate([CHECKED, np.geomspace(0.03, 30, lab.choose(5, 12, 25))]))
    means, lows, highs, verdicts = [], [], [], []
    upper_bounds = [theory.S0(), theory.S1(), theory.S2()]
    for k, c in enumerate(thresholds):
        setting = worst_setting(c)
        # for large thresholds the floor is small beside the fluctuations of the iterate; below c = .7 the worst noise leaves a
        # weak drift on one side, so that the proved spread is wide, and at c = .5 S0 is within 2 % of the mean
        more = 16 if c == 0.5 else 8 if c < 0.7 else 4 if c in CHECKED and c >= 4 else 1
        count = more * trajectories
        # `more` was chosen after a look at the seed of the lab; another one is judged
        result = lab.simulate(setting, steps, count, seed=lab.seed + 1, checkpoints=[steps // 10, steps])
        values = result.mean_gradient_norm[-1].values
        # the running means of one trajectory are bounded, so their mean over trajectories has a normal limit
        low, high = bands.guarded_normal(values, 1 - (1 - CONFIDENCE) / len(thresholds))
        means.append(values.mean()), lows.append(low), highs.append(high)
        verdicts.append(cb.compare(result, [*upper_bounds, theory.FiniteLowerBound()], CONFIDENCE).verdicts)
        lab.step(k + 1, len(thresholds), f"c = {c:.3g} sigma")
    means, lows, highs = map(np.array, (means, lows, highs))
    floor = cb.worst_case.floor(thresholds, SIGMA)

    chosen = np.isin(thresholds, CHECKED)
    worst = np.max(np.maximum(np.abs(lows / floor - 1), np.abs(highs / floor - 1))[chosen])
    control = np.max(np.minimum(np.abs(lows / (0.9 * floor) - 1), np.abs(highs / (0.9 * floor) - 1))[chosen])
    check = f"f = x²/2, worst two-point noise, eta = {STEP_SIZE:g}, T = {steps:.2g}, {trajectories} trajectories a threshold (8 times as many below c = .7, 16 at c = .5, 4 at c = 4, 8)"
    rows = [
        Row(
            f"The clipping bias is exactly u*(c, sigma): stationary |grad f| within 1 % for c/sigma in {', '.join(f'{c:g}' for c in CHECKED)}",
            f"{check}; normal band, {CONFIDENCE} simultaneous",
            f"band within {100 * worst:.2f} % of u* (and {100 * control:.0f} % off 0.9 u*, the control)",
            "u*(c, sigma), 1 %",
            float(np.max((means / floor)[chosen])),
            verdict := within(lows[chosen], highs[chosen], floor[chosen], 0.01),
            reason="the band reaches beyond 1 % at this budget" if verdict == "undecided" else "",
        )
    ]
    statements = {
        "S0": "E mean ‖grad f‖ <= S0 (sharp bound, one-dimensional maximum)",
        "S1": "E mean ‖grad f‖ <= S1 (closed form, L-smooth)",
        "S2": "E mean ‖grad f‖ <= S2 (closed form, (L0,L1)-smooth)",
        "FiniteLowerBound": "E mean ‖grad f‖ >= the finite lower bound, which tends to u*",
    }
    for index, (name, claim) in enumerate(statements.items()):
        rows.append(row_from_verdicts(claim, check, [v[index] for v in verdicts], bound=name))
    figure, axes = style.figure()
    fine = np.geomspace(0.03, 30, 80)
    curves = {bound.name: [float(bound.value(worst_setting(c), steps)) for c in fine] for bound in upper_bounds[:2]}
    style.upper(axes, fine, curves["S0"], "S0, sharp upper bound")
    axes.plot(fine, curves["S1"], "-", color=style.UPPER, linewidth=0.8, alpha=0.7, label="S1, closed upper bound")
    axes.plot(
        fine,
        cb.worst_case.floor(fine, SIGMA),
        "-",
        color=style.FLOOR,
        linewidth=1,
        label="$u^*(c,\\sigma)$, exact floor",
    )
    style.measured(axes, thresholds, means, lows, highs, "measured, worst noise")
    axes.plot(
        fine, np.minimum(1, 1 / (4 * fine)), "-.", color=style.OTHER, linewidth=1, label="$\\min(\\sigma,\\sigma^2/4c)$"
    )
    style.recalled(
        axes, fine, np.where(fine <= 2, 1 / 12, 1 / (6 * fine)), "paper's lower bound, constants unconfirmed"
    )
    axes.set(xscale="log", yscale="log", xlabel="threshold $c/\\sigma$", ylabel="stationary $\\|\\nabla f\\|/\\sigma$")
    axes.set_title("Stochastic bias of clipped SGD: the exact floor")
    axes.set_ylim(2e-3, 2)
    axes.legend()
    data = {
        "floor": {"c/sigma": thresholds, "measured": means, "low": lows, "high": highs, "u*": floor},
        "upper": {"c/sigma": fine, **curves},
    }
    stated = [*upper_bounds, theory.FiniteLowerBound(), theory.StochasticFloor(), theory.RecalledFloor()]
    return Outcome(rows, figure, data, [(bound, worst_setting(1.0)) for bound in stated])
