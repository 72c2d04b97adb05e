"""What torch and optax compute, for comparison with the exact operators. The norm is the plain root of a sum of squares."""

from __future__ import annotations

from ..specs import NON_NEGATIVE, parameter
from . import framework_kernels
from .base import Clip


class TorchClip(Clip):
    """min(1, c/(‖u‖ + 1e-6)) u, as torch.nn.utils.clip_grad_norm_ computes it.

    The result is always shorter than c, so clipping twice is not clipping once, and a vector of norm c is changed.
    Squares over- and underflow: entries of 1e200 give 0.

    Parameters
    ----------
    threshold : float c in [0, inf)
    """

    threshold: float = parameter(NON_NEGATIVE, "a clipping threshold c")

    kernel = framework_kernels.torch_clip
    properties = frozenset(
        {
            "bounded",
            "direction",
            "nonexpansive",
            "monotone",
            "cocoercive",
            "odd",
            "permutation_equivariant",
            "rotation_equivariant",
            "keeps_nan",
            "rowwise",
        }
    )

    def bound(self, dim: int) -> float:
        return self.threshold


class OptaxClip(Clip):
    """u if ‖u‖ < c, else (u/‖u‖) c, as optax.clip_by_global_norm computes it.

    nan at ‖u‖ = c = 0. Squares over- and underflow: entries of 1e200 give 0.

    Parameters
    ----------
    threshold : float c in [0, inf)
    """

    threshold: float = parameter(NON_NEGATIVE, "a clipping threshold c")

    kernel = framework_kernels.optax_clip
    properties = frozenset(
        {
            "bounded",
            "full_length",
            "direction",
            "identity_inside",
            "idempotent",
            "nonexpansive",
            "monotone",
            "cocoercive",
            "odd",
            "permutation_equivariant",
            "rotation_equivariant",
            "scaling",
            "keeps_nan",
            "rowwise",
        }
    )

    def bound(self, dim: int) -> float:
        return self.threshold

    def scaled(self, factor: float) -> OptaxClip:
        return OptaxClip(factor * self.threshold)
