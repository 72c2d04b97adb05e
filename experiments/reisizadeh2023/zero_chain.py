"""The zero-chain: no method that queries this oracle finds the end of the chain before its floor.

A chain of T coordinates, the next one revealed with probability p = 1/(2T) per query. Every method needs at least
(T - log(1/d))/(2p) queries with probability 1 - d. SGD from 0, with the best of a few step sizes, is compared with the floor
at d = 1/e, (T - 1)/(2p), and with T/p, the mean of the number of queries until all coordinates are revealed. Medians over
trajectories.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023 as theory
from clipbounds.methods import ConstantStep, MiniBatch
from clipbounds.oracles import ZeroChainOracle
from clipbounds.problems import ZeroChain
from clipbounds.report import Outcome, Row, style

FAILURE = float(np.exp(-1))


def run(lab):
    lengths = lab.choose((16, 32), (16, 32, 64, 128), (16, 32, 64, 128))
    candidates = lab.choose((0.1,), (0.05, 0.1, 0.2), (0.025, 0.05, 0.1, 0.2, 0.4))
    trajectories = lab.choose(64, 64, 256)
    floors, best, chosen, early = [], [], [], []
    for done, length in enumerate(lengths):
        problem = ZeroChain(length)
        oracle = ZeroChainOracle(problem, 1 / (2 * length))
        # a long chain is tried with the steps that were best on the one before
        sizes = candidates if done < 2 else (chosen[-1],)
        settings = [cb.Setting(problem, oracle, MiniBatch(ConstantStep(size))) for size in sizes]
        floors.append(float(theory.ZeroChainFloor(FAILURE).value(settings[0], 1)))
        runs = lab.first_passages(
            [(setting, 1.0, int(6 * length * length)) for setting in settings],
            trajectories=trajectories,
            reached=lambda x: np.abs(x[:, -1]) >= 1,
            every=max(1, length // 8),
        )
        queries = [np.where(np.isnan(run.hit), np.inf, run.hit) for run in runs]
        medians = [float(np.median(q)) for q in queries]
        k = int(np.argmin(medians))
        best.append(medians[k])
        chosen.append(sizes[k])
        early.append(float(np.mean(queries[k] < floors[-1])))
        lab.step(done + 1, len(lengths), f"T = {length}")
    lengths, floors, best = np.array(lengths, dtype=float), np.array(floors), np.array(best)
    ratios = best / floors
    rows = [
        Row(
            "The end of a zero-chain is not found in fewer than (T - log(1/d))/(2p) queries, but with probability d",
            f"T = {', '.join(f'{t:g}' for t in lengths)}, p = 1/(2T), d = 1/e, {trajectories} trajectories of SGD with the best step",
            f"share before the floor at most {max(early):.3f}; median/floor {ratios.min():.3f} to {ratios.max():.3f}",
            f"share at most {FAILURE:.3f}",
            float(np.max(floors / best)),
            "holds" if max(early) <= FAILURE and np.all(best >= floors) else "violated",
        ),
        Row(
            "Tuned SGD is within 2.5 times the floor, near the mean T/p of the reveals",
            f"best of the step sizes {', '.join(f'{c:g}' for c in candidates)}: {', '.join(f'{c:g}' for c in chosen)}",
            ", ".join(f"{b:.0f}" for b in best),
            ", ".join(f"{2.5 * f:.0f}" for f in floors),
            float(np.max(ratios / 2.5)),
            "holds" if np.all(ratios <= 2.5) else "violated",
        ),
    ]
    figure, axes = style.figure(width=6.0, height=4.2)
    style.lower(axes, lengths, floors, "floor $(T-1)/(2p)$")
    axes.plot(lengths, 2 * lengths**2, color="0.5", linewidth=1, label="$T/p$, mean of the reveals")
    axes.plot(lengths, best, "o", color=style.MEASURED, label="SGD, best step: median")
    axes.set(xscale="log", yscale="log", xlabel="length $T$, $p = 1/(2T)$", ylabel=r"queries until $|x_T|\geq 1$")
    axes.set_xticks(lengths, [f"{t:g}" for t in lengths])
    axes.minorticks_off()
    axes.set_title("Zero-chain")
    axes.legend()
    data = {"zero_chain": {"T": lengths, "floor": floors, "median": best, "step_size": chosen}}
    return Outcome(rows, figure, data, [(theory.ZeroChainFloor(FAILURE), settings[0])])
