"""A multilayer perceptron with per-sample and per-group gradient norms that never forms per-sample gradients.

The gradient of sample i in a layer is the outer product of its delta and its activation, so its squared norm is
‖delta_i‖² (‖activation_i‖² + 1), the 1 being the bias; the inner product of two samples' gradients is the product of two inner
products, so the norm of a group's sum follows from two Gram matrices (I. Goodfellow 2015, arXiv 1510.01799, for samples).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..array_types import FloatArray, FloatOrArray, IntArray


class Perceptron:
    """Fully connected layers with ReLU between them and softmax cross-entropy at the end, in float64.

    Parameters
    ----------
    sizes : sequence of int, widths from the input to the number of classes
    seed : int, of the initial weights (He: normal with variance 2/fan-in; biases 0)

    Attributes
    ----------
    layers : list of [weights (in, out), bias (out,)]
    """

    def __init__(self, sizes: Sequence[int], seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.layers = [
            [generator.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in), np.zeros(fan_out)]
            for fan_in, fan_out in pairwise(sizes)
        ]

    def scores(self, x: FloatArray) -> FloatArray:
        """Class scores, (n, classes), for inputs (n, features)."""
        return self.activations(x)[1]

    def activations(self, x: FloatArray) -> tuple[list[FloatArray], FloatArray]:
        """Inputs of every layer, and the scores."""
        inputs = [x]
        for weights, bias in self.layers[:-1]:
            hidden = inputs[-1] @ weights
            hidden += bias
            inputs.append(np.maximum(hidden, 0.0, out=hidden))
        weights, bias = self.layers[-1]
        return inputs, inputs[-1] @ weights + bias

    def deltas(self, x: FloatArray, labels: IntArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """(activations, deltas): inputs and loss derivatives of every layer, each (n, width), one row a sample."""
        inputs, scores = self.activations(x)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        scores[np.arange(len(labels)), labels] -= 1.0
        found = [scores]
        for k in range(len(self.layers) - 1, 0, -1):
            back = found[0] @ self.layers[k][0].T
            back *= inputs[k] > 0
            found.insert(0, back)
        return inputs, found

    def accuracy(self, x: FloatArray, labels: IntArray) -> float:
        """Share of inputs whose largest score is at the label."""
        return float(np.mean(self.scores(x).argmax(axis=1) == labels))


def unit_norms(activations: list[FloatArray], deltas: list[FloatArray], groups: int) -> FloatArray:
    """Norms of the gradients of `groups` means of consecutive samples, shape (groups,)."""
    count = len(deltas[0])
    if groups == count:
        squares = np.zeros(count)
        for a, d in zip(activations, deltas, strict=True):
            squares += (np.einsum("ij,ij->i", a, a) + 1.0) * np.einsum("ij,ij->i", d, d)
        return np.sqrt(squares)
    size = count // groups
    squares = np.zeros(groups)
    for a, d in zip(activations, deltas, strict=True):
        a, d = a.reshape(groups, size, -1), d.reshape(groups, size, -1)
        squares += np.sum((a @ a.transpose(0, 2, 1) + 1.0) * (d @ d.transpose(0, 2, 1)), axis=(1, 2))
    return np.sqrt(np.maximum(squares, 0.0)) / size


def unit_factors(norms: FloatArray, thresholds: FloatOrArray) -> FloatArray:
    """min(1, threshold/norm) for each unit, 1 where the norm is 0."""
    return np.minimum(1.0, thresholds / np.where(norms > 0, norms, 1.0))
