"""A steep start: clipping makes the start harmless for SGD, the normalised rule pays log M, and the rules H and P about M.

Ramp-valley behind an exponential wall, so that ‖grad F(x0)‖ = M. Plain SGD with the same step size diverges once eta M >
2|x(0)|. The rules H and P divide the step by ‖v‖ once more, so on the wall one step lowers the gradient by about delta and
(M - 2 eps)/delta iterations are spent there.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023 as theory
from clipbounds.methods import ConstantStep, MiniBatch
from clipbounds.oracles import GaussianPhase, RademacherNoise
from clipbounds.report import Outcome, Row, style
from clipbounds.verdict import fit_slope

EPS = 0.1
LABEL = {"H": "SPIDER-H", "P": "SPIDER-P", "N": "SPIDER-N", "C": "clipped SGD", "SGD": "SGD, same step size"}


def setting(name, steepness):
    problem = cb.problems.RampWall(EPS, steepness=steepness)
    if name in ("C", "SGD"):
        oracle = RademacherNoise(problem, 1.0, quiet=1)
        plan = theory.plan(EPS, problem, oracle, "C")
        method = plan.method if name == "C" else MiniBatch(ConstantStep(plan.step_scale))
    else:
        oracle = GaussianPhase(problem, 1.0, quiet=1)
        plan = theory.plan(EPS, problem, oracle, name)
        method = plan.method
    return plan, cb.Setting(problem, oracle, method)


def grids(lab):
    """The values of M: the rules H and P need about M iterations, so they get fewer of them."""
    fine = lab.choose(
        (1, 10, 100, 1e3, 1e4), (1, 3, 10, 30, 100, 300, 1e3, 3e3, 4e3, 5e3, 6e3, 7e3, 1e4), np.geomspace(1, 1e4, 41)
    )
    coarse = lab.choose((1, 10, 100, 1e3), (1, 10, 100, 1e3, 1e4), np.geomspace(1, 1e4, 17))
    return {name: np.array(coarse if name in "HP" else fine, dtype=float) for name in LABEL}


def smallest(values, chosen):
    return f"{values[chosen].min():g}" if chosen.any() else "none"


def run(lab):
    grid = grids(lab)
    jobs, keys, plans, starts = [], [], {}, {}
    for name in LABEL:
        for m in grid[name]:
            plan, made = setting(name, float(m))
            wall = (m - 2 * EPS) / plan.step_scale if name in "HP" else 0
            plans[name, m], starts[m] = plan, made.problem.x0[0]
            jobs.append((made, EPS, int(200_000 + 3 * wall)))
            keys.append((name, m))
    order = sorted(range(len(jobs)), key=lambda k: -jobs[k][2])
    found = dict(zip([keys[k] for k in order], lab.first_passages([jobs[k] for k in order], until="hit"), strict=True))
    hits = {name: np.array([found[name, m].hit_evaluations.mean() for m in grid[name]]) for name in LABEL}
    steps = {name: np.array([found[name, m].hit.mean() for m in grid[name]]) for name in LABEL}
    steepness = grid["SGD"]
    diverged = np.array([np.any(found["SGD", m].diverged_at >= 0) for m in steepness])
    predicted = np.array([plans["SGD", m].step_scale * m > 2 * starts[m] for m in steepness])

    growth = float(hits["C"].max() / hits["C"].min())
    ratios = []
    for name in "HP":
        m, extra = grid[name], steps[name] - steps[name][0]
        wall = np.array([(value - m[0]) / plans[name, value].step_scale for value in m])
        ratios.append(extra[m >= 100] / wall[m >= 100])
    ratios = np.concatenate(ratios)
    # from M = 1 to the next value the wall is still mostly its linear part
    tail = np.diff(steps["N"])[1:] / np.diff(np.log(steepness))[1:]
    rows = [
        Row(
            "Clipped SGD hardly notices a steep start",
            f"hits at eps = {EPS}, M from 1 to 1e4, 64 trajectories; largest/smallest below 1.1",
            f"{growth:.4f}",
            "1.1",
            growth / 1.1,
            "holds" if growth <= 1.1 else "violated",
        ),
        Row(
            "SGD with the same step size diverges exactly where eta M > 2|x(0)|",
            f"{len(steepness)} values of M; a lane is flagged when its gradient stops being finite",
            f"diverges from M = {smallest(steepness, diverged)} on",
            f"M = {smallest(steepness, predicted)}",
            None,
            "holds" if np.array_equal(diverged, predicted) else "violated",
        ),
        Row(
            "Rules H and P spend about (M - 2 eps)/delta iterations on the wall",
            "iterations beyond those at M = 1, over the prediction, for M >= 100; within [.9, 1.1]",
            f"{ratios.min():.3f} to {ratios.max():.3f}",
            "1",
            float(ratios.max()),
            "holds" if np.all(np.abs(ratios - 1) <= 0.1) else "violated",
        ),
        Row(
            "The normalised rule spends log M",
            "iterations a unit of ln M between neighbouring M, largest/smallest; below 1.3",
            f"{tail.max() / tail.min():.3f}",
            "1",
            None,
            "holds" if tail.min() > 0 and tail.max() / tail.min() <= 1.3 else "violated",
        ),
    ]
    figure, axes = style.figure(width=6.4, height=4.4)
    for (name, label), color, marker in zip(LABEL.items(), style.SERIES, style.MARKERS, strict=False):
        m, kept = grid[name], np.isfinite(hits[name])
        chosen = kept & (m >= 100)
        slope = f": slope {fit_slope(m[chosen], hits[name][chosen]).slope:.2f}" if name in "HP" else ""
        axes.plot(m[kept], hits[name][kept], marker=marker, color=color, label=label + slope)
    if diverged.any():
        edge = float(steepness[diverged].min())
        axes.axvspan(edge, float(steepness.max()), color="0.9", zorder=0)
        axes.annotate(
            "SGD diverges", (edge, 0.28), xycoords=("data", "axes fraction"), xytext=(-4, 0), textcoords="offset points",
            ha="right", color="0.3",
        )  # fmt: skip
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=r"$\|\nabla F(x_0)\| = M$",
        ylabel=rf"stochastic gradients until $\|\nabla F\|\leq {EPS}$",
    )
    axes.set_title("A steep start")
    axes.legend()
    data = {name: {"M": grid[name], "hit": hits[name]} for name in LABEL}
    return Outcome(rows, figure, data)
