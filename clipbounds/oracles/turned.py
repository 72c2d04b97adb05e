"""From 64 trajectories a coordinate to 64 points one after the other, where dense rows meet them, and back."""

from ..lanes.blocks import LANES
from ..lanes.compile import device
from ..lanes.views import row


@device
def turn(x, turned, dim):
    """turned <- the points of the block x, each contiguous."""
    for k in range(dim):
        point = row(x, k)
        for l in range(LANES):
            turned[l * dim + k] = point[l]


@device
def turn_back(total, x, v, ridge, dim):
    """v <- the sums of the single points, as a block, plus ridge x."""
    for k in range(dim):
        point, to = row(x, k), row(v, k)
        for l in range(LANES):
            to[l] = total[l * dim + k] + ridge * point[l]
