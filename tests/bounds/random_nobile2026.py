"""Random laws with finitely many atoms for the theorems on clipped batches, many of them near the extremal ones."""

import itertools

import numpy as np

EXPONENTS = (1.05, 1.2, 1.5, 1.8, 2.0)  # p is one of them


def law(draw, p, dim, norm, threshold):
    """(atoms (k, dim), weights (k,)) with the mean (norm, 0, ...) and E‖X - mean‖^p = 1."""
    kind = draw.integers(5)
    axis = np.zeros(dim)
    axis[0] = 1.0
    if kind == 0:  # anything
        count = draw.integers(2, 6)
        weights = draw.dirichlet(10 ** draw.uniform(-2, 0.5, count))
        noise = draw.standard_normal((count, dim)) * 10 ** draw.uniform(-1, 1.5, (count, 1))
        noise -= weights @ noise
    elif kind == 1:  # two atoms on the line of the gradient, any skewness
        q = 10 ** draw.uniform(-4, -0.31)
        weights = np.array([q, 1 - q])
        noise = np.outer([1 - q, -q], axis) * draw.choice([-1.0, 1.0])
    elif kind == 2:  # symmetric spikes of the size of the threshold in some direction
        size = max(threshold * 10 ** draw.uniform(-0.3, 0.3), 1.0)
        share, direction = size**-p, draw.standard_normal(dim)
        direction /= np.linalg.norm(direction)
        weights = np.array([share / 2, share / 2, 1 - share])
        noise = np.outer([size, -size, 0.0], direction)
    elif kind == 3:  # a spike along the gradient, as large as the worst one for the bias
        ratio = 10 ** draw.uniform(-3, 0)
        weights = np.array([ratio, 1.0]) / (1 + ratio)
        noise = np.outer([1.0, -ratio], axis)
    else:  # a spike against the gradient that reaches the other side of the ball
        size = (threshold + norm) * 10 ** (draw.uniform(-0.1, 0.3) * draw.integers(2))
        q = min(0.5, size**-p)
        weights = np.array([q, 1 - q])
        noise = np.outer([-size, size * q / (1 - q)], axis)
    moment = weights @ np.linalg.norm(noise, axis=1) ** p
    if not moment > 1e-12:
        return law(draw, p, dim, norm, threshold)
    return norm * axis + noise / moment ** (1 / p), weights


def clipped(atoms, threshold):
    """The atoms, clipped."""
    norms = np.linalg.norm(atoms, axis=1, keepdims=True)
    return atoms * np.minimum(1.0, threshold / np.maximum(norms, 1e-300))


def batch(atoms, weights, thresholds):
    """Every outcome of the mean of the clipped samples, and its probability."""
    parts = [clipped(atoms, tau) for tau in thresholds]
    index = np.array(list(itertools.product(range(len(weights)), repeat=len(thresholds))))
    mean = sum(part[index[:, k]] for k, part in enumerate(parts)) / len(thresholds)
    return mean, np.prod(weights[index], axis=1)
