"""Means without sampling."""

from .line import QUANTITIES, MeanCurves, mean_curves, why_not
from .run import EXACT, run_of

__all__ = ["EXACT", "QUANTITIES", "MeanCurves", "mean_curves", "run_of", "why_not"]
