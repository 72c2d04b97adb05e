"""What each property asks of an operator: true or false for given arguments."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..array_types import ArrayLike, FloatArray

ROUNDING = 1e-12
TINY = 1e-290  # shorter vectors have lost digits to gradual underflow
FAR = 1e100  # thresholds: what stands for infinity; its square is still a number


def _norm(v: FloatArray) -> float:
    """‖v‖ without over- or underflow."""
    return math.hypot(*v)


def _close(a: FloatArray, b: FloatArray, size: float) -> bool:
    """a = b up to rounding relative to `size`."""
    return _norm(a - b) <= ROUNDING * size + 1e-300


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator with what is claimed of it."""

    function: Callable[[FloatArray], ArrayLike]
    threshold: float
    bound: Any
    lipschitz: float
    scaled: Any
    dimension: int | None = None  # the only one that it takes

    @property
    def around(self) -> float:
        """The length around which operators differ."""
        return self.threshold if 0 < self.threshold < math.inf else 1.0

    def __call__(self, u: FloatArray) -> FloatArray:
        out = np.asarray(self.function(u.copy()), dtype=np.float64)
        if out.shape != u.shape:
            raise ValueError(f"an operator keeps the shape, but for the shape {u.shape} {out.shape} was returned")
        return out


def _bounded(clip: Operator, u: FloatArray) -> bool:
    return _norm(clip(u)) <= clip.bound(u.size) * (1 + ROUNDING)


def _full_length(clip: Operator, u: FloatArray) -> bool:
    wanted = min(clip.threshold, _norm(u))
    return wanted < TINY or abs(_norm(clip(u)) - wanted) <= ROUNDING * wanted


def _direction(clip: Operator, u: FloatArray) -> bool:
    out, length = clip(u), _norm(u)
    size = _norm(out)
    if length < TINY or size < TINY:
        return bool(np.all(np.isfinite(out))) and (length > 0 or size == 0)
    return _norm(out / size - u / length) <= ROUNDING


def _identity_inside(clip: Operator, u: FloatArray) -> bool:
    length = _norm(u)
    if length > clip.threshold:
        return True
    out = clip(u)
    # at a tie the norm's own rounding decides
    return np.array_equal(out, u) if length < clip.threshold * (1 - 1e-14) else _close(out, u, length)


def _idempotent(clip: Operator, u: FloatArray) -> bool:
    once = clip(u)
    return _close(clip(once), once, _norm(once))


def _differences(clip: Operator, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    a, b = clip(u), clip(v)
    return a - b, u - v, 4e-16 * (_norm(a) + _norm(b))


def _inner(a: FloatArray, b: FloatArray) -> tuple[float, float, float]:
    """<a, b> and ‖a‖ ‖b‖, both divided by the largest entries, so that nothing over- or underflows."""
    top_a, top_b = max(np.abs(a).max(), 1e-300), max(np.abs(b).max(), 1e-300)
    return float(np.dot(a / top_a, b / top_b)), top_a, top_b


def _nonexpansive(clip: Operator, u: FloatArray, v: FloatArray) -> bool:
    out, step, rounding = _differences(clip, u, v)
    return _norm(out) <= clip.lipschitz * _norm(step) * (1 + 1e-9) + rounding


def _monotone(clip: Operator, u: FloatArray, v: FloatArray) -> bool:
    out, step, rounding = _differences(clip, u, v)
    inner, top_out, _ = _inner(out, step)
    return inner >= -(ROUNDING + rounding / top_out * math.sqrt(u.size))


def _cocoercive(clip: Operator, u: FloatArray, v: FloatArray) -> bool:
    out, step, rounding = _differences(clip, u, v)
    if not np.any(out):
        return True
    inner, top_out, top_step = _inner(out, step)
    # <out, step> >= ‖out‖²/K, divided by top_out top_step
    needed = (_norm(out) / top_out) * (_norm(out) / top_step) / clip.lipschitz
    return inner >= needed * (1 - 1e-9) - (ROUNDING + 2 * rounding / top_out * math.sqrt(u.size))


def _odd(clip: Operator, u: FloatArray) -> bool:
    return np.array_equal(clip(-u), -clip(u))


def _permutation_equivariant(clip: Operator, u: FloatArray) -> bool:
    out = clip(u)
    return _close(clip(u[::-1]), out[::-1], _norm(out))


def _rotation_equivariant(clip: Operator, u: FloatArray) -> bool:
    """The reflection that turns the first axis into the diagonal stands for all orthogonal maps."""
    normal = np.eye(u.size)[0] - np.full(u.size, u.size**-0.5)
    length = _norm(normal)
    if length == 0:
        return True
    normal = normal / length

    def turn(w: FloatArray) -> FloatArray:
        return w - 2 * normal * np.sum(normal * w)

    out = clip(u)
    return _norm(u) < TINY or _norm(clip(turn(u)) - turn(out)) <= 16 * ROUNDING * _norm(out) + 1e-300


def _scaling(clip: Operator, u: FloatArray) -> bool:
    factor = 3.0
    out = factor * clip(u)
    return _norm(out) < TINY or _close(np.asarray(clip.scaled(factor)(factor * u)), out, _norm(out))


def _keeps_nan(clip: Operator, u: FloatArray) -> bool:
    return not np.isnan(u).any() or bool(np.isnan(clip(u)).any())


def _tames_inf(clip: Operator, u: FloatArray) -> bool:
    if np.isnan(u).any():
        return True
    out, far = clip(u), FAR * clip.around
    if not _norm(out) <= clip.bound(u.size) * (1 + ROUNDING):
        return False
    infinite = np.isinf(u)
    if np.abs(u[~infinite]).max(initial=0.0) > 1e-20 * far:  # what stands for infinity must be much longer
        return True
    limit = clip(np.where(infinite, np.copysign(far, u), u))
    return _close(out, limit, _norm(limit))


def _rowwise(clip: Operator, batch: FloatArray) -> bool:
    try:
        together = clip(batch)
    except Exception:  # whatever an operator raises on a batch, it is no operator on batches
        return False
    rows = zip(batch.reshape(-1, batch.shape[-1]), together.reshape(-1, batch.shape[-1]), strict=True)
    return all(_same(clip(row), found) for row, found in rows)


def _same(alone: FloatArray, found: FloatArray) -> bool:
    return np.array_equal(alone, found, equal_nan=True) or _close(alone, found, _norm(alone))


# checks of one gradient, of two, of one that is not finite, and of a batch
ONE = {
    "bounded": _bounded,
    "full_length": _full_length,
    "direction": _direction,
    "identity_inside": _identity_inside,
    "idempotent": _idempotent,
    "odd": _odd,
    "permutation_equivariant": _permutation_equivariant,
    "rotation_equivariant": _rotation_equivariant,
    "scaling": _scaling,
}
TWO = {"nonexpansive": _nonexpansive, "monotone": _monotone, "cocoercive": _cocoercive}
NOT_FINITE = {"keeps_nan": _keeps_nan, "tames_inf": _tames_inf}
BATCH = {"rowwise": _rowwise}
