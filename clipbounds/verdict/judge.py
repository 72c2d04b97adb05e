"""One bound against one measured quantity: the rules by which a verdict is reached."""

import dataclasses

import numpy as np

from ..clipping import Identity
from ..methods import SGD, ClippedSGD
from ..noise.base import NONE
from . import bands
from .proportions import clopper_pearson
from .quantiles import quantile_limits
from .ranges import constants

SLACK = 1e-9  # relative, on the side of the bound
ROUNDING = 64 * np.finfo(np.float64).eps
NORMAL_COUNT = 256  # trajectories below which no normal band is used: a choice, the normal band is never proved


@dataclasses.dataclass(frozen=True, eq=False)
class Verdict:
    """What may be concluded about one bound from one run.

    Attributes
    ----------
    bound, kind, quantity : str
    verdict : "holds", "violated", "undecided" or "not measured"
    reason : str, why it is undecided or not measured, or where it is violated
    tightness : float or None, largest measured/bound over the checkpoints (bound/measured for lower bounds and floors);
        1 is tight
    confidence : float, all verdicts of the comparison hold together with at least this probability; 1 if exact
    method : "exact", "empirical Bernstein", "betting", "asymptotic", "Clopper-Pearson" or ""
    steps, measured, low, high, value : arrays over the checkpoints >= 1: the measured curve (mean, extreme trajectory or
        quantile), its band, and the bound
    open : bool, more trajectories could decide it
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


def is_deterministic(setting, sample):
    """No noise, and no trajectory differs from another (an oracle of a finite sum has no layout and counts as noise)."""
    same = np.array_equal(sample.smallest, sample.largest, equal_nan=True)
    return setting.noise.layout == NONE and same


def is_sampled(bound, setting, sample):
    """Whether the verdict on this bound is a test that may err, and so takes its part of 1 - confidence."""
    random = bound.aggregate == "probability" or (bound.aggregate == "mean" and not is_deterministic(setting, sample))
    return bound.kind in ("upper", "lower") and random


def tightness(kind, measured, value):
    """Largest ratio over the checkpoints; checkpoints where it is 0/0 or infinite/infinite say nothing."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = measured / value if kind in ("upper", "prediction") else value / measured
    ratio = ratio[~np.isnan(ratio)]
    return float(ratio.max()) if ratio.size else None


def rounding(setting, quantity, value):
    """What floating point may add to a quantity near convergence.

    x_t is known to about eps·‖x*‖ (x_0 in place of an unknown minimiser): coordinates that converge to 0 keep their
    relative accuracy. That moves the gradient by (L0 + L1‖grad f‖) times as much, and f - f_star also cancels eps·|f_star|.
    """
    problem = setting.problem
    centre = problem.minimiser if problem.minimiser is not None else problem.x0
    shift = ROUNDING * float(np.linalg.norm(centre))
    if quantity == "distance":
        return np.full(value.shape, shift)
    _, L0, L1 = constants(problem)
    L0 = L0 if np.isfinite(L0) else 0.0
    if quantity == "gap":
        return np.full(value.shape, ROUNDING * abs(problem.f_star) + (1 + L0) * shift**2)
    if quantity.endswith("gradient_norm"):
        return shift * (L0 + L1 * np.where(np.isfinite(value), np.abs(value), 0.0))
    return np.zeros(value.shape)


def limit_of(bound, setting, value):
    """The bound moved by the slack, to the side that forgives."""
    sign = 1.0 if bound.kind == "upper" else -1.0
    return value + sign * (SLACK * np.abs(value) + rounding(setting, bound.quantity, value))


def variance_is_finite(setting, quantity, low, high, accept_sampled=False):
    """Whether the quantity is known to have a finite variance at every step.

    Either its proved range is finite, or the step is unclipped and f has a global L: then ‖x_{t+1}‖ <= (1 + eta L)‖x_t‖ +
    eta‖grad f(0)‖ + eta‖xi‖ (with momentum, the same for the pair of x and v), so ‖x_t‖ has the moments of ‖xi‖. Gradient
    norm and distance need the second, the gap, which grows like ‖x‖², the fourth.
    """
    if np.all(np.isfinite(high - low)):
        return True
    method, problem = setting.method, setting.problem
    unclipped = type(method) in (SGD, ClippedSGD) and isinstance(method.operator, Identity)
    trusted = problem.certificate.trusted or accept_sampled
    if not unclipped or constants(problem)[0] is None or not trusted:
        return False
    needed = {"gap": 4, "distance": 2, "gradient_norm": 2, "mean_gradient_norm": 2, "min_gradient_norm": 2}.get(
        quantity
    )
    return needed is not None and np.isfinite(float(setting.noise.vector_moment(needed, problem.dim)))


