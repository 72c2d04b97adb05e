"""The ratio of the coupling lemma on cores hardly wider than two steps, against the lemma's own expression."""

import numpy as np
import pytest

from clipbounds.verdict.coupling import _weighted


@pytest.mark.parametrize("width", [2.04, 2.09, 2.2, 3.0])
def test_a_step_across_the_core_is_counted(width):
    """Cells of .1, steps of 1 inwards. From z = .1, right of core[0] + 1 by a cell, a step to the right ends at 1.1."""
    edges = np.linspace(-10, 10, 201)
    core, a, shrink = (-1.0, -1.0 + width), 3.0, 0.9
    rightwards = edges[1:] <= 0.1 + 1e-9
    to_left = np.where(rightwards, -1.0, 1.0)[:, np.newaxis]
    found = _weighted(a, core, edges, to_left, -to_left, np.full((200, 1), shrink), np.ones(1), 1.0, 0.0)

    z = np.linspace(-10, 10, 20001)
    after = z + np.where(z <= 0.1, 1.0, -1.0)
    away = [np.maximum(np.maximum(core[0] - x, x - core[1]), 0.0) for x in (z, after)]
    exact = (shrink * np.exp(a * (away[1] - away[0]))).max()
    assert found is None or found.kappa >= exact * (1 - 1e-12)
    assert (found is None) == (width <= 2.1)


def test_a_core_that_no_cell_is_near_is_answered():
    """All cells far from the core: the largest of nothing was asked for."""
    edges = np.linspace(0.0, 1.0, 11)
    right = np.full((10, 1), -0.05)  # every step leads right, towards the core
    found = _weighted(1.0, (5.0, 9.0), edges, right, -right, np.ones((10, 1)), np.ones(1), 0.1, 0.5)
    assert found.kappa < 1
    assert found.square >= np.exp(2 * (5.0 - 0.5))  # w² at the start
