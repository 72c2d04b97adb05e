"""Hypotheses that the bounds of this paper share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...facts import HessianSmoothness
from ...oracles import Oracle
from ..base import Bound, Hypothesis

if TYPE_CHECKING:
    from typing import Any

    from ...facts import FirstOrderSmoothness
    from ...methods.base import Setting
    from ...problems.base import Problem

SLACK = 1e-9  # relative, for strict comparisons in floating point


def at_most(what: str, value: float, limit: float, text: str | None = None) -> Hypothesis:
    """The row `what`: value <= limit up to rounding."""
    return Hypothesis(what, text or f"{value:.6g} <= {limit:.6g}", bool(value <= limit * (1 + SLACK)))


def valid_constants(what: str, rule: Any, certified: FirstOrderSmoothness) -> Hypothesis:
    """The row that the L0 and L1 of a rule are at least certified ones."""
    text = f"given ({rule.L0:.6g}, {rule.L1:.6g}), certified ({certified.L0:.6g}, {certified.L1:.6g})"
    enough = certified.L0 <= rule.L0 * (1 + SLACK) and certified.L1 <= rule.L1 * (1 + SLACK)
    return Hypothesis(what, text, bool(enough))


def mean_constants(problem: Problem, radius: float) -> FirstOrderSmoothness:
    """First-order constants of F on the radius; for a constant Hessian bound (H1 = 0) on every radius."""
    pair = problem.smoothness
    return (
        pair.first_order(radius) if isinstance(pair, HessianSmoothness) else pair.first_order(min(radius, pair.radius))
    )


def averaged_constants(setting: Setting, radius: float) -> FirstOrderSmoothness:
    """Averaged first-order constants; additive noise adds nothing to those of F."""
    if isinstance(setting.noise, Oracle):
        return setting.noise.averaged_smoothness(radius)
    return mean_constants(setting.problem, radius)


class WithRule(Bound):
    """Base of the bounds on methods that step by one rule."""

    method_type: ClassVar[type]
    rule_type: ClassVar[type]

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        method = setting.method
        rule = getattr(method, "rule", None)
        fits = isinstance(method, self.method_type) and isinstance(rule, self.rule_type)
        wanted = f"{self.method_type.__name__} with {self.rule_type.__name__}"
        given = type(method).__name__ + (f" with {type(rule).__name__}" if rule is not None else "")
        rows = [Hypothesis(f"the method is {wanted}", given, fits)]
        return rows + self.details(setting) if fits else rows

    def details(self, setting: Setting) -> list[Hypothesis]:
        """Rows that make sense only when the method fits."""
        return []
