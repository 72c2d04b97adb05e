"""Finite sums: SPIDER costs sqrt(n) component gradients where gradient descent costs n.

Ramp-valley in 4 coordinates, eps = .1, with equispaced phases along the ramp: F is the exact mean of n components whose
averaged smoothness is known. SPIDER starts every epoch with the full gradient, q = S2 = sqrt(n), delta = 3 eps/11.
Gradient descent takes the same kind of step with delta = eps and pays n each time.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023 as theory
from clipbounds.methods import MiniBatch, RuleH
from clipbounds.oracles import EquispacedPhases, constants_of_mean
from clipbounds.report import Outcome, Row, style
from clipbounds.verdict import fit_slope

EPS = 0.1
FIT_FROM = 256  # the window of the theory page


def settings(n):
    problem = cb.problems.RampValley(EPS, valley=3)
    oracle = EquispacedPhases(problem, 1.0, n)
    plan = theory.plan(EPS, problem, oracle, "H")
    pair = constants_of_mean(problem, EPS)
    descent = MiniBatch(RuleH(EPS, pair.L0, pair.L1), n)
    return plan, [cb.Setting(problem, oracle, method) for method in (plan.method, descent)]


def run(lab):
    sizes = [2**k for k in lab.choose((6, 8, 10, 12), range(6, 17), range(6, 17))]
    jobs, plans = [], []
    for n in sizes:
        plan, pair = settings(n)
        plans.append(plan)
        jobs += [(setting, EPS, plan.steps) for setting in pair]
    runs = lab.first_passages(jobs)
    spider, descent = runs[::2], runs[1::2]
    n = np.array(sizes, dtype=float)
    mean = [np.array([r.mean_evaluations.mean() for r in group]) for group in (spider, descent)]
    hit = [np.array([r.hit_evaluations.mean() for r in group]) for group in (spider, descent)]
    total = np.array([plan.evaluations for plan in plans], dtype=float)
    bound = np.array([22 * np.sqrt(plan.S1) * plan.L0 / EPS**2 + plan.S1 for plan in plans])

    window = n >= FIT_FROM
    slopes = [fit_slope(n[window], values[window]).slope for values in mean]
    ratio = np.log(hit[0] / hit[1])
    k = int(np.argmax(ratio < 0))
    crossing = float(np.exp(np.interp(0, -ratio[k - 1 : k + 1], np.log(n[k - 1 : k + 1])))) if k else float(n[0])
    worst = float(np.max(mean[0] / total))
    rows = [
        Row(
            "Finite sums: the cost of SPIDER grows like sqrt(n), that of gradient descent like n",
            f"`mean` at eps = {EPS}, n = {FIT_FROM}..{sizes[-1]}, 64 trajectories; SPIDER in [.50, .55], GD within .01 of 1",
            f"SPIDER {slopes[0]:.3f}, GD {slopes[1]:.3f}",
            "0.50-0.55 and 1.00",
            None,
            "holds" if 0.5 <= slopes[0] <= 0.55 and abs(slopes[1] - 1) <= 0.01 else "violated",
        ),
        Row(
            "The running mean of SPIDER reaches eps within the planned number of steps",
            f"{len(sizes)} values of n",
            f"mean/total up to {worst:.3f}; total/(22 sqrt(n) Delta L0/eps² + n) up to {np.max(total / bound):.3f}",
            "mean <= total",
            worst,
            "holds" if worst <= 1 else "violated",
        ),
        Row(
            "SPIDER and gradient descent hit eps at the same cost near n = 200",
            "crossing of `hit` on logarithmic axes",
            f"n = {crossing:.0f}",
            "200",
            None,
            "holds" if 150 <= crossing <= 270 else "violated",
            asserted=False,
        ),
    ]
    figure, axes = style.figure(width=8.4, height=4.4)
    style.upper(axes, n, bound, r"$22\sqrt{n}\,\Delta L_0/\epsilon^2 + n$ (upper bound, SPIDER)")
    for values, hits, name, color in zip(mean, hit, ("SPIDER-H", "gradient descent"), style.SERIES[:3:2], strict=False):
        axes.plot(n, values, "s", color=color, label=f"{name}, mean")
        axes.plot(n, hits, "o", color=color, markerfacecolor="none", label=f"{name}, hit")
    axes.plot(n, mean[0][-1] * np.sqrt(n / n[-1]), color="0.5", linewidth=0.9, label=r"$\propto\sqrt{n}$")
    axes.plot(n, mean[1][-1] * n / n[-1], color="0.5", linewidth=0.9, linestyle="-.", label=r"$\propto n$")
    order = [theory.FiniteSumLower(eps=EPS, L=plan.L0, n=int(k)).order(1.0) for k, plan in zip(n, plans, strict=True)]
    style.recalled(axes, n, order, r"$n + L_0\Delta\sqrt{n}/\epsilon^2$ (recalled, constant 1)")
    axes.axvline(crossing, color="0.4", linestyle=":")
    axes.annotate(f"hits cross at n = {crossing:.0f}", (crossing, 0.04), xycoords=("data", "axes fraction"), xytext=(4, 0), textcoords="offset points")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="components $n$", ylabel="component gradients")
    axes.set_title(rf"Finite sum, $\epsilon = {EPS}$")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    data = {
        "finite_sum": {
            "n": n, "spider_mean": mean[0], "spider_hit": hit[0], "spider_total": total, "gd_mean": mean[1], "gd_hit": hit[1],
        }
    }  # fmt: skip
    bounds = [(theory.SpiderH(), jobs[0][0]), (theory.GradientDescent(), jobs[1][0])]
    return Outcome(rows, figure, data, bounds)
