"""PS-Clip-SGD and clipped SGD against their bounds: in expectation, beside normalised SGD, and with high probability.

Left: f = x²/2, F0 = 10, sigma_p = 1, p = 1.5; Theorems 3 and 3* for the paper's thresholds (n = 64, eta = 1/L) beside normalised SGD at
its best eta for T = 100; Theorem 3* for thresholds as small as sigma, where Theorem 3 says nothing, and for a batch that is
clipped after averaging, beside S0*. Right: Theorem 6 at delta = .05 and the theorems that it replaces, two-point noise.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023
from clipbounds.bounds import nobile2026 as nb
from clipbounds.report import Outcome, Row, row_from_verdicts, style

P, F0, N, T = 1.5, 10.0, 64, 100
DELTA, CONFIDENCE = 0.05, 0.999
SEED = 33_015  # added to the lab's: fresh samples, sizes fixed before the first verdict


def student():
    """Student noise of index p + .1 with E|xi|^p = 1."""
    noise = cb.noise.StudentT(P + 0.1, 1.0)
    return noise.replace(scale=1.0 / float(noise.moment(P)) ** (1 / P))


def expectation_cases():
    """(name, setting, bounds): the same noise and problem for all."""
    m, constant = cb.methods, cb.clipping.NormClip(1.0)
    methods = (
        ("PS-Clip-SGD, paper", m.PerSampleClippedSGD(1.0, cb.clipping.GrowingClip(1.0, P), N), [nb.Theorem3(P), nb.Theorem3Star(P)]),
        ("normalised SGD", m.NormalizedSGD(np.sqrt(2 * F0 / T), N), [nb.NormalizedSGDBound(P)]),
        ("small thresholds", m.PerSampleClippedSGD(0.1, constant, 4), [nb.Theorem3Star(P)]),
        ("clipped after averaging", m.ClippedSGD(0.1, constant, 4), [nb.Theorem3Star(P), koloskova2023.S0Star(P)]),
    )  # fmt: skip
    problem = cb.problems.Quadratic(1.0, np.sqrt(2 * F0))
    return [(name, cb.Setting(problem, student(), method), bounds) for name, method, bounds in methods]


CLAIMS = {
    "Theorem3": "Theorem 3: avg E‖grad f‖ of PS-Clip-SGD",
    "Theorem3Star": "Theorem 3*: avg E‖grad f‖ for any thresholds",
    "NormalizedSGDBound": "Normalised SGD, its bound at the eta best for T = 100",
    "S0Star(p=1.5)": "S0* with p < 2: avg E‖grad f‖ of clipped SGD under heavy tails",
}


def probable_setting(step_size, n):
    """Constant threshold 8 sigma, skewed two-point noise of variance 1 in the plane."""
    method = cb.methods.PerSampleClippedSGD(step_size, cb.clipping.NormClip(8.0), n)
    noise = cb.noise.TwoPoint(1.0, 0.05, radial=True)
    return cb.Setting(cb.problems.Quadratic(1.0, [0.5, 0.5]), noise, method)


def run(lab):
    points = np.unique(np.geomspace(1, 4 * T, 20).astype(int))
    trajectories = lab.choose(512, 4096, 8192)
    cases, verdicts, runs = expectation_cases(), {}, []
    for name, setting, bounds in cases:
        run_ = lab.simulate(setting, 4 * T, trajectories, checkpoints=points, seed=lab.seed + SEED)
        runs.append(run_)
        for verdict in cb.compare(run_, bounds, CONFIDENCE).verdicts:
            verdicts.setdefault(verdict.bound, []).append(verdict)
        lab.step(len(runs), len(cases) + 2, name)
    check = f"f = x²/2, F0 = {F0:g}, Student noise of index {P + 0.1:.1f}, {trajectories} trajectories, {len(points)} checkpoints"
    rows = [row_from_verdicts(CLAIMS[bound], check, found) for bound, found in verdicts.items()]
    values = [[float(bound.value(setting, T)) for bound in bounds] for _, setting, bounds in cases]
    rows += [_table_row(values), _improvement_row(), _one_unit_row()]
    steps = np.unique(np.geomspace(1, lab.choose(50, 200, 1000), lab.choose(4, 8, 12)).astype(int))
    shown = []
    for setting in (probable_setting(1.0, 1024), probable_setting(0.02, N)):
        run_ = lab.simulate(
            setting, int(steps[-1]), lab.choose(256, 512, 4096), checkpoints=steps, seed=lab.seed + SEED
        )
        shown.append((setting, run_))
        lab.step(len(cases) + len(shown), len(cases) + 2, "high probability")
    rows += _probable_rows(shown)
    table = {"T": points}
    for (name, setting, bounds), run_ in zip(cases, runs, strict=True):
        table[name] = run_.mean_gradient_norm.mean("trajectory").values
        table |= {f"{name}: {bound.name}": bound.value(setting, points) for bound in bounds}
    spoken = [(bound, setting) for _, setting, bounds in cases for bound in bounds]
    spoken += [(kind(2.0, DELTA), shown[1][0]) for kind in (nb.Theorem6, nb.Theorem6Gap)]
    return Outcome(rows, _draw(points, cases, runs, steps, shown), {"expectation": table}, spoken)


def _table_row(values):
    return Row(
        "Theorem 3 gives about half of the bound of normalised SGD at (n, T) = (64, 100)",
        "p = 1.5, L = sigma = 1, F0 = 10; paper's thresholds, lam = 1, eta = 1/L, against the best eta",
        f"{values[0][0]:.3f} against {values[1][0]:.3f}; Theorem 3* {values[0][1]:.3f}",
        "theory page: .520 against 1.043",
        None,
        "holds" if abs(values[0][0] - 0.520) < 1e-3 and abs(values[1][0] - 1.043) < 1e-3 else "violated",
    )


def _improvement_row():
    """The table of the theory page: Theorem 3 and Theorem 3* for four step sizes."""
    page = {1.0: (0.520, 0.516), 0.3: (0.841, 0.694), 0.1: (1.428, 1.098), 0.03: (2.597, 1.927)}
    thresholds, found = nb.growing_thresholds(1.0, P, N), []
    for eta in page:
        level = 2 * F0 / (eta * T)
        found.append([float(kind(thresholds, 1.0, P, eta).inverse(level)) for kind in (nb.Descent, nb.SharpDescent)])
    off = np.max(np.abs(np.array(found) / list(page.values()) - 1))
    return Row(
        "Theorem 3* improves Theorem 3 by up to 26 % for small steps",
        "p = 1.5, (n, T) = (64, 100), paper's thresholds, eta = 1, .3, .1, .03 over L",
        "; ".join(f"{old:.3f} to {new:.3f}" for old, new in found),
        "theory page, within 5e-3",
        None,
        "holds" if off <= 5e-3 else "violated",
    )


def _one_unit_row():
    """One unit a step: S0* takes the exact infimum over noise, so it is never larger; in batches Theorem 3* gains from averaging."""
    problem, one, many = cb.problems.Quadratic(1.0, np.sqrt(2 * F0)), [], []
    for tau in (0.3, 1.0, 3.0, 10.0):
        for eta in (1.0, 0.3, 0.03):
            for n, found in ((1, one), (16, many)):
                method = cb.methods.ClippedSGD(eta, cb.clipping.NormClip(tau), n, per_sample=True)
                setting = cb.Setting(problem, student(), method)
                pair = [float(bound.value(setting, 10 * T)) for bound in (nb.Theorem3Star(P), koloskova2023.S0Star(P))]
                found.append(pair[0] / pair[1])
    return Row(
        "Theorem 3* over S0*: never below 1 for one unit a step (S0* takes the exact infimum over noise), smaller in batches of clipped samples",
        f"p = 1.5, T = {10 * T}, tau/sigma = .3, 1, 3, 10, eta L = 1, .3, .03; n = 1 and n = 16 samples, each clipped",
        f"n = 1: {min(one):.3f} to {max(one):.3f}; n = 16: {min(many):.3f} to {max(many):.3f}, below 1 in {sum(r < 1 for r in many)} of {len(many)}",
        "1",
        None,
        "holds" if min(one) >= 1 - 1e-3 and min(many) < 1 else "violated",
        asserted=False,
    )


def _probable_rows(shown):
    for setting, run_ in shown:
        method = setting.method
        bounds = [nb.Theorem6(2.0, DELTA), nb.Theorem6(2.0, DELTA, "mean_gradient_norm"), nb.Theorem6Gap(2.0, DELTA)]
        for bound, verdict in zip(bounds, cb.compare(run_, bounds, CONFIDENCE).verdicts, strict=True):
            yield row_from_verdicts(
                f"{bound.name} fails with probability at most {DELTA}",
                f"n = {method.batch_size}, eta = {method.step_size:g}, tau = 8 sigma, {run_.sizes['trajectory']} trajectories",
                [verdict],
            )


def _draw(points, cases, runs, steps, shown):
    figure, panels = style.figure(2, width=11.5, height=4.3)
    for k, ((name, setting, bounds), run_) in enumerate(zip(cases, runs, strict=True)):
        values, color = run_.mean_gradient_norm.values, style.SERIES[k]
        half = 3.3 * values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        mean = values.mean(axis=1)
        bound = bounds[-1] if bounds[-1].name.startswith("Theorem3Star") else bounds[0]
        style.upper(panels[0], points, bound.value(setting, points), label=f"{bound.name}, {name}", color=color)
        style.measured(
            panels[0], points, mean, mean - half, mean + half, label=name, color=color, marker=style.MARKERS[k]
        )
    panels[0].set(
        xscale="log", yscale="log", xlabel="steps $T$", ylabel="mean of $\\|\\nabla f(x_t)\\|$ (units of $\\sigma_p$)"
    )
    panels[0].set_title(f"In expectation, $p={P}$, $F_0=10$")
    panels[0].legend(loc="lower left", fontsize=6)
    for k, (setting, run_) in enumerate(shown):
        color, method = style.SERIES[k], setting.method
        low, middle, high = np.quantile(run_.mean_gradient_norm.values, [0.0, 0.5, 1 - DELTA], axis=1)
        where = f"$n={method.batch_size}$, $\\eta={method.step_size:g}$"
        new = nb.Theorem6(2.0, DELTA, "mean_gradient_norm").value(setting, steps)
        style.upper(panels[1], steps, new, label=f"Theorem 6, {where}", color=color)
        old = (nb.Theorem4, nb.Theorem5)[k](2.0, DELTA)
        panels[1].plot(steps, old.value(setting, steps), ":", color=color, label=f"{old.name}, superseded")
        label = f"{where}: median, least to 95 %"
        style.measured(panels[1], steps, middle, low, high, label=label, color=color, marker=style.MARKERS[k])
    panels[1].set(
        xscale="log", yscale="log", xlabel="steps $T$", ylabel="mean of $\\|\\nabla f(x_t)\\|$ (units of $\\sigma$)"
    )
    panels[1].set_title(f"With probability $1-\\delta$, $\\delta={DELTA}$, $\\tau=8\\sigma$, two-point noise")
    panels[1].legend(loc="lower left", fontsize=6)
    return figure
