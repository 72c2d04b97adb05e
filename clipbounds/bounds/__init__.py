"""Bounds, one file a paper."""

from . import koloskova2023
from .base import Bound, HypothesesFail, Hypothesis, Recalled, hypotheses_table

__all__ = ["Bound", "HypothesesFail", "Hypothesis", "Recalled", "hypotheses_table", "koloskova2023"]
