"""Operators that act on the norm: clipping to a ball, with a growing radius, normalisation, also a smooth one, and no clipping."""

from __future__ import annotations

from ..specs import POSITIVE, check_integer, inf, parameter
from . import kernels
from .base import Clip

PROJECTION = frozenset(
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
        "tames_inf",
        "every_scale",
    }
)


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
    properties = PROJECTION

    def bound(self, dim: int) -> float:
        return self.threshold

    def scaled(self, factor: float) -> NormClip:
        return NormClip(factor * self.threshold)


class GrowingClip(Clip):
    """Sample k = 1, 2, ... of a batch is clipped to the norm alpha k^{1/beta}; every batch begins anew at k = 1.

    Source: the estimator of nobile2026 (arXiv 2605.02701), where alpha = sigma and beta = p in practice.

    Parameters
    ----------
    alpha : float in (0, inf), the threshold of the first sample
    beta : float in (0, inf)
    """

    alpha: float = parameter(POSITIVE, "the threshold of the first sample")
    beta: float = parameter(POSITIVE, "thresholds grow like k^{1/beta}")

    kernel = kernels.growing_clip
    properties = PROJECTION

    @property
    def threshold(self) -> float:
        """Threshold of the first sample of a batch, which is what a call without an index uses."""
        return self.alpha

    def threshold_at(self, index: int) -> float:
        """Threshold of the sample at the position `index` = 0, 1, ... of its batch; inf, no clipping, beyond the range of floats."""
        rank = check_integer("GrowingClip", "index", index, 0) + 1.0
        try:
            return self.alpha * rank ** (1 / self.beta)
        except OverflowError:
            return inf

    def bound(self, dim: int) -> float:
        """inf, since the position in the batch is not limited; `threshold_at` is the bound of one sample."""
        return inf

    def scaled(self, factor: float) -> GrowingClip:
        return GrowingClip(factor * self.alpha, self.beta)


def ball(clip: Clip) -> tuple[float, float]:
    """(radius, growth) if the operator's kernel projects sample k = 1, 2, ... of a batch on the ball radius·k^growth,
    and (0, 0) otherwise: what a method's loop may do by itself instead of calling the kernel."""
    if clip.kernel is kernels.norm_clip:
        return clip.parameters[0], 0.0
    if clip.kernel is kernels.growing_clip:
        return clip.parameters[0], 1.0 / clip.parameters[1]
    return 0.0, 0.0


class Normalize(Clip):
    """u/‖u‖, and 0 at 0. Exact at every scale; infinite entries and nan as for `NormClip`."""

    kernel = kernels.normalize
    properties = frozenset(
        {
            "bounded",
            "direction",
            "idempotent",
            "monotone",
            "odd",
            "permutation_equivariant",
            "rotation_equivariant",
            "keeps_nan",
            "rowwise",
            "tames_inf",
            "every_scale",
        }
    )

    def bound(self, dim: int) -> float:
        return 1.0


class SmoothNormalize(Clip):
    """u/(r + ‖u‖): normalisation far from 0, the linear map u/r near it.

    It is the gradient of ‖u‖ - r log(1 + ‖u‖/r), whose Hessian has the eigenvalue r/(r + ‖u‖)² along u and
    1/(r + ‖u‖) across it. Both lie in (0, 1/r]: the function is convex and (1/r)-smooth, so the operator is monotone,
    Lipschitz with 1/r, which is attained at 0, and cocoercive with r (Baillon and Haddad). Its length ‖u‖/(r + ‖u‖) is
    below 1. Infinite entries and nan as for `NormClip`.

    Parameters
    ----------
    regularizer : float r in (0, inf), the norm that is mapped to 1/2
    """

    regularizer: float = parameter(POSITIVE, "r, the norm that is mapped to 1/2")

    kernel = kernels.smooth_normalize
    properties = (Normalize.properties - {"idempotent"}) | {"cocoercive"}

    @property
    def lipschitz(self) -> float:
        """1/r, attained at 0; the operator is r-cocoercive."""
        return 1.0 / self.regularizer

    def bound(self, dim: int) -> float:
        return 1.0


class Identity(Clip):
    """No clipping."""

    kernel = kernels.identity
    properties = PROJECTION - {"bounded", "tames_inf"}

    def bound(self, dim: int) -> float:
        return inf

    def scaled(self, factor: float) -> Identity:
        return self
