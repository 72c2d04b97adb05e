"""Train a perceptron with clipping of units of the batch: samples, micro-batches, or the whole batch."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np

from .perceptron import Perceptron, unit_factors, unit_norms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..array_types import FloatArray, IntArray


@dataclasses.dataclass(frozen=True)
class Data:
    """Training, validation and test sets: inputs (n, features) and labels (n,)."""

    train: tuple
    validation: tuple
    test: tuple


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A method and its parameters.

    Parameters
    ----------
    step_size : float in (0, inf)
    groups : int or None, clipped units M of a batch; None for no clipping
    alpha, beta : thresholds alpha k^{1/beta}, k = 1..M; beta = inf for the constant alpha
    momentum : float in [0, 1)
    """

    step_size: float
    groups: int | None = None
    alpha: float = np.inf
    beta: float = np.inf
    momentum: float = 0.9

    def thresholds(self) -> FloatArray:
        """alpha k^{1/beta} for k = 1..groups; none without clipping."""
        return self.alpha * np.arange(1, (self.groups or 0) + 1) ** (1 / self.beta)


class Trainer:
    """A network, its momentum, and one step of a recipe."""

    def __init__(self, sizes: Sequence[int], recipe: Recipe, seed: int) -> None:
        self.network, self.recipe = Perceptron(sizes, seed), recipe
        self.thresholds = recipe.thresholds()
        self.memory = [[np.zeros_like(w), np.zeros_like(b)] for w, b in self.network.layers]

    def step(self, x: FloatArray, labels: IntArray) -> None:
        """One step on a batch."""
        activations, deltas = self.network.deltas(x, labels)
        count, groups = len(labels), self.recipe.groups
        weights = np.full(count, 1.0 / count)
        if groups is not None and groups > 1:
            factors = unit_factors(unit_norms(activations, deltas, groups), self.thresholds)
            weights *= np.repeat(factors, count // groups)
        gradients = []
        for a, d in zip(activations, deltas, strict=True):
            d *= weights[:, np.newaxis]
            gradients.append((a.T @ d, d.sum(axis=0)))
        scale = 1.0
        if groups == 1:  # one unit: its gradient is formed anyway, and its norm is cheapest from it
            norm = np.sqrt(sum(np.vdot(g, g) for pair in gradients for g in pair))
            scale = unit_factors(norm, self.thresholds[0])
        for layer, memory, pair in zip(self.network.layers, self.memory, gradients, strict=True):
            for parameter, velocity, gradient in zip(layer, memory, pair, strict=True):
                velocity *= self.recipe.momentum
                if groups == 1:
                    gradient *= scale
                velocity += gradient
                parameter -= self.recipe.step_size * velocity


def train(
    data: Data, recipe: Recipe, sizes: Sequence[int], epochs: int, batch_size: int, seed: int, on: str = "test"
) -> tuple[FloatArray, FloatArray]:
    """Train and record accuracy.

    Parameters
    ----------
    data : Data
    recipe : Recipe; its groups must divide the batch size
    sizes : widths of the hidden layers
    epochs, batch_size, seed : int; the order of the samples and the initial weights come from the seed
    on : "test" or "validation"

    Returns
    -------
    (accuracy, seconds) : arrays (epochs + 1,), before the first and after every epoch; seconds of training alone
    """
    if recipe.groups is not None and batch_size % recipe.groups:
        raise ValueError(f"train: groups must divide batch_size, but {recipe.groups} were given for {batch_size}")
    x, labels = data.train
    widths = (x.shape[1], *sizes, int(labels.max()) + 1)
    trainer, order = Trainer(widths, recipe, seed), np.random.default_rng(seed + 2**32)
    accuracy, seconds = [trainer.network.accuracy(*getattr(data, on))], [0.0]
    with np.errstate(over="ignore", invalid="ignore"):  # a step size that is too large diverges: low accuracy, no news
        for _ in range(epochs):
            shuffled = order.permutation(len(labels))
            started = time.perf_counter()
            for start in range(0, len(labels) - batch_size + 1, batch_size):
                chosen = shuffled[start : start + batch_size]
                trainer.step(x[chosen], labels[chosen])
            seconds.append(seconds[-1] + time.perf_counter() - started)
            accuracy.append(trainer.network.accuracy(*getattr(data, on)))
    return np.array(accuracy), np.array(seconds)


def time_ratio(
    data: Data, recipe: Recipe, baseline: Recipe, sizes: Sequence[int], batch_size: int, steps: int, repeats: int
) -> float:
    """Median over `repeats` of the time of a recipe over the time of a baseline, in alternating runs of `steps` steps."""
    x, labels = data.train[0][:batch_size], data.train[1][:batch_size]
    widths = (x.shape[1], *sizes, int(data.train[1].max()) + 1)
    trainers = [Trainer(widths, r, 0) for r in (recipe, baseline)]
    times = np.empty((repeats, 2))
    for row in times:
        for k, trainer in enumerate(trainers):
            started = time.perf_counter()
            for _ in range(steps):
                trainer.step(x, labels)
            row[k] = time.perf_counter() - started
    return float(np.median(times[:, 0] / times[:, 1]))
