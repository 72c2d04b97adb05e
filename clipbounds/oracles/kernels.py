"""Kernels of the oracles, signature `ORACLE`.

Draws are made from counters that depend on the step and not on the batch size: runs with other batch sizes see the
same normals, scaled.
"""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import bits_of, float_of, sin_cos
from ..lanes.random import NOISE, threefry, uniform
from ..noise.kernels import fill_gaussian, signed
from .base import ORACLE

DRAWS_A_STEP = np.uint64(1 << 24)  # counters reserved for one step where samples are performed
WORD_BITS = 64


@kernel(ORACLE)
def exact(x, v, state, params, dim, batch, step, words):
    pass


@kernel(ORACLE)
def additive(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, quiet coordinates. The mean of S samples is normal with the variance over S."""
    quiet = int(params[1])
    noisy = dim - quiet
    if batch > 0:
        count = noisy + noisy % 2
        fill_gaussian(state, step * count, count, params[0] / math.sqrt(batch), words[0], NOISE, words[1])
    else:
        target = v[quiet * LANES : dim * LANES]
        for i in range(noisy * LANES):
            target[i] += state[i]


@device
def angles(x, out, direction, rate, dim):
    """Rows of out: cos and sin of rate·<u, x>."""
    for l in range(LANES):
        out[l] = 0.0
    for k in range(dim):
        component = rate * direction[k]
        if component != 0.0:
            for l in range(LANES):
                out[l] += component * x[k * LANES + l]
    for l in range(LANES):
        sine, cosine = sin_cos(out[l])
        out[l] = cosine
        out[LANES + l] = sine


@kernel(ORACLE)
def gaussian_phase(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, quiet coordinates, w, u. State: A_j and B_j in turn, of variance 1/S."""
    quiet = int(params[1])
    noisy = dim - quiet
    if batch > 0:
        fill_gaussian(state, 2 * step * noisy, 2 * noisy, params[0] / math.sqrt(batch), words[0], NOISE, words[1])
    else:
        wave = state[2 * dim * LANES : (2 * dim + 2) * LANES]
        angles(x, wave, params[3:], params[2], dim)
        for j in range(noisy):
            at, of = (quiet + j) * LANES, 2 * j * LANES
            for l in range(LANES):
                v[at + l] += wave[l] * state[of + l] + wave[LANES + l] * state[of + LANES + l]


@device
def mean_features(state, table, components, batch, step, words):
    """Means over a batch of the two features of random components; the full mean for batch >= components."""
    for l in range(2 * LANES):
        state[l] = 0.0
    if batch >= components:
        # the last row of the table holds the exact means
        for l in range(LANES):
            state[l] = table[2 * components]
            state[LANES + l] = table[2 * components + 1]
        return
    base = np.uint64(step) * DRAWS_A_STEP
    for i in range(0, batch, 2):
        draw = base + np.uint64(i)
        second = 1.0 if i + 1 < batch else 0.0
        for l in range(LANES):
            a, b = threefry(words[0], NOISE, draw, words[1] + np.uint64(l))
            j = 2 * int(uniform(a) * components)
            k = 2 * int(uniform(b) * components)
            state[l] += table[j] + second * table[k]
            state[LANES + l] += table[j + 1] + second * table[k + 1]
    for l in range(2 * LANES):
        state[l] /= batch


@kernel(ORACLE)
def equispaced_phases(x, v, state, params, dim, batch, step, words):
    """params: n, w, then n + 1 pairs sqrt2 sigma (cos, sin), then u. State: the batch's means of the pairs."""
    components = int(params[0])
    if batch > 0:
        mean_features(state, params[2:], components, batch, step, words)
    else:
        direction = params[4 + 2 * components :]
        wave = state[2 * dim * LANES : (2 * dim + 2) * LANES]
        angles(x, wave, direction, params[1], dim)
        for l in range(LANES):
            # cos(w t + phi) = cos(wt) cos(phi) - sin(wt) sin(phi)
            wave[l] = wave[l] * state[l] - wave[LANES + l] * state[LANES + l]
        for k in range(dim):
            component = direction[k]
            if component != 0.0:
                for l in range(LANES):
                    v[k * LANES + l] += component * wave[l]


@kernel(ORACLE)
def scaled_components(x, v, state, params, dim, batch, step, words):
    """params: n, then n + 1 pairs (b_i, 0). State: the batch's mean of b."""
    if batch > 0:
        mean_features(state, params[1:], int(params[0]), batch, step, words)
    else:
        for k in range(dim):
            for l in range(LANES):
                v[k * LANES + l] *= state[l]


@kernel(ORACLE)
def shifted_cosh(x, v, state, params, dim, batch, step, words):
    """params: n, m, then n + 1 pairs (cosh b_i, sinh b_i). sinh(x - b) = sinh x cosh b - cosh x sinh b, v = m sinh x."""
    if batch > 0:
        mean_features(state, params[2:], int(params[0]), batch, step, words)
    else:
        for l in range(LANES):
            sinh = v[l] / params[1]
            size = abs(sinh)
            # sqrt(1 + sinh²) without overflow
            cosh = math.sqrt(1.0 + size * size) if size < 1e150 else size
            v[l] = sinh * state[l] - cosh * state[LANES + l]


@kernel(ORACLE)
def rademacher(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, quiet coordinates. Samples are performed; one word serves 64 coordinates."""
    quiet = int(params[1])
    noisy = dim - quiet
    if batch > 0:
        scale = params[0] / batch
        groups = (noisy + WORD_BITS - 1) // WORD_BITS
        signs = state[2 * dim * LANES : (2 * dim + 1) * LANES]  # words, stored as floats
        for i in range(noisy * LANES):
            state[i] = 0.0
        base = np.uint64(step) * DRAWS_A_STEP
        for sample in range(batch):
            for group in range(groups):
                draw = base + np.uint64(sample * groups + group)
                for l in range(LANES):
                    a, _ = threefry(words[0], NOISE, draw, words[1] + np.uint64(l))
                    signs[l] = float_of(a)
                for j in range(group * WORD_BITS, min(noisy, (group + 1) * WORD_BITS)):
                    shift = np.uint64(j - group * WORD_BITS)
                    for l in range(LANES):
                        state[j * LANES + l] += signed(scale, bits_of(signs[l]) >> shift)
    else:
        target = v[quiet * LANES : dim * LANES]
        for i in range(noisy * LANES):
            target[i] += state[i]


@kernel(ORACLE)
def zero_chain(x, v, state, params, dim, batch, step, words):
    """params: p, threshold of progress. State: mean over the batch of z/p. Hides what lies behind the progress of x."""
    probability, threshold = params[0], params[1]
    if batch > 0:
        for l in range(LANES):
            state[l] = 0.0
        base = np.uint64(step) * DRAWS_A_STEP
        for sample in range(batch):
            for l in range(LANES):
                a, _ = threefry(words[0], NOISE, base + np.uint64(sample), words[1] + np.uint64(l))
                state[l] += 1.0 if uniform(a) < probability else 0.0
        for l in range(LANES):
            state[l] /= probability * batch
    else:
        # factor on coordinate i: 1 for i <= i0, the largest index with |x_i| above the threshold
        beyond = state[2 * dim * LANES : (2 * dim + 1) * LANES]
        for l in range(LANES):
            beyond[l] = 0.0
        for k in range(dim - 1, -1, -1):
            base_k = k * LANES
            for l in range(LANES):
                seen = 1.0 if abs(x[base_k + l]) > threshold else 0.0
                beyond[l] = max(beyond[l], seen)
                v[base_k + l] *= 1.0 if beyond[l] > 0.0 else state[l]
