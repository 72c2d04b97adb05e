"""Means without sampling."""

from .curves import QUANTITIES, MeanCurves
from .means import mean_curves, quantities, why_not
from .run import EXACT, run_of

__all__ = ["EXACT", "QUANTITIES", "MeanCurves", "mean_curves", "quantities", "run_of", "why_not"]
