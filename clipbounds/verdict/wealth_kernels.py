"""The wealth of many bets in one pass over the values."""

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS
from ..lanes.compile import kernel, named_signature

# x: (n, samples), each value preceded by n·samples of the others; bets: the plug-in bets, of the same shape; work: room for a product and its
# logarithm for each of the bets; out: (samples,) log K(m). A rate of 0: no such bet; plug = share = 0: no bets on the range
WEALTH = named_signature(
    x=FLOATS, bets=FLOATS, fractions=FLOATS, work=FLOATS, out=FLOATS, samples=types.int64, m=types.float64, cut=types.float64,
    excess=types.float64, floor=types.float64, plug=types.float64, share=types.float64, catoni=types.float64,
    rate=types.float64, growth=types.float64,
)  # fmt: skip
# bets: for each sample sqrt(level/s²), s² the variance of the values before, with `prior` as one of them
PLUG_IN = named_signature(x=FLOATS, bets=FLOATS, samples=types.int64, level=types.float64, prior=types.float64)

OFTEN = 8  # factors between two looks at the size of a product
LARGE = 1e100


@kernel(WEALTH)
def log_wealth(x, bets, fractions, work, out, samples, m, cut, excess, floor, plug, share, catoni, rate, growth):
    count, n = fractions.size, x.size // samples
    half = 0.5 / floor
    for s in range(samples):
        for j in range(count + 2):
            work[j] = 1.0
            work[count + 2 + j] = 0.0
        for i in range(n):
            away = x[i * samples + s] - m
            if plug > 0:
                y = max(away, -cut) - excess
                part = y / floor
                for j in range(count):
                    work[j] *= 1.0 + fractions[j] * part
                work[count] *= 1.0 + min(bets[i * samples + s], half) * y
            if rate > 0:
                z = rate * away
                factor = 1.0 + abs(z) + 0.5 * z * z
                work[count + 1] *= factor if z >= 0 else 1.0 / factor
            if i % OFTEN == OFTEN - 1 or i == n - 1:
                for j in range(count + 2):
                    if i == n - 1 or work[j] > LARGE or work[j] < 1.0 / LARGE:
                        work[count + 2 + j] += np.log(work[j])
                        work[j] = 1.0
        # the logarithm of the weighted sum, from its largest term
        top = -np.inf
        for j in range(count + 2):
            term = work[count + 2 + j]
            if j < count:
                term += np.log(share) if share > 0 else -np.inf
            elif j == count:
                term += np.log(plug) if plug > 0 else -np.inf
            else:
                term += np.log(catoni) - growth if rate > 0 else -np.inf
            work[j] = term
            top = max(top, term)
        total = 0.0
        if top > -np.inf and top < np.inf:
            for j in range(count + 2):
                total += np.exp(work[j] - top)
            out[s] = top + np.log(total)
        else:
            out[s] = top


@kernel(PLUG_IN)
def plug_in(x, bets, samples, level, prior):
    n = x.size // samples
    for s in range(samples):
        total, squares = 0.0, prior
        for i in range(n):
            bets[i * samples + s] = np.sqrt(level / (squares / (i + 1)))
            value = x[i * samples + s]
            total += value
            away = value - total / (i + 1)
            squares += away * away
