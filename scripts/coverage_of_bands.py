"""Print how often Student's band and Hill's interval cover, by simulation: the tables of docs/measurements.md."""

import numpy as np

from clipbounds.verdict.assumed import student_band
from clipbounds.verdict.tail import hill

BANDS, TAILS = 20000, 400


def stable(draws, alpha, count):
    """|symmetric alpha-stable| by the method of Chambers, Mallows and Stuck."""
    angle, wait = draws.uniform(-np.pi / 2, np.pi / 2, count), draws.exponential(size=count)
    factor = (np.cos(angle * (1 - alpha)) / wait) ** ((1 - alpha) / alpha)
    return np.abs(np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * factor)


def means(draws):
    laws = {
        "normal": (0.0, draws.standard_normal),
        "uniform": (0.5, lambda shape: draws.uniform(size=shape)),
        "exponential": (1.0, lambda shape: draws.exponential(size=shape)),
        "lognormal e^{1.5 z}": (np.exp(1.125), lambda shape: np.exp(1.5 * draws.standard_normal(shape))),
    }
    print("| law | seeds | at 0.95 | at 0.999 |\n|---|---|---|---|")
    for name, (mean, draw) in laws.items():
        for count in (8, 30, 250):
            x = draw((BANDS, count))
            bands = [student_band(count, x.mean(axis=1), x.var(axis=1, ddof=1), error) for error in (0.05, 0.001)]
            shares = [np.mean((low <= mean) & (mean <= high)) for low, high in bands]
            print(f"| {name} | {count} | {shares[0]:.3f} | {shares[1]:.4f} |")


def tails(draws):
    laws = {
        "Pareto 1.5": (1.5, lambda n: draws.pareto(1.5, n) + 1),
        "Pareto 3": (3.0, lambda n: draws.pareto(3, n) + 1),
        "Lomax 1.5": (1.5, lambda n: draws.pareto(1.5, n)),
        "stable 1.2": (1.2, lambda n: stable(draws, 1.2, n)),
        "stable 1.5": (1.5, lambda n: stable(draws, 1.5, n)),
        "stable 1.8": (1.8, lambda n: stable(draws, 1.8, n)),
        "Student 1.5": (1.5, lambda n: np.abs(draws.standard_t(1.5, n))),
        "Student 2": (2.0, lambda n: np.abs(draws.standard_t(2, n))),
        "Student 3": (3.0, lambda n: np.abs(draws.standard_t(3, n))),
        "Gaussian": (np.inf, lambda n: np.abs(draws.standard_normal(n))),
    }
    print("| law of the norms | n | covers | said to be heavy |\n|---|---|---|---|")
    for name, (index, draw) in laws.items():
        for count in (500, 5000):
            found = [hill(draw(count)) for _ in range(TAILS)]
            covers = np.mean([t.low <= index <= t.high for t in found])
            print(f"| {name} | {count} | {covers:.3f} | {np.mean([t.heavy for t in found]):.3f} |")


if __name__ == "__main__":
    means(np.random.default_rng(0))
    print()
    tails(np.random.default_rng(0))
