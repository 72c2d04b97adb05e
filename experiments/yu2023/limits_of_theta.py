"""Where theorem 2 must have a condition on theta: growing rays of convex clients component-wise, of concave ones under any operator.

Without noise. Left: five convex clients in five dimensions (ray 1, L = 16.94), on which component-wise clipping grows like t^{3/10} once
theta L is beyond 13.47; theorem 2 converges below theta L = 2.4, and between the two nothing is proved. Right: 19 clients of curvature
-1 and one of 60 on the line, where theta nubar beyond .376 grows and theorem 2 converges below .3; with n clients the gap closes like
1/n. Starts on the stable radius, below the fold on the radius of the fold.
"""

import warnings

import numpy as np

import clipbounds as cb
from clipbounds.bounds.yu2023 import StrongRate, concave_ray_example, convex_ray_example
from clipbounds.methods import SClipEF
from clipbounds.report import Outcome, Row, style
from clipbounds.report.parallel import simulate_all

WITHIN, T0 = 0.005, 20.0
# in units of the fold's theta: on the ray, and the convergent neighbours
# closer to the fold the radius is attained more slowly
BEYOND, BELOW = (1.2, 1.5, 2.0), (0.9, 0.6)


def settings(make, joint):
    """(ray, factor -> setting): the start on the ray, or on the radius of the fold below it."""
    ray = make()[1]
    fold = ray.radii(ray.threshold * (1 + 1e-9))[1]
    found = {}
    for factor in (*BEYOND, *BELOW):
        theta = factor * ray.threshold
        radius = ray.radii(theta)[1] if factor > 1 else fold
        method = SClipEF.standard(theta, smoothing=T0**2, joint=joint)
        found[factor] = cb.Setting(make(x0=T0 * radius)[0], cb.noise.NoNoise(), method)
    return ray, found


def run(lab):
    steps = lab.choose(10_000, 1_000_000, 10_000_000)
    points = np.unique(np.round(np.geomspace(10, steps, 41)).astype(int))
    cases = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a theta diverges is what this experiment shows
        cases["convex, component-wise"] = settings(convex_ray_example, False)
        cases["concave, joint"] = settings(concave_ray_example, True)
        jobs = {
            (name, factor): (setting, steps, 1, {"checkpoints": points})
            for name, (_, found) in cases.items()
            for factor, setting in found.items()
        }
        same = jobs["convex, component-wise", BEYOND[-1]][0]
        jobs["convex, joint", BEYOND[-1]] = (
            same.replace(method=same.method.replace(joint=True)),
            steps,
            1,
            {"checkpoints": points},
        )
        done = simulate_all(lab, jobs)
    radius = {
        key: r.distance.values[:, 0] / np.sqrt(jobs[key][0].problem.dim) / (T0 * (points + 1.0) ** 0.3)
        for key, r in done.items()
    }

    rows = []
    names = {
        "convex, component-wise": "Convex clients diverge component-wise beyond theta L = 13.47, on the predicted ray",
        "concave, joint": "Clients of curvature -1 diverge under any operator beyond theta nubar = .376, on the predicted ray",
    }
    for name, claim in names.items():
        ray, found = cases[name]
        off = {f: abs(radius[name, f][-1] / ray.radii(f * ray.threshold)[1] - 1) for f in BEYOND}
        fallen = {f: radius[name, f][-1] / radius[name, f][0] for f in BELOW}
        problem = found[BELOW[0]].problem
        scale = (
            float(problem.client_lipschitz.max())
            if problem.dim > 1
            else float(problem.weights @ np.maximum(0, -problem.client_curvature))
        )
        good = max(off.values()) <= WITHIN and max(fallen.values()) < 1
        rows.append(
            Row(
                claim,
                f"no noise, t = {steps:g}; radius within {100 * WITHIN} % of the stable root at {BEYOND} times the fold; at {BELOW} times it falls",
                "off by " + ", ".join(f"{100 * v:.2g} %" for v in off.values())
                + "; left of the radius " + ", ".join(f"{v:.2g}" for v in fallen.values()),
                f"fold {ray.threshold * scale:.5f}; theorem 2 below {2.4 if problem.dim > 1 else 0.3}",
                None,
                "holds" if good else "violated",
                asserted=False,
            )
        )  # fmt: skip
    left = radius["convex, joint", BEYOND[-1]][-1]
    rows.append(
        Row(
            "The joint operator converges from the same start, as theorem 2 says for every theta",
            f"no noise, t = {steps:g}, theta at {BEYOND[-1]} times the fold; radius below .01",
            f"{left:.2g}",
            "0.01" if steps > 1e5 else "0.1",
            None,
            "holds" if left < (0.01 if steps > 1e5 else 0.1) else "violated",
            asserted=False,
        )
    )
    sizes = np.array([5, 10, 20, 50, 100, 300, 1000])
    gap = np.array([concave_ray_example(int(n), 3.0 * n)[1].threshold * (1 - 1 / n) for n in sizes])

    figure, axes = style.figure(3, height=3.6)
    for panel, name in zip(axes, names, strict=False):
        for k, factor in enumerate((*BEYOND, *BELOW)):
            panel.plot(
                points,
                done[name, factor].distance.values[:, 0],
                color=style.SERIES[k],
                linestyle="-" if factor > 1 else "--",
                label=f"${factor:g}\\,\\theta_0$",
            )
        panel.plot(
            points,
            T0 * np.sqrt(jobs[name, BEYOND[0]][0].problem.dim) * 0.3 * (points + 1.0) ** 0.3,
            ":",
            color=style.FLOOR,
            label="$t^{3/10}$",
        )
        panel.set(
            xscale="log", yscale="log", xlabel="step $t$", ylabel="$\\Vert x_t-x^*\\Vert$", title=name.capitalize()
        )
        panel.legend(loc="best")
    axes[0].plot(
        points,
        done["convex, joint", BEYOND[-1]].distance.values[:, 0],
        color=style.SERIES[-1],
        linestyle="-.",
        label=f"joint, ${BEYOND[-1]:g}\\,\\theta_0$",
    )
    axes[0].legend(loc="best")
    axes[2].plot(sizes, gap, "o-", color=style.MEASURED, label="a ray grows from here on")
    axes[2].axhline(0.3, color=style.UPPER, label="theorem 2 converges below")
    axes[2].set(
        xscale="log",
        xlabel="clients $n$, one of curvature $3n$",
        ylabel="$\\theta\\bar\\nu$",
        title="The condition is sharp as $n\\to\\infty$",
    )
    axes[2].legend(loc="best")
    keys = list(jobs)
    table = {
        "case": [k[0] for k in keys],
        "factor": [k[1] for k in keys],
        "theta": [jobs[k][0].method.theta for k in keys],
        "radius": [float(radius[k][-1]) for k in keys],
    }
    shown = cases["concave, joint"][1][BELOW[-1]]
    return Outcome(
        rows, figure, {"radius": table, "sharpness": {"clients": sizes, "fold": gap}}, [(StrongRate(2.0), shown)]
    )
