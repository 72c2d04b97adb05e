"""Figures, paper_checks.md, the gallery."""

from .lab import Lab, Outcome, Row
from .rows import joint_verdict, refusals, row_from_verdicts, within

__all__ = ["Lab", "Outcome", "Row", "joint_verdict", "refusals", "row_from_verdicts", "within"]
