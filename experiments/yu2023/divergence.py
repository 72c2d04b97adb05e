"""The step of SClip-EF must be limited: radius of divergence against theta on an example without noise.

Three quadratic clients in three dimensions with a common minimiser. Beyond theta = 1.88479520514 the component-wise method
follows x = r sqrt(tau) s^{3/10} (1, 1, 1) with r on the upper branch; the joint operator converges at every theta. Starts on
the upper radius, or below the threshold at r = 1; close to the fold the lower root is near, where the approach is slow.
"""

import warnings

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import divergence_radii, divergence_threshold, theta_of_radius
from clipbounds.methods import SClipEF
from clipbounds.problems import divergence_example
from clipbounds.report import Outcome, Row, style
from clipbounds.report.parallel import simulate_all

PAGE = {3.0: 3.01444, 5.0: 5.37902}
WITHIN = 0.005


def start(theta):
    return divergence_radii(theta)[1] if theta >= divergence_threshold() else 1.0


def run(lab):
    steps = lab.choose(30_000, 1_000_000, 1_000_000)
    shorter = steps // 10
    converged = lab.choose(0.5, 0.1, 0.1)  # share of the distance at t = 10³ that may be left at the end
    scan = lab.choose((2.5,), (1.0, 1.7, 2.0, 2.25, 2.5, 3.5, 4.0, 4.5), np.arange(1, 6, 0.25))
    jobs = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the warning that a theta diverges is what this experiment shows
        for theta in (3.0, 5.0, 1.5):
            for joint in (False, True):
                problem = divergence_example(start(theta))
                setting = cb.Setting(problem, cb.noise.NoNoise(), SClipEF.standard(theta, joint=joint))
                points = np.unique(np.round(np.geomspace(10, steps, 41)).astype(int))
                jobs[theta, joint] = (setting, steps, 1, {"checkpoints": np.union1d(points, [1000])})
        for theta in scan:
            if (theta, False) not in jobs:
                setting = cb.Setting(divergence_example(start(theta)), cb.noise.NoNoise(), SClipEF.standard(theta))
                jobs[theta, False] = (setting, shorter, 1, {"checkpoints": [1000, shorter]})
        runs = simulate_all(lab, jobs)
    radius = {
        key: r.distance.values[:, 0] / np.sqrt(3) / (20.0 * (r.checkpoint.values + 1.0) ** 0.3)
        for key, r in runs.items()
    }
    end = {key: float(values[-1]) for key, values in radius.items()}

    off = max(abs(end[t, False] / PAGE[t] - 1) for t in PAGE)
    rows = [
        Row(
            "Component-wise SClip-EF diverges like t^{3/10} at theta = 3 and 5",
            f"no noise, t = {steps:g}, radius within {100 * WITHIN} % of the stable root",
            ", ".join(f"r = {end[t, False]:.5f} at theta = {t:g}" for t in PAGE),
            ", ".join(f"{PAGE[t]}" for t in PAGE),
            max(end[t, False] / PAGE[t] for t in PAGE),
            "holds" if off <= WITHIN else "violated",
        )
    ]
    halved = {key: r.distance.values[-1, 0] / r.distance.sel(checkpoint=1000).values[0] for key, r in runs.items()}
    names = [(1.5, False)] + [(t, True) for t in (1.5, 3.0, 5.0)]
    good = all(halved[key] < converged for key in names)
    rows.append(
        Row(
            "It converges at theta = 1.5, and with the joint operator at theta = 1.5, 3 and 5",
            f"‖x_t‖ at t = {steps:g} over ‖x_t‖ at t = 1000 below {converged}",
            "; ".join(f"{halved[key]:.2g} at theta = {key[0]:g}{', joint' if key[1] else ''}" for key in names),
            f"{converged}",
            None,
            "holds" if good else "violated",
        )
    )
    beyond = [t for t in scan if t > divergence_threshold()]
    off = max(abs(end[t, False] / divergence_radii(t)[1] - 1) for t in beyond)
    rows.append(
        Row(
            "The radius follows the upper branch, from the fold at theta = 1.88479520514 on",
            f"{len(beyond)} values of theta, t = {shorter:g}, within 1 %",
            f"largest difference {100 * off:.2g} %",
            f"threshold {divergence_threshold():.11f}",
            None,
            "holds" if off <= 0.01 else "violated",
        )
    )

    figure, axes = style.figure(2, height=3.6)
    r = np.geomspace(0.45, 6.5, 600)
    theta = np.array([theta_of_radius(v) for v in r])
    fold = np.argmin(theta)
    axes[0].plot(theta[fold:], r[fold:], "-", color=style.UPPER, label="stable radius")
    axes[0].plot(theta[: fold + 1], r[: fold + 1], "--", color=style.UPPER, label="unstable radius")
    axes[0].axvline(divergence_threshold(), color=style.FLOOR, linestyle=":", label="$\\theta = 1.88480$")
    for joint, label, colour, marker in (
        (False, "component-wise", style.SERIES[0], "o"),
        (True, "joint", style.SERIES[2], "^"),
    ):
        keys = [k for k in end if k[1] == joint]
        axes[0].plot([k[0] for k in keys], [end[k] for k in keys], marker, color=colour, label=f"{label}, measured")
    axes[0].set(
        xlim=(0.8, 5.3),
        ylim=(-0.2, 6),
        xlabel="$\\theta$",
        ylabel="$r = x_t/(\\sqrt{\\tau}\\, s^{3/10})$",
        title="Radius at the end of the run",
    )
    for (t, joint), colour in zip([(5.0, False), (3.0, False), (1.5, False), (3.0, True)], style.SERIES, strict=False):
        x = runs[t, joint].checkpoint.values
        axes[1].plot(
            x,
            runs[t, joint].distance.values[:, 0],
            "-",
            color=colour,
            label=f"$\\theta={t:g}$" + (", joint" if joint else ""),
        )
    x = np.array([10.0, steps])
    axes[1].plot(x, 300 * (x / 10) ** 0.3, ":", color=style.FLOOR, label="$t^{3/10}$")
    axes[1].set(xscale="log", yscale="log", xlabel="step $t$", ylabel="$\\Vert x_t - x^*\\Vert$", title="Paths")
    axes[0].legend(loc="center right", bbox_to_anchor=(1.0, 0.32))
    axes[1].legend(loc="lower left")
    keys = list(end)
    table = {"theta": [k[0] for k in keys], "joint": [k[1] for k in keys], "radius": [end[k] for k in keys]}
    return Outcome(rows, figure, {"radius": table})
