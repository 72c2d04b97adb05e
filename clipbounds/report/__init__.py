"""Figures, paper_checks.md, the gallery."""

from .lab import Lab, Outcome, Row

__all__ = ["Lab", "Outcome", "Row"]
