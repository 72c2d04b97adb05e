"""High probability against expectation: the rate in the number of samples N, and the price of a small delta.

f L-smooth with L = sigma = 1, F0 = 10, eta = 1/L, constant thresholds; n, T = N/n and the threshold are the best of a grid for
each bound by itself, before any data. Theorem 6 for (1/T) sum ‖grad f(x_t)‖ with probability 1-delta, Theorem 3* for its expectation. No
sampling: both are theorems, and the row compares what they give.
"""

import numpy as np

from clipbounds.bounds import nobile2026 as nb
from clipbounds.bounds.nobile2026.whole_run import Average, Run, whole_run
from clipbounds.report import Outcome, Row, style

EXPONENTS, F0 = (1.3, 1.5, 1.8), 10.0
DELTAS = (1e-2, 1e-4, 1e-8)
SCALES = (0.2, 0.5)  # of the thresholds, in units of sigma n^{1/p}
TOLERANCE = 0.03  # of a slope, as for the expectation bound
LOGARITHM = np.log(2 / DELTAS[-1]) / np.log(2 / DELTAS[0])
INFINITE = "a bound is infinite at some N, for every batch size and threshold of the grid"


def splits(N):
    """Batch sizes on a logarithmic grid, and T = N/n."""
    sizes = np.unique(np.geomspace(max(8, N**0.2), N**0.75, 9).astype(int))
    return [(int(n), int(N // n)) for n in sizes if N // n >= 4]


def in_expectation(p, N):
    """(bound, n, scale): Theorem 3* with the best batch size and threshold scale·n^{1/p}."""
    found = []
    for n, T in splits(N):
        for scale in SCALES:
            descent = nb.SharpDescent(np.full(n, scale * n ** (1 / p)), 1.0, p, 1.0)
            found.append((float(descent.inverse(2 * F0 / T)), n, scale))
    return min(found)


def with_probability(p, N, delta, centre):
    """The same for Theorem 6, for batch sizes up to a factor of about 8 from the best in expectation."""
    found = []
    for n, T in splits(N):
        if not centre / 4 <= n <= 10 * centre:
            continue
        for scale in SCALES:
            tau = scale * n ** (1 / p) / np.sqrt(F0)
            run = Run((tau,) * n, 1 / np.sqrt(F0), p, 1.0, 1.0, 1.0, float(T), delta)
            found.append((np.sqrt(F0) * whole_run(run, Average("norm"))[0], n, scale))
    return min(found)


def decided(finite, inside):
    """The verdict where every bound is finite; otherwise there is nothing to compare."""
    return "undecided" if not finite else "holds" if inside else "violated"


def slope(budgets, values):
    """Least squares in logarithms; nan where a value is infinite."""
    if not np.all(np.isfinite(values)):
        return np.nan
    return float(np.polyfit(np.log(budgets), np.log(values), 1)[0])


def run(lab):
    budgets = np.geomspace(1e6, lab.choose(1e7, 1e9, 1e10), lab.choose(2, 3, 5)).astype(np.int64)
    exponents = lab.choose(EXPONENTS[1:2], EXPONENTS[1:2], EXPONENTS)
    rows, curves, data = [], {}, {}
    for p in exponents:
        mean = [in_expectation(p, int(N)) for N in budgets]
        curves[p] = {"expectation": np.array([m[0] for m in mean])}
        for delta in DELTAS:
            found = [with_probability(p, int(N), delta, m[1]) for N, m in zip(budgets, mean, strict=True)]
            curves[p][delta] = np.array([f[0] for f in found])
            lab.step(len(curves) * (1 + len(DELTAS)), len(exponents) * (1 + len(DELTAS)), f"p = {p}, delta = {delta:g}")
        rate = -(p - 1) / (3 * p - 2)
        slopes = {key: slope(budgets, values) for key, values in curves[p].items()}
        with np.errstate(invalid="ignore"):
            factors = {delta: curves[p][delta] / curves[p]["expectation"] for delta in DELTAS}
        off = max(abs(slopes[delta] - slopes["expectation"]) for delta in DELTAS)
        finite = all(np.all(np.isfinite(values)) for values in curves[p].values())
        rows.append(
            Row(
                "High-probability guarantees match the in-expectation rate in N up to polylog (abstract)",
                f"p = {p}, N from {budgets[0]:.0e} to {budgets[-1]:.0e}, best n and threshold for each; Theorem 6 for delta = .01, 1e-4, 1e-8 against Theorem 3*",
                f"slope in expectation {slopes['expectation']:.3f}; {', '.join(f'{slopes[d]:.3f}' for d in DELTAS)} (rate {rate:.3f})",
                f"within {TOLERANCE:g} of the slope in expectation",
                None,
                decided(finite, off <= TOLERANCE),
                asserted=False,
                reason="" if finite else INFINITE,
            )
        )
        growth = float(np.max(curves[p][DELTAS[-1]] / curves[p][DELTAS[0]])) if finite else np.nan
        rows.append(
            Row(
                "From delta = 1e-2 to 1e-8 the bound grows by no more than the logarithm, ln(2e8)/ln(2e2) = 3.6, at every N",
                f"p = {p}, the same parameters; Theorem 6 over Theorem 3*, smallest to largest N",
                "; ".join(f"delta = {d:g}: {factors[d][0]:.2f} to {factors[d][-1]:.2f}" for d in DELTAS)
                + f"; from first to last delta a factor of at most {growth:.2f}",
                f"{LOGARITHM:.2f}",
                growth / LOGARITHM,
                decided(finite, growth <= LOGARITHM),
                asserted=False,
                reason="" if finite else INFINITE,
            )
        )
        data[f"p={p}"] = {
            "N": budgets,
            "expectation": curves[p]["expectation"],
            **{f"delta={d:g}": curves[p][d] for d in DELTAS},
        }
    return Outcome(rows, _draw(budgets, curves), data)


def _draw(budgets, curves):
    figure, panels = style.figure(len(curves), width=4.6 * len(curves), height=3.6)
    for axes, (p, lines) in zip(np.ravel(panels), curves.items(), strict=True):
        style.upper(axes, budgets, lines["expectation"], label="Theorem 3*, expectation", color="0.3")
        for delta, color in zip(DELTAS, style.SERIES, strict=False):
            style.upper(
                axes, budgets, lines[delta], label=f"Theorem 6, $\\delta=10^{{{np.log10(delta):.0f}}}$", color=color
            )
        guide = lines["expectation"][0] * (budgets / budgets[0]) ** (-(p - 1) / (3 * p - 2))
        axes.plot(budgets, guide, color="0.6", linewidth=0.8, linestyle=":", label="$N^{-(p-1)/(3p-2)}$")
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="samples $N$",
            ylabel="bound of the mean of $\\|\\nabla f(x_t)\\|/\\sigma_p$",
        )
        axes.set_title(f"$p={p}$, $F_0=10$, $\\eta=1/L$, best $n$, $T$, $\\tau$ for each")
        axes.legend(loc="lower left", fontsize=7)
    return figure
