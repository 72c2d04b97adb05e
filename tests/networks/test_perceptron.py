"""Gradients against finite differences; unit norms and clipped steps against explicit per-sample gradients."""

import numpy as np
import pytest

from clipbounds.networks import Data, Perceptron, Recipe, train, unit_factors, unit_norms
from clipbounds.networks.digits import AVAILABLE, corrupt, load
from clipbounds.networks.training import Trainer

WIDTHS, COUNT = (5, 7, 6, 3), 12


def batch(seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((COUNT, WIDTHS[0])) * 2, generator.integers(0, WIDTHS[-1], COUNT)


def loss(network, x, labels):
    scores = network.scores(x)
    return np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(labels)), labels])


def explicit(network, x, labels):
    """Gradient of every sample, flattened: (n, parameters), from batches of one."""
    rows = []
    for i in range(len(labels)):
        activations, deltas = network.deltas(x[i : i + 1], labels[i : i + 1])
        rows.append(
            np.concatenate(
                [np.concatenate([(a.T @ d).ravel(), d[0]]) for a, d in zip(activations, deltas, strict=True)]
            )
        )
    return np.array(rows)


def flat(layers):
    return np.concatenate([np.concatenate([w.ravel(), b]) for w, b in layers])


def test_gradient_against_finite_differences():
    network, (x, labels) = Perceptron(WIDTHS, 1), batch()
    gradient = explicit(network, x, labels).mean(axis=0)
    position = 0
    for layer in network.layers:
        for parameter in layer:
            for index in np.ndindex(parameter.shape):
                kept = parameter[index]
                values = []
                for h in (1e-5, -1e-5):
                    parameter[index] = kept + h
                    values.append(loss(network, x, labels))
                parameter[index] = kept
                assert gradient[position] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-7)
                position += 1


@pytest.mark.parametrize("groups", [1, 2, 4, 12])
def test_unit_norms_against_explicit_gradients(groups):
    network, (x, labels) = Perceptron(WIDTHS, 2), batch(3)
    rows = explicit(network, x, labels).reshape(groups, COUNT // groups, -1).mean(axis=1)
    found = unit_norms(*network.deltas(x, labels), groups)
    np.testing.assert_allclose(found, np.linalg.norm(rows, axis=1), rtol=1e-12)


@pytest.mark.parametrize("groups", [None, 1, 3, 12])
def test_steps_against_explicit_gradients(groups):
    recipe = Recipe(0.1, groups, 0.4, 1.5, momentum=0.5)
    trainer = Trainer(WIDTHS, recipe, seed=4)
    mirror = Perceptron(WIDTHS, 4)
    x, labels = batch(5)
    position, velocity = flat(mirror.layers), 0.0
    for _ in range(3):
        rows = explicit(mirror, x, labels)
        if groups is not None:
            rows = rows.reshape(groups, COUNT // groups, -1).mean(axis=1)
            thresholds = 0.4 * np.arange(1, groups + 1) ** (1 / 1.5)
            norms = np.linalg.norm(rows, axis=1)
            assert np.any(norms > thresholds)
            rows = rows * np.minimum(1, thresholds / norms)[:, np.newaxis]
        velocity = 0.5 * velocity + rows.mean(axis=0)
        position = position - 0.1 * velocity
        start = 0
        for layer in mirror.layers:
            for parameter in layer:
                parameter[...] = position[start : start + parameter.size].reshape(parameter.shape)
                start += parameter.size
        trainer.step(x, labels)
        np.testing.assert_allclose(flat(trainer.network.layers), position, rtol=1e-11, atol=1e-13)


def test_factors_at_zero_norm():
    np.testing.assert_array_equal(unit_factors(np.array([0.0, 2.0, 0.5]), np.array([1.0, 1.0, 1.0])), [1.0, 0.5, 1.0])


def test_training_learns_separable_data_and_repeats_itself():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 240)
    x = np.eye(3)[labels] * 3 + generator.standard_normal((240, 3)) * 0.3
    data = Data((x[:160], labels[:160]), (x[160:200], labels[160:200]), (x[200:], labels[200:]))
    curves = [train(data, Recipe(0.05, 16, 1.0, 1.5), (8,), 10, 16, seed=1) for _ in range(2)]
    np.testing.assert_array_equal(curves[0][0], curves[1][0])
    assert curves[0][0][-1] > 0.95 and curves[0][0].shape == (11,) and np.all(np.diff(curves[0][1]) > 0)
    with pytest.raises(ValueError, match="groups must divide batch_size, but 5"):
        train(data, Recipe(0.05, 5, 1.0), (8,), 1, 16, seed=1)


def test_corrupted_labels_are_wrong_and_as_many_as_asked_for():
    labels = np.arange(1000) % 10
    for share in (0.0, 0.3, 1.0):
        noisy = corrupt(labels, share, 10, np.random.default_rng(0))
        assert np.sum(noisy != labels) == round(1000 * share) and noisy.min() >= 0 and noisy.max() <= 9
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\]"):
        corrupt(labels, 1.2, 10, np.random.default_rng(0))


@pytest.mark.skipif(not AVAILABLE, reason="scikit-learn is not installed")
def test_digits_are_split_without_overlap():
    data, clean = load(0.4, seed=3), load(0.0, seed=3)
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [1088, 300, 409]
    np.testing.assert_array_equal(data.test[1], clean.test[1])
    np.testing.assert_array_equal(data.train[0], clean.train[0])
    share = np.mean(np.concatenate([data.train[1] != clean.train[1], data.validation[1] != clean.validation[1]]))
    assert 0.3 < share < 0.5 and data.train[0].max() <= 1.0
