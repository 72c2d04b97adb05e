"""The estimator on laws with finitely many atoms, without sampling: the oracle of the theorems."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...clipping import NormClip

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray


@dataclasses.dataclass(frozen=True)
class FiniteLaw:
    """Atoms of shape (atoms, dim) with probabilities (atoms,): the law of one sample X (not of the noise)."""

    atoms: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        atoms = np.asarray(self.atoms, dtype=np.float64)
        atoms = atoms[:, np.newaxis] if atoms.ndim == 1 else atoms
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != atoms.shape[:1] or not np.all(weights >= 0) or abs(weights.sum() - 1) > 1e-9:
            raise ValueError(
                f"FiniteLaw: {len(atoms)} atoms need as many probabilities >= 0 with the sum 1, but {weights} were given"
            )
        object.__setattr__(self, "atoms", atoms)
        object.__setattr__(self, "weights", weights / weights.sum())

    @property
    def mean(self) -> FloatArray:
        """g = E X, shape (dim,)."""
        return self.weights @ self.atoms

    def sigma(self, p: float) -> float:
        """(E‖X - g‖^p)^{1/p}."""
        return float(self.weights @ np.linalg.norm(self.atoms - self.mean, axis=1) ** p) ** (1 / p)

    def clipped(self, threshold: float) -> FloatArray:
        """The atoms, clipped: shape (atoms, dim)."""
        return NormClip(threshold)(self.atoms)


def moments(law: FiniteLaw, thresholds: ArrayLike) -> tuple[float, float, float]:
    """Exact (‖E ghat - g‖, E‖ghat - E ghat‖², E‖ghat - g‖²) of the per-sample clipped mean.

    Parameters
    ----------
    law : FiniteLaw
    thresholds : array_like, (n,)
    """
    levels, repeats = np.unique(np.asarray(thresholds, dtype=np.float64), return_counts=True)
    count = repeats.sum()
    norms = np.linalg.norm(law.atoms, axis=1)
    factors = np.minimum(1.0, levels[:, np.newaxis] / np.where(norms > 0, norms, 1.0))  # (levels, atoms)
    means = (factors * law.weights) @ law.atoms  # (levels, dim)
    bias = repeats @ means / count - law.mean
    # centred first: E‖Y‖² - ‖E Y‖² cancels for rare spikes
    centred = factors[..., np.newaxis] * law.atoms - means[:, np.newaxis]
    variances = np.einsum("lad,lad,a->l", centred, centred, law.weights)
    error, spread = float(np.linalg.norm(bias)), float(repeats @ variances) / count**2
    return error, spread, error**2 + spread


def error_tail(law: FiniteLaw, thresholds: ArrayLike, radius: float, cells: int = 20_000) -> tuple[float, float]:
    """Enclosure (low, high) of P(|ghat - g| > radius) for a one-dimensional law.

    The sum of the clipped samples is convolved on a lattice: values rounded down give a sum that is never larger, values
    rounded up one that is never smaller, so both tails are enclosed for certain; the width falls as n/cells.

    Parameters
    ----------
    law : FiniteLaw of dimension 1
    thresholds : array_like, (n,)
    radius : float
    cells : int, lattice points
    """
    if law.atoms.shape[1] != 1:
        raise ValueError(
            f"error_tail: the law must be one-dimensional, but its atoms have {law.atoms.shape[1]} entries"
        )
    thresholds = np.asarray(thresholds, dtype=np.float64)
    values = np.clip(law.atoms[:, 0], -thresholds[:, np.newaxis], thresholds[:, np.newaxis])
    low, high = values.min(axis=1), values.max(axis=1)
    step = max((high - low).sum() / cells, 1e-300)
    size = int((high - low).sum() / step) + thresholds.size + 2
    offset = low.sum()
    tails = []
    for rounding in (np.floor, np.ceil):
        shifts = rounding((values - low[:, np.newaxis]) / step).astype(int)
        mass = np.zeros(size)
        mass[0] = 1.0
        for row in shifts:
            moved = np.zeros(size)
            for shift, weight in zip(row, law.weights, strict=True):
                moved[shift:] += weight * mass[: size - shift]
            mass = moved
        error = (offset + step * np.arange(size)) / thresholds.size - law.mean[0]
        tails.append((mass[error > radius].sum(), mass[error < -radius].sum()))
    (above_low, below_high), (above_high, below_low) = tails
    return above_low + below_low, min(1.0, above_high + below_high)
