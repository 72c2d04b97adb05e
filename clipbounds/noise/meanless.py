"""Symmetric Pareto noise of any tail index: not even a first moment for alpha <= 1."""

from ..specs import POSITIVE, parameter
from .continuous import SymmetricPareto


class MeanlessPareto(SymmetricPareto):
    """xi = ±scale X, P(X > x) = x^{-alpha} on [1, inf), alpha in (0, inf): symmetric about 0, with or without a mean.

    For operators that are bounded, which need no moment of the noise. Bounds that need one see `moment` return inf.

    Parameters
    ----------
    tail_index : float alpha in (0, inf)
    scale : float in (0, inf)
    """

    tail_index: float = parameter(POSITIVE, "a tail index")
    scale: float = parameter(POSITIVE)
