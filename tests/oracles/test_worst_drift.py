"""The noise against which a clipped step is shortest: mean, variance and drift of its two atoms, drawn."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.lanes import LANES


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize(("c", "u"), [(1.0, 0.25), (0.3, 0.2), (2.0, 5.0), (1.0, 0.0)])
def test_one_step_has_the_atoms_of_the_drift_theorem(dim, c, u):
    """x_1 = x_0 - clip(g): the drawn g is one of the two atoms along the gradient, with its probability."""
    direction = np.ones(dim) / np.sqrt(dim) if u else np.eye(dim)[0]
    problem = cb.problems.Quadratic(np.ones(dim), u * direction)
    noise = cb.oracles.WorstDrift(problem, c, 1.0)
    atoms, weights = cb.worst_case.drift_atoms(u, c, 1.0)
    assert weights @ atoms == pytest.approx(u, abs=1e-12) and weights @ (atoms - u) ** 2 == pytest.approx(1.0)
    count = 100 * LANES
    run = cb.simulate(cb.Setting(problem, noise, cb.methods.SGD(1.0)), 1, count, 5, checkpoints=[1])
    after = np.abs(u - atoms)  # ‖x_1‖ = |u - g| along the line
    found = run.gradient_norm.values[0]
    nearest = np.abs(found[:, np.newaxis] - after).argmin(axis=1)
    np.testing.assert_allclose(found, after[nearest], rtol=1e-12, atol=1e-12)
    if abs(after[0] - after[1]) > 1e-9:
        share = (nearest == 1).mean()
        assert abs(share - weights[1]) < 5 * np.sqrt(weights[0] * weights[1] / count)


def test_the_threshold_may_grow():
    """Step t of the growing law draws as step t of the one for the threshold of that step: here after t steps that stand still."""
    problem, t = cb.problems.Quadratic(1.0, 0.4), 3
    growing = cb.oracles.WorstDrift(problem, 0.5, 1.0, growth=0.7)
    still = cb.oracles.WorstDrift(problem, 0.5 * (t + 1) ** 0.7, 1.0)
    method = cb.methods.SGD(cb.methods.ListSchedule([1e-300] * t + [1.0]))
    runs = [
        cb.simulate(cb.Setting(problem, noise, method), t + 1, 64, 2, checkpoints=[t + 1]) for noise in (growing, still)
    ]
    np.testing.assert_allclose(runs[0].gradient_norm, runs[1].gradient_norm, rtol=1e-14)


def test_batches_are_refused():
    problem = cb.problems.Quadratic(1.0, 1.0)
    with pytest.raises(ValueError, match="one sample a step, but 2"):
        cb.Setting(problem, cb.oracles.WorstDrift(problem, 1.0, 1.0), cb.methods.SGD(0.1, 2))
