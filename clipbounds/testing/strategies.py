"""Hypothesis strategies: gradients with their extremes and ties, and the built-in operators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from .. import clipping

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hypothesis.strategies import SearchStrategy

    from ..array_types import FloatArray
    from ..clipping.base import Clip

EXTREMES = (5e-324, 1e-310, 1e-200, 1e-160, 1e150, 1e160, 1e200)
# at the threshold and on either side, where operators differ; the simplest first, because examples shrink towards it
TIES = (1.0, 2.0, 0.5, 1 - 1e-7, 1 + 1e-7, 1 - 2**-53, 1 + 2**-52)


# strategies that are built once: building them inside a draw costs more than the draw
DIMENSIONS = st.integers(1, 4)
AXES = st.integers(0, 8)
SIGNS = st.sampled_from((1.0, -1.0))
ENTRIES = st.tuples(*[st.integers(-9, 9)] * 3)
RELATIVE = st.one_of(st.just(0.0), st.sampled_from(TIES), st.floats(1e-3, 1e3))
ABSOLUTE = st.sampled_from(EXTREMES)
KINDS = st.integers(0, 3)
NOT_FINITE = st.sampled_from((math.inf, -math.inf, math.nan))
COUNTS = st.integers(1, 3)
LEADING = st.sampled_from(((), (1,)))
STEPS = st.sampled_from((1e-9, 1e-6, 1e-3, 0.1))


@st.composite
def _directions(draw: Callable[..., Any], dim: int) -> FloatArray:
    """Unit vectors; the axes first, because they shrink best."""
    axis = draw(AXES)
    if axis < dim or dim == 1:
        return np.eye(dim)[axis % dim] * draw(SIGNS)
    entries = np.resize((1, *draw(ENTRIES)), dim).astype(np.float64)
    return entries / math.hypot(*entries)


@st.composite
def gradients(
    draw: Callable[..., Any],
    dim: int | None = None,
    threshold: float = 1.0,
    every_scale: bool = True,
    finite: bool = True,
) -> FloatArray:
    """A gradient, shape (dim,): 0, ties with the threshold, ordinary vectors, and extremes.

    Parameters
    ----------
    dim : int, optional; 1 to 4 if it is not given
    threshold : float, the length around which ties are made
    every_scale : bool, include lengths from 5e-324 to 1e200
    finite : bool; False puts inf, -inf or nan into some entries
    """
    dim = draw(DIMENSIONS) if dim is None else dim
    extreme = every_scale and draw(KINDS) == 3
    length = draw(ABSOLUTE) if extreme else threshold * draw(RELATIVE)
    vector = length * draw(_directions(dim))
    if not finite:
        first = draw(AXES) % dim
        vector[first] = draw(NOT_FINITE)
        vector[draw(AXES) % dim] = vector[first]
    return vector


@st.composite
def gradient_pairs(
    draw: Callable[..., Any], threshold: float = 1.0, every_scale: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Two gradients of one dimension: unrelated, or a short step apart."""
    dim = draw(DIMENSIONS)
    first = draw(gradients(dim, threshold, every_scale))
    if draw(KINDS) < 2:
        return first, draw(gradients(dim, threshold, every_scale))
    step = draw(STEPS) * max(float(np.abs(first).max()), 1e-3 * threshold)
    return first, first + step * draw(_directions(dim))


@st.composite
def batches(draw: Callable[..., Any], threshold: float = 1.0, every_scale: bool = True) -> FloatArray:
    """Gradients of one dimension as one array, shape (..., dim) with one to three of them and up to two leading axes."""
    dim, count = draw(DIMENSIONS), draw(COUNTS)
    rows = np.stack([draw(gradients(dim, threshold, every_scale)) for _ in range(count)])
    return rows.reshape(draw(LEADING) + rows.shape)


def is_extreme(arguments: Any, threshold: float) -> bool:
    """Whether one of the arrays has a finite entry so large or small that its square can be no normal number."""
    sizes = np.abs(np.concatenate([np.ravel(part) for part in arguments])) / threshold
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return bool(np.any((sizes < 1e-100) | (sizes > 1e100)))


