"""Which part of SClip-EF gives its exponent? SClip-EF, growing smooth clipping and growing hard clipping against theorem 2.

Three clients on the line, a = (1, 1, 3), b = (0, 0, 10), theta = 1, from x*; symmetric Lomax noise of index p (Gaussian at p = 2)
and log-tailed noise, with equal scales and with scales (1, 1, 10). T = T0 s^q, T0 = 20, q = 3/10 for SClip-EF, 1/(2+p) without feedback,
1/(6-p) for the smooth clip under equal laws. The theorem is about the limit; where a band lies below it, nothing is decided.
The last panel is an instance, scales (1, 1, 0) and T0 = 3, on which the bias of the noise and that of the operator have opposite
signs and cancel around t = 3000: a slope measured there is far below the limit, and the averaged equation says so.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import MomentRecursion, StrongRate, averaged_path, best_power
from clipbounds.bounds.yu2023.instances import line_problem
from clipbounds.methods import GrowingSmoothClip, SClipEF
from clipbounds.report import Outcome, Row, row_from_verdicts, style
from clipbounds.report.parallel import simulate_all
from clipbounds.verdict import mean_slope

SCALES = {"equal": (1.0, 1.0, 1.0), "unequal": (1.0, 1.0, 10.0), "cancelling": (1.0, 1.0, 0.0)}
PARTS = ("SClip-EF", "smooth", "hard")
ALLOWED = 0.02  # a band that reaches this far below the exponent of the theorem has reached it
CONFIDENCE = 0.999


def law(p):
    return (
        cb.noise.LogTailed(1.0) if p == "log" else cb.noise.SymmetricLomax(p, 1.0) if p < 2 else cb.noise.Gaussian(1.0)
    )


def method(part, p, equal, threshold):
    """One of the three, with the power that theorem 2 says is best."""
    if part == "SClip-EF":
        return SClipEF.standard(1.0, smoothing=threshold**2)
    power = best_power(p, equal_laws=equal and part == "smooth")
    return GrowingSmoothClip.standard(1.0, threshold, min(power, 0.49), smooth=part == "smooth")


def steep(run, first):
    """Exponent of the mean with its band, from the step `first` on: (value, low, high)."""
    late = run.checkpoint.values >= first
    slope, low, high = mean_slope(run.checkpoint.values[late], run.squared_distance.values[late])
    return -slope, -high, -low


def run(lab):
    steps = lab.choose(3_000, 200_000, 10_000_000)
    long = lab.choose(3_000, 1_000_000, 10_000_000)
    tails = lab.choose((1.0,), ("log", 0.4, 0.7, 1.0, 1.5, 2.0), ("log", 0.4, 0.7, 1.0, 1.5, 2.0))
    runs = 256

    def grid(last):
        return np.unique(np.round(np.geomspace(last / 100, last, 41)).astype(int))

    jobs, theory = {}, {}
    for name in ("equal", "unequal"):
        for tail in tails:
            p = 1.0 if tail == "log" else tail
            for part in PARTS:
                setting = cb.Setting(
                    line_problem(noise_scales=SCALES[name]), law(tail), method(part, p, name == "equal", 20.0)
                )
                jobs[name, tail, part] = (setting, steps, runs, {"checkpoints": grid(steps)})
                theory[name, tail, part] = StrongRate(p).exponent(setting)
    odd = line_problem(noise_scales=SCALES["cancelling"])
    wide = np.unique(np.round(np.geomspace(30, long, 60)).astype(int))
    for part in PARTS:
        setting = cb.Setting(odd, law(1.0), method(part, 1.0, False, 3.0))
        jobs["cancelling", 1.0, part] = (setting, long, runs, {"checkpoints": wide})
        theory["cancelling", 1.0, part] = StrongRate(1.0).exponent(setting)
    # the proved range of ‖x_t - x*‖² grows while V_t falls: a proved band needs many runs, and early steps
    early = np.unique(np.round(np.geomspace(1, lab.choose(10, 100, 100), 10)).astype(int))
    options, many = {"checkpoints": early, "seed": lab.seed + 1}, lab.choose(1024, 16_384, 16_384)
    judged = {
        ("early", *key): (job[0], int(early[-1]), many, options)
        for key, job in jobs.items()
        if key[2] != "hard" and key[0] != "cancelling" and key[1] in ("log", 1.0, 2.0)
    }
    done = simulate_all(lab, dict(reversed((jobs | judged).items())))
    cells = {key: steep(done[key], (long if key[0] == "cancelling" else steps) / 100 * 0.999) for key in jobs}

    rows = []
    for name in ("equal", "unequal"):
        for part in PARTS:
            keys = [k for k in jobs if k[0] == name and k[2] == part]
            reached = [cells[k][1] >= theory[k] - ALLOWED for k in keys]
            short = [str(k[1]) for k, good in zip(keys, reached, strict=True) if not good]
            rows.append(
                Row(
                    f"{part}, {name} laws: the exponent is at least that of theorem 2",
                    f"n = 3, d = 1, theta = 1, T0 = 20, {runs} runs, t = {steps / 100:g} to {steps:g}, asymptotic 99 % band at least the exponent less {ALLOWED}",
                    "; ".join(f"{cells[k][0]:.3f} ({cells[k][1]:.3f}..{cells[k][2]:.3f}) at p = {k[1]}" for k in keys),
                    "; ".join(f"{theory[k]:.3f}" for k in keys),
                    None,
                    "undecided" if short else "holds",
                    asserted=False,
                    reason=f"the limit is not reached at p = {', '.join(short)}" if short else "",
                )
            )
    verdicts = []
    for key in judged:
        p = {"log": 1.0, 1.0: 0.9, 2.0: 2.0}[key[2]]  # a moment that the law has
        verdicts += cb.compare(done[key], [MomentRecursion(p)], CONFIDENCE).verdicts
    claim = "V_t of theorem 3 bounds the mean squared error of SClip-EF and of growing smooth clipping"
    check = f"{len(verdicts)} settings, from x*, {many} runs, t to {early[-1]}"
    rows.append(row_from_verdicts(claim, check, verdicts, "MomentRecursion"))

    paths = {
        part: averaged_path(odd, law(1.0), 1.0, 3.0, 0.3 if part == "SClip-EF" else 1 / 3, 1e9, part != "hard")
        for part in PARTS
    }
    predicted = {part: paths[part].exponent(long / 100, long) for part in PARTS}
    off = max(abs(cells["cancelling", 1.0, part][0] - predicted[part]) for part in PARTS)
    half = max((cells["cancelling", 1.0, part][2] - cells["cancelling", 1.0, part][1]) / 2 for part in PARTS)
    rows.append(
        Row(
            "Exponents below the theorem's at finite t are two biases that cancel: the averaged equation has them, and reaches the theorem's",
            f"scales (1, 1, 0), T0 = 3, p = 1, {runs} runs, t = {long / 100:g} to {long:g}, within .03 of the averaged equation; 99 % band ±{half:.3f}",
            "; ".join(f"{part} {cells['cancelling', 1.0, part][0]:.3f}" for part in PARTS),
            "averaged " + "; ".join(f"{part} {predicted[part]:.3f}, {paths[part].exponent(1e7, 1e9):.3f} from 1e7 to 1e9" for part in PARTS)
            + "; theorem " + ", ".join(f"{theory['cancelling', 1.0, part]:.3f}" for part in PARTS),
            None,
            "holds" if off <= 0.03 else "undecided" if off <= 0.03 + half else "violated",
            asserted=False,
            reason="an estimate is off, its band is not" if 0.03 < off <= 0.03 + half else "",
        )
    )  # fmt: skip

    figure, axes = style.figure(3, height=3.6)
    place = np.arange(len(tails))
    for panel, name in zip(axes, ("equal", "unequal"), strict=False):
        for k, part in enumerate(PARTS):
            values = np.array([cells[name, tail, part] for tail in tails])
            expected = [theory[name, tail, part] for tail in tails]
            x, colour = place + 0.22 * (k - 1), style.SERIES[k]
            error = [values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]]
            panel.errorbar(x, values[:, 0], error, fmt=style.MARKERS[k], color=colour, capsize=2, label=part)
            panel.hlines(expected, x - 0.1, x + 0.1, color=style.UPPER, label="theorem 2" if not k else None)
        panel.set(
            xlabel="tail index $p$ of the noise",
            ylabel="exponent of the MSE",
            title=f"{name} laws, $t$ to {steps:g}",
        )
        panel.set_xticks(place, [str(tail) for tail in tails])
        panel.legend(loc="lower right")
    for k, part in enumerate(PARTS):
        measured = done["cancelling", 1.0, part]
        axes[2].plot(
            measured.checkpoint, measured.squared_distance.mean("trajectory"), style.MARKERS[k], color=style.SERIES[k],
            label=part, markevery=3,
        )  # fmt: skip
        late = paths[part].steps >= 30
        axes[2].plot(paths[part].steps[late], paths[part].squared[late], "-", color=style.SERIES[k], linewidth=1)
    axes[2].plot([], [], "-", color=style.FLOOR, linewidth=1, label="averaged equation")
    axes[2].set(xscale="log", yscale="log", xlabel="step $t$", ylabel="$E|x_t-x^*|^2$", title="Two biases that cancel")
    axes[2].legend(loc="lower left")
    keys = list(jobs)
    table = {
        "laws": [k[0] for k in keys],
        "p": [str(k[1]) for k in keys],
        "method": [k[2] for k in keys],
        "exponent": [cells[k][0] for k in keys],
        "low": [cells[k][1] for k in keys],
        "high": [cells[k][2] for k in keys],
        "theorem": [theory[k] for k in keys],
        "mse_at_the_end": [float(done[k].squared_distance[-1].mean()) for k in keys],
    }
    shown = jobs["unequal", tails[0], "smooth"][0]
    return Outcome(rows, figure, {"exponents": table}, [(StrongRate(), shown), (MomentRecursion(), shown)])
