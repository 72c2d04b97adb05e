"""Hypothesis strategies: gradients with their extremes and ties, and the built-in operators."""

import math

import numpy as np
from hypothesis import strategies as st

from .. import clipping

EXTREMES = (5e-324, 1e-310, 1e-200, 1e-160, 1e150, 1e160, 1e200)
# close to the threshold, where operators differ
TIES = (1.0, 1 - 1e-7, 1 + 1e-7, 1 - 2**-53, 1 + 2**-52, 0.5, 2.0)


@st.composite
def _directions(draw, dim):
    """Unit vectors; the axes first, because they shrink best."""
    axis = draw(st.integers(0, dim))
    if axis < dim:
        return np.eye(dim)[axis] * draw(st.sampled_from((1.0, -1.0)))
    entries = draw(st.lists(st.integers(-9, 9), min_size=dim, max_size=dim).filter(any))
    return np.array(entries, dtype=np.float64) / math.hypot(*entries)


@st.composite
def gradients(draw, dim=None, threshold=1.0, every_scale=True, finite=True):
    """A gradient, shape (dim,): 0, ties with the threshold, ordinary vectors, and extremes.

    Parameters
    ----------
    dim : int, optional; 1 to 4 if it is not given
    threshold : float, the length around which ties are made
    every_scale : bool, include lengths from 5e-324 to 1e200
    finite : bool; False puts inf, -inf or nan into some entries
    """
    dim = draw(st.integers(1, 4)) if dim is None else dim
    lengths = [
        st.just(0.0),
        st.sampled_from(TIES).map(lambda t: t * threshold),
        st.floats(1e-3, 1e3).map(lambda t: t * threshold),
    ]
    if every_scale:
        lengths.append(st.sampled_from(EXTREMES))
    vector = draw(st.one_of(lengths)) * draw(_directions(dim))
    if not finite:
        spoilt = draw(st.lists(st.integers(0, dim - 1), min_size=1, max_size=dim, unique=True))
        vector[spoilt] = draw(st.sampled_from((math.inf, -math.inf, math.nan)))
    return vector


@st.composite
def gradient_pairs(draw, threshold=1.0, every_scale=True):
    """Two gradients of one dimension: unrelated, or a short step apart."""
    dim = draw(st.integers(1, 4))
    first = draw(gradients(dim, threshold, every_scale))
    if draw(st.booleans()):
        return first, draw(gradients(dim, threshold, every_scale))
    step = draw(st.sampled_from((1e-9, 1e-6, 1e-3, 0.1))) * max(float(np.abs(first).max()), 1e-3 * threshold)
    return first, first + step * draw(_directions(dim))


def clip_operators():
    """Built-in operators with parameters in [1e-3, 1e3]."""
    size = st.floats(1e-3, 1e3)
    return st.one_of(
        size.map(clipping.NormClip),
        size.map(clipping.CoordinateClip),
        st.builds(clipping.SmoothClip, size, size),
        st.builds(clipping.JointSmoothClip, size, size),
        st.builds(clipping.GrowingClip, size, st.floats(0.5, 4.0)),
        st.just(clipping.Normalize()),
        st.just(clipping.Identity()),
        size.map(clipping.TorchClip),
        size.map(clipping.OptaxClip),
    )
