"""Momentum Improves Normalized SGD: Cutkosky, Mehta, arXiv 2002.03305 (2020). The method is theirs, statement and constants are this project's."""

from .normalized_momentum import NormalizedMomentumMean

__all__ = ["NormalizedMomentumMean"]
