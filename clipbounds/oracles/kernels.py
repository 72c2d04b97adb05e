"""Kernels of the oracles, signature `ORACLE`.

Draws are made from counters that depend on the step and not on the batch size: runs with other batch sizes see the
same normals, scaled.
"""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.elementary import bits_of, choose, float_of, sin_cos
from ..lanes.norms import add
from ..lanes.random import NOISE, threefry, uniform
from ..lanes.views import row, rows
from ..noise.base import DRAWS_TOGETHER, FILL
from ..noise.kernels import signed
from .base import ORACLE

DRAWS_A_STEP = np.uint64(1 << 24)  # counters reserved for one step where samples are performed
WORD_BITS = 64
fill_at = function_at(FILL)


@kernel(ORACLE)
def exact(x, v, state, params, dim, batch, step, words):
    pass


@device
def normals(state, params, dim, batch, step, needed, words):
    """Fill at least `needed` rows with the normals of one step, of the standard deviation params[0]/sqrt(batch).

    params[1] is the address of the Gaussian sampler: inlined, it would take ten seconds to compile in every oracle.
    """
    scale = row(state, 2 * dim)
    scale[0] = params[0] / math.sqrt(batch)
    fill = fill_at(int(params[1]))
    count = (needed + DRAWS_TOGETHER - 1) // DRAWS_TOGETHER * DRAWS_TOGETHER  # at most needed + 3 <= 4 dim rows
    fill(state, step * count, count, scale, words[0], NOISE, words[1])


