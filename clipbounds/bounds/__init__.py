"""Bounds, one file a paper."""

from . import yu2023
from .base import Bound, HypothesesFail, Hypothesis, Recalled, hypotheses_table

__all__ = ["Bound", "HypothesesFail", "Hypothesis", "Recalled", "hypotheses_table", "yu2023"]
