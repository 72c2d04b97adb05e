"""The compiled loops of methods whose step sizes or thresholds follow the gradients: AdaGrad-norm, Adam, quantile clipping."""

import math

from ..clipping.base import CLIP
from ..clipping.kernels import clip_to_norm
from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.elementary import choose
from ..lanes.norms import clear, copy, lane_norms, sum_of
from ..lanes.views import row, rows, scratch
from ..noise.window import DIM
from ..problems.base import GRADIENT
from .base import ADVANCE, CLIP_AT, CLIPPED, FILL_AT, GRADIENT_AT, SCRATCH
from .clipped_sample import add_clipped, mean_sample, one_sample
from .kernels import track

gradient_at = function_at(GRADIENT)
clip_at = function_at(CLIP)

# where the threshold of quantile clipping stops to fall; it stops to grow at the inverse
LEAST_THRESHOLD = 1e-300


@device
def _estimate(step, together, radius, g, v, estimate, counts, dim, buffer, plan, noise, words, fill, operator, clip):
    """estimate = clip(gradient + mean of the batch's noise) on every lane."""
    clear(estimate)
    if together == 1:
        at = one_sample(buffer, plan, step, noise, words, fill)
    else:
        at = mean_sample(buffer, plan, step * together, together, noise, words, fill)
    add_clipped(1.0, g, rows(buffer, at, dim), v, estimate, counts, dim, 0, radius, operator, clip)


@kernel(ADVANCE)
def adagrad_norm(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: step size, samples a batch, radius of the ball or 0. Blocks: x, g, scratch, estimate; then a row with b."""
    step_size, together, radius = method[0], int(method[1]), method[2]
    dim, fill = plan[DIM], addresses[FILL_AT]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, size = rows(vectors, 3 * dim, dim), row(vectors, 4 * dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    norms = scratch()
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        _estimate(step, together, radius, g, v, estimate, counts, dim, buffer, plan, noise, words, fill, operator, clip)
        lane_norms(estimate, norms, dim)
        for l in range(LANES):  # b <- hypot(b, norm), which overflows only where it must
            larger = choose(norms[l] > size[l], norms[l], size[l])
            ratio = choose(norms[l] > size[l], size[l], norms[l]) / larger
            size[l] = larger * math.sqrt(1.0 + ratio * ratio)
            norms[l] = step_size / size[l]
        for k in range(dim):
            to, by = row(x, k), row(estimate, k)
            for l in range(LANES):
                to[l] -= norms[l] * by[l]


@kernel(ADVANCE)
def adam(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: step size, samples a batch, radius of the ball or 0, beta1, beta2, epsilon. Blocks: x, g, scratch, estimate, m, s."""
    step_size, together, radius, beta1, beta2, epsilon = (
        method[0], int(method[1]), method[2], method[3], method[4], method[5],
    )  # fmt: skip
    dim, fill = plan[DIM], addresses[FILL_AT]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, mean, square = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim), rows(vectors, 5 * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        _estimate(step, together, radius, g, v, estimate, counts, dim, buffer, plan, noise, words, fill, operator, clip)
        scale1, scale2 = 1.0 / (1.0 - beta1 ** (step + 1.0)), 1.0 / (1.0 - beta2 ** (step + 1.0))
        for i in range(x.size):
            mean[i] = beta1 * mean[i] + (1.0 - beta1) * estimate[i]
            square[i] = beta2 * square[i] + (1.0 - beta2) * estimate[i] * estimate[i]
            x[i] -= step_size * (scale1 * mean[i]) / (math.sqrt(scale2 * square[i]) + epsilon)


@kernel(ADVANCE)
def quantile(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: step size, samples a batch, quantile, rate. Blocks: x, g, scratch, estimate; then a row with the threshold."""
    step_size, batch, target, rate = method[0], int(method[1]), method[2], method[3]
    dim, fill = plan[DIM], addresses[FILL_AT]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, threshold = rows(vectors, 3 * dim, dim), row(vectors, 4 * dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    engaged, before = row(counts, 0), scratch()
    gradient = gradient_at(addresses[GRADIENT_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        clear(estimate)
        copy(engaged, before)
        for n in range(batch):
            xi = rows(buffer, one_sample(buffer, plan, step * batch + n, noise, words, fill), dim)
            sum_of(g, xi, v)
            for k in range(dim):  # each lane has its own threshold: clip its multiple to 1
                entry = row(v, k)
                for l in range(LANES):
                    entry[l] /= threshold[l]
            clip_to_norm(v, counts, dim, 1.0)
            for k in range(dim):
                to, entry = row(estimate, k), row(v, k)
                for l in range(LANES):
                    to[l] += threshold[l] * entry[l]
        for k in range(dim):
            to, by = row(x, k), row(estimate, k)
            for l in range(LANES):
                to[l] -= step_size / batch * by[l]
        for l in range(LANES):
            kept = 1.0 - (engaged[l] - before[l]) / batch
            moved = threshold[l] * math.exp(-rate * (kept - target))
            threshold[l] = min(max(moved, LEAST_THRESHOLD), 1.0 / LEAST_THRESHOLD)
