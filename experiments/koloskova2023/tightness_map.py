"""How far upper and lower bounds are apart on a (c/sigma, eta) grid: S0 over the finite lower bound, S0* over the adversary.

f = x²/2, eta T = 400 throughout. The finite lower bound says nothing in much of the region; the adversary that sees the iterate
(`worst_case.adversary`) is computed on every cell, without interpolation. The measured mean gradient norm must lie between
upper and lower bound on every cell that is simulated, under the worst two-point noise and under the adversary's own.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, row_from_verdicts, style, within

SIGMA, CONFIDENCE = 1.0, 0.999
TIME = 400.0  # eta·T
LIMIT_STEP, LIMIT_STEPS = 1e-7, 1e12
LANDING = 8  # grid cells in the longest step of the adversary, 2c/sigma where that is more
SHORT_TIME, SHORT_THRESHOLDS = 10.0, (0.1, 0.25, 0.5, 1.0, 4.0)
TARGET, SMALL = 1.2, 0.25  # the ratio that is claimed for c >= SMALL sigma
ADVERSARY_CELLS = [(c, eta) for eta in (0.1, 0.01) for c in (0.25, 1.0, 4.0)]
ADVERSARY_TRAJECTORIES, AGREEMENT = 2048, 0.02


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


def landing_at(threshold):
    return max(LANDING, int(np.ceil(2 * threshold / SIGMA)))


def adversary_at(threshold, step_size):
    """The adversary of a cell, and its setting with the adversary's noise."""
    setting = setting_at(threshold, step_size)
    steps = round(TIME / step_size)
    found = cb.worst_case.adversary(setting.problem, step_size, threshold, SIGMA, steps, landing=landing_at(threshold))
    return found, setting.replace(noise=cb.noise.Adaptive(found.policy))


def attained(lab, threshold, step_size):
    """What the adversary of a cell attains; an interrupted map goes on with the cells that are missing."""
    key = {"adversary": [threshold, step_size, SIGMA, TIME], "landing": landing_at(threshold)}
    found = lab.remember(key, lambda: {"value": np.array([adversary_at(threshold, step_size)[0].value])})
    return float(found["value"][0])


def compare_cell(lab, threshold, step_size):
    """S0, S0*, the finite lower bound and the adversary of one cell."""
    setting, steps = setting_at(threshold, step_size), round(TIME / step_size)
    upper = (theory.S0(), theory.S0Star(), theory.FiniteLowerBound())
    values = [float(bound.value(setting, steps)) for bound in upper]
    return np.array([threshold, step_size, *values, attained(lab, threshold, step_size)])


def joint_map(lab):
    """Rows (c, eta, S0, S0*, finite lower bound, adversary), one for each cell."""
    thresholds = np.geomspace(0.1, 10, lab.choose(4, 13, 25))
    step_sizes = np.geomspace(1e-4, 0.3, lab.choose(3, 9, 19))
    cells = [(float(c), float(eta)) for eta in step_sizes for c in thresholds]
    with ThreadPoolExecutor(2) as pool:
        found = []
        for row in pool.map(lambda cell: compare_cell(lab, *cell), cells):
            found.append(row)
            lab.step(len(found), len(cells), "adversary")
    return thresholds, step_sizes, np.array(found)


