"""What the theorems need from a setting: thresholds of the clipped units, how many, and their sigma."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...clipping import GrowingClip, NormClip
from ...methods import ClippedSGD, MicroBatchClippedSGD, PerSampleClippedSGD
from ..base import Hypothesis, reason_of
from .constants import group_sigma
from .estimator import growing_thresholds

if TYPE_CHECKING:
    from ...array_types import FloatArray
    from ...clipping.base import Clip
    from ...methods.base import Method, Setting


@dataclasses.dataclass(frozen=True)
class Units:
    """A batch of `count` clipped units; sigma = (E‖unit - grad f‖^p)^{1/p}, thresholds of shape (count,)."""

    count: int
    sigma: float
    thresholds: np.ndarray

    @property
    def constant(self) -> float | None:
        """The common threshold, or None."""
        first = float(self.thresholds[0])
        return first if np.all(self.thresholds == first) else None


def sample_sigma(setting: Setting, p: float) -> float:
    """(E‖xi‖^p)^{1/p} of one sample, exact or a certified upper bound; inf if there is none."""
    return float(setting.moment(p)) ** (1 / p)


def unit_counts(method: Method) -> tuple[int, int] | None:
    """(units M, samples a unit m) of a batch, or None if the method does not clip units of a batch."""
    if isinstance(method, PerSampleClippedSGD):
        return method.batch_size, 1
    if isinstance(method, MicroBatchClippedSGD):
        return method.groups, method.group_size
    if isinstance(method, ClippedSGD):
        return (method.batch_size, 1) if method.per_sample else (1, method.batch_size)
    return None


def thresholds_of(clip: Clip | None, count: int) -> FloatArray | None:
    """tau_1, ..., tau_count of a norm-clipping operator, or None for other operators."""
    if isinstance(clip, NormClip):
        return np.full(count, clip.threshold)
    if isinstance(clip, GrowingClip):
        return growing_thresholds(clip.alpha, clip.beta, count)
    return None


def units_of(setting: Setting, p: float) -> Units | None:
    """The `Units` of a setting for the exponent p; None where a hypothesis of every theorem here fails."""
    counts = unit_counts(setting.method)
    sigma = sample_sigma(setting, p)
    if counts is None or not sigma < np.inf:
        return None
    count, size = counts
    thresholds = thresholds_of(setting.method.operator, count)
    return None if thresholds is None else Units(count, group_sigma(sigma, p, size), thresholds)


def method_conditions(setting: Setting, p: float) -> list[Hypothesis]:
    """Hypotheses that all theorems on the method share: units, norm clipping, no momentum, a p-th moment, eta <= 1/L."""
    method, lipschitz = setting.method, setting.problem.lipschitz
    clips = unit_counts(method) is not None
    operator = getattr(method, "operator", None)
    step = getattr(method, "step_size", np.inf)
    constant = isinstance(step, (int, float))  # the distributed methods have schedules
    shown = f"eta = {step:g}" if constant else f"eta = {step!r}"
    limit = np.inf if lipschitz in (None, 0) else 1 / lipschitz
    return [
        Hypothesis("the units of a batch are clipped, then averaged", type(method).__name__, clips),
        Hypothesis(
            "the operator clips the norm", type(operator).__name__, clips and thresholds_of(operator, 1) is not None
        ),
        Hypothesis("momentum = 0", f"{getattr(method, 'momentum', 0.0):g}", getattr(method, "momentum", 0.0) == 0.0),
        moment_condition(setting, p),
        independence_condition(setting),
        lipschitz_condition(setting),
        Hypothesis(
            "eta <= 1/L",
            f"{shown}, 1/L = {limit:g}",
            lipschitz is not None and constant and step <= limit * (1 + 1e-12),
        ),
    ]


def threshold_condition(setting: Setting) -> Hypothesis:
    """Every threshold of a batch, and its square, is a positive float: a schedule that grows fast may leave their range."""
    what, counts = "1e-150 <= tau_k <= 1e150", unit_counts(setting.method)
    thresholds = None if counts is None else thresholds_of(setting.method.operator, counts[0])
    if thresholds is None:
        return Hypothesis(what, "no thresholds", False)
    shown = f"tau_1 = {thresholds[0]:g}, tau_{thresholds.size} = {thresholds[-1]:g}"
    return Hypothesis(what, shown, bool(np.all((thresholds >= 1e-150) & (thresholds <= 1e150))))


def moment_condition(setting: Setting, p: float) -> Hypothesis:
    """E‖xi‖^p < inf."""
    sigma = sample_sigma(setting, p)
    shown = f"p = {p:g}, (E‖xi‖^p)^(1/p) = {sigma:.6g}{reason_of(setting.moment(p))}"
    return Hypothesis("E‖xi‖^p < inf", shown, sigma < np.inf)


def independence_condition(setting: Setting) -> Hypothesis:
    """Given the past the samples of a batch are independent (or there is only one), and their mean is the gradient."""
    fresh = getattr(
        setting.noise, "unbiased", True
    )  # not where an epoch goes on: what is left of it depends on the past
    independent = fresh and (getattr(setting.noise, "independent", True) or setting.method.samples_per_step == 1)
    shown = "independent" if independent else "drawn without replacement" if fresh else "the rest of an epoch"
    return Hypothesis("the samples of a batch are independent", shown, bool(independent))


def lipschitz_condition(setting: Setting) -> Hypothesis:
    """A global Lipschitz constant of the gradient is known."""
    lipschitz = setting.problem.lipschitz
    shown = "none" if lipschitz is None else f"L = {lipschitz:g}"
    return Hypothesis("f is L-smooth", shown, lipschitz is not None)


def constant_condition(units: Units | None, factor: float, meaning: str) -> Hypothesis:
    """Constant threshold, at least factor·sigma."""
    if units is None:
        return Hypothesis(meaning, "no thresholds", False)
    level = units.constant
    if level is None:
        return Hypothesis(meaning, "the thresholds differ", False)
    return Hypothesis(meaning, f"tau = {level:g}, sigma = {units.sigma:g}", level >= factor * units.sigma * (1 - 1e-12))
