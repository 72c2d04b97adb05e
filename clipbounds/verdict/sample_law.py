"""The law of the noise of what is clipped, one sample or the mean of a batch: probabilities, with room for rounding.

The mean of a batch on the line. Each draw is moved to the nearest multiple of a width h, or given up if it lies beyond the last one. The mean of the
moved draws is within h/2 of the mean of the draws, and its law is a convolution. Probabilities are rounded down, so what they miss to 1 is
`lost`: of that part nothing is known. Laws with few atoms have the means of all their batches as atoms.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..exact.grid import kinds_of_batches, means_of_batches
from ..methods import ClippedSGD, PerSampleClippedSGD
from ..noise import Gaussian
from .capped import ORDERS, capped_moments

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..methods.base import Setting

SLACK = 1e-9  # of a probability: far more than the special functions err
CDF_ERROR = (
    4e-12  # of the probability of a cell: distribution functions err by 1e-12 (tests/noise/test_fifty_digits.py)
)
CELLS = 32  # in the threshold or the mean size of a draw, whichever is smaller
GIVEN_UP = 0.005  # probability that a draw of a batch lies beyond the cells
MOST_ATOMS = 2**20
MOST_KINDS = 500  # of batches of atoms
SIZES = 512  # different capped sizes


@dataclasses.dataclass(frozen=True)
class SampleLaw:
    """A one-dimensional law.

    Attributes
    ----------
    noise : the law where `atoms` is None
    atoms : (support, rising, and weights) or None
    unit : a scale of the law
    together : clipped samples that are averaged
    blur, lost : a value is within `blur` of an atom, but for a part of probability `lost` at most
    draws : (noise, batch) where this is the law of a mean of draws, else None
    """

    noise: Any
    atoms: tuple[FloatArray, FloatArray] | None
    unit: float
    together: int
    blur: float = 0.0
    lost: float = 0.0
    draws: tuple[Any, int] | None = None

    @functools.cached_property
    def _sums(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The atoms, and their weights and first moments up to each of them."""
        if self.atoms is None:
            raise TypeError("this law has no atoms")
        support, weights = self.atoms
        return support, np.append(0.0, np.cumsum(weights)), np.append(0.0, np.cumsum(weights * support))

    def between(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """At most P(low < xi < high)."""
        if self.atoms is not None:
            support, mass, _ = self._sums
            first, end = np.searchsorted(support, low + self.blur, "right"), np.searchsorted(support, high - self.blur)
            inside = np.where(end > first, mass[end] - mass[first], 0.0)
        else:
            sf, cdf = self.noise.sf, self.noise.cdf
            inside = np.where(low > 0, sf(low) - sf(high), cdf(high) - cdf(low))
        return np.clip(inside - SLACK, 0.0, 1.0)

    def clipped_mean(self, s: FloatArray, c: float) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of E clip(s + xi), for a law with atoms."""
        support, mass, first = self._sums
        i, j = np.searchsorted(support, -c - s), np.searchsorted(support, c - s)
        middle = c * (mass[-1] - mass[j] - mass[i]) + s * (mass[j] - mass[i]) + first[j] - first[i]
        room = self.blur + c * self.lost + SLACK * (c + self.unit + np.abs(s))
        return middle - room, middle + room

    def capped_moments(self, cap: float) -> dict[float, float]:
        """Bounds of E min(|xi|, cap)^p for p = 1 and all of `ORDERS`."""
        if self.draws is None or self.atoms is None:
            return capped_moments(self.noise, 1, cap)
        support, weights = self.atoms
        # sizes rounded up to few different ones
        places = np.ceil(np.fmin(np.abs(support) + self.blur, cap) * (SIZES / cap)).astype(int)
        mass = np.bincount(places, weights, SIZES + 2)
        mass[SIZES] += self.lost
        sizes = np.fmin(np.arange(SIZES + 2) * (cap / SIZES) * (1 + SLACK), cap)
        return {p: float(mass @ sizes**p) * (1 + SLACK) for p in (1.0, *ORDERS)}

    def clip_variance(self, c: float) -> float:
        """At least Var clip(s + xi) for every s: clipping moves no more than its argument and never more than 2c.

        For a mean of draws also the sum over the draws, each exchanged by itself (Efron and Stein).
        """
        whole = self.capped_moments(2 * c)[2.0]
        if self.draws is None:
            return whole
        noise, batch = self.draws
        return min(whole, capped_moments(noise, 1, 2 * c * batch)[2.0] / batch)

    def sf(self, v: FloatArray) -> FloatArray:
        return self.noise.sf(v)


def sample_law(setting: Setting) -> SampleLaw | None:
    """The law of what is added to the gradient before it is clipped by a constant norm clip; None for other steps."""
    method, noise = setting.method, setting.noise
    if type(method) not in (ClippedSGD, PerSampleClippedSGD) or type(method.operator) is not NormClip:
        return None
    if method.scheduled or method.momentum != 0 or not noise.additive or noise.along is not None:
        return None
    if method.batch_size > 1 and method.operator_calls_per_step == 1:
        if type(noise) is not Gaussian or noise.radial:
            return (
                _mean_of_draws(noise, method.batch_size, method.operator.threshold)
                if setting.problem.dim == 1
                else None
            )
        noise = noise.replace(scale=noise.scale / np.sqrt(method.batch_size))
    together = method.operator_calls_per_step
    atoms = noise.atoms()
    if atoms is not None:
        support, weights = (np.asarray(v, dtype=np.float64) for v in atoms)
        if noise.radial:
            support, weights = np.concatenate([support, -support]), np.concatenate([weights, weights]) / 2
        order = np.argsort(support)
        return SampleLaw(noise, (support[order], weights[order]), float(weights @ np.abs(support)), together)
    if not (hasattr(noise, "sf") and hasattr(noise, "cdf")) or (noise.radial and not noise.symmetric):
        return None
    unit = float(noise.moment(1.0))
    return SampleLaw(noise, None, unit, together) if np.isfinite(unit) else None


@functools.lru_cache(maxsize=8)  # an entry may take some tens of MB
def _mean_of_draws(noise: Any, batch: int, threshold: float) -> SampleLaw | None:
    """The law of the mean of a batch of draws on the line, or None where that is not known or takes too many atoms."""
    unit = float(noise.moment(1.0))
    if noise.atoms() is not None:
        return None if noise.radial else _mean_of_atoms(noise, batch)
    if not (hasattr(noise, "sf") and hasattr(noise, "cdf")) or not 0 < unit < np.inf:
        return None
    if noise.radial and not noise.symmetric:
        return None
    width, far = min(threshold, unit) / CELLS, unit
    while batch * far <= MOST_ATOMS * width and batch * float(noise.sf(far) + noise.cdf(-far)) > GIVEN_UP:
        far *= 2
    if batch * far > MOST_ATOMS * width:
        return None
    count = int(np.ceil(far / width))
    edges = width * (np.arange(-count, count + 2) - 0.5)
    upper, lower = noise.sf(edges), noise.cdf(edges)
    one = np.where(edges[:-1] > 0, upper[:-1] - upper[1:], lower[1:] - lower[:-1])
    one = np.maximum(one - CDF_ERROR, 0.0)
    size = batch * 2 * count + 1
    # a transform of a law errs by a few eps log(size), its power by `batch` times that
    error = 32 * np.finfo(float).eps * batch * np.log2(size)
    room = 1 << (size - 1).bit_length()  # transforms of other lengths may take a hundred times as long
    mass = np.maximum(np.fft.irfft(np.fft.rfft(one, room) ** batch, room)[:size] - error, 0.0)
    support = width * np.arange(-batch * count, batch * count + 1) / batch
    kept = mass > 0
    # the nearest multiple is found to rounding
    blur = 0.5 * width * (1 + 1e-9) + 1e-12 * far
    lost = 1 - float(mass.sum()) + SLACK
    return SampleLaw(noise, (support[kept], mass[kept]), float(mass @ np.abs(support)), 1, blur, lost, (noise, batch))


def _mean_of_atoms(noise: Any, batch: int) -> SampleLaw | None:
    """The same for a law with few atoms: by how often each of them is drawn."""
    if kinds_of_batches(noise, batch) > MOST_KINDS:
        return None
    places, weights = noise.atoms()
    support, chances = means_of_batches(places, weights, batch)
    order = np.argsort(support)
    blur = 1e-12 * float(np.abs(support).max())  # more than the rounding of a mean
    scale = float(chances @ np.abs(support))
    return SampleLaw(noise, (support[order], chances[order] * (1 - SLACK)), scale, 1, blur, 2 * SLACK, (noise, batch))
