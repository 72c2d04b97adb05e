"""Convex problems: the gap falls like 1/T² while clipping binds and like 1/T afterwards.

Two panels. Left: the Huber instances that attain D2-LB, one for each T, between D2 and D2-LB. Right: clipped GD on one
cosh, whose gap must stay below D2 at every step.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, row_from_verdicts, style
from clipbounds.verdict import fit_slope

CURVATURE, DISTANCE, THRESHOLD, STEP_SIZE = 1.0, 100.0, 0.1, 0.5


def clipped(threshold=THRESHOLD, step_size=STEP_SIZE):
    return cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))


def hard_setting(steps):
    """The Huber function that keeps the largest gap for `steps` steps."""
    return theory.hardest_convex_huber(DISTANCE, CURVATURE, STEP_SIZE, THRESHOLD, steps)


def run(lab):
    horizons = np.unique(np.round(np.geomspace(10, 1e5, lab.choose(9, 25, 49))).astype(int))
    measured, upper, lower, verdicts = [], [], [], []
    bound = theory.D2LastIterate()
    for k, steps in enumerate(horizons):
        setting = hard_setting(int(steps))
        result = lab.simulate(setting, int(steps), checkpoints=[int(steps)])
        measured.append(float(result.gap[-1, 0]))
        verdicts.append(cb.compare(result, [bound, theory.D2LowerBound()]).verdicts)
        upper.append(float(bound.value(setting, steps)))
        lower.append(float(theory.D2LowerBound.of_class(setting, steps)))
        lab.step(k + 1, len(horizons), f"T = {steps}")
    measured, upper, lower = map(np.array, (measured, upper, lower))
    attained = np.max(np.abs(measured / lower - 1))
    exhausted = DISTANCE / (STEP_SIZE * THRESHOLD)  # steps that a clipped run needs to walk the distance
    late = horizons >= 5 * exhausted

    cosh = cb.Setting(cb.problems.Cosh(1.0, 1.0, 6.0), cb.noise.NoNoise(), clipped(0.5, 0.05))
    cosh_run = lab.simulate(cosh, 8000, checkpoints=np.unique(np.geomspace(1, 8000, 60).astype(int)))
    comparison = cb.compare(cosh_run, [theory.D2LastIterate(), theory.D3()])
    rows = [
        row_from_verdicts(
            "Convex, theta <= 1: f(x_T) - f* <= max(B, 2 L B²/c²), B = R0²/(2 eta T)",
            f"{len(verdicts)} Huber instances with R0 = {DISTANCE:g}, c = {THRESHOLD:g}, eta = {STEP_SIZE:g}, T from 10 to 1e5",
            [v[0] for v in verdicts],
            "D2 (a)",
        ),
        Row(
            "The lower bound D2-LB is attained by a Huber function for every T",
            f"{len(horizons)} horizons, exact comparison",
            f"largest |measured/bound - 1| {'below 1e-9' if attained <= 1e-9 else f'= {attained:.1e}'}; D2/D2-LB from {np.min(upper / lower):.3g} to {np.max(upper / lower):.3g}",
            "D2-LB",
            float(np.max(lower / measured)),
            "holds" if attained <= 1e-9 else "violated",
        ),
        Row(
            "Once the distance is walked the worst gap falls like 1/T",
            f"slope over T >= 5 R0/(eta c) = {5 * exhausted:g}, tolerance .03",
            f"slope {fit_slope(horizons[late], measured[late]).slope:.3f}",
            "-1",
            None,
            "holds" if abs(fit_slope(horizons[late], measured[late]).slope + 1) <= 0.03 else "violated",
        ),
    ]
    names = ("D2 on cosh x from x0 = 6, c = .5, eta = .05", "D3 (strong convexity) on the same run")
    for verdict, claim in zip(comparison.verdicts, names, strict=True):
        rows.append(row_from_verdicts(claim, "cosh, 8000 steps, exact comparison", [verdict]))

    figure, (left, right) = style.figure(2)
    style.upper(left, horizons, upper, "D2 (upper)")
    style.measured(left, horizons, measured, label="measured, worst Huber for each $T$")
    style.lower(left, horizons, lower, "D2-LB (lower)")
    left.axvline(exhausted, color="black", linewidth=0.8, linestyle=":")
    left.annotate("$T=R_0/(\\eta c)$", (exhausted, 1e6), xytext=(4, 0), textcoords="offset points", fontsize=8)
    left.set(xscale="log", yscale="log", xlabel="steps $T$", ylabel="$f(x_T)-f^*$", title="Huber, distance $R_0=100$")
    left.legend(loc="lower left")
    t = cosh_run.checkpoint.values
    style.upper(right, t, theory.D2LastIterate().value(cosh, t), "D2 (upper)")
    right.plot(t, cosh_run.gap[:, 0], "-", color=style.MEASURED, label="measured, $\\cosh x$")
    right.set(
        xscale="log",
        yscale="log",
        ylim=(1e-12, 1e11),
        xlabel="steps $T$",
        ylabel="$f(x_T)-f^*$",
        title="cosh from $x_0=6$",
    )
    right.legend(loc="lower left")
    data = {"huber": {"T": horizons, "D2": upper, "measured": measured, "D2-LB": lower}}
    stated = [
        (bound, hard_setting(1000)),
        (theory.D2LowerBound(), hard_setting(1000)),
        (bound, cosh),
        (theory.D3(), cosh),
    ]
    return Outcome(rows, figure, data, stated)
