"""Clipping operators."""

from .adapters import coordinatewise, per_trajectory
from .base import CLIP, PROPERTIES, Clip
from .blocks import BlockClip
from .coordinate import CoordinateClip, JointSmoothClip, SmoothClip
from .frameworks import OptaxClip, TorchClip
from .norm import GrowingClip, Identity, Normalize, NormClip, SmoothNormalize

__all__ = [
    "CLIP",
    "PROPERTIES",
    "BlockClip",
    "Clip",
    "CoordinateClip",
    "GrowingClip",
    "Identity",
    "JointSmoothClip",
    "NormClip",
    "Normalize",
    "OptaxClip",
    "SmoothClip",
    "SmoothNormalize",
    "TorchClip",
    "coordinatewise",
    "per_trajectory",
]
