"""How far upper and lower bounds are apart: S0 over the finite lower bound on a (c/sigma, eta) grid.

f = x²/2 under the worst two-point noise, eta T = 400 throughout. The measured mean gradient norm must lie between the two
on every cell that is simulated. As eta -> 0 with eta T -> inf the ratio tends to 1.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, row_from_verdicts, style

SIGMA, CONFIDENCE = 1.0, 0.999
TIME = 400.0  # eta·T
LIMIT_STEP, LIMIT_STEPS = 1e-7, 1e12


def setting_at(threshold, step_size):
    noise = cb.worst_case.floor_noise(threshold, SIGMA)
    start = cb.worst_case.two_point_fixed_point(threshold, SIGMA, noise.skew)
    method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))
    return cb.Setting(cb.problems.Quadratic(1.0, start), noise, method)


def tightness(threshold, step_size, steps):
    """S0 over the finite lower bound; nan where the lower bound is vacuous."""
    setting = setting_at(threshold, step_size)
    lower = float(theory.FiniteLowerBound().value(setting, steps))
    return float(theory.S0().value(setting, steps)) / lower if lower > 0 else np.nan


def run(lab):
    thresholds = np.geomspace(0.1, 10, lab.choose(5, 25, 49))
    step_sizes = np.geomspace(1e-4, 0.3, lab.choose(4, 19, 37))
    ratio = np.empty((len(step_sizes), len(thresholds)))
    for i, eta in enumerate(step_sizes):
        for j, c in enumerate(thresholds):
            ratio[i, j] = tightness(c, eta, TIME / eta)
        lab.step(i + 1, len(step_sizes), "bounds")
    cells = [
        (c, eta) for eta in lab.choose((0.01,), (0.1, 0.01, 1e-3), (0.1, 0.01, 1e-3, 1e-4)) for c in (0.25, 1.0, 4.0)
    ]
    verdicts = []
    for k, (c, eta) in enumerate(cells):
        steps = int(TIME / eta)
        # below c = 1 the worst noise leaves only a weak drift on one side, and the proved spread is wide
        result = lab.simulate(setting_at(c, eta), steps, 4096 if c < 1 else 256, checkpoints=[steps])
        verdicts.append(cb.compare(result, [theory.S0(), theory.FiniteLowerBound()], CONFIDENCE).verdicts)
        lab.step(k + 1, len(cells), f"simulation, c = {c}, eta = {eta:g}")
    check = f"{len(cells)} cells simulated, eta T = {TIME:g}, 256 trajectories (4096 at c = .25), confidence {CONFIDENCE} a cell"
    best = np.nanmin(ratio)
    limit = np.array([tightness(c, LIMIT_STEP, LIMIT_STEPS) for c in thresholds])
    rows = [
        Row(
            "Upper and lower bound meet as eta -> 0 and eta T -> inf, for every threshold",
            f"{len(limit)} thresholds in [.1, 10] sigma at eta = {LIMIT_STEP:g}, T = {LIMIT_STEPS:g}; evaluated, not simulated",
            f"S0 / finite lower bound from {limit.min():.4f} to {limit.max():.4f}",
            "at least 1, at most 1.05",
            None,
            "holds" if limit.min() >= 1 and limit.max() <= 1.05 else "violated",
        ),
        Row(
            f"How far they are apart at eta T = {TIME:g}",
            f"{ratio.size} cells, c in [.1, 10] sigma, eta in [1e-4, .3]; evaluated, not simulated",
            f"smallest ratio {best:.4f}, median {np.nanmedian(ratio):.3f}; vacuous lower bound in {int(np.isnan(ratio).sum())} cells",
            "at least 1",
            None,
            "holds" if best >= 1 else "violated",
        ),
        row_from_verdicts("The measured mean lies below S0", check, [v[0] for v in verdicts], "S0"),
        row_from_verdicts(
            "The measured mean lies above the finite lower bound", check, [v[1] for v in verdicts], "finite LB"
        ),
    ]
    from matplotlib.colors import BoundaryNorm

    figure, axes = style.figure(height=3.6)
    levels = [1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 100]
    colours = BoundaryNorm(levels, 256, extend="max")
    filled = axes.pcolormesh(
        thresholds, step_sizes, np.ma.masked_invalid(ratio), cmap="cividis_r", norm=colours, shading="nearest"
    )
    axes.set_facecolor("#dddddd")
    figure.colorbar(filled, ax=axes, label="S0 / lower bound (grey: vacuous)", ticks=levels, format="%g")
    simulated = np.array(cells)
    axes.plot(simulated[:, 0], simulated[:, 1], "o", color="white", markeredgecolor="black", label="simulated")
    axes.set(xscale="log", yscale="log", xlabel="threshold $c/\\sigma$", ylabel="step size $\\eta L$")
    axes.set_title("Tightness of the stochastic theory ($\\eta T = 400/L$)")
    axes.grid(False)
    axes.legend(loc="upper right", frameon=True)
    flat = {
        "c/sigma": np.tile(thresholds, len(step_sizes)),
        "eta": np.repeat(step_sizes, len(thresholds)),
        "ratio": ratio.ravel(),
    }
    stated = (theory.S0(), theory.FiniteLowerBound())
    return Outcome(rows, figure, {"tightness": flat}, [(bound, setting_at(1.0, 1e-3)) for bound in stated])