class _Case:
    """A bound, a setting and a sample, and the verdicts that they allow."""

    def __init__(self, bound, setting, sample, value, confidence):
        self.bound, self.setting, self.sample, self.value = bound, setting, sample, value
        self.confidence = confidence
        self.limit = limit_of(bound, setting, value)
        self.upper = bound.kind == "upper"

    def inside(self, low, high):
        return high <= self.limit if self.upper else low >= self.limit

    def beyond(self, low, high):
        return low > self.limit if self.upper else high < self.limit

    def says(self, verdict, reason, method, measured, low, high, open=False):
        return Verdict(
            bound=self.bound.name, kind=self.bound.kind, quantity=self.bound.quantity, verdict=verdict, reason=reason,
            tightness=tightness(self.bound.kind, measured, self.value),
            confidence=1.0 if method == "exact" else self.confidence, method=method,
            steps=self.sample.steps, measured=measured, low=low, high=high, value=self.value, open=open,
        )  # fmt: skip

    def diverged(self):
        most = int(self.sample.diverged.max())
        first = int(self.sample.steps[np.argmax(self.sample.diverged > 0)])
        return f"{most} of {self.sample.count} trajectories left the finite range by step {first}"

    def violated(self, beyond, **rest):
        step = int(self.sample.steps[np.argmax(beyond)])
        return self.says(
            "violated", f"beyond the bound at {np.count_nonzero(beyond)} checkpoints, first at step {step}", **rest
        )


def judge_exact(case):
    """Every trajectory is compared: no sampling error."""
    sample = case.sample
    low, high = sample.smallest, sample.largest
    if sample.values is not None and sample.diverged.any():
        # a diverged trajectory says nothing; the others still may be beyond the bound
        finite = np.isfinite(sample.values)
        low = np.min(sample.values, axis=1, initial=np.inf, where=finite)
        high = np.max(sample.values, axis=1, initial=-np.inf, where=finite)
    usable = (low <= high) & (np.isfinite(high) | (sample.diverged == 0))
    extreme = high if case.upper else low
    beyond = usable & (extreme > case.limit if case.upper else extreme < case.limit)
    rest = {"method": "exact", "measured": extreme, "low": low, "high": high}
    if beyond.any():
        return case.violated(beyond, **rest)
    if sample.diverged.any():
        return case.says("undecided", case.diverged(), **rest)
    if not usable.all():
        return case.says("undecided", "the measured values are not numbers at some checkpoint", **rest)
    return case.says("holds", "", **rest)


def judge_mean(case, level, proved, band):
    """A band for the mean, at `level` for each checkpoint, on the proved range (low, high)."""
    sample, bound = case.sample, case.bound
    a, b = proved
    clean = (sample.diverged == 0) & np.isfinite(sample.mean)
    if band == "betting":
        if sample.values is None:
            raise ValueError(
                "betting bands need every trajectory: simulate with keep='trajectories', or use band='empirical Bernstein'"
            )
        low, high = bands.betting(sample.values, a, b, level)
    else:
        low, high = bands.empirical_bernstein(sample.count, sample.mean, sample.variance, a, b, level)
    low, high = np.where(clean, low, -np.inf), np.where(clean, high, np.inf)
    rest = {"method": band, "measured": sample.mean, "low": low, "high": high}
    spare = SLACK * np.abs(np.where(np.isfinite(b), b, 0.0)) + rounding(case.setting, bound.quantity, b)
    outside = clean & ((sample.smallest < a - spare) | (sample.largest > b + spare))
    if outside.any():
        step = int(sample.steps[np.argmax(outside)])
        return case.says(
            "undecided",
            f"a value leaves the proved range at step {step}: a certificate of the problem or method is wrong",
            **rest,
        )
    beyond = case.beyond(low, high)
    if beyond.any():
        return case.violated(beyond, **rest)
    if sample.diverged.any():
        return case.says("undecided", f"{case.diverged()}, and the mean contains them", **rest)
    if not clean.all():
        return case.says("undecided", "the mean is not a finite number at some checkpoint", **rest)
    if case.inside(low, high).all():
        return case.says("holds", "", **rest)
    if not variance_is_finite(case.setting, bound.quantity, a, b, bound.accept_sampled):
        reason = (
            f"no proved finite range and no known finite variance of {bound.quantity}, so no band for its mean is valid;"
            " use quantiles (verdict.quantile_limits)"
        )
        return case.says("undecided", reason, **rest)
    if sample.count >= NORMAL_COUNT:
        # where the sample does not vary at all, it says nothing about rare large values: keep the finite-sample band
        varies = sample.largest - sample.smallest > SLACK * np.abs(sample.mean)
        first, last = bands.normal(sample.count, sample.mean, sample.variance, level)
        low, high = np.where(varies, np.fmax(first, low), low), np.where(varies, np.fmin(last, high), high)
        rest = {"method": "asymptotic", "measured": sample.mean, "low": low, "high": high}
        beyond = case.beyond(low, high)
        if beyond.any():
            return case.violated(beyond, **rest)
        if case.inside(low, high).all():
            return case.says("holds", "", **rest)
    step = int(sample.steps[np.argmax(~case.inside(low, high))])
    return case.says(
        "undecided", f"the band contains the bound at step {step}; more trajectories are needed", **rest, open=True
    )


