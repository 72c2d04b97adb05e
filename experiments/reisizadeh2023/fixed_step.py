"""Gradient descent with a fixed step and no clipping cannot serve a steep and a flat function at once.

On f_A, whose slope is M at the start, every step size above 2 (ln(L1 M/L0) + 1)/(L1 M) diverges; with a smaller one the flat
ramp f_B costs at least L1 M (Delta - 5 eps/4)/(8 eps² (ln(L1 M/L0) + 1)) iterations. Both are (L0, L1)-smooth. Clipped
gradient descent with one setting for both does not depend on M on f_B and grows like log M on f_A. L0 = L1 = 1, Delta = 5,
eps = .05.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023 as theory
from clipbounds.methods import ClippedStep, ConstantStep, MiniBatch
from clipbounds.oracles import Exact
from clipbounds.problems import FixedStepRamp, FixedStepWall
from clipbounds.report import Outcome, Row, style

EPS, GAP = 0.05, 5.0
# iterations and floor of the theory page for M = 10, ..., 1e5
PAGE = {10: (760, 748), 100: (4478, 4404), 1e3: (31742, 31219), 1e4: (245837, 241789), 1e5: (2005987, 1972960)}
CLIPPED = MiniBatch(ClippedStep(0.5, 0.5))


def run(lab):
    steepness = list(PAGE)[: lab.choose(4, 5, 5)]
    ramp = FixedStepRamp(EPS, GAP)
    jobs, floors = [], []
    for m in steepness:
        wall = FixedStepWall(m)
        fixed = MiniBatch(ConstantStep(wall.largest_step))
        setting = cb.Setting(ramp, Exact(ramp), fixed)
        floors.append(float(theory.FixedStepFloor(m).value(setting, 1)))
        beyond = MiniBatch(ConstantStep(1.02 * wall.largest_step))
        jobs += [
            (setting, EPS, int(3 * floors[-1])),
            (cb.Setting(ramp, Exact(ramp), CLIPPED), EPS, 10_000),
            (cb.Setting(wall, Exact(wall), CLIPPED), EPS, 10_000),
            (cb.Setting(wall, Exact(wall), beyond), EPS, 5_000),
        ]
    runs = lab.first_passages(jobs, until="hit", trajectories=1)
    count, flat, steep = (np.array([float(r.hit[0]) for r in runs[k::4]]) for k in range(3))
    diverged = all(r.diverged_at[0] >= 0 for r in runs[3::4])
    floors, m = np.array(floors), np.array(steepness, dtype=float)
    page = np.array([PAGE[s] for s in steepness], dtype=float)
    error = float(np.max(np.abs(count / page[:, 0] - 1)))
    rows = [
        Row(
            "Fixed-step gradient descent that does not diverge on f_A needs K >= L1 M (Delta - 5 eps/4)/(8 eps² (ln(L1 M/L0) + 1)) on f_B",
            f"M = 10..{steepness[-1]:g}, the largest step that does not diverge; exact counts",
            ", ".join(f"{int(c)}" for c in count),
            ", ".join(f"{f:.0f}" for f in floors),
            float(np.max(floors / count)),
            "holds" if np.all(count >= floors) else "violated",
        ),
        Row(
            "The counts are those of the theory page",
            "tolerance 2 %",
            f"largest deviation {100 * error:.2f} %",
            ", ".join(f"{int(p)}" for p in page[:, 0]),
            None,
            "holds" if error <= 0.02 else "violated",
        ),
        Row(
            "A step 2 % above 2 (ln(L1 M/L0) + 1)/(L1 M) diverges on f_A",
            f"{len(steepness)} values of M, 5000 iterations",
            "all diverge" if diverged else "some do not",
            "all diverge",
            None,
            "holds" if diverged else "violated",
        ),
        Row(
            "Clipped gradient descent does not depend on M on f_B and grows like log M on f_A",
            "step size .5, longest step .5, for every M; iterations on f_A less 2 ln(M) vary by at most 3",
            f"f_B {int(flat.min())} to {int(flat.max())}; f_A {', '.join(str(int(s)) for s in steep)}",
            "constant; 2 ln M + constant",
            None,
            "holds" if np.ptp(flat) == 0 and np.ptp(steep - 2 * np.log(m)) <= 3 else "violated",
        ),
    ]
    figure, axes = style.figure(width=6.2, height=4.2)
    style.lower(axes, m, floors, "lower bound for fixed steps")
    axes.plot(m, count, "o", color=style.MEASURED, label="fixed step, f$_B$")
    axes.plot(m, flat, "s-", color=style.SERIES[1], label="clipped, f$_B$")
    axes.plot(m, steep, "D-", color=style.SERIES[2], label="clipped, f$_A$")
    axes.set(
        xscale="log", yscale="log", xlabel="steepness $M = f_A'(x_0)$", ylabel=rf"iterations until $|f'|\leq {EPS}$"
    )
    axes.set_title("Gradient descent without clipping pays for the steepest function")
    axes.legend()
    data = {"fixed_step": {"M": m, "iterations": count, "floor": floors, "clipped_fB": flat, "clipped_fA": steep}}
    return Outcome(rows, figure, data, [(theory.FixedStepFloor(steepness[0]), jobs[0][0])])
