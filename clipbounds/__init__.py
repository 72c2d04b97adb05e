"""clipbounds: check the theory of gradient clipping against numbers."""

from . import clipping, lanes, methods, noise, problems, worst_case
from .methods import Setting
from .simulate import simulate
from .version import __version__

__all__ = ["Setting", "__version__", "clipping", "lanes", "methods", "noise", "problems", "simulate", "worst_case"]
