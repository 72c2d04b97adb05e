"""clipbounds: check the theory of gradient clipping against numbers."""

from importlib import import_module
from typing import TYPE_CHECKING

from . import clipping, data, lanes, methods, noise, oracles, problems
from .described import Constants
from .first_passage import FirstPassage, first_passage
from .logs import read_log
from .measured import measured
from .methods import Setting
from .simulate import simulate
from .version import __version__

# loaded when they are first named: a simulation needs none of them, and they take a quarter of a second
_LATER = ("bounds", "exact", "falsifier", "sweep", "verdict", "worst_case")

__all__ = [
    "Constants",
    "FirstPassage",
    "Setting",
    "__version__",
    "applicable",
    "bounds",
    "cite",
    "clipping",
    "compare",
    "data",
    "diagnose",
    "exact",
    "falsifier",
    "falsify",
    "first_passage",
    "lanes",
    "measured",
    "methods",
    "noise",
    "oracles",
    "overlay",
    "problems",
    "read_log",
    "simulate",
    "sweep",
    "verdict",
    "worst_case",
]


def _later(name: str) -> object:
    if name in _LATER:
        return import_module(f".{name}", __name__)
    if name == "diagnose":
        from .diagnosis import diagnose

        return diagnose
    if name in ("applicable", "cite"):
        return getattr(import_module(".bounds", __name__), name)
    if name == "falsify":
        from .falsifier import falsify

        return falsify
    if name == "overlay":
        from .sweep.overlays import overlay

        return overlay
    if name == "compare":
        from .verdict import compare

        return compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if TYPE_CHECKING:  # a checker and an editor see everything at once, and complain of names that are not there
    from . import bounds, exact, falsifier, sweep, verdict, worst_case
    from .bounds.applicable import applicable
    from .bounds.citing import cite
    from .diagnosis.examine import diagnose
    from .falsifier.api import falsify
    from .sweep.overlays import overlay
    from .verdict.compare import compare
else:
    __getattr__ = _later


def __dir__() -> list[str]:
    return __all__
