"""The functions on which the adversary plays have the constants that S0* is given for them."""

from pathlib import Path

import numpy as np
import pytest

from clipbounds.report.runner import load
from clipbounds.testing import check_problem

module = load(Path(__file__).parents[2] / "experiments/koloskova2023/adversary_functions.py")


@pytest.mark.parametrize("name", module.FAMILIES)
@pytest.mark.parametrize("k", (0.5, 2.0))
def test_gradient_curvature_and_minimum(name, k):
    problem = module.FAMILIES[name](k, 0.4)
    x, h = np.linspace(-9 * k, 9 * k, 4001)[:, np.newaxis] + 1e-3, 1e-5
    slopes = (problem.value(x + h) - problem.value(x - h)) / (2 * h)
    assert np.allclose(slopes, problem.gradient(x)[:, 0], atol=1e-8)
    curvature = np.diff(problem.gradient(x)[:, 0]) / np.diff(x[:, 0])
    assert np.abs(curvature).max() <= 1 + 1e-9 and np.abs(curvature).max() > 0.99  # L = 1, and not less
    assert problem.value(x).min() >= problem.f_star == problem.value(np.zeros(1)) == 0
    assert problem.convex <= (curvature.min() >= -1e-9)
    assert not check_problem(problem)


def test_the_cells_are_those_of_the_map():
    grid = np.geomspace(0.1, 10, 13), np.geomspace(1e-4, 0.3, 9)
    assert all(np.any(np.isclose(c, grid[0])) and np.any(np.isclose(eta, grid[1])) for c, eta in module.CELLS)
