"""Bias floor, S0* and Theorem 3* against the threshold, with constants that are assumed or estimated."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..bounds import HypothesesFail
from ..bounds.koloskova2023 import S0Star
from ..bounds.nobile2026 import Theorem3Star
from ..clipping import NormClip
from ..described import Constants
from ..facts import MissingConstant
from ..methods import ClippedSGD
from ..worst_case import floor

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..bounds.base import Bound

COARSE = 12  # thresholds at which S0* is evaluated: it costs a moment problem for each gradient norm


@dataclasses.dataclass(frozen=True)
class Curve:
    """A bound against the threshold. `thresholds`, `values` : arrays, nan where its hypotheses fail."""

    name: str
    p: float
    thresholds: np.ndarray = dataclasses.field(repr=False)
    values: np.ndarray = dataclasses.field(repr=False)

    @property
    def least(self) -> float | None:
        return float(np.nanmin(self.values)) if np.isfinite(self.values).any() else None

    @property
    def best(self) -> float | None:
        """The smallest threshold of the grid whose bound is within 1 % of the least: often it stays flat above."""
        if self.least is None:
            return None
        return float(self.thresholds[np.flatnonzero(self.values <= 1.01 * self.least)[0]])

    @property
    def least_at(self) -> float | None:
        """The threshold of the grid at which the bound is least."""
        return None if self.least is None else float(self.thresholds[np.nanargmin(self.values)])

    def __str__(self) -> str:
        return f"least {self.least:.3g} at c = {self.least_at:.3g}, within 1 % of it from c = {self.best:.3g}"


def floor_curve(thresholds: FloatArray, sigma: float, p: float) -> Curve:
    """The bias that the worst noise of this sigma_p leaves."""
    return Curve("bias floor", p, thresholds, np.asarray(floor(thresholds, sigma, p), dtype=float))


def bound_curves(
    thresholds: FloatArray, given: dict[str, Any], step_size: float, steps: int, p: float, coarse: bool = True
) -> list[Curve]:
    """Theorem 3* on the grid, and S0* on every few thresholds, after so many steps."""
    few = thresholds[np.unique(np.linspace(0, thresholds.size - 1, COARSE).round().astype(int))]
    kinds = [(Theorem3Star(p=p), "Theorem 3*", thresholds)] + ([(S0Star(p=p), "S0*", few)] if coarse else [])
    curves = [
        Curve(name, p, grid, _values(bound, grid, given | {"p": p}, step_size, steps)) for bound, name, grid in kinds
    ]
    return [curve for curve in curves if curve.least is not None]


def _values(bound: Bound, thresholds: FloatArray, given: dict[str, Any], step_size: float, steps: int) -> FloatArray:
    values = []
    for threshold in thresholds:
        setting = Constants(method=ClippedSGD(step_size, NormClip(float(threshold))), **given)
        try:
            applies = all(row.holds for row in bound.hypotheses(setting))
            values.append(float(bound.value(setting, steps)) if applies else np.nan)
        except (MissingConstant, HypothesesFail):  # L where (L0, L1) is given; a value beyond the range of floats
            values.append(np.nan)
    values = np.array(values)
    return np.where(np.isfinite(values), values, np.nan)
