"""The derivative of norm clipping under noise whose direction is uniform, averaged over its length and angle.

g has the length r, xi the length rho and the angle arccos t with g, both independent. ‖g + xi‖² = r² + 2 r rho t + rho², and n, the direction of
g + xi, has n_1 = (r + rho t)/‖g + xi‖ along g and the length rho sqrt(1 - t²)/‖g + xi‖ across, in a uniform direction of d - 1 dimensions. J = I
where ‖g + xi‖ < c, else c/‖g + xi‖ (I - n n'). So E J has the eigenvector g with the eigenvalue A = E[h (1 - n_1²)], and on its complement
B = E[h (1 - (1 - n_1²)/(d - 1))], each with 1 in place of the bracket where nothing is clipped; h = min(1, c/‖g + xi‖). And E (P·g/r)² =
E[h² (r + rho t)²] is the square. All are sums over boxes of (r, rho, t), on each of which the extremes of ‖g + xi‖² bound the terms: it is
convex in r and rho and increases with t, so it is largest at a corner; it is least on an edge, where it is a parabola.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..array_types import FloatArray

ANGLES = 32  # pieces of t


def angles(d: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(chances, low, high) of pieces of t = cos of the angle between a fixed and a uniform direction in d >= 2 dimensions."""
    from scipy.special import betainc

    edges = np.sin(0.5 * np.pi * np.linspace(-1.0, 1.0, ANGLES + 1)) * min(1.0, 6.5 / np.sqrt(d))
    edges[0], edges[-1] = -1.0, 1.0
    below = 0.5 + 0.5 * np.sign(edges) * betainc(0.5, 0.5 * (d - 1), np.square(edges))
    return np.diff(below), edges[:-1], edges[1:]


def averaged(
    edges: FloatArray, c: float, d: int, lengths: tuple[FloatArray, FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(A, B, square) for r in each piece of `edges`: A and B at least, the square at most; `lengths` as in `meeting_energy`."""
    chance, low, high = (v[np.newaxis, :, np.newaxis] for v in lengths)
    turn, left, right = (v[np.newaxis, np.newaxis, :] for v in angles(d))
    r1, r2 = (v[:, np.newaxis, np.newaxis] for v in (edges[:-1], edges[1:]))

    def size(r: FloatArray, rho: FloatArray, t: FloatArray) -> FloatArray:
        return r * r + 2 * r * rho * t + rho * rho

    most = np.maximum(
        np.maximum(size(r1, low, right), size(r2, low, right)), np.maximum(size(r1, high, right), size(r2, high, right))
    )
    least = np.minimum.reduce(
        [
            size(r1, np.clip(-r1 * left, low, high), left),
            size(r2, np.clip(-r2 * left, low, high), left),
            size(np.clip(-low * left, r1, r2), low, left),
            size(np.clip(-high * left, r1, r2), high, left),
        ]
    )
    least = np.maximum(least, 0.0)  # it may round below
    widest, flattest = (
        np.maximum(np.abs(left), np.abs(right)),
        np.where(left * right < 0, 0.0, np.minimum(np.abs(left), np.abs(right))),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        short = np.minimum(1.0, c / np.sqrt(most))
        across = np.fmin(high**2 * (1 - flattest**2) / least, 1.0)
        along = np.where(most < c * c, 1.0, short * low**2 * (1 - widest**2) / most)
        beside = np.where(most < c * c, 1.0, short * (1 - across / (d - 1)))
        forward = np.maximum(np.abs(r2 + high * right), np.maximum(np.abs(r1 + low * left), np.abs(r1 + high * left)))
        square = np.fmin(np.minimum(1.0, c / np.sqrt(least)) * forward, c) ** 2
    weights = chance * turn
    rest = 1 - float(weights.sum())
    return (
        (along * weights).sum(axis=(1, 2)),
        (beside * weights).sum(axis=(1, 2)),
        (square * weights).sum(axis=(1, 2)) + rest * c**2,
    )
