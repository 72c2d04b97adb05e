"""Kernel of the largest sum that a potential leaves room for: one step of a concave function back in time."""

from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import kernel, named_signature

# levels, values: nodes of a concave function, which is affine between them and beyond; gains: what a cell of norms earns at most;
# falls: by how much the level falls there at least; scratch: 4 count numbers; history receives the value at `start` after each step
ADVANCE = named_signature(
    levels=FLOATS, values=FLOATS, gains=FLOATS, falls=FLOATS, scratch=FLOATS, history=FLOATS, start=types.int64,
    steps=types.int64,
)  # fmt: skip


@kernel(ADVANCE)
def advance_potential(levels, values, gains, falls, scratch, history, start, steps):
    """values <- a concave majorant of max over the cells j of norms that a level allows of gain_j + values(level - fall_j).

    Cell j of norms is allowed on the cells i >= j of levels. There each term is concave in the level, and exceeds its chord by at
    most a quarter of the cell's length times the loss of slope.
    """
    count = gains.size
    for step in range(steps):
        slope = scratch[:count]
        left, right = scratch[count : 2 * count], scratch[2 * count : 3 * count]
        for i in range(count):
            slope[i] = (values[i + 1] - values[i]) / (levels[i + 1] - levels[i])
            left[i] = right[i] = 0.0
        for j in range(count):
            place = 0  # the cell with the point, the last one beyond the top, the first one below 0
            for i in range(j, count):
                a, b = levels[i] - falls[j], levels[i + 1] - falls[j]
                if b < 0.0:  # no point of the cell allows this
                    continue
                while place + 1 < count and levels[place + 1] <= a:
                    place += 1
                at_a = values[place] + slope[place] * (a - levels[place])
                other = place
                while other + 1 < count and levels[other + 1] < b:
                    other += 1
                at_b = values[other] + slope[other] * (b - levels[other])
                bend = gains[j] + 0.25 * (levels[i + 1] - levels[i]) * (slope[place] - slope[other])
                left[i] = max(left[i], at_a + bend)
                right[i] = max(right[i], at_b + bend)
        values[0] = left[0]
        for i in range(1, count):
            values[i] = max(values[i - 1], max(left[i], right[i - 1]))
        values[count] = max(values[count - 1], right[count - 1])
        # the upper hull of the nodes: a stack of its corners
        corners, top = scratch[3 * count :], 0
        corners[0] = 0.0
        for i in range(1, count + 1):
            while top >= 1:
                p, q = int(corners[top - 1]), int(corners[top])
                if (values[q] - values[p]) * (levels[i] - levels[p]) > (values[i] - values[p]) * (
                    levels[q] - levels[p]
                ):
                    break
                top -= 1
            top += 1
            corners[top] = i
        for k in range(top):
            p, q = int(corners[k]), int(corners[k + 1])
            for i in range(p + 1, q):
                values[i] = values[p] + (values[q] - values[p]) * ((levels[i] - levels[p]) / (levels[q] - levels[p]))
        history[step] = values[start]
