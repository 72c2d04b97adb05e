"""Bounds, one file a paper."""

from . import cutkosky2020, koloskova2023, nobile2026, reisizadeh2023, yu2023
from .applicable import applicable
from .base import Bound, HypothesesFail, Hypothesis, Recalled, hypotheses_table
from .citing import cite
from .control import Scaled

__all__ = [
    "Bound",
    "HypothesesFail",
    "Hypothesis",
    "Recalled",
    "Scaled",
    "applicable",
    "cite",
    "cutkosky2020",
    "hypotheses_table",
    "koloskova2023",
    "nobile2026",
    "reisizadeh2023",
    "yu2023",
]
