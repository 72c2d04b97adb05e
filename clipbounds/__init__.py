"""clipbounds: check the theory of gradient clipping against numbers."""

from . import bounds, clipping, lanes, methods, noise, oracles, problems, sweep, verdict, worst_case
from .first_passage import FirstPassage, first_passage
from .methods import Setting
from .simulate import simulate
from .verdict import compare
from .version import __version__

__all__ = [
    "FirstPassage",
    "Setting",
    "__version__",
    "bounds",
    "clipping",
    "compare",
    "first_passage",
    "lanes",
    "methods",
    "noise",
    "oracles",
    "problems",
    "simulate",
    "sweep",
    "verdict",
    "worst_case",
]
