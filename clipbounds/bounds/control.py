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

    def hypotheses(self, setting):
        return self.bound.hypotheses(setting)

    def evaluate(self, setting, steps):
        return self.factor * self.bound.evaluate(setting, steps)
