"""Validation of the arguments of this package: arrays of reals with a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import NON_NEGATIVE, POSITIVE, Interval

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, FloatArray

EXPONENT = Interval(1, 2, closed_high=True)


def reals(owner: str, name: str, values: ArrayLike, domain: Interval) -> FloatArray:
    """`values` as a float64 array whose entries lie in `domain`, or one clear sentence."""
    try:
        if np.iscomplexobj(values):
            raise TypeError
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: {name} must be numbers in {domain}, but {values!r} was given") from None
    if not domain.contains(array):
        outside = array[~np.vectorize(domain.contains, otypes=[bool])(array)] if array.size else array
        raise ValueError(f"{owner}: {name} must lie in {domain}, but {float(np.ravel(outside)[0])!r} was given")
    return array


def real(owner: str, name: str, value: float, domain: Interval) -> float:
    """`value` as a float in `domain`, or one clear sentence."""
    array = reals(owner, name, value, domain)
    if array.ndim:
        raise ValueError(
            f"{owner}: {name} must be one number in {domain}, but an array of shape {array.shape} was given"
        )
    return float(array)


def drift_arguments(owner: str, gradient_norm: ArrayLike, threshold: ArrayLike, sigma: ArrayLike) -> tuple[Any, ...]:
    """u >= 0, c > 0 and sigma >= 0, broadcast against each other."""
    return np.broadcast_arrays(
        reals(owner, "gradient_norm", gradient_norm, NON_NEGATIVE),
        reals(owner, "threshold", threshold, POSITIVE),
        reals(owner, "sigma", sigma, NON_NEGATIVE),
    )
