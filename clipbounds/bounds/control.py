"""Negative controls: a bound with a wrong constant, which a check that can fail must reject."""

from ..specs import POSITIVE, parameter
from .base import Bound


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

    def validate(self):
        if not isinstance(self.bound, Bound):
            raise ValueError(f"Scaled: bound must be a Bound such as S1(), but {self.bound!r} was given")
        # the range of the measured quantity rests on the same constants
        self._normalise(accept_sampled=self.bound.accept_sampled)

    @property
    def name(self):
        return f"{self.factor:g} × {self.bound.name}"

    @property
    def kind(self):
        return self.bound.kind

    @property
    def quantity(self):
        return self.bound.quantity

    @property
    def aggregate(self):
        return self.bound.aggregate

    @property
    def asserted(self):
        return self.bound.asserted

    @property
    def failure_probability(self):
        return self.bound.failure_probability

    @property
    def simultaneous(self):
        return getattr(self.bound, "simultaneous", False)

    def hypotheses(self, setting):
        return self.bound.hypotheses(setting)

    def evaluate(self, setting, steps):
        return self.factor * self.bound.evaluate(setting, steps)
