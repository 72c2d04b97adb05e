"""Clipping operators."""

from .adapters import coordinatewise, per_trajectory
from .base import CLIP, PROPERTIES, Clip
from .coordinate import CoordinateClip, JointSmoothClip, SmoothClip
from .frameworks import OptaxClip, TorchClip
from .norm import GrowingClip, Identity, Normalize, NormClip

__all__ = [
    "CLIP",
    "PROPERTIES",
    "Clip",
    "CoordinateClip",
    "GrowingClip",
    "Identity",
    "JointSmoothClip",
    "NormClip",
    "Normalize",
    "OptaxClip",
    "SmoothClip",
    "TorchClip",
    "coordinatewise",
    "per_trajectory",
]
