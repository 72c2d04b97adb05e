"""The bias of clipping on real data: the choice of rows is the noise, and the floor is that of the dataset.

Logistic regression on the breast cancer data (569 rows, read from a svmlight file), clipped SGD on single rows, started where
the mean clipped step on these rows vanishes. The stationary gradient is compared with that floor of the dataset, with S0 and
S1 for the certified sigma of the rows, and with the floor u*(c, sigma) of the worst noise with this sigma.
"""

import tempfile
from pathlib import Path

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, row_from_verdicts, style, within
from clipbounds.verdict import bands

RIDGE, STEP_SIZE, CONFIDENCE, TOLERANCE = 0.01, 1e-3, 0.999, 0.02
CHECKED = (0.05, 0.1, 0.3)


def read(name):
    """The dataset through a file, as a user would read it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.svm"
        cb.data.write_svmlight(file, *cb.data.bundled(name))
        return cb.problems.Logistic.from_svmlight(file, ridge=RIDGE)


def setting_at(problem, threshold):
    """Clipped SGD on single rows from the point where its mean step vanishes."""
    start = problem.replace(x0=cb.worst_case.stationary_rows(problem, threshold))
    method = cb.methods.ClippedSGD(STEP_SIZE, cb.clipping.NormClip(threshold))
    return cb.Setting(start, cb.oracles.RowSampling(start), method)


def run(lab):
    problem = read("breast_cancer")
    steps, trajectories = lab.choose(4_000, 20_000, 100_000), lab.choose(256, 256, 1024)
    thresholds = np.unique(np.concatenate([CHECKED, np.geomspace(0.03, 10, lab.choose(3, 7, 15))]))
    share = 1 - (1 - CONFIDENCE) / len(thresholds)
    means, lows, highs, floors, verdicts, settings = [], [], [], [], [], []
    for k, c in enumerate(thresholds):
        setting = setting_at(problem, c)
        result = lab.simulate(setting, steps, trajectories, checkpoints=[steps // 10, steps])
        values = result.mean_gradient_norm[-1].values
        low, high = bands.guarded_normal(values, share)
        means.append(values.mean()), lows.append(low), highs.append(high)
        floors.append(np.linalg.norm(problem.gradient(setting.problem.x0)))
        verdicts.append(cb.compare(result, [theory.S0(), theory.S1()], CONFIDENCE).verdicts)
        settings.append(setting)
        lab.step(k + 1, len(thresholds), f"c = {c:.3g}")
    means, lows, highs, floors = map(np.array, (means, lows, highs, floors))
    chosen, sigma = np.isin(thresholds, CHECKED), settings[0].sigma
    worst = cb.worst_case.floor(thresholds, sigma)
    at_floor = [np.sqrt(s.noise.moment_at(s.problem.x0, 2)) for s in settings]

    local = cb.worst_case.floor(thresholds, np.array(at_floor))
    clips = floors > 1e-9  # beyond the largest threshold that clips a row the floor is 0, up to rounding
    gain = local[clips] / floors[clips]

    off = np.max(np.maximum(np.abs(lows / floors - 1), np.abs(highs / floors - 1))[chosen])
    control = np.min(np.abs(means[chosen] / np.roll(floors[chosen], 1) - 1))
    check = f"breast cancer, 569 rows from a file, ridge {RIDGE:g}, eta = {STEP_SIZE:g}, T = {steps:.2g}, {trajectories} trajectories a threshold"
    verdict = within(lows[chosen], highs[chosen], floors[chosen], TOLERANCE)
    rows = [
        Row(
            f"Rows as noise: the stationary gradient is that where the mean clipped step on these rows vanishes, c = {', '.join(f'{c:g}' for c in CHECKED)}",
            f"{check}; normal band, {CONFIDENCE} simultaneous, tolerance {100 * TOLERANCE:g} %",
            f"band within {100 * off:.2f} % of the floor of the dataset (and {100 * control:.0f} % off that of another threshold, the control)",
            "stationary_rows",
            float(np.max((means / floors)[chosen])),
            verdict,
            reason="the band reaches beyond the tolerance at this budget" if verdict == "undecided" else "",
        ),
        row_from_verdicts("Rows as noise: E mean ‖grad f‖ <= S0 with the certified sigma of the rows", check, [v[0] for v in verdicts], "S0"),
        row_from_verdicts("Rows as noise: E mean ‖grad f‖ <= S1 with the certified sigma of the rows", check, [v[1] for v in verdicts], "S1"),
        Row(
            "The floor of a dataset lies below that of the worst noise with the same sigma at the same point",
            "u*(c, sigma) with the exact sigma of the rows at the stationary point; thresholds that clip some row there",
            f"u*/floor from {np.min(gain):.3g} to {np.max(gain):.3g}",
            "u*(c, sigma at x)",
            float(1 / np.min(gain)),
            "holds" if np.all(gain >= 1 - 1e-9) else "violated",
        ),
    ]  # fmt: skip
    figure, axes = style.figure(width=6.4, height=4.2)
    upper = [float(theory.S0().value(setting, steps)) for setting in settings]
    style.upper(axes, thresholds, upper, "S0, upper bound, certified $\\sigma$")
    axes.plot(
        thresholds,
        worst,
        "-",
        color=style.FLOOR,
        linewidth=1,
        label="$u^*(c,\\sigma)$, worst noise, certified $\\sigma$",
    )
    axes.plot(thresholds, local, "-.", color=style.OTHER, linewidth=1, label="$u^*(c,\\sigma(x))$, worst noise, exact $\\sigma$ at the floor")  # fmt: skip
    axes.plot(thresholds[clips], floors[clips], "--", color=style.LOWER, linewidth=1.2, label="floor of this dataset")
    style.measured(axes, thresholds, means, lows, highs, "measured, single rows")
    axes.set(xscale="log", yscale="log", xlabel="threshold $c$", ylabel="stationary $\\|\\nabla f\\|$")
    axes.set_title("Breast cancer data: what clipping costs on these rows, and in the worst case")
    axes.legend(loc="lower left")
    data = {
        "floor": {
            "c": thresholds, "measured": means, "low": lows, "high": highs, "dataset_floor": np.where(clips, floors, 0.0), "worst_floor": worst,
            "S0": upper, "sigma_at_floor": at_floor,
        }
    }  # fmt: skip
    bounds = [(theory.S0(), settings[0]), (theory.S1(), settings[0]), (theory.StochasticFloor(), settings[0])]
    return Outcome(rows, figure, data, bounds)