def fixed_gradients(threshold: float, every_scale: bool) -> list[FloatArray]:
    """A short list of gradients that every check sees, the simplest first: 0, ties, and extremes in four directions."""
    directions = [np.ones(1), np.array([0.6, 0.8]), np.array([1.0, 2.0, -2.0]) / 3, np.array([0.1, 0.7, -0.1, 0.7])]
    lengths = [0.0, *(t * threshold for t in (*TIES, 30.0)), *(EXTREMES if every_scale else ())]
    return [length * direction for direction in directions for length in lengths]


def fixed_pairs(threshold: float, every_scale: bool) -> list[tuple[FloatArray, FloatArray]]:
    """Pairs of neighbours in that list, and short steps."""
    singles = fixed_gradients(threshold, every_scale)
    pairs = [(u, v) for k, u in enumerate(singles) for v in singles[k + 1 : k + 6] if u.size == v.size]
    return pairs + [(u, u + 1e-6 * threshold * np.ones(u.size)) for u in singles]


def fixed_batches(threshold: float, every_scale: bool) -> list[FloatArray]:
    """Batches in which one gradient could spoil another: two and many, none, several leading axes, a broken one."""
    short, long = np.array([0.3, 0.4]), np.array([3.0, 4.0])
    grid = np.stack([short, long, -long, 0 * long, long[::-1], short[::-1]])
    plain = [np.ones((2, 1)), np.stack([long, short]), grid, grid.reshape(2, 3, 2), grid[:1].reshape(1, 1, 1, 2)]
    batches = [*plain, np.zeros((0, 2)), np.resize(grid, (70, 2))]
    batches += [np.stack([long, [broken, 1.0], short]) for broken in (math.nan, math.inf)]
    if every_scale:
        batches += [np.stack([long, size * short]) for size in EXTREMES]
    return [threshold * batch for batch in batches]


def fixed_broken() -> list[FloatArray]:
    """Gradients with infinite entries and nan."""
    return [np.array(v) for v in ([math.inf], [math.nan], [math.inf, 1.0], [1.0, -math.inf, math.inf], [math.nan, 1.0])]


SIZES = st.floats(1e-3, 1e3)
OPERATORS = {
    clipping.NormClip: SIZES.map(clipping.NormClip),
    clipping.CoordinateClip: SIZES.map(clipping.CoordinateClip),
    clipping.SmoothClip: st.builds(clipping.SmoothClip, SIZES, SIZES),
    clipping.JointSmoothClip: st.builds(clipping.JointSmoothClip, SIZES, SIZES),
    clipping.GrowingClip: st.builds(clipping.GrowingClip, SIZES, st.floats(0.5, 4.0)),
    clipping.Normalize: st.just(clipping.Normalize()),
    clipping.SmoothNormalize: SIZES.map(clipping.SmoothNormalize),
    clipping.Identity: st.just(clipping.Identity()),
    clipping.TorchClip: SIZES.map(clipping.TorchClip),
    clipping.OptaxClip: SIZES.map(clipping.OptaxClip),
}


def _block_clips(dim: int) -> SearchStrategy[Clip]:
    """Block clipping in `dim` dimensions: every division into blocks."""
    ends = st.sets(st.integers(1, dim - 1)) if dim > 1 else st.just(set())
    return st.builds(lambda inner, c: clipping.BlockClip(np.diff([0, *sorted(inner), dim]), c), ends, SIZES)


def clip_operators(dim: int | None = None) -> SearchStrategy[Clip]:
    """Built-in operators with parameters in [1e-3, 1e3]: those that take every dimension, and with `dim` all that take it."""
    return st.one_of(*OPERATORS.values(), *([] if dim is None else [_block_clips(dim)]))


def fitted(gradients: FloatArray, dim: int | None) -> FloatArray:
    """Vectors (..., n) cut, or filled up with zeros, to the dimension `dim`; as they are for None."""
    if dim is None:
        return gradients
    kept = min(dim, gradients.shape[-1])
    result = np.zeros((*gradients.shape[:-1], dim))
    result[..., :kept] = gradients[..., :kept]
    return result
