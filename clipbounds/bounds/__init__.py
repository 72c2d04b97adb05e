"""Bounds, one file a paper."""

from .base import Bound, HypothesesFail, Hypothesis, Recalled, hypotheses_table

__all__ = ["Bound", "HypothesesFail", "Hypothesis", "Recalled", "hypotheses_table"]
