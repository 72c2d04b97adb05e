"""The example of a network's log: its gradient is one, and all of it runs, in short."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from clipbounds.networks.perceptron import Perceptron

EXAMPLE = Path(__file__).parents[2] / "examples" / "threshold_from_a_log.py"


@pytest.fixture(scope="module")
def example():
    pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location("threshold_from_a_log", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gradient_is_that_of_the_loss(example):
    draws = np.random.default_rng(0)
    x, labels = draws.uniform(size=(20, 6)), draws.integers(3, size=20)
    network = Perceptron((6, 5, 3), 1)
    gradient = example.gradient_of(network, x, labels)
    way = draws.standard_normal(gradient.size)
    h = 1e-6
    example.move(network, h * way)
    above = example.loss_of(network, x, labels)
    example.move(network, -2 * h * way)
    below = example.loss_of(network, x, labels)
    # the loss is about 1: differences of it carry eps/h, and their own error is of the order h²
    assert (above - below) / (2 * h) == pytest.approx(gradient @ way, abs=1e-8)


def test_log_diagnosis_and_runs(example, tmp_path):
    found, rows = example.run(tmp_path, steps=100, seeds=(1, 2))
    assert (
        len(json.loads((tmp_path / "trainer_state.json").read_text(encoding="utf-8"))["log_history"])
        == found.count
        == 100
    )
    assert found.noise.points == example.POINTS and found.smoothness.count == 4
    assert (tmp_path / "diagnosis.html").exists() and "of these estimated from the run: sigma, L0, L1" in str(found)
    advised = found.best_threshold
    assert [row[0] for row in rows] == [advised / 10, advised, 10 * advised, np.inf]
    assert all(np.isfinite(row).all() for row in (r[1:] for r in rows))
