"""Kernel of the variance of what a policy on the landing grid earns."""

from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import kernel, named_signature
from .landing_kernels import ATOMS, FIELDS

# values, variances and their spare copies have `margin` entries before the grid and after it; beyond: what is earned there in
# k steps, 2·margin numbers a step; history receives the variance at `start` after each step
VARIANCE = named_signature(
    costs=FLOATS, values=FLOATS, variances=FLOATS, spare=FLOATS, beyond=FLOATS, policy=FLOATS, history=FLOATS,
    start=types.int64, margin=types.int64, steps=types.int64,
)  # fmt: skip


@kernel(VARIANCE)
def advance_variance(costs, values, variances, spare, beyond, policy, history, start, margin, steps):
    """W <- Var V(next) + E W(next), V <- |f'| + E V(next) for some steps with one policy.

    After each step V at `start` is subtracted from all of V, which no variance sees: differences keep their digits. The first
    entry behind the values of `spare` is the sum of what was subtracted.
    """
    count = costs.size
    shift = spare[2 * count]
    for step in range(steps):
        for k in range(margin):
            values[k] = beyond[2 * margin * step + k] - shift
            values[margin + count + k] = beyond[2 * margin * step + margin + k] - shift
        for i in range(count):
            mean = 0.0
            for k in range(ATOMS):
                weight = policy[FIELDS * i + ATOMS + k]
                if weight > 0.0:
                    mean += weight * values[margin + i - int(policy[FIELDS * i + 2 * ATOMS + k])]
            total = 0.0
            for k in range(ATOMS):
                weight = policy[FIELDS * i + ATOMS + k]
                if weight > 0.0:
                    to = margin + i - int(policy[FIELDS * i + 2 * ATOMS + k])
                    off = values[to] - mean
                    total += weight * (off * off + variances[to])
            spare[i], spare[count + i] = costs[i] + mean, total
        moved = spare[start]
        for i in range(count):
            values[margin + i] = spare[i] - moved
            variances[margin + i] = spare[count + i]
        shift += moved
        history[step] = variances[margin + start]
    spare[2 * count] = shift
