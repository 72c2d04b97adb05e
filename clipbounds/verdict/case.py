"""A case, one bound against one measured quantity, and the verdict on it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..noise.base import NONE
from .rounding import rounding

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import BoolArray, FloatArray, RealArray
    from ..bounds.base import Bound
    from ..methods.base import Setting
    from .sample import Sample

NONNEGATIVE = (
    "gradient_norm", "mean_gradient_norm", "weighted_mean_gradient_norm", "mean_squared_gradient_norm", "min_gradient_norm",
    "gap", "distance", "gap_of_average", "distance_of_average", "gap_of_tail_average", "distance_of_tail_average",
    "squared_distance", "clipped_fraction", "mean_certified", "mean_phi", "displacement", "estimator_size", "consensus_error",
)  # fmt: skip
SLACK = 1e-9  # relative, on the side of the bound


@dataclasses.dataclass(frozen=True, eq=False)
class Verdict:
    """What may be concluded about one bound from one run.

    Attributes
    ----------
    bound, kind, quantity : str
    verdict : "holds", "violated", both followed by " (assuming ...)" where something is assumed; "undecided", "vacuous" (the bound says nothing), "does not apply" (a hypothesis fails; the
        reason is the table) or "not measured". It speaks of the checkpoints of the run, not of the steps between them
    reason : str, why it is undecided or not measured, or where it is violated
    tightness : float or None, largest measured/bound over the checkpoints (bound/measured for lower bounds and floors);
        1 is tight
    confidence : float, all verdicts of the comparison hold together with at least this probability; 1 if exact
    method : "exact", "empirical Bernstein", "betting", "asymptotic", "Student", "Clopper-Pearson" or ""
    steps, measured, low, high, value : arrays over the checkpoints >= 1: the measured curve (mean, extreme trajectory or
        quantile), its band, and the bound
    open : bool, more trajectories or a finer enclosure could decide it
    needed : float, about how many trajectories would, for an open verdict on a mean; inf: not to be seen from here; nan: not known
    """

    bound: str
    kind: str
    quantity: str
    verdict: str
    reason: str = ""
    tightness: float | None = None
    confidence: float = 1.0
    method: str = ""
    steps: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False)
    measured: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False)
    low: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False)
    high: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False)
    value: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0), repr=False)
    open: bool = False
    needed: float = np.nan


def is_deterministic(setting: Setting, sample: Sample) -> bool:
    """No noise, and no trajectory differs from another (an oracle of a finite sum has no layout and counts as noise)."""
    same = np.array_equal(sample.smallest, sample.largest, equal_nan=True)
    return setting.noise.layout == NONE and same


def is_sampled(case: Case) -> bool:
    """Whether the verdict on this bound is a test that may err, and so takes its part of 1 - confidence."""
    bound = case.bound
    random = bound.aggregate == "probability" or (
        bound.aggregate == "mean" and not is_deterministic(case.setting, case.sample)
    )
    return bound.kind in ("upper", "lower") and random and not case.vacuous and not case.sample.enclosed


def tightness(kind: str, measured: FloatArray, value: FloatArray) -> float | None:
    """Largest ratio over the checkpoints; checkpoints where it is 0/0 or infinite/infinite say nothing."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = measured / value if kind in ("upper", "prediction") else value / measured
    ratio = ratio[~np.isnan(ratio)]
    return float(ratio.max()) if ratio.size else None


def limit_of(bound: Bound, setting: Setting, value: FloatArray, steps: RealArray) -> FloatArray:
    """The bound moved by the slack, to the side that forgives."""
    sign = 1.0 if bound.kind == "upper" else -1.0
    return value + sign * (SLACK * np.abs(value) + rounding(setting, bound.quantity, value, steps))


class Case:
    """A bound, a setting and a sample, and the verdicts that they allow."""

    def __init__(
        self,
        bound: Any,
        setting: Setting,
        sample: Sample,
        value: FloatArray,
        confidence: float,
        outside: bool = False,
    ) -> None:
        self.bound, self.setting, self.sample, self.value = bound, setting, sample, value
        self.confidence, self.outside = confidence, outside
        self.limit = limit_of(bound, setting, value, sample.steps)
        self.upper = bound.kind == "upper"

    @property
    def vacuous(self) -> str:
        """Why the bound says nothing at any checkpoint, or ""."""
        if self.bound.kind == "upper" and np.all(self.value == np.inf):
            return "the bound is infinite at every checkpoint: it says nothing"
        if self.bound.kind == "lower" and np.all(self.value <= 0) and self.bound.quantity in NONNEGATIVE:
            return f"the bound is at most 0 at every checkpoint, and {self.bound.quantity} is never negative: it says nothing"
        if self.bound.kind == "lower" and np.all(self.value == -np.inf):
            return "the bound is -infinite at every checkpoint: it says nothing"
        return ""

    @property
    def suspect(self) -> str:
        """What is wrong where a value leaves the proved range."""
        if self.outside:
            return "the data are not from this setting; look at its step size, threshold, start and noise, and at the steps of the data"
        return "a certificate of the problem or method is wrong"

    def outside_range(self, verdict: Verdict) -> bool:
        """Whether the verdict is that the data do not fit the setting."""
        return verdict.reason.endswith(self.suspect)

    def inside(self, low: FloatArray, high: FloatArray) -> BoolArray:
        return high <= self.limit if self.upper else low >= self.limit

    def beyond(self, low: FloatArray, high: FloatArray) -> BoolArray:
        return low > self.limit if self.upper else high < self.limit

    def says(
        self,
        verdict: str,
        reason: str,
        method: str,
        measured: FloatArray,
        low: FloatArray,
        high: FloatArray,
        open: bool = False,
        needed: float = np.nan,
    ) -> Verdict:
        return Verdict(
            bound=self.bound.name, kind=self.bound.kind, quantity=self.bound.quantity, verdict=verdict, reason=reason,
            tightness=tightness(self.bound.kind, measured, self.value),
            confidence=1.0 if method == "exact" else self.confidence, method=method,
            steps=self.sample.steps, measured=measured, low=low, high=high, value=self.value, open=open, needed=needed,
        )  # fmt: skip

    def diverged(self) -> str:
        most = int(self.sample.diverged.max())
        first = int(self.sample.steps[np.argmax(self.sample.diverged > 0)])
        return f"{most} of {self.sample.count} trajectories left the finite range by step {first}"

    def violated(self, beyond: BoolArray, **rest: Any) -> Verdict:
        step = int(self.sample.steps[np.argmax(beyond)])
        return self.says(
            "violated", f"beyond the bound at {np.count_nonzero(beyond)} checkpoints, first at step {step}", **rest
        )
