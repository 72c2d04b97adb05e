"""A noise law against its own claims: moments, symmetry, bound, atoms or distribution function, and its stream.

Every comparison holds for all sample sizes, without normal theory: a law whose claims are true fails one of them with
the stated probability at most.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.random import NOISE
from ..noise import Noise
from ..noise.base import DRAWS_TOGETHER
from ..specs import check_integer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..array_types import FloatArray

POWERS = (0.25, 0.5, 1.0, 1.5, 2.0)
FALSE_ALARM = 1e-6
ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class Broken:
    """A claim of a law that its draws contradict.

    Attributes
    ----------
    name : str; stream, finite, bound, symmetric, mean, moment, moments, atoms, cdf or quantile
    detail : str, the two numbers that differ
    """

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


def median_of_means(values: FloatArray, false_alarm: float) -> tuple[float, float]:
    """A mean, and what it is off by at most, in standard deviations: with K groups of n/K values, 2 sqrt(K/n).

    By Chebyshev a group's mean is off by more with probability at most 1/4, and by Hoeffding half of K groups are with
    probability at most exp(-K/8).
    """
    groups = math.ceil(8 * math.log(1 / false_alarm))
    size = values.size // groups
    means = values[: groups * size].reshape(groups, size).mean(axis=1)
    return float(np.median(means)), 2 / math.sqrt(size)


def _stream(law: Noise) -> Iterator[Broken]:
    def fill(first: int, count: int, seed: int = 1, trajectory: int = 0) -> FloatArray:
        out = np.zeros(count * LANES)
        law.fill(out, first, count, law.parameters, np.uint64(seed), NOISE, np.uint64(trajectory))
        return out.reshape(count, LANES)

    whole = fill(0, 10 * DRAWS_TOGETHER)
    for length in (DRAWS_TOGETHER, 5 * DRAWS_TOGETHER):
        parts = np.concatenate([fill(k, length) for k in range(0, len(whole), length)])
        if not np.array_equal(parts, whole, equal_nan=True):
            yield Broken("stream", f"draws filled {length} at a time differ from those filled {len(whole)} at a time")
    if not np.array_equal(fill(0, len(whole), trajectory=10)[:, :-10], whole[:, 10:], equal_nan=True):
        yield Broken("stream", "trajectory 10 has other draws as lane 0 of its block than as lane 10")
    if np.array_equal(fill(0, len(whole), seed=2), whole, equal_nan=True) and np.ptp(whole) > 0:
        yield Broken("stream", "two seeds give the same draws")


def _symmetric(x: FloatArray, false_alarm: float) -> Iterator[Broken]:
    band = math.sqrt(math.log(2 / false_alarm) / 2)
    positive, negative = np.sort(x[x > 0]), np.sort(-x[x < 0])
    count = positive.size + negative.size
    if not count:
        return
    if abs(positive.size / count - 0.5) > band / math.sqrt(count):
        yield Broken("symmetric", f"{positive.size} of {count} draws are positive")
    elif min(positive.size, negative.size):
        both = np.concatenate([positive, negative])
        distance = np.abs(
            np.searchsorted(positive, both, "right") / positive.size
            - np.searchsorted(negative, both, "right") / negative.size
        ).max()
        limit = band * (1 / math.sqrt(positive.size) + 1 / math.sqrt(negative.size))
        if distance > limit:
            yield Broken("symmetric", f"sizes above and below 0 differ in distribution by {distance:.4g} > {limit:.4g}")


def _moments(law: Noise, x: FloatArray, false_alarm: float) -> Iterator[Broken]:
    try:
        claimed = {p: law.moment(p) for p in sorted({*POWERS, *(2 * p for p in POWERS)})}
    except NotImplementedError:  # the law claims none
        return
    exact = [(p, float(m)) for p, m in claimed.items() if 0 < m < math.inf and not getattr(m, "upper_bound", False)]
    for (p, m), (q, n) in itertools.pairwise(exact):
        if m ** (1 / p) > n ** (1 / q) * (1 + ROUNDING):
            yield Broken(
                "moments", f"moment({p:g})^(1/{p:g}) = {m ** (1 / p):.6g} exceeds that of {q:g}, {n ** (1 / q):.6g}"
            )
    for p in POWERS:
        m, square = float(claimed[p]), float(claimed[2 * p])
        if square < math.inf:
            found, error = median_of_means(np.abs(x) ** p, false_alarm)
            limit = error * math.sqrt(max(square - m * m if (p, m) in exact else square, 0.0)) + ROUNDING * m
            if found > m + limit or ((p, m) in exact and found < m - limit):
                yield Broken("moment", f"moment({p:g}) is {m:.6g}, but the draws have {found:.6g} (± {limit:.2g})")
    if claimed[2.0] < math.inf:
        found, error = median_of_means(x, false_alarm)
        limit = error * math.sqrt(claimed[2.0])
        if abs(found) > limit:
            yield Broken("mean", f"the draws have the mean {found:.6g} (± {limit:.2g}), not 0")


def _atoms(law: Any, x: FloatArray, limit: float) -> Iterator[Broken]:
    order = np.argsort(law.atoms()[0])
    support, weights = (np.asarray(part, dtype=np.float64)[order] for part in law.atoms())
    if abs(weights.sum() - 1) > ROUNDING:
        yield Broken("atoms", f"the probabilities have the sum {weights.sum():.15g}")
    nearest = support[np.abs(x[:, np.newaxis] - support).argmin(axis=1)]
    stray = np.abs(x - nearest) > ROUNDING * np.abs(nearest)
    if np.any(stray):
        yield Broken("atoms", f"{x[stray][0]!r} was drawn, which is no atom")
    shares = np.searchsorted(np.sort(nearest), support, "right") / x.size
    distance = np.abs(shares - np.cumsum(weights)).max()
    if distance > limit:
        yield Broken(
            "atoms", f"shares of the atoms are {distance:.4g} away from their probabilities, more than {limit:.4g}"
        )


def _distribution(law: Any, x: FloatArray, limit: float) -> Iterator[Broken]:
    x = np.sort(x)
    claimed, shares = np.asarray(law.cdf(x), dtype=np.float64), np.arange(x.size + 1) / x.size
    distance = max(np.max(shares[1:] - claimed), np.max(claimed - shares[:-1]))
    if not distance <= limit:
        yield Broken("cdf", f"the draws' distribution function is {distance:.4g} away from cdf, more than {limit:.4g}")
    if hasattr(law, "quantile"):
        u = np.linspace(0.01, 0.99, 99)
        error = np.max(np.abs(np.asarray(law.cdf(law.quantile(u))) - u))
        if not error <= 1e-6:
            yield Broken("quantile", f"cdf(quantile(u)) differs from u by {error:.3g}")


def failing_claims(law: Noise, draws: int = 200_000, seed: int = 0, false_alarm: float = FALSE_ALARM) -> list[Broken]:
    """What the law claims and its draws contradict.

    Parameters
    ----------
    law : Noise
    draws : int >= 10000
    seed : int >= 0
    false_alarm : float in (0, 1/2), for each comparison

    Returns
    -------
    list of Broken

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    """
    if not isinstance(law, Noise):
        raise ValueError(f"failing_claims: law must be a Noise, but {law!r} was given")
    draws = check_integer("failing_claims", "draws", draws, 10_000)
    if not 0 < false_alarm < 0.5:
        raise ValueError(f"failing_claims: false_alarm must be in (0, 1/2), but {false_alarm!r} was given")
    x = law.sample(draws, seed)
    found = list(_stream(law))
    if not np.all(np.isfinite(x)):
        return [*found, Broken("finite", f"{np.count_nonzero(~np.isfinite(x))} of {draws} draws are not finite")]
    if np.abs(x).max() > law.bound * (1 + ROUNDING):
        found.append(Broken("bound", f"a draw of size {np.abs(x).max():.6g} exceeds bound = {law.bound:.6g}"))
    if law.symmetric:
        found += _symmetric(x, false_alarm)
    found += _moments(law, x, false_alarm)
    limit = math.sqrt(math.log(2 / false_alarm) / (2 * draws))  # Dvoretzky, Kiefer, Wolfowitz; Massart's constant
    if law.atoms() is not None:
        found += _atoms(law, x, limit)
    elif hasattr(law, "cdf"):
        found += _distribution(law, x, limit)
    return found


def check_noise(law: Noise, draws: int = 200_000, seed: int = 0, false_alarm: float = FALSE_ALARM) -> None:
    """Raise AssertionError that lists what `failing_claims` finds; parameters as there."""
    found = failing_claims(law, draws, seed, false_alarm)
    assert not found, f"{law} contradicts its claims:\n" + "\n".join(f"  {claim}" for claim in found)
