"""What is timed: clipped SGD in one dimension number, noise law and problem."""

import dataclasses

import numpy as np

import clipbounds as cb

STEP_SIZE, THRESHOLD, TAIL_INDEX = 0.01, 1.0, 1.5
# half of the full work: a call of simulate costs 3 ms beside its steps, which is still below .2 ns a coordinate
QUICK_WORK = 2e7


@dataclasses.dataclass(frozen=True)
class Case:
    """Clipped SGD from (1, ..., 1), eta = .01, c = 1, on a quadratic (spectrum .5 to 2) or a sum of cosh."""

    dim: int
    noise: str  # gaussian, pareto, stable
    problem: str = "quadratic"  # or cosh
    trajectories: int = 1024
    coordinate_steps: float = 4e7  # trajectories × steps × dim × batch
    batch: int = 1

    @property
    def steps(self):
        return max(2, int(self.coordinate_steps / (self.trajectories * self.dim * self.batch)))

    @property
    def work(self):
        """Coordinates of samples, what times are divided by."""
        return self.trajectories * self.steps * self.dim * self.batch

    @property
    def name(self):
        return f"{self.problem}, {self.noise}, d = {self.dim}"

    @property
    def eigenvalues(self):
        return np.linspace(0.5, 2.0, self.dim) if self.dim > 1 else np.ones(1)

    def setting(self):
        x0 = np.ones(self.dim)
        problem = (
            cb.problems.Quadratic(self.eigenvalues, x0) if self.problem == "quadratic" else cb.problems.Cosh(1, 1, x0)
        )
        noise = {
            "gaussian": lambda: cb.noise.Gaussian(1.0),
            "pareto": lambda: cb.noise.Pareto(TAIL_INDEX, 1.0),
            "stable": lambda: cb.noise.Stable(TAIL_INDEX, 1.0),
        }[self.noise]()
        method = cb.methods.ClippedSGD(STEP_SIZE, cb.clipping.NormClip(THRESHOLD))
        return cb.Setting(problem, noise, method)


def grid(quick):
    """The cases on one thread: dimensions × laws × problems, fewer if `quick`; SciPy's stable law takes 700 ns a draw."""
    dims = (1, 10) if quick else (1, 10, 100, 1000)
    laws = ("gaussian", "stable") if quick else ("gaussian", "pareto", "stable")
    problems = ("quadratic",) if quick else ("quadratic", "cosh")
    work = {"gaussian": QUICK_WORK, "stable": 3e6} if quick else {"gaussian": 4e7, "pareto": 4e7, "stable": 1e7}
    return [
        Case(d, law, problem, coordinate_steps=work[law])
        for problem in problems for law in laws for d in dims
    ]  # fmt: skip


def parallel_grid(quick):
    """The cases on all cores."""
    return (
        [Case(10, "gaussian", coordinate_steps=QUICK_WORK)]
        if quick
        else [Case(d, law) for law in ("gaussian", "pareto") for d in (1, 10, 100)]
    )
