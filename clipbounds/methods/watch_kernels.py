"""Kernels that stand in front of a component's own, and note on which lanes it made non-finite numbers of finite ones.

Their parameters are the component's, followed by a note: the address of its kernel, whether the call has not come
back, and a flag for each lane.
"""

import math

from ..clipping.base import CLIP
from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.views import row, scratch
from ..noise.base import FILL
from ..oracles.base import ORACLE
from ..problems.base import GRADIENT

NOTE = 2 + LANES
gradient_at, fill_at, clip_at, oracle_at = (function_at(s) for s in (GRADIENT, FILL, CLIP, ORACLE))


@device
def note_finite(block, count, finite):
    """finite[l] = 1 if the lane l of all `count` rows is finite, else 0."""
    for l in range(LANES):
        finite[l] = 1.0
    for k in range(count):
        values = row(block, k)
        for l in range(LANES):
            finite[l] = finite[l] if abs(values[l]) < math.inf else 0.0


@device
def note_broken(before, after, params):
    flags = params[params.size - LANES :]
    for l in range(LANES):
        if before[l] > after[l]:
            flags[l] = 1.0


@kernel(GRADIENT)
def gradient(x, g, dim, params):
    before, after, note = scratch(), scratch(), params.size - NOTE
    note_finite(x, dim, before)
    params[note + 1] = 1.0
    gradient_at(int(params[note]))(x, g, dim, params[:note])
    params[note + 1] = 0.0
    note_finite(g, dim, after)
    note_broken(before, after, params)


@kernel(FILL)
def fill(out, first, count, params, seed, stream, trajectory):
    before, after, note = scratch(), scratch(), params.size - NOTE
    note_finite(out, 0, before)
    params[note + 1] = 1.0
    fill_at(int(params[note]))(out, first, count, params[:note], seed, stream, trajectory)
    params[note + 1] = 0.0
    note_finite(out, count, after)
    note_broken(before, after, params)


@kernel(CLIP)
def clip(v, lanes, dim, index, params):
    before, after, note = scratch(), scratch(), params.size - NOTE
    note_finite(v, dim, before)
    params[note + 1] = 1.0
    clip_at(int(params[note]))(v, lanes, dim, index, params[:note])
    params[note + 1] = 0.0
    note_finite(v, dim, after)
    note_broken(before, after, params)


@kernel(ORACLE)
def oracle(x, v, state, params, dim, batch, step, words):
    before, after, note = scratch(), scratch(), params.size - NOTE
    note_finite(v, dim, before)
    params[note + 1] = 1.0
    oracle_at(int(params[note]))(x, v, state, params[:note], dim, batch, step, words)
    params[note + 1] = 0.0
    if batch == 0:
        note_finite(v, dim, after)
        note_broken(before, after, params)