def judge_probability(case, level):
    """The share of trajectories beyond the bound against ``failure_probability``, by Clopper-Pearson limits.

    Share at each checkpoint, or, for a bound with ``simultaneous = True``, at any checkpoint up to it. The curve shown is
    the quantile of level 1 - failure_probability (of level failure_probability for a lower bound) with its limits; where
    only statistics were kept, it is the extreme trajectory. A diverged trajectory counts as beyond and as not beyond,
    whichever is worse.
    """
    sample, allowed = case.sample, float(case.bound.failure_probability)
    n = sample.count
    if sample.values is not None:
        values = sample.values
        crossed = values > case.limit[:, np.newaxis] if case.upper else values < case.limit[:, np.newaxis]
        unknown = ~np.isfinite(values)
        crossed &= ~unknown
        quantile = 1 - allowed if case.upper else allowed
        measured = np.quantile(
            np.where(unknown, np.inf if case.upper else -np.inf, values), quantile, axis=1, method="inverted_cdf"
        )
        limits = quantile_limits(values, quantile, level)
        if getattr(case.bound, "simultaneous", False):
            crossed, unknown = np.logical_or.accumulate(crossed), np.logical_or.accumulate(unknown)
        at_least, at_most = crossed.sum(axis=1), (crossed | unknown).sum(axis=1)
    else:
        extreme = sample.largest if case.upper else sample.smallest
        some = ~case.inside(sample.smallest, sample.largest)
        if getattr(case.bound, "simultaneous", False):
            some = np.logical_or.accumulate(some)
        at_least, at_most = np.zeros(n_rows := len(some), dtype=int), np.where(some, n, 0)
        measured, limits = extreme, (np.full(n_rows, np.nan), np.full(n_rows, np.nan))
    lower = clopper_pearson(at_least, n, level)[0]
    upper = clopper_pearson(at_most, n, level)[1]
    rest = {"method": "Clopper-Pearson", "measured": measured, "low": limits[0], "high": limits[1]}
    beyond = lower > allowed
    if beyond.any():
        return case.violated(beyond, **rest)
    if (upper <= allowed).all():
        return case.says("holds", "", **rest)
    row = int(np.argmax(upper > allowed))
    if sample.values is None and at_most[row]:
        reason = "some trajectories are beyond the bound and statistics do not say how many: simulate with keep='trajectories'"
        return case.says("undecided", reason, **rest)
    reason = f"the share beyond the bound is {at_most[row]}/{n} at step {sample.steps[row]}, at most {upper[row]:.2g} with confidence, and {allowed:.2g} is allowed"
    return case.says("undecided", reason, **rest, open=True)


def judge_display(case):
    """Floors and predictions: a ratio, no verdict."""
    words = {
        "floor": "a floor is the worst case of a class, which one setting need not attain: shown with its ratio",
        "prediction": "a prediction is never asserted: shown with its ratio",
    }
    sample = case.sample
    rest = {"method": "", "measured": sample.mean, "low": sample.mean, "high": sample.mean}
    return case.says("undecided", words[case.bound.kind], **rest)
