"""Noise laws with certified moments and samplers."""

from typing import TYPE_CHECKING

from .adapters import from_quantile, from_uniforms
from .base import FILL, Noise
from .continuous import Gaussian, Pareto, StudentT, SymmetricPareto
from .discrete import NoNoise, Rademacher, ThreePoint, TwoPoint
from .log_tailed import LogTailed
from .lomax import SymmetricLomax
from .stable import Stable

__all__ = [
    "FILL",
    "Gaussian",
    "LogTailed",
    "NoNoise",
    "Noise",
    "Pareto",
    "Rademacher",
    "Stable",
    "StudentT",
    "SymmetricLomax",
    "SymmetricPareto",
    "ThreePoint",
    "TwoPoint",
    "from_quantile",
    "from_uniforms",
]


def _later(name: str) -> object:
    if name == "Adaptive":  # an oracle, one floor above: imported when it is asked for
        from ..oracles import Adaptive

        return Adaptive
    raise AttributeError(f"module {__name__} has no attribute {name}")


if TYPE_CHECKING:
    from ..oracles import Adaptive as Adaptive
else:
    __getattr__ = _later
