"""Bands for the mean of a measured quantity: what is proved about it comes first, a normal band last and rarely.

Which bands are used, and their shares of the error, follow from the setting, the number of trajectories and whether they
were kept; never from the measured values.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Identity
from ..described import is_described
from ..methods import SGD, ClippedSGD
from ..noise.base import NONE
from . import bands
from .ranges import constants
from .spread import Spread, spread_of, stretch
from .wealth import Wealth

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray, RealArray
    from ..methods.base import Setting
    from .sample import Sample

NORMAL_COUNT = 256  # trajectories below which no normal band is used
CUTS = np.geomspace(1e-2, 1e8, 161)  # in units of the proved scale


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is proved about a quantity at the checkpoints: its range, and its spread where the lemma of `spread` applies.

    centre : None, or for the gap, whose spread is that of its root, a bound of the root's mean
    """

    low: np.ndarray
    high: np.ndarray
    spread: Spread | None = None
    centre: np.ndarray | None = None

    @property
    def variance(self) -> FloatArray:
        """At least the variance of the quantity, from the spread alone; inf where it says nothing."""
        return (
            np.full(self.low.shape, np.inf) if self.spread is None or self.centre is not None else self.spread.variance
        )

    def says_something(self, upper: bool) -> bool:
        """Whether any number of trajectories gives an upper (lower) limit at every checkpoint."""
        end = np.isfinite(self.high if upper else self.low)
        if self.spread is None:
            return bool(np.all(end))
        if self.centre is None:
            return bool(np.all(end | np.isfinite(self.spread.unit)))
        return bool(
            np.all(
                end
                | np.isfinite(self.spread.square_excess(self.centre, np.square(self.centre + 1e6 * self.spread.unit)))
            )
        )


def facts_of(
    setting: Setting,
    quantity: str,
    steps: RealArray,
    proved: tuple[FloatArray, FloatArray],
    accept_sampled: bool = False,
) -> Facts:
    """The `Facts` of a quantity with the proved range (low, high)."""
    if is_described(setting):
        return Facts(*proved, None, None)
    return Facts(*proved, *_spread_and_centre(setting, quantity, tuple(np.asarray(steps).tolist()), accept_sampled))


@functools.lru_cache(maxsize=256)  # every look of a sequence of looks asks again
def _spread_and_centre(
    setting: Setting, quantity: str, steps: tuple[int, ...], accept_sampled: bool
) -> tuple[Spread | None, FloatArray | None]:
    at = np.array(steps)
    spread = spread_of(setting, quantity, at, accept_sampled)
    return spread, _root_gap(setting, at, spread) if spread is not None and quantity == "gap" else None


def _root_gap(setting: Setting, steps: RealArray, spread: Spread) -> FloatArray:
    """A bound of E sqrt(gap_t): its value without noise, plus the mean distance of the two trajectories, E|sum D| <= 2 sum E|D|."""
    from ..noise import NoNoise
    from ..simulate import simulate

    quiet = simulate(setting.replace(noise=NoNoise()), int(steps.max()), 1, checkpoints=steps, threads=1)
    return np.sqrt(np.maximum(quiet["gap"].values[:, 0], 0.0)) * (1 + 1e-9) + spread.drift


def choose_cuts(facts: Facts, count: int, error: float) -> tuple[FloatArray, FloatArray]:
    """Where to cut X - E X at each checkpoint, and the proved cost E(|X - E X| - cut)^+ of it: the cheapest for `count` values."""
    target = np.log(1 / error) + 1
    width = facts.high - facts.low
    if facts.spread is None or facts.centre is not None:
        return width, np.where(np.isfinite(width), 0.0, np.inf)
    unit = facts.spread.unit
    cuts = unit * CUTS[:, np.newaxis]
    excess = facts.spread.excess(cuts)
    return _cheapest(cuts, excess, width, count / target)


