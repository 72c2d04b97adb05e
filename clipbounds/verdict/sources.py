"""The independent sources of noise of one step, and how far exchanging one of them may move the step: `spread` has the lemma."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import GrowingClip, Identity, NormClip
from ..methods import SGD, ClippedSGD, PerSampleClippedSGD
from ..noise import Gaussian
from ..noise.base import RADIAL
from .capped import capped_moments
from .sample_law import sample_law

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..methods.base import Setting


@dataclasses.dataclass(frozen=True)
class Sources:
    """Sources xi of one step; exchanging one for xi' moves the step by at most eta·weight·min(‖xi - xi'‖, cap).

    Attributes
    ----------
    weight : w
    caps, counts : the different caps, and how many sources have each
    capped : for each cap bounds of E min(‖xi‖, cap)^p by p
    largest : at least ‖xi‖
    gaussian : the variance of a source in one direction if its law is Gaussian, else inf
    """

    weight: float
    caps: np.ndarray
    counts: np.ndarray
    capped: list
    largest: float
    gaussian: float = np.inf

    def total(self, p: float, power: float = 1.0) -> float:
        """sum over the sources of (E min(‖xi‖, cap)^p)^power."""
        return float(self.counts @ np.array([moments[p] for moments in self.capped]) ** power)


def _weight_and_caps(method: Any) -> tuple[float, FloatArray] | None:
    """(w, caps): the weight of one draw, and the cap of each of the draws of one step; None for other methods."""
    plain = type(method) in (SGD, ClippedSGD, PerSampleClippedSGD)
    if not plain or method.momentum != 0 or method.scheduled:
        return None
    clip, batch = method.operator, method.batch_size
    together = method.operator_calls_per_step == 1
    if type(clip) is Identity:
        caps = np.full(batch, np.inf)
    elif type(clip) is NormClip:
        caps = np.full(batch, 2 * clip.threshold * (batch if together else 1))
    elif type(clip) is GrowingClip and not (together and batch > 1):
        caps = np.array([2 * clip.threshold_at(k) for k in range(batch)])
    else:
        return None
    return 1 / batch, caps


def sources_of(setting: Setting) -> list[Sources]:
    """All ways to see the noise of a step as independent sources: its draws, and the mean of a batch where its law is known."""
    noise, method, dim = setting.noise, setting.method, setting.problem.dim
    parts = _weight_and_caps(method)
    if parts is None:
        return []
    caps, counts = np.unique(parts[1], return_counts=True)
    gaussian = type(noise) is Gaussian and (noise.layout != RADIAL or dim == 1)
    largest = float(noise.vector_bound(dim))
    draws = Sources(
        parts[0], caps, counts, [capped_moments(noise, dim, float(cap)) for cap in caps], largest,
        float(noise.moment(2.0)) if gaussian else np.inf,
    )  # fmt: skip
    law = sample_law(setting)
    if law is None or law.draws is None:
        return [draws]
    cap = 2 * method.operator.threshold
    return [draws, Sources(1.0, np.array([cap]), np.ones(1), [law.capped_moments(cap)], largest)]
