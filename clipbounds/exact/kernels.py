"""The law of an iterate on a grid: one step moves the mass of every node, and splits it between two neighbours."""

from numba import types

from ..lanes.blocks import FLOATS, INTS
from ..lanes.compile import device, kernel, named_signature

# slopes and gaps: |f'| and f - f* at the nodes; cells and shares: for each atom and node the cell of the landing point and
# the part of it that the point has passed, 0 on a node. factors: for each atom and cell sup g'; bends: (3, cells) variation
# of the derivatives of |f'| and f, and eta times that of f''; edges: cells where an atom begins or ceases to be clipped.
# without `certify`, `moved` receives the largest mass that a node ever has. history: E|f'|, E(f - f*); traces: sums of load times bends, then the load at each edge
PROPAGATE = named_signature(
    mass=FLOATS, spare=FLOATS, slopes=FLOATS, gaps=FLOATS, weights=FLOATS, cells=INTS, shares=FLOATS, factors=FLOATS,
    bends=FLOATS, edges=INTS, load=FLOATS, moved=FLOATS, largest=FLOATS, history=FLOATS, traces=FLOATS,
    start=types.int64, steps=types.int64, certify=types.int64,
)  # fmt: skip
# sups: (2, cells) bounds of |V'| for |f'| and f; traces: for each the largest, the sum over the cells, then the value where each edge lands
DERIVATIVES = named_signature(
    sups=FLOATS, spare=FLOATS, weights=FLOATS, cells=INTS, shares=FLOATS, factors=FLOATS, edges=INTS, atoms_of=INTS,
    traces=FLOATS, steps=types.int64,
)  # fmt: skip

# left, right: (rows, width) what goes to the left, the right node of a cell; both: its sum over the two cells around a node;
# row, place: of each node its row and the column of its first cell; down, up: probabilities of a clipped step
SPREAD = named_signature(
    mass=FLOATS, moved=FLOATS, left=FLOATS, right=FLOATS, both=FLOATS, row=INTS, place=INTS, down=FLOATS, up=FLOATS,
    width=types.int64, reach=types.int64,
)  # fmt: skip


@device
def images(cells, shares, base, i):
    """First and last cell that the image of cell i touches; its right end may be the left end of the next cell."""
    left, right = cells[base + i], cells[base + i + 1]
    if shares[base + i + 1] == 0.0 and right > left:
        right -= 1
    return left, right


@device
def transport(load, moved, largest, weights, cells, shares, factors, low, high):
    """moved(y) = sum over atoms of weight times the largest factor·load among the cells whose image meets the cell of y."""
    nodes = load.size
    for i in range(nodes):
        moved[i] = 0.0
    for k in range(weights.size):
        base = k * nodes
        least, most = nodes, -1
        for i in range(low, high):
            left, right = images(cells, shares, base, i)
            value = factors[base + i] * load[i]
            for j in range(left, right + 1):
                if j > most:
                    largest[j] = value
                    most = j
                else:
                    largest[j] = max(largest[j], value)
            least = min(least, left)
        for j in range(least, most + 1):
            moved[j] += weights[k] * largest[j]
    for i in range(nodes):
        load[i] = moved[i]


@kernel(PROPAGATE)
def propagate(
    mass, spare, slopes, gaps, weights, cells, shares, factors, bends, edges, load, moved, largest, history, traces, start,
    steps, certify,
):  # fmt: skip
    nodes, atoms = mass.size, weights.size
    first = last = start
    width = 3 + edges.size
    watch = not certify and moved.size == nodes
    for step in range(steps):
        low, high = nodes, -1
        for k in range(atoms):
            low = min(low, cells[k * nodes + first])
            high = max(high, cells[k * nodes + last] + 1)
        if certify:
            transport(load, moved, largest, weights, cells, shares, factors, 0, nodes - 1)
        for i in range(low, high + 1):
            spare[i] = 0.0
        for k in range(atoms):
            base, weight = k * nodes, weights[k]
            for i in range(first, last + 1):
                j, share = cells[base + i], shares[base + i]
                part = weight * mass[i]
                spare[j] += part * (1.0 - share)
                if share > 0.0:
                    spare[j + 1] += part * share
                    if certify:
                        load[j] += part
        slope = gap = 0.0
        for i in range(low, high + 1):
            mass[i] = spare[i]
            if watch:
                moved[i] = max(moved[i], spare[i])
            slope += spare[i] * slopes[i]
            gap += spare[i] * gaps[i]
        first, last = low, high
        history[2 * step], history[2 * step + 1] = slope, gap
        if certify:
            for q in range(3):
                total = 0.0
                for i in range(nodes - 1):
                    total += load[i] * bends[q * nodes + i]
                traces[width * step + q] = total
            for e in range(edges.size):
                traces[width * step + 3 + e] = load[edges[e]]


@kernel(DERIVATIVES)
def derivatives(sups, spare, weights, cells, shares, factors, edges, atoms_of, traces, steps):
    nodes = sups.size // 2
    width = 2 + edges.size
    for step in range(steps):
        for q in range(2):
            here = q * nodes
            place = (2 * step + q) * width
            top = total = 0.0
            for i in range(nodes - 1):
                top = max(top, sups[here + i])
                total += sups[here + i]
            traces[place], traces[place + 1] = top, total
            for e in range(edges.size):
                left, right = images(cells, shares, atoms_of[e] * nodes, edges[e])
                value = 0.0
                for j in range(left, right + 1):
                    value = max(value, sups[here + j])
                traces[place + 2 + e] = value
            for i in range(nodes):
                spare[i] = 0.0
            for k in range(weights.size):
                base = k * nodes
                for i in range(nodes - 1):
                    left, right = images(cells, shares, base, i)
                    value = sups[here + left]
                    for j in range(left + 1, right + 1):
                        value = max(value, sups[here + j])
                    spare[i] += weights[k] * factors[base + i] * value
            for i in range(nodes - 1):
                sups[here + i] = spare[i]


@kernel(SPREAD)
def spread(mass, moved, left, right, both, row, place, down, up, width, reach):
    """The law after one step; moved: `reach` longer than `mass` at each end. What would be beyond the ends is put on them."""
    for m in range(moved.size):
        moved[m] = 0.0
    for n in range(mass.size):
        here = mass[n]
        if here == 0.0:
            continue
        at = row[n] * width + place[n]
        there, share = moved[n + 1 : n + 2 * reach], both[at + 1 : at + 2 * reach]
        for i in range(share.size):  # an index from 0 on, so that the loop runs on vectors
            there[i] += here * share[i]
        moved[n] += here * (left[at] + down[n])
        moved[n + 2 * reach] += here * (right[at + 2 * reach - 1] + up[n])
    last = mass.size - 1
    for i in range(reach):
        moved[reach] += moved[i]
        moved[reach + last] += moved[reach + last + 1 + i]
    for n in range(mass.size):
        mass[n] = moved[reach + n]
