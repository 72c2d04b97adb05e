"""No schedule of step sizes removes the bias: the floor is u*(c, sigma) for all of them; a growing threshold removes it.

f = x²/2. Left: c = sigma, the two-point noise that attains the floor, five schedules from the same start, plain SGD as the
control, and S0* with weights for eta/sqrt(t+1). Right: c_t = sigma (t+1)^a against the worst law for c_t at every step and point
(`clipbounds.oracles.WorstDrift`): the floor sigma²/(4 c_t) is followed, so that ‖grad f‖ falls like t^-a.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style, within
from clipbounds.verdict import bands, check_slope, mean_slope

SIGMA, THRESHOLD, START, CONFIDENCE = 1.0, 1.0, 1.0, 0.999
POWERS = (0.1, 0.15, 0.2)
PART, TOLERANCE = 30, 0.02  # of the slopes: they are taken from step T/30 on, and may be off by .02


def schedules(steps):
    """Five ways from large steps to small ones, and a constant one."""
    return {
        "constant": 0.01,
        "$(t+1)^{-1/2}$": cb.methods.PowerSchedule(0.3, -0.5),
        "$(t+1)^{-2/3}$": cb.methods.PowerSchedule(0.5, -2 / 3),
        "cosine": cb.methods.CosineSchedule(0.3, 0.001, steps),
        "three pieces": cb.methods.PiecewiseSchedule([0.3, 0.03, 0.003], [steps // 3, 2 * steps // 3]),
    }


def clipped(step_size, threshold=None):
    return cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(THRESHOLD), threshold=threshold)


def run(lab):
    steps = lab.choose(30_000, 300_000, 1_000_000)
    trajectories = lab.choose(512, 1024, 2048)
    checkpoints = np.unique(np.round(np.geomspace(1, steps, 31)).astype(int))
    noise = cb.worst_case.floor_noise(THRESHOLD, SIGMA)
    floor = float(cb.worst_case.floor(THRESHOLD, SIGMA))
    problem = cb.problems.Quadratic(1.0, START)
    figure, (left, right) = style.figure(2, height=3.6)
    rows, columns, done = [], {"t": checkpoints}, 0
    chosen = schedules(steps)
    total = len(chosen) + 1 + len(POWERS)
    share = 1 - (1 - CONFIDENCE) / (len(chosen) + 1)
    check = f"f = x²/2 from x = {START:g}, two-point noise q = {noise.skew:g}, c = sigma, T = {steps:.0e}, {trajectories} trajectories, normal bands"
    late = {}
    for name, step_size in [*chosen.items(), ("plain SGD", None)]:
        method = cb.methods.SGD(chosen["$(t+1)^{-1/2}$"]) if step_size is None else clipped(step_size)
        result = lab.simulate(cb.Setting(problem, noise, method), steps, trajectories, checkpoints=checkpoints)
        values = result.gradient_norm.values
        late[name] = (values[-1].mean(), *bands.guarded_normal(values[-1], share))
        columns[name] = values.mean(axis=1)
        if name == "$(t+1)^{-1/2}$":
            weighted = result.weighted_mean_gradient_norm.values
        done += 1
        lab.step(done, total, name)
    names = list(chosen)
    table = np.array([late[name] for name in names])
    decided = within(table[:, 1], table[:, 2], floor, 0.05)
    off = np.max(np.abs(table[:, 1:] / floor - 1))
    rows.append(
        Row(
            "The floor is u*(c, sigma) whatever the schedule of the step sizes is",
            f"{check}; constant, (t+1)^-1/2, (t+1)^-2/3, cosine, three pieces; 5 %",
            f"E|f'(x_T)| from {table[:, 0].min():.4f} to {table[:, 0].max():.4f}, bands within {100 * off:.1f} % of u*",
            f"u* = {floor:g}, 5 %",
            float(np.max(table[:, 0] / floor)),
            decided,
            reason="a band reaches beyond 5 %" if decided == "undecided" else "",
        )
    )
    mean, _, high = late["plain SGD"]
    rows.append(
        Row(
            "Plain SGD with (t+1)^-1/2 on the same noise goes below the floor (the control)",
            check,
            f"E|f'(x_T)| = {mean:.4f}, at most {high:.4f}",
            f"below u*/2 = {floor / 2:g}",
            None,
            "holds" if high < floor / 2 else "undecided",
            reason="" if high < floor / 2 else "the band is not below u*/2",
        )
    )
    bound = theory.WeightedS0Star()
    setting = cb.Setting(problem, noise, clipped(chosen["$(t+1)^{-1/2}$"]))
    value = bound.value(setting, checkpoints)
    each = 1 - (1 - CONFIDENCE) / len(checkpoints)
    band = np.array([bands.guarded_normal(row, each) for row in weighted[1:]])  # at t = 1 there is nothing random
    above = np.concatenate([[weighted[0].max()], band[:, 1]])
    below = np.concatenate([[weighted[0].min()], band[:, 0]])
    holds, wrong = bool(np.all(above <= value)), bool(np.any(below > value))
    tightness = float(np.max(weighted.mean(axis=1) / value))
    rows.append(
        Row(
            "S0* with the weights eta_t holds under (t+1)^-1/2",
            f"{check}; {len(checkpoints)} checkpoints at once",
            f"weighted mean/bound at most {tightness:.3f}, {weighted[-1].mean() / value[-1]:.3f} at T",
            "at most 1",
            tightness,
            "violated" if wrong else "holds" if holds else "undecided",
            reason="" if holds or wrong else "a band contains the bound",
        )
    )
    growing, data = cb.methods.PowerSchedule(0.3, -0.6), {"t": checkpoints}
    used = checkpoints >= steps // PART
    found, verdicts = [], []
    for power, colour, marker in zip(POWERS, style.SERIES, style.MARKERS, strict=False):
        start = cb.problems.Quadratic(1.0, floor)
        law = cb.oracles.WorstDrift(start, THRESHOLD, SIGMA, growth=power)
        method = clipped(growing, cb.methods.PowerSchedule(THRESHOLD, power))
        values = lab.simulate(
            cb.Setting(start, law, method), steps, trajectories, checkpoints=checkpoints
        ).gradient_norm.values
        each = 1 - (1 - CONFIDENCE) / len(POWERS)
        verdict, _ = check_slope(checkpoints[used] + 1, values[used], -power, TOLERANCE, each)
        found.append(mean_slope(checkpoints[used] + 1, values[used], each))
        verdicts.append(verdict)
        data[f"a={power:g}"] = values.mean(axis=1)
        right.plot(
            checkpoints, values.mean(axis=1), linestyle="none", marker=marker, color=colour, label=f"$a={power:g}$"
        )
        right.plot(
            checkpoints, SIGMA**2 / (4 * THRESHOLD * (checkpoints + 1.0) ** power), "-", color=colour, linewidth=1
        )
        done += 1
        lab.step(done, total, f"c grows like t^{power:g}")
    told = "; ".join(
        f"a = {a:g}: {slope:.3f} in [{low:.3f}, {high:.3f}]"
        for a, (slope, low, high) in zip(POWERS, found, strict=True)
    )
    worst = "violated" if "violated" in verdicts else "undecided" if "undecided" in verdicts else "holds"
    rows.append(
        Row(
            "With c_t = sigma (t+1)^a the bias vanishes like t^-a, against the worst law for c_t at every step",
            f"f = x²/2, eta_t = .3 (t+1)^-.6, t from {steps // PART} to {steps}, {trajectories} trajectories; bands of the slopes, tolerance {TOLERANCE:g}",
            f"slopes {told}",
            "slopes -a",
            None,
            worst,
            reason="a band of a slope reaches beyond the tolerance" if worst == "undecided" else "",
        )
    )
    for name, colour in zip([*names, "plain SGD"], style.SERIES * 2, strict=False):
        left.plot(checkpoints, columns[name], "--" if name == "plain SGD" else "-", color=colour, label=name)
    left.axhline(floor, color=style.FLOOR, linewidth=1, label="$u^*(c,\\sigma)$")
    left.set(xscale="log", yscale="log", xlabel="steps $t$", ylabel="mean of $\\|\\nabla f(x_t)\\|/\\sigma$")
    left.set_title("One floor for all step sizes ($c=\\sigma$)")
    left.legend()
    right.set(xscale="log", yscale="log", xlabel="steps $t$")
    right.set_title("$c_t=\\sigma(t+1)^a$: lines $\\sigma^2/(4c_t)$")
    right.legend()
    return Outcome(rows, figure, {"schedules": columns, "growing": data}, [(bound, setting)])
