"""The law of the noise of what is clipped, one sample or the mean of a batch: probabilities, with room for rounding."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..methods import ClippedSGD, PerSampleClippedSGD
from ..noise import Gaussian

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..methods.base import Setting

SLACK = 1e-9  # of a probability: far more than the special functions err


@dataclasses.dataclass(frozen=True)
class SampleLaw:
    """A one-dimensional law; `atoms` (support, weights) or None, `unit` a scale of it, `together` clipped samples are averaged."""

    noise: Any
    atoms: tuple[FloatArray, FloatArray] | None
    unit: float
    together: int

    def between(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """At most P(low < xi < high)."""
        if self.atoms is not None:
            support, weights = self.atoms
            return ((support > low[:, np.newaxis]) & (support < high[:, np.newaxis])) @ weights * (1 - SLACK)
        sf, cdf = self.noise.sf, self.noise.cdf
        inside = np.where(low > 0, sf(low) - sf(high), cdf(high) - cdf(low))
        return np.clip(inside - SLACK, 0.0, 1.0)

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
            return None  # the law of a mean of other draws is not at hand
        noise = noise.replace(scale=noise.scale / np.sqrt(method.batch_size))
    together = method.operator_calls_per_step
    atoms = noise.atoms()
    if atoms is not None:
        support, weights = (np.asarray(v, dtype=np.float64) for v in atoms)
        if noise.radial:
            support, weights = np.concatenate([support, -support]), np.concatenate([weights, weights]) / 2
        return SampleLaw(noise, (support, weights), float(weights @ np.abs(support)), together)
    if not (hasattr(noise, "sf") and hasattr(noise, "cdf")) or (noise.radial and not noise.symmetric):
        return None
    unit = float(noise.moment(1.0))
    return SampleLaw(noise, None, unit, together) if np.isfinite(unit) else None