def _cheapest(cuts: FloatArray, excess: FloatArray, width: FloatArray, rate: float) -> tuple[FloatArray, FloatArray]:
    cost = excess + cuts / rate
    best = np.argmin(np.where(np.isnan(cost), np.inf, cost), axis=0)[np.newaxis]
    cut, extra, cost = (np.take_along_axis(v, best, axis=0)[0] for v in (cuts, excess, cost))
    whole = ~(cost < width / rate)  # the range is no wider than the cut: nothing is cut
    return np.where(whole, width, cut), np.where(whole, np.where(np.isfinite(width), 0.0, np.inf), extra)


class Bets:
    """What is bet against a mean at each checkpoint, chosen for `count` trajectories before they are looked at.

    Parameters
    ----------
    facts : Facts
    count : int, number of trajectories
    side : float in (0, 1), the error of one limit at one checkpoint
    """

    def __init__(self, facts: Any, count: int, side: float) -> None:
        self.facts, self.side = facts, side
        self.cuts, self.excess = choose_cuts(facts, count, side)
        self.variance = facts.variance
        self.prior = np.fmin(self.variance, 0.25 * (facts.high - facts.low) ** 2)
        self.tops, self.above = facts.high, np.zeros(facts.low.shape)
        if facts.centre is not None:
            # the gap is cut at a fixed level above its mean: E X = E min(X, top) + E(X - top)^+
            levels = np.square(facts.centre + facts.spread.unit * CUTS[:, np.newaxis])
            over = facts.spread.square_excess(facts.centre, levels)
            self.tops, self.above = _cheapest(levels, over, facts.high, count / (np.log(1 / side) + 1))
            self.prior = np.fmin(self.prior, 0.25 * self.tops**2)

    def _facts(self, row: int, low: float) -> tuple[float, float, float, float, float]:
        return low, self.cuts[row], self.excess[row], self.variance[row], self.prior[row]

    def below(self, x: FloatArray, row: int) -> Wealth:
        """The wealth of the bets that the mean is larger than a candidate."""
        return Wealth(x, self.side, *self._facts(row, self.facts.low[row]))

    def over(self, x: FloatArray, row: int) -> Wealth:
        """The wealth of the bets that the mean of -min(x, top) is larger than a candidate."""
        return Wealth(-np.minimum(x, self.tops[row]), self.side, *self._facts(row, -self.tops[row]))

    def excludes(self, x: FloatArray, row: int, smaller: float | None = None, larger: float | None = None) -> bool:
        """Whether the band of `x` lies above `smaller` (or below `larger`); `x` of shape (n,) or (n, samples)."""
        if smaller is not None:
            return self.below(x, row).rejects(smaller)
        return self.over(x, row).rejects(self.above[row] - larger)


def betting_band(values: FloatArray, facts: Facts, error: float) -> tuple[FloatArray, FloatArray]:
    """(low, high) of the mean at each checkpoint, each side wrong with probability at most error/2."""
    bets = Bets(facts, values.shape[1], error / 2)
    low, high = np.full(len(values), -np.inf), np.full(len(values), np.inf)
    for row, x in enumerate(values):
        if np.all(np.isfinite(x)):
            low[row] = bets.below(x, row).limit()
            high[row] = bets.above[row] - bets.over(x, row).limit()
    return np.fmax(low, facts.low), np.fmin(high, facts.high)


def law_band(count: int, mean: FloatArray, facts: Any, error: float) -> tuple[FloatArray, FloatArray]:
    """Band for the mean of `count` trajectories from its spread alone: Freedman's tail for all their steps, or Chebyshev."""
    spread = facts.spread
    target = np.log(2 / error)
    with np.errstate(invalid="ignore", over="ignore"):
        part = spread.jump * target / (3 * count)
        tail = part + np.sqrt(part**2 + 2 * spread.scale * target / count)
        half = np.fmin(tail, np.sqrt(spread.variance / (count * error)))
    half = np.where(np.isnan(half), np.inf, half)
    return np.fmax(mean - half, facts.low), np.fmin(mean + half, facts.high)