def joint_rows(table):
    """Rows on S0* over the adversary."""
    c, eta, s0, star, _, adversary = table.T
    ratio = star / adversary
    usual = c >= SMALL * SIGMA * (1 - 1e-12)
    at, far = np.argmax(ratio), np.argmax(np.where(usual, ratio, 0))
    complete = bool(np.all(np.isfinite(ratio)) and np.all(adversary > 0))
    right = complete and ratio.min() >= 1 and ratio[usual].max() <= TARGET
    below = bool(np.all(star <= s0))
    what = (
        f"{len(ratio)} cells, c in [.1, 10] sigma, eta in [1e-4, .3], landing {LANDING} or 2c; evaluated, not simulated"
    )
    return [
        Row(
            f"S0* over the adversary at eta T = {TIME:g}: at most {TARGET:g} for c >= {SMALL:g} sigma, and no cell without a lower bound",
            what,
            f"from {ratio.min():.4f} to {ratio.max():.3f} (c = {c[at]:.3g}, eta = {eta[at]:.2g}), median {np.median(ratio):.3f};"
            f" for c >= {SMALL:g} sigma at most {ratio[far]:.3f}; vacuous in {int(np.sum(~(adversary > 0)))} cells",
            f"at least 1, at most {TARGET:g}",
            float(1 / ratio.min()),
            "holds" if right else "violated",
        ),
        Row(
            "S0* is at most S0 on every cell",
            what,
            f"S0*/S0 from {np.min(star / s0):.4f} to {np.max(star / s0):.4f}",
            "at most 1",
            None,
            "holds" if below else "violated",
        ),
    ]


def short_row(lab):
    """Where the horizon is short: S0* pays for gradients that F0 cannot lift, S0Finite does not."""
    cells = [(c, eta) for eta in lab.choose((0.1,), (0.3, 0.1, 0.03), (0.3, 0.1, 0.03, 0.01)) for c in SHORT_THRESHOLDS]
    table = []
    for c, eta in cells:
        setting, steps = setting_at(c, eta), round(SHORT_TIME / eta)
        found = cb.worst_case.adversary(setting.problem, eta, c, SIGMA, steps, landing=landing_at(c))
        table.append(
            [float(bound.value(setting, steps)) / found.value for bound in (theory.S0Star(), theory.S0Finite())]
        )
    star, finite = np.array(table).T
    at, worst = np.argmax(star), np.argmax(finite)
    return Row(
        f"Short horizons, eta T = {SHORT_TIME:g}: S0Finite is above the adversary, at most S0*, and closes the gap at c = .1 sigma",
        f"{len(cells)} cells, c = .1, .25, .5, 1, 4, eta = {', '.join(f'{eta:g}' for eta in dict.fromkeys(e for _, e in cells))}; evaluated, not simulated",
        f"S0*/adversary up to {star.max():.3f} (c = {cells[at][0]:g}, eta = {cells[at][1]:g}), S0Finite/adversary from {finite.min():.4f} to"
        f" {finite.max():.3f} (c = {cells[worst][0]:g}, eta = {cells[worst][1]:g}); at c = .1 sigma at most {max(f for f, (c, _) in zip(finite, cells, strict=True) if c == SHORT_THRESHOLDS[0]):.3f}",
        "at least 1, at most S0*",
        float(1 / finite.min()),
        "holds" if np.all(finite >= 1) and np.all(finite <= star) else "violated",
    )


def adversary_rows(lab):
    """The adversary's own noise, simulated: its mean against its programme and against S0*."""
    verdicts, bands = [], []
    trajectories = lab.choose(64, ADVERSARY_TRAJECTORIES, ADVERSARY_TRAJECTORIES)
    for k, (c, eta) in enumerate(ADVERSARY_CELLS):
        found, setting = adversary_at(c, eta)
        result = lab.simulate(setting, found.steps, trajectories, checkpoints=[found.steps])
        verdict = cb.compare(result, [theory.S0Star()], CONFIDENCE).verdicts[0]
        verdicts.append(verdict)
        bands.append((float(verdict.low[-1]), float(verdict.high[-1]), found.value, float(verdict.measured[-1])))
        lab.step(k + 1, len(ADVERSARY_CELLS), f"adversary's noise, c = {c}, eta = {eta:g}")
    low, high, value, mean = np.array(bands).T
    off = np.max(np.maximum(np.abs(low / value - 1), np.abs(high / value - 1)))
    agreement = within(low, high, value, AGREEMENT)
    check = f"{len(ADVERSARY_CELLS)} cells (c = .25, 1, 4; eta = .1, .01), {trajectories} trajectories, confidence {CONFIDENCE} a cell"
    return [
        row_from_verdicts("The mean under the adversary's noise lies below S0*", check, verdicts, "S0*"),
        Row(
            "The mean under the adversary's noise is the value of its dynamic programme",
            f"{check}; {100 * AGREEMENT:g} %",
            f"means within {100 * np.max(np.abs(mean / value - 1)):.2g} % of the programme, bands within {100 * off:.2g} %",
            "the programme",
            None,
            agreement,
            reason=f"a band reaches {100 * off:.2g} % away" if agreement == "undecided" else "",
        ),
    ]


