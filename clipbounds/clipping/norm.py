"""Clipping to a ball, and no clipping."""

from ..specs import POSITIVE, inf, parameter
from . import kernels
from .base import Clip


class NormClip(Clip):
    """clip_c(u) = min(1, c/‖u‖) u, clip_c(0) = 0: the projection on the ball of radius c.

    Exact to rounding at every scale. Infinite entries are clipped to the limit along t·u with the infinite entries
    equally large; a nan makes the whole vector nan.

    Parameters
    ----------
    threshold : float c in (0, inf)
    """

    threshold: float = parameter(POSITIVE, "a clipping threshold c")

    kernel = kernels.norm_clip

    def bound(self, dim):
        return self.threshold


class Identity(Clip):
    """No clipping."""

    kernel = kernels.identity

    def bound(self, dim):
        return inf
