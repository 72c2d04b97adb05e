"""Noise laws with certified moments and samplers."""

from .base import FILL, Noise
from .continuous import Gaussian, Pareto, StudentT, SymmetricPareto
from .discrete import NoNoise, Rademacher, TwoPoint

__all__ = ["FILL", "Gaussian", "NoNoise", "Noise", "Pareto", "Rademacher", "StudentT", "SymmetricPareto", "TwoPoint"]