def draw(axes, thresholds, step_sizes, ratio, title):
    """One map; grey where there is no ratio."""
    from matplotlib.colors import BoundaryNorm

    levels = [1, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 5, 10, 100]
    colours = BoundaryNorm(levels, 256, extend="max")
    axes.set_facecolor("#dddddd")
    filled = axes.pcolormesh(
        thresholds, step_sizes, np.ma.masked_invalid(ratio), cmap="cividis_r", norm=colours, shading="nearest"
    )
    axes.set(xscale="log", yscale="log", xlabel="threshold $c/\\sigma$", ylabel="step size $\\eta L$", title=title)
    axes.grid(False)
    return filled, levels


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
        # 4096 was chosen after a look at the seed of the lab; another one is judged
        count = 4096 if c < 1 else 256
        result = lab.simulate(setting_at(c, eta), steps, count, seed=lab.seed + 1, checkpoints=[steps])
        bounds = [theory.S0(), theory.FiniteLowerBound(), theory.S0Star()]
        verdicts.append(cb.compare(result, bounds, CONFIDENCE).verdicts)
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
        row_from_verdicts("The measured mean lies below S0*", check, [v[2] for v in verdicts], "S0*"),
    ]
    coarse_thresholds, coarse_steps, table = joint_map(lab)
    rows += [*joint_rows(table), *adversary_rows(lab), short_row(lab)]
    joint = (table[:, 3] / table[:, 5]).reshape(len(coarse_steps), len(coarse_thresholds))
    figure, (left, right) = style.figure(2, height=3.8)
    draw(left, thresholds, step_sizes, ratio, "S0 over the finite lower bound (grey: vacuous)")
    filled, levels = draw(right, coarse_thresholds, coarse_steps, joint, "S0* over the adversary")
    figure.colorbar(filled, ax=(left, right), label="upper bound over lower bound", ticks=levels, format="%g")
    for axes, simulated, label in (
        (left, cells, "simulated"),
        (right, ADVERSARY_CELLS, "simulated, adversary's noise"),
    ):
        points = np.array(simulated)
        axes.plot(points[:, 0], points[:, 1], "o", color="white", markeredgecolor="black", label=label)
        axes.legend(loc="upper right", frameon=True)
    flat = {
        "c/sigma": np.tile(thresholds, len(step_sizes)),
        "eta": np.repeat(step_sizes, len(thresholds)),
        "ratio": ratio.ravel(),
    }
    names = ("c/sigma", "eta", "S0", "S0*", "finite lower bound", "adversary")
    columns = dict(zip(names, table.T, strict=True))
    columns["S0*/adversary"] = table[:, 3] / table[:, 5]
    columns["S0/finite"] = np.where(table[:, 4] > 0, table[:, 2] / np.where(table[:, 4] > 0, table[:, 4], 1), np.nan)
    stated = [(bound, setting_at(1.0, 1e-3)) for bound in (theory.S0(), theory.FiniteLowerBound(), theory.S0Star())]
    stated.append((theory.AdversaryLowerBound(), adversary_at(1.0, 0.1)[1]))
    stated.append((theory.S0Finite(), setting_at(1.0, 1e-3)))
    return Outcome(rows, figure, {"tightness": flat, "adversary": columns}, stated)
