"""Another function for the adversary: does one come nearer to S0* than x²/2, where S0* is loosest?

S0* holds for every L-smooth f, and the tightness map shows its adversary on x²/2 only. At the three cells where the map leaves most,
the adversary plays on eight functions with L = 1, each at several scales k (in units of sigma), on which f' = k phi(x/k). A function on which
it attains more than on x²/2 shows that some of the gap belongs to the quadratic; if none does, either S0* is loose there or
the function is none of these. Every value is a certified lower bound of the worst case, so a ratio above 1 would refute S0*.
"""

import math

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.facts import Certificate, HessianSmoothness
from clipbounds.problems import Problem
from clipbounds.report import Outcome, Row, style
from clipbounds.specs import POSITIVE, parameter, vector

SIGMA, TIME, LANDING = 1.0, 400.0, 8
# the three largest ratios of tightness_map at the standard budget: (c/sigma, eta) of its grids
CELLS = tuple(
    (float(np.geomspace(0.1, 10, 13)[i]), float(np.geomspace(1e-4, 0.3, 9)[j])) for i, j in ((5, 8), (4, 8), (5, 7))
)
PROVED = Certificate("proved", "|f''| <= 1 in closed form")
WAVES = 3.0  # the part of the sine over that of the line, above 1: not convex


class _Scaled(Problem):
    """f(x) = k² Phi(x/k) with |Phi''| <= 1, its minimiser 0 and Phi(0) = 0."""

    k: float = parameter(POSITIVE, "where the slope leaves the line")
    x0: np.ndarray = vector()

    certificate = PROVED
    f_star, f_star_attained = 0.0, True

    @property
    def smoothness(self):
        return HessianSmoothness(1.0, 0.0)

    def value(self, x):
        return np.sum(self.k**2 * self.shape(np.asarray(x) / self.k), axis=-1)


class LogCosh(_Scaled):
    """f' = k tanh(x/k)"""

    convex = True
    shape = staticmethod(lambda y: np.logaddexp(y, -y) - math.log(2))

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return k * math.tanh(x / k)


class PseudoHuber(_Scaled):
    """f' = x/sqrt(1 + (x/k)²)"""

    convex = True
    shape = staticmethod(lambda y: np.sqrt(1 + y * y) - 1)

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return x / math.sqrt(1.0 + (x / k) * (x / k))


class Pendulum(_Scaled):
    """f' = k sin(x/k): not convex, and periodic."""

    shape = staticmethod(lambda y: 1 - np.cos(y))

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return k * math.sin(x / k)


class Wavy(_Scaled):
    """f' = (x + 3 k sin(x/k))/4: a line with waves, not convex."""

    shape = staticmethod(lambda y: (y * y / 2 + WAVES * (1 - np.cos(y))) / (1 + WAVES))

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return (x + 3.0 * k * math.sin(x / k)) / 4.0


class Redescending(_Scaled):
    """f' = x/(1 + (x/k)²)², Geman and McClure's: it is bounded, and so is f."""

    shape = staticmethod(lambda y: y * y / (1 + y * y) / 2)

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return x / ((1.0 + (x / k) * (x / k)) * (1.0 + (x / k) * (x / k)))


class OneSided(_Scaled):
    """f' = max(x, -k): x²/2 on the side of the start, a line far on the other."""

    convex = True
    shape = staticmethod(lambda y: np.where(y >= -1, y * y / 2, -y - 0.5))

    @cb.problems.coordinatewise
    def gradient_kernel(x, k):
        return max(x, -k)


FAMILIES = {
    "Huber": lambda k, x0: cb.problems.Huber(1.0, k, x0),
    "log cosh": LogCosh, "pseudo-Huber": PseudoHuber, "1 - cos": Pendulum, "waves": Wavy, "Geman-McClure": Redescending,
    "one-sided": OneSided,
}  # fmt: skip


def played(problem, threshold, step_size):
    """(adversary, S0*) of one function at one cell."""
    steps = round(TIME / step_size)
    found = cb.worst_case.adversary(problem, step_size, threshold, SIGMA, steps, landing=LANDING)
    method = cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(threshold))
    setting = cb.Setting(problem, cb.noise.Adaptive(found.policy), method)
    return found.value, float(theory.S0Star().value(setting, steps))


def run(lab):
    scales = lab.choose((1.0,), (0.5, 1.0, 2.0), (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0))
    cells = CELLS[: lab.choose(1, 3, 3)]
    table, best = [], []
    for number, (c, eta) in enumerate(cells):
        start = float(cb.worst_case.floor(c, SIGMA))
        value, star = played(cb.problems.Quadratic(1.0, start), c, eta)
        rows = [("x²/2", np.inf, value, star)]
        for name, family in FAMILIES.items():
            rows += [(name, k, *played(family(k, start), c, eta)) for k in scales]
            lab.step(len(table) + len(rows), len(cells) * (1 + len(FAMILIES) * len(scales)), f"c = {c:.3g}, {name}")
        table += [(number, name, k, value, star) for name, k, value, star in rows]
        ratios = np.array([value / star for _, _, value, star in rows])
        best.append((ratios[0], ratios.max(), rows[int(np.argmax(ratios))]))
    ratio = np.array([value / star for _, _, _, value, star in table])
    told = "; ".join(
        f"c = {c:.3g}, eta = {eta:.2g}: x²/2 {plain:.4f}, best {top:.4f} ({row[0]}{'' if np.isinf(row[1]) else f', k = {row[1]:g}'})"
        for (c, eta), (plain, top, row) in zip(cells, best, strict=True)
    )
    row = Row(
        "Adversary over S0* at the loosest cells of the tightness map, on eight functions of one variable",
        f"{len(cells)} cells, eta T = {TIME:g}, {len(FAMILIES)} functions at {len(scales)} scales k and x²/2, landing {LANDING}; evaluated, not simulated",
        told,
        "at most 1",
        float(ratio.max()),
        "holds" if np.all(np.isfinite(ratio)) and ratio.max() <= 1 else "violated",
        asserted=False,
    )
    figure, axes = style.figure(len(cells), height=3.4, squeeze=False)
    for number, (panel, (c, eta)) in enumerate(zip(axes.ravel(), cells, strict=True)):
        for name, colour, marker in zip(FAMILIES, style.SERIES, style.MARKERS, strict=True):
            mine = [(k, value / star) for at, label, k, value, star in table if at == number and label == name]
            panel.plot(*np.array(mine).T, marker=marker, color=colour, label=name)
        panel.axhline(best[number][0], color=style.FLOOR, linestyle=":", label="$x^2/2$")
        panel.axhline(1.0, color="0.3", linewidth=1, label="S0*")
        panel.set(xscale="log", xlabel="scale $k/\\sigma$", title=f"$c={c:.3g}\\,\\sigma$, $\\eta={eta:.2g}$")
        panel.set(ylim=(0.65, 1.02))  # a redescending slope of a small scale lies far below
        panel.set_xticks(scales, [f"{k:g}" for k in scales])
        panel.set_xticks([], minor=True)
    axes[0, 0].set(ylabel="adversary over S0*")
    axes[0, -1].legend(loc="lower left")
    names = ("c/sigma", "eta", "k", "adversary", "S0*")
    columns = [(*cells[at], k, value, star) for at, _, k, value, star in table]
    data = dict(zip(names, np.array(columns).T, strict=True)) | {"function": [t[1] for t in table]}
    return Outcome([row], figure, {"functions": data})
