"""Clipping operators."""

from .base import CLIP, Clip
from .norm import Identity, NormClip

__all__ = ["CLIP", "Clip", "Identity", "NormClip"]
