"""Formulas in plain text, as docstrings have them, for pages and notebooks; LaTeX as MathML. docs/formulas.md is the convention."""

from .mathml import mathml, plain_text
from .prose import Piece, as_html, as_line, pieces
from .tables import bound_html, hypotheses_html, setting_html, statement_html

__all__ = [
    "Piece",
    "as_html",
    "as_line",
    "bound_html",
    "hypotheses_html",
    "mathml",
    "pieces",
    "plain_text",
    "setting_html",
    "statement_html",
]
