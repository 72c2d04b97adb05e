"""Print how often small-sample bands and Hill's interval cover, by simulation: the tables of docs/measurements.md.

Laws, sizes and seeds were written down before the first run. The interval of `verdict.tail` was chosen on other seeds and on
some of these laws; those marked "new" were first drawn here.
"""

import numpy as np

from clipbounds.verdict.assumed import student_band
from clipbounds.verdict.tail import hill

BANDS, TAILS = 20000, 1000
BOOTSTRAP, RESAMPLES = 2000, 999
SEED = 20261126


def stable(draws, alpha, count):
    """|symmetric alpha-stable| by the method of Chambers, Mallows and Stuck."""
    angle, wait = draws.uniform(-np.pi / 2, np.pi / 2, count), draws.exponential(size=count)
    factor = (np.cos(angle * (1 - alpha)) / wait) ** ((1 - alpha) / alpha)
    return np.abs(np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * factor)


def frechet(draws, alpha, count):
    """P(X <= x) = exp(-x^{-alpha})."""
    return draws.exponential(size=count) ** (-1 / alpha)


def laws_of_means(draws):
    return {
        "normal": (0.0, draws.standard_normal),
        "uniform": (0.5, lambda shape: draws.uniform(size=shape)),
        "exponential": (1.0, lambda shape: draws.exponential(size=shape)),
        "lognormal e^{1.5 z}": (np.exp(1.125), lambda shape: np.exp(1.5 * draws.standard_normal(shape))),
    }


def means(draws):
    print("| law | seeds | at 0.95 | at 0.999 |\n|---|---|---|---|")
    for name, (mean, draw) in laws_of_means(draws).items():
        for count in (8, 30, 250):
            x = draw((BANDS, count))
            bands = [student_band(count, x.mean(axis=1), x.var(axis=1, ddof=1), error) for error in (0.05, 0.001)]
            shares = [np.mean((low <= mean) & (mean <= high)) for low, high in bands]
            print(f"| {name} | {count} | {shares[0]:.3f} | {shares[1]:.4f} |")


def bootstraps(draws):
    """Percentile and studentised bootstrap of a mean at 0.95."""
    print("| law | seeds | percentile | studentised | Student, same samples |\n|---|---|---|---|---|")
    for name, (mean, draw) in laws_of_means(draws).items():
        for count in (8, 30, 250):
            hits = np.zeros(3)
            for x in draw((BOOTSTRAP, count)):
                again = x[draws.integers(count, size=(RESAMPLES, count))]
                centres, middle = again.mean(axis=1), x.mean()
                low, high = np.quantile(centres, (0.025, 0.975))
                error = x.std(ddof=1) / np.sqrt(count)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = (centres - middle) / (again.std(axis=1, ddof=1) / np.sqrt(count))
                ends = middle - error * np.quantile(ratio[~np.isnan(ratio)], (0.975, 0.025))
                t = student_band(count, middle, error**2 * count, 0.05)
                hits += [low <= mean <= high, ends[0] <= mean <= ends[1], t[0] <= mean <= t[1]]
            print(f"| {name} | {count} | " + " | ".join(f"{share:.3f}" for share in hits / BOOTSTRAP) + " |")


def tails(draws):
    laws = {
        "Pareto 1.5": (1.5, lambda n: draws.pareto(1.5, n) + 1),
        "Pareto 3": (3.0, lambda n: draws.pareto(3, n) + 1),
        "stable 1.5": (1.5, lambda n: stable(draws, 1.5, n)),
        "stable 1.8": (1.8, lambda n: stable(draws, 1.8, n)),
        "Student 2": (2.0, lambda n: np.abs(draws.standard_t(2, n))),
        "Student 3": (3.0, lambda n: np.abs(draws.standard_t(3, n))),
        "Fréchet 1.5, new": (1.5, lambda n: frechet(draws, 1.5, n)),
        "Burr, index 2, (1 + x^{1/2})^{-4}, new": (2.0, lambda n: draws.pareto(4, n) ** 2),
        "log-gamma e^{G/2}, G gamma(2), new": (2.0, lambda n: np.exp(draws.gamma(2, size=n) / 2)),
        "largest of 5 in a row, Fréchet 1.5, dependent, new": (
            1.5,
            lambda n: np.lib.stride_tricks.sliding_window_view(frechet(draws, 1.5, n + 4), 5).max(axis=1),
        ),
        "Gaussian": (np.inf, lambda n: np.abs(draws.standard_normal(n))),
        "norm of a Gaussian in 10 dimensions, new": (np.inf, lambda n: np.sqrt(draws.chisquare(10, n))),
        "lognormal e^z, new": (np.inf, lambda n: np.exp(draws.standard_normal(n))),
    }
    print("| law of the norms | n | covers | said to be heavy |\n|---|---|---|---|")
    for name, (index, draw) in laws.items():
        for count in (500, 5000):
            found = [hill(draw(count)) for _ in range(TAILS)]
            covers = f"{np.mean([t.low <= index <= t.high for t in found]):.3f}" if np.isfinite(index) else "no index"
            print(f"| {name} | {count} | {covers} | {np.mean([t.heavy for t in found]):.3f} |")


if __name__ == "__main__":
    for seed, table in enumerate((means, bootstraps, tails), SEED):
        table(np.random.default_rng(seed))
        print(flush=True)
