"""Means without sampling."""

from .line import QUANTITIES, MeanCurves, mean_curves, why_not

__all__ = ["QUANTITIES", "MeanCurves", "mean_curves", "why_not"]
