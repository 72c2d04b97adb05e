"""Operators that act on each component, and the joint form of the smooth one."""

from __future__ import annotations

import math

from ..specs import POSITIVE, parameter
from . import kernels
from .base import Clip


class CoordinateClip(Clip):
    """Each component to [-c, c]: the projection on a cube. A component that is nan stays nan.

    Parameters
    ----------
    threshold : float c in (0, inf)
    """

    threshold: float = parameter(POSITIVE, "a clipping threshold c")

    kernel = kernels.coordinate_clip
    properties = frozenset(
        {
            "bounded",
            "identity_inside",
            "idempotent",
            "nonexpansive",
            "monotone",
            "cocoercive",
            "odd",
            "permutation_equivariant",
            "scaling",
            "keeps_nan",
            "rowwise",
            "tames_inf",
            "every_scale",
        }
    )

    def bound(self, dim: int) -> float:
        return self.threshold * math.sqrt(dim)

    def scaled(self, factor: float) -> CoordinateClip:
        return CoordinateClip(factor * self.threshold)


class SmoothClip(Clip):
    """phi y/sqrt(y² + width²) on each component; Lipschitz with constant phi/width, limits ±phi.

    Source: yu2023 (arXiv 2310.16920), with width = sqrt(eps). Computed through the ratio of |y| and width, so that
    no square overflows: a huge component gives ±phi, not 0.

    Parameters
    ----------
    level : float phi in (0, inf)
    width : float sqrt(eps) in (0, inf)
    """

    level: float = parameter(POSITIVE, "phi, the size that a component approaches")
    width: float = parameter(POSITIVE, "sqrt(eps), the size at which smoothing sets in")

    kernel = kernels.smooth_clip
    properties = frozenset(
        {
            "bounded",
            "monotone",
            "cocoercive",
            "odd",
            "permutation_equivariant",
            "scaling",
            "keeps_nan",
            "rowwise",
            "tames_inf",
            "every_scale",
        }
    )

    @property
    def lipschitz(self) -> float:
        """The Lipschitz constant kappa = phi/width, attained at 0; the operator is (1/kappa)-cocoercive."""
        return self.level / self.width

    def bound(self, dim: int) -> float:
        return self.level * math.sqrt(dim)

    def scaled(self, factor: float) -> SmoothClip:
        return SmoothClip(factor * self.level, factor * self.width)


class JointSmoothClip(Clip):
    """phi y/sqrt(‖y‖² + width²): the smooth operator on the norm.

    Rotation equivariant, norm below phi, Jacobian eigenvalues phi width²/(r²+width²)^{3/2} and
    phi/sqrt(r²+width²) at r = ‖y‖. Infinite entries and nan as for `NormClip`.

    Parameters
    ----------
    level : float phi in (0, inf)
    width : float sqrt(eps) in (0, inf)
    """

    level: float = parameter(POSITIVE, "phi, the size that the norm approaches")
    width: float = parameter(POSITIVE, "sqrt(eps), the norm at which smoothing sets in")

    kernel = kernels.joint_smooth_clip
    properties = SmoothClip.properties | {"direction", "rotation_equivariant"}

    @property
    def lipschitz(self) -> float:
        """The Lipschitz constant kappa = phi/width, attained at 0; the operator is (1/kappa)-cocoercive."""
        return self.level / self.width

    def bound(self, dim: int) -> float:
        return self.level

    def scaled(self, factor: float) -> JointSmoothClip:
        return JointSmoothClip(factor * self.level, factor * self.width)
