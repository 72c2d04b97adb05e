"""The loop around any method's loop that sums its iterates: the method itself does not know, and pays only if it is asked for."""

from ..lanes.blocks import LANES
from ..lanes.compile import function_at, kernel
from ..lanes.norms import add, clear, copy
from ..lanes.views import rows
from ..noise.window import DIM
from .base import ADVANCE

# the last blocks of the state: sums of x_s over the first part of the run, over the part before the last, and over the last
EARLY, BEFORE, LAST = range(3)
BLOCKS = 3

advance_at = function_at(ADVANCE)


@kernel(ADVANCE)
def averaged(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """Add x_step to LAST, then one step of the method whose loop lies at the last address.

    At the steps 1, 2, 4, 8, ... a new last part begins. Three sums of positive length, no difference of large ones.
    """
    dim = plan[DIM]
    start = vectors.size // LANES - BLOCKS * dim
    x, early = rows(vectors, 0, dim), rows(vectors, start + EARLY * dim, dim)
    before, latest = rows(vectors, start + BEFORE * dim, dim), rows(vectors, start + LAST * dim, dim)
    advance = advance_at(addresses[addresses.size - 1])
    for step in range(first, last):
        if step & (step - 1) == 0 and step > 0:
            add(before, early)
            copy(latest, before)
            clear(latest)
        add(x, latest)
        advance(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, step, step + 1)