@kernel(ORACLE)
def additive(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, sampler, quiet coordinates. The mean of S samples is normal with the variance over S."""
    quiet = int(params[2])
    noisy = dim - quiet
    if batch > 0:
        normals(state, params, dim, batch, step, noisy, words)
    else:
        add(rows(state, 0, noisy), rows(v, quiet, noisy))


@device
def angles(x, cosines, sines, direction, rate, dim):
    """cos and sin of rate·<u, x>."""
    for l in range(LANES):
        sines[l] = 0.0
    for k in range(dim):
        component = rate * direction[k]
        if component != 0.0:
            coordinate = row(x, k)
            for l in range(LANES):
                sines[l] += component * coordinate[l]
    for l in range(LANES):
        sines[l], cosines[l] = sin_cos(sines[l])


@device
def add_wave(target, amplitudes, wave):
    """target += amplitude·wave, lane by lane."""
    for l in range(LANES):
        target[l] += amplitudes[l] * wave[l]


@kernel(ORACLE)
def gaussian_phase(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, sampler, quiet coordinates, w, u. State: A_j and B_j in turn, of variance 1/S."""
    quiet = int(params[2])
    noisy = dim - quiet
    if batch > 0:
        normals(state, params, dim, batch, step, 2 * noisy, words)
    else:
        cosines, sines = row(state, 2 * dim), row(state, 2 * dim + 1)
        angles(x, cosines, sines, params[4:], params[3], dim)
        for j in range(noisy):
            target = row(v, quiet + j)
            add_wave(target, row(state, 2 * j), cosines)
            add_wave(target, row(state, 2 * j + 1), sines)


@device
def mean_features(state, table, components, batch, step, words):
    """Means over a batch of the two features of random components; the full mean for batch >= components."""
    first, second = row(state, 0), row(state, 1)
    for l in range(LANES):
        # the last row of the table holds the exact means
        first[l] = table[2 * components] if batch >= components else 0.0
        second[l] = table[2 * components + 1] if batch >= components else 0.0
    if batch >= components:
        return
    base = np.uint64(step) * DRAWS_A_STEP
    for i in range(0, batch, 2):
        draw = base + np.uint64(i)
        both = 1.0 if i + 1 < batch else 0.0
        for l in range(LANES):
            a, b = threefry(words[0], NOISE, draw, words[1] + np.uint64(l))
            j = 2 * int(uniform(a) * components)
            k = 2 * int(uniform(b) * components)
            first[l] += table[j] + both * table[k]
            second[l] += table[j + 1] + both * table[k + 1]
    for l in range(LANES):
        first[l] /= batch
        second[l] /= batch


@kernel(ORACLE)
def equispaced_phases(x, v, state, params, dim, batch, step, words):
    """params: n, w, then n + 1 pairs sqrt2 sigma (cos, sin), then u. State: the batch's means of the pairs."""
    components = int(params[0])
    if batch > 0:
        mean_features(state, params[2:], components, batch, step, words)
    else:
        direction = params[4 + 2 * components :]
        cosines, sines = row(state, 2 * dim), row(state, 2 * dim + 1)
        angles(x, cosines, sines, direction, params[1], dim)
        first, second = row(state, 0), row(state, 1)
        for l in range(LANES):
            # cos(w t + phi) = cos(wt) cos(phi) - sin(wt) sin(phi)
            cosines[l] = cosines[l] * first[l] - sines[l] * second[l]
        for k in range(dim):
            component = direction[k]
            if component != 0.0:
                target = row(v, k)
                for l in range(LANES):
                    target[l] += component * cosines[l]


@kernel(ORACLE)
def scaled_components(x, v, state, params, dim, batch, step, words):
    """params: n, then n + 1 pairs (b_i, 0). State: the batch's mean of b."""
    if batch > 0:
        mean_features(state, params[1:], int(params[0]), batch, step, words)
    else:
        for k in range(dim):
            target = row(v, k)
            for l in range(LANES):
                target[l] *= state[l]


@kernel(ORACLE)
def shifted_cosh(x, v, state, params, dim, batch, step, words):
    """params: n, m, then n + 1 pairs (cosh b_i, sinh b_i). sinh(x - b) = sinh x cosh b - cosh x sinh b, v = m sinh x."""
    if batch > 0:
        mean_features(state, params[2:], int(params[0]), batch, step, words)
    else:
        first, second = row(state, 0), row(state, 1)
        for l in range(LANES):
            sinh = v[l] / params[1]
            size = abs(sinh)
            # sqrt(1 + sinh²) without overflow
            cosh = math.sqrt(1.0 + size * size) if size < 1e150 else size
            v[l] = sinh * first[l] - cosh * second[l]


@kernel(ORACLE)
def rademacher(x, v, state, params, dim, batch, step, words):
    """params: sigma/sqrt D, quiet coordinates. Samples are performed; one word serves 64 coordinates."""
    quiet = int(params[1])
    noisy = dim - quiet
    if batch > 0:
        scale = params[0] / batch
        groups = (noisy + WORD_BITS - 1) // WORD_BITS
        signs = row(state, 2 * dim)  # words, stored as floats
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
                    total = row(state, j)
                    for l in range(LANES):
                        total[l] += signed(scale, bits_of(signs[l]) >> shift)
    else:
        add(rows(state, 0, noisy), rows(v, quiet, noisy))


@kernel(ORACLE)
def zero_chain(x, v, state, params, dim, batch, step, words):
    """params: p, threshold of progress. State: mean over the batch of z/p. Hides what lies behind the progress of x."""
    probability, threshold = params[0], params[1]
    shown = row(state, 0)
    if batch > 0:
        for l in range(LANES):
            shown[l] = 0.0
        base = np.uint64(step) * DRAWS_A_STEP
        for sample in range(batch):
            for l in range(LANES):
                a, _ = threefry(words[0], NOISE, base + np.uint64(sample), words[1] + np.uint64(l))
                shown[l] += 1.0 if uniform(a) < probability else 0.0
        for l in range(LANES):
            shown[l] /= probability * batch
    else:
        # the factor of coordinate i: 1 for i <= i0, the largest index with |x_i| above the threshold
        factor = row(state, 2 * dim)
        for l in range(LANES):
            factor[l] = shown[l]
        for k in range(dim - 1, -1, -1):
            coordinate, target = row(x, k), row(v, k)
            for l in range(LANES):
                factor[l] = choose(abs(coordinate[l]) > threshold, 1.0, factor[l])
                target[l] *= factor[l]
