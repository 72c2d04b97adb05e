"""The falsifier: a bound in, the instance that breaks it out, or the one that comes closest."""

from .api import falsify
from .candidates import Candidate, evaluate
from .catalogue import Template, catalogue
from .confirm import Confirmation, confirm
from .mutants import MutantTable, attack_mutants, mutants
from .replay import Replay, replay
from .result import Falsification
from .search import Budget
from .shrink import shrink

__all__ = [
    "Budget",
    "Candidate",
    "Confirmation",
    "Falsification",
    "MutantTable",
    "Replay",
    "Template",
    "attack_mutants",
    "catalogue",
    "confirm",
    "evaluate",
    "falsify",
    "mutants",
    "replay",
    "shrink",
]
