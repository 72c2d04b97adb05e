"""Mean gradient norm of PS-Clip-SGD against the number of samples N: the rate N^{-(p-1)/(3p-2)}.

f = x²/2, F0 = 10, sigma_p = 1, eta = 1/L, constant threshold n^{1/p}, n and T = N/n from Corollary 3' alone. The noise is
the two-point law that is worst at this n. A second check runs random configurations against Theorem 3.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import nobile2026 as nb
from clipbounds.report import Outcome, Row, joint_verdict, row_from_verdicts, style
from clipbounds.verdict import bands
from clipbounds.verdict.slopes import check_slope

EXPONENTS, F0, CONFIDENCE, TOLERANCE = (1.3, 1.5, 1.8), 10.0, 0.999, 0.03
# Normal bands of 64 trajectories were refused nearly everywhere, as one of 64 often carries a tenth of the variance. `compare` has bands
# that are proved; they shrink between 1/n and 1/sqrt(n), and on another seed those of 256 reached 1.1 to 4.3 times the bound. On a seed
# (added to the lab's) that was not used before, 8192 left 13 of the random configurations open and 32768 one; so 65536, which no
# earlier verdict depends on, as every look has its own part of the error.
FIRST, BUDGET, SEED = 256, 2**16, 141
# At least, where the mean is drawn and its slope fitted. A verdict alone needs 256, and was reached with that; the picture of it had bands up to
# the bound, so this was raised after looking, which the verdicts on these runs do not depend on.
DRAWN = 2048


def unit_two_point(probability, p):
    """Centred two-point noise with this spike probability and E|xi|^p = 1."""
    noise = cb.noise.TwoPoint(1.0, np.sqrt(probability / (1 - probability)))
    return noise.replace(sigma=1.0 / float(noise.moment(p)) ** (1 / p))


def judged(lab, bound, setting, steps, share, first=FIRST):
    """The verdict on a bound after `steps` steps, from `first` trajectories and as many more as it needs."""
    run = lab.simulate(setting, steps, first, checkpoints=[steps], seed=lab.seed + SEED)
    return cb.compare(run, bound, share, until="decided", budget=lab.choose(FIRST, BUDGET, BUDGET))


def one_budget(lab, p, samples, share):
    """(bound of Corollary 3', Theorem 3, measured mean, its band), setting, verdict, trajectories for the best split of N samples."""
    split = nb.best_split(samples, F0, 1.0, 1.0, p)
    size = nb.worst_size(p, 1.0, "constant")
    noise = unit_two_point(min(0.5, size**-p / split.batch_size), p)
    method = cb.methods.PerSampleClippedSGD(1.0, cb.clipping.NormClip(split.threshold), split.batch_size)
    setting = cb.Setting(cb.problems.Quadratic(1.0, np.sqrt(2 * F0)), noise, method)
    found = judged(lab, nb.Theorem3(p), setting, split.steps, share, lab.choose(FIRST, DRAWN, DRAWN))
    (verdict,) = found.verdicts
    row = split.bound, *(float(v[-1]) for v in (verdict.value, verdict.measured, verdict.low, verdict.high))
    return row, setting, verdict, found.run.sizes["trajectory"]


def random_setting(rng):
    """A configuration of Theorem 3: quadratic or Huber, heavy or two-point noise, per-sample or micro-batches."""
    p = rng.uniform(1.1, 2.0)
    dim, n = int(rng.choice([1, 2, 5])), int(2 ** rng.uniform(0, 5.01))
    start = 10 ** rng.uniform(-1, 1.5) * rng.standard_normal(dim)
    if rng.random() < 0.7:
        problem = cb.problems.Quadratic(rng.uniform(0.1, 1.0, dim), start)
    else:
        problem = cb.problems.Huber(1.0, 10 ** rng.uniform(-0.5, 1), start)
    laws = [
        cb.noise.StudentT(p + 0.1, 1.0, radial=True),
        cb.noise.Pareto(p + 0.1, 1.0, radial=True),
        cb.noise.TwoPoint(1.0, 10 ** rng.uniform(-1.5, 0), radial=True),
        cb.noise.Gaussian(1.0),
    ]
    noise = laws[rng.integers(len(laws))]
    sigma = float(noise.vector_moment(p, dim)) ** (1 / p)
    alpha = sigma * 10 ** rng.uniform(0.02, 1.5)
    clip = cb.clipping.GrowingClip(alpha, p) if rng.random() < 0.5 else cb.clipping.NormClip(alpha)
    step = rng.choice([1.0, 0.5, 0.1]) / problem.lipschitz
    divisors = [m for m in range(1, n + 1) if n % m == 0]
    method = cb.methods.MicroBatchClippedSGD(step, clip, n, int(rng.choice(divisors)))
    return nb.Theorem3(p), cb.Setting(problem, noise, method), int(2 ** rng.uniform(0, 5))


def confront(lab, count):
    """The verdicts of `count` random configurations; infinite bounds are drawn again."""
    rng, found = np.random.default_rng(lab.seed + SEED), []
    share = bands.split(CONFIDENCE, count)
    while len(found) < count:
        bound, setting, steps = random_setting(rng)
        if not np.isfinite(bound.value(setting, steps)):
            continue
        found += judged(lab, bound, setting, steps, share).verdicts
        if len(found) % 50 == 0:
            lab.step(len(found), count, "random configurations of Theorem 3")
    return found


def run(lab):
    budgets = np.geomspace(3e3, lab.choose(1e5, 1e6, 3e7), lab.choose(4, 7, 11)).astype(int)
    share = bands.split(CONFIDENCE, len(budgets) * len(EXPONENTS))
    figure, axes = style.figure(width=6.6, height=4.2)
    rows, data, spoken = [], {}, []
    for k, p in enumerate(EXPONENTS):
        table, verdicts, counts = [], [], []
        for samples in budgets:
            row, setting, found, number = one_budget(lab, p, int(samples), share)
            table, verdicts, counts = [*table, row], [*verdicts, found], [*counts, number]
            lab.step(k * len(budgets) + len(table), len(budgets) * len(EXPONENTS), f"p = {p}, N = {samples:.1g}")
        spoken += [(nb.Theorem3(p), setting), (nb.Corollary3(p), setting)] if p == 1.5 else []
        corollary, theorem, mean, low, high = np.array(table).T
        data[f"p={p}"] = {
            "N": budgets,
            "corollary3": corollary,
            "theorem3": theorem,
            "mean": mean,
            "low": low,
            "high": high,
        }
        expected = -(p - 1) / (3 * p - 2)
        verdict, slope = check_slope(budgets, mean, expected, TOLERANCE)
        rows.append(
            Row(
                f"avg ‖grad f‖ falls as N^(-(p-1)/(3p-2)) with the parameters of Corollary 3', p = {p}",
                f"N from {budgets[0]:.2g} to {budgets[-1]:.2g}, {min(counts)} to {max(counts)} trajectories, worst two-point noise for each n; least squares",
                f"slope {slope.slope:.3f}; of the bound {check_slope(budgets, corollary, expected, TOLERANCE)[1].slope:.3f}",
                f"{expected:.3f} ± {TOLERANCE}",
                None,
                verdict,
            )
        )
        rows.append(
            row_from_verdicts(
                f"Theorem 3 along these runs, p = {p}",
                f"the same runs, until decided; confidence {CONFIDENCE} together",
                verdicts,
                "Theorem 3",
            )
        )
        color, marker = style.SERIES[k], style.MARKERS[k]
        style.upper(axes, budgets, theorem, label=f"Theorem 3, $p={p}$", color=color)
        style.measured(
            axes,
            budgets,
            mean,
            low,
            high,
            label=f"run; slope {slope.slope:.3f}, theory {expected:.3f}",
            color=color,
            marker=marker,
        )
    count = lab.choose(60, 1000, 4000)
    verdicts = confront(lab, count)
    words, ratios = [v.verdict for v in verdicts], [v.tightness for v in verdicts]
    asymptotic = sum(v.method == "asymptotic" and v.verdict != "undecided" for v in verdicts)
    rows.append(
        Row(
            "Theorem 3 on random configurations (quadratic and Huber; heavy, two-point, Gaussian noise; any micro-batch)",
            f"{count} configurations, {FIRST} trajectories and more until decided; proved bands (betting), {asymptotic} decided by asymptotic ones; confidence {CONFIDENCE} together",
            f"{words.count('violated')} violations, {words.count('undecided')} undecided; largest ratio {max(ratios):.3f}",
            "0 violations",
            max(ratios),
            word := joint_verdict(words),
            reason=next(v.reason for v in verdicts if v.verdict == "undecided") if word == "undecided" else "",
        )
    )
    columns = {"mean": "measured", "low": "low", "high": "high", "theorem3": "value"}
    data["random"] = {name: [float(getattr(v, key)[-1]) for v in verdicts] for name, key in columns.items()}
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="samples $N=nT$",
        ylabel="mean of $\\|\\nabla f(x_t)\\|$ (units of $\\sigma_p$)",
    )
    axes.set_title("PS-Clip-SGD, $f=x^2/2$, $\\eta=1/L$, $n$ and $\\tau$ from Corollary 3'")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Outcome(rows, figure, data, spoken)