def statistics_band(sample: Sample, facts: Facts, error: float) -> tuple[FloatArray, FloatArray]:
    """Empirical Bernstein on the range, and where the spread is known its band too, with half of the error each."""
    parts = 1 if facts.spread is None or facts.centre is not None else 2
    low, high = bands.empirical_bernstein(
        sample.count, sample.mean, sample.variance, facts.low, facts.high, error=error / parts
    )
    if parts == 2:
        first, last = law_band(sample.count, sample.mean, facts, error / 2)
        low, high = np.fmax(low, first), np.fmin(high, last)
    return low, high


def normal_from(setting: Setting, quantity: str, facts: Facts, accept_sampled: bool = False) -> float:
    """Number of trajectories from which a normal band for the mean is justified by what is known of the noise; inf if never.

    Nothing is proved by that band, so it is used only where `spread` has no rule, or a stretching one. It needs a finite
    variance of the quantity, `NORMAL_COUNT` trajectories, and a noise whose kurtosis E xi⁴/(E xi²)² is finite, without the
    help of clipping, and at most a tenth of their number: then the sample has seen the draws that make the variance.
    """
    noise = setting.noise
    if is_described(setting):
        return np.inf
    if facts.spread is not None and stretch(setting.problem, setting.method) <= 1:
        return np.inf
    if not variance_is_finite(setting, quantity, facts.low, facts.high, accept_sampled):
        return np.inf
    if noise.layout == NONE:
        return NORMAL_COUNT
    needed = (
        float(noise.moment(4.0)) / float(noise.moment(2.0)) ** 2 if noise.additive else noise.kurtosis
    ) / bands.SHARE
    return max(NORMAL_COUNT, int(np.ceil(needed))) if np.isfinite(needed) else np.inf


def normal_band(sample: Sample, error: float) -> tuple[FloatArray, FloatArray]:
    """The normal band widened for skewness, infinite where the guard refuses it.

    The error of Student's statistic at z is mostly -skewness (2 z² + 1)/(6 sqrt n) (Hall 1983); the sample skewness is at most
    the largest deviation in standard deviations, which stands for it. The guard is `bands.shows_its_variance`.
    """
    from scipy.special import ndtri

    n, z = sample.count, -ndtri(error / 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        farthest = np.fmax(sample.largest - sample.mean, sample.mean - sample.smallest)
        half = (z + farthest / np.sqrt(sample.variance) * (2 * z**2 + 1) / (6 * np.sqrt(n))) * np.sqrt(
            sample.variance / n
        )
    shown = bands.shows_its_variance(n, sample.mean, sample.variance, sample.smallest, sample.largest)
    half = np.where(shown, half, np.inf)
    return sample.mean - half, sample.mean + half


NEEDED_MOMENT = {
    "gap": 4, "distance": 2, "gradient_norm": 2, "mean_gradient_norm": 2, "mean_squared_gradient_norm": 4,
    "min_gradient_norm": 2,
}  # fmt: skip


def variance_is_finite(
    setting: Setting, quantity: str, low: FloatArray, high: FloatArray, accept_sampled: bool = False
) -> bool:
    """Whether the quantity is known to have a finite variance at every step.

    Either its proved range is finite, or the step is unclipped and f has a global L: then ‖x_{t+1}‖ <= (1 + eta L)‖x_t‖ +
    eta‖grad f(0)‖ + eta‖xi‖ (with momentum, the same for the pair of x and v), so ‖x_t‖ has the moments of ‖xi‖. Gradient
    norm and distance need the second, the gap and squared norms, which grow like ‖x‖², the fourth.
    """
    if np.all(np.isfinite(high - low)):
        return True
    method, problem = setting.method, setting.problem
    unclipped = type(method) in (SGD, ClippedSGD) and isinstance(method.operator, Identity)
    trusted = problem.certificate.trusted or accept_sampled
    if not unclipped or constants(problem)[0] is None or not trusted:
        return False
    needed = NEEDED_MOMENT.get(quantity)
    try:
        return needed is not None and np.isfinite(float(setting.noise.vector_moment(needed, problem.dim)))
    except ValueError:  # an oracle that certifies the second moment only
        return False
