"""Negative controls: a bound with a wrong constant, which a check that can fail must reject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..specs import POSITIVE, parameter
from .base import Bound

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..methods.base import Setting
    from .base import Hypothesis


class Scaled(Bound):
    """`factor` times another bound, with its hypotheses: false on an instance where the bound is tight enough.

    Parameters
    ----------
    bound : Bound
    factor : float in (0, inf)
    """

    bound: Bound
    factor: float = parameter(POSITIVE)

    source = "negative control"

    def validate(self) -> None:
        if not isinstance(self.bound, Bound):
            raise ValueError(f"Scaled: bound must be a Bound such as S1(), but {self.bound!r} was given")
        # the range of the measured quantity rests on the same constants
        self._normalise(accept_sampled=self.bound.accept_sampled)

    @property
    def name(self) -> str:
        return f"{self.factor:g} × {self.bound.name}"

    @property
    def kind(self) -> str:
        return self.bound.kind

    @property
    def quantity(self) -> str:
        return self.bound.quantity

    @property
    def aggregate(self) -> str:
        return self.bound.aggregate

    @property
    def asserted(self) -> bool:
        return self.bound.asserted

    @property
    def failure_probability(self) -> float:
        bound: Any = self.bound  # one that holds with a probability
        return bound.failure_probability

    @property
    def simultaneous(self) -> bool:
        return getattr(self.bound, "simultaneous", False)

    def hypotheses(self, setting: Setting) -> list[Hypothesis]:
        return self.bound.hypotheses(setting)

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        return self.factor * self.bound.evaluate(setting, steps)
