"""Whether control variates or antithetic noise would help: python benchmarks/variates.py

X is the mean over 500 steps of the gradient norm of clipped SGD on a round quadratic. Printed is the variance of an estimate of E X, at the cost
of as many trajectories, in units of that of independent ones; below 1 helps. A control variate costs a second trajectory, counted here.

* linearised: the mean of ‖y‖², y the run with the step y - eta (J y + P_c(xi)), J the mean derivative of the clipped sample at 0: its mean
  has a closed form;
* unclipped: the mean of ‖z‖², z without clipping; infinite variance, so nothing, on heavy tails;
* antithetic: pairs with noise of opposite signs.
"""

import numpy as np

STEPS, TRAJECTORIES, ETA = 500, 4000, 0.1


def clip(v, c):
    return v * np.minimum(1.0, c / np.linalg.norm(v, axis=1, keepdims=True))


def ratios(dim, draw, c, rng):
    x = np.ones((TRAJECTORIES, dim))
    other, y, z = x.copy(), x.copy(), x.copy()
    size = np.linalg.norm(draw(rng, (20_000, dim)), axis=1)
    slope = np.where(size < c, 1.0, c / size * (1 - 1 / dim)).mean()
    sums = np.zeros((4, TRAJECTORIES))
    for _ in range(STEPS):
        sums += [np.linalg.norm(x, axis=1), np.linalg.norm(other, axis=1), (y**2).sum(axis=1), (z**2).sum(axis=1)]
        xi = draw(rng, (TRAJECTORIES, dim))
        x, other = x - ETA * clip(x + xi, c), other - ETA * clip(other - xi, c)
        y, z = y - ETA * (slope * y + clip(xi, c)), z - ETA * (z + xi)
    plain, mirrored, linearised, unclipped = np.corrcoef(sums)[0]
    return 2 * (1 - linearised**2), 2 * (1 - unclipped**2), plain + mirrored


def main():
    rng = np.random.default_rng(0)
    gauss = lambda scale: lambda rng, shape: scale * rng.standard_normal(shape)  # noqa: E731
    student = lambda scale: lambda rng, shape: scale * rng.standard_t(1.5, shape)  # noqa: E731
    cases = {
        "Gaussian, d = 1, c = 1": (1, gauss(1.0), 1.0),
        "Gaussian, d = 1, c = 3": (1, gauss(1.0), 3.0),
        "Student 1.5, d = 1, c = 1": (1, student(1.0), 1.0),
        "Gaussian, d = 10, c = 1": (10, gauss(0.3), 1.0),
        "Student 1.5, d = 10, c = 1": (10, student(0.3), 1.0),
        "Gaussian, d = 100, c = 1": (100, gauss(0.1), 1.0),
    }
    print("| | linearised | unclipped | antithetic |")
    print("| --- | --- | --- | --- |")
    for name, case in cases.items():
        print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in ratios(*case, rng)) + " |")


if __name__ == "__main__":
    main()
