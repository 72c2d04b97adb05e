"""Exponential moments of one clipped sample: the factors of Theorem 2*.

kappa(y) = e^y - 1 - y. kappa(y)/y^a is nondecreasing on y >= 0 for every a <= 2 (power series from y² on); this is (F1) below.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...worst_case import clipping_bias
from .constants import tail_constant
from .search import certified_supremum

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray


def kappa(y: FloatOrArray) -> FloatArray:
    """e^y - 1 - y without cancellation, for y of either sign."""
    y = np.asarray(y, dtype=np.float64)
    series = y * y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720 + y / 5040)))))
    return np.where(np.abs(y) < 0.02, series, np.expm1(y) - y)


def excess_supremum(
    rate: FloatOrArray, level: tuple[FloatOrArray, FloatOrArray], height: FloatArray, p: float
) -> FloatOrArray:
    """sup over z > 0 of (rate (z - s)_+ + height(min(z, M))) z^{-p} in closed form, or a slightly larger number.

    height(z)/z^p is nondecreasing, so on z <= M both terms are if M <= p s/(p-1); otherwise their maxima are added. Beyond M
    the function is (rate z - c) z^{-p} with c = rate s - height(M), largest at z = p c/((p-1) rate) if that is beyond M.

    Parameters
    ----------
    rate : array_like, in (0, inf)
    level : (s, M), array_likes with 0 <= s <= M
    height : array_like, height(M)
    p : float in (1, 2]
    """
    s, reach = level
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        at_reach = (rate * (reach - s) + height) * reach**-p
        rest = rate * s - height
        far = np.maximum(reach, p * rest / ((p - 1) * rate))
        beyond = (rate * far - rest) * far**-p
        split = rate * tail_constant(p) * s ** (1 - p) + height * reach**-p
    return np.maximum(np.maximum(at_reach, beyond), np.where(reach * (p - 1) <= p * s, 0.0, split))


def _turning_term(theta: FloatOrArray, reach: FloatOrArray, p: float) -> FloatArray:
    """c_p theta^p (1 - e^{-theta D})^{1-p} where its maximiser lies beyond D, else 0: sup over z >= D of (theta z - c) z^{-p}."""
    part = -np.expm1(-theta * reach)
    return np.where(
        p * part >= (p - 1) * theta * reach, tail_constant(p) * theta**p * np.maximum(part, 1e-300) ** (1 - p), 0.0
    )


def centred_constant(theta: FloatOrArray, threshold: FloatOrArray, p: float) -> FloatOrArray:
    """C0: E cosh(theta‖x + clip(X)‖) <= (1 + sigma^p C0) cosh(theta‖x‖) for every x, if E X = 0.            [proved]

    C0 = max{ kappa(theta tau) tau^{-p}, c_p theta^p (1 - e^{-theta tau})^{1-p} if p(1 - e^{-theta tau}) >= (p-1) theta tau }.

    Proof. cosh(theta sqrt u) is convex in u and ‖x + d‖² is affine in the cosine c of the angle of x and d, so the chord
    between c = ±1 gives cosh(theta‖x + d‖) <= cosh(theta‖x‖) cosh(theta‖d‖) + c sinh(theta‖x‖) sinh(theta‖d‖). Take d =
    clip(X), r = ‖X‖, rho = min(r, tau), t = tanh(theta‖x‖) in [0, 1). As E[c r] = 0, the ratio of the expectation to
    cosh(theta‖x‖) is at most 1 + E[cosh(theta rho) - 1 + |sinh(theta rho) - theta r|]. For r <= tau the bracket is
    kappa(theta r) <= kappa(theta tau)(r/tau)^p by (F1). For r > tau and sinh(theta tau) >= theta r it is e^{theta tau} - 1 -
    theta r <= kappa(theta tau). Otherwise it is theta r - (1 - e^{-theta tau}), and sup_{r >= tau} (theta r - c) r^{-p} is
    c_p theta^p c^{1-p} at r = pc/((p-1) theta) if that is beyond tau, else the value kappa(-theta tau) tau^{-p} at tau,
    which is below kappa(theta tau) tau^{-p}. So the bracket is at most C0 r^p in every case.
    """
    return np.maximum(kappa(theta * threshold) * threshold**-p, _turning_term(theta, threshold, p))


def hilbert_factor(
    theta: FloatOrArray, threshold: FloatOrArray, norm: float, sigma: float, p: float, bias: FloatOrArray | None = None
) -> FloatOrArray:
    """m: E cosh(theta‖x + clip(X) - g‖) <= m cosh(theta‖x‖) for every x, if G = ‖g‖ <= tau.                  [proved]

    With s = tau - G and M = tau + G, m = 1 + min{ theta beta1(s) + (min(sigma, M)/M)^p kappa(theta M),
    sigma^p sup_z [theta (z-s)_+ + kappa(theta min(z, M))] z^{-p} }.

    Proof. d = clip(X) - g has ‖d‖ <= min(Z, M), Z = ‖X - g‖. As in `centred_constant` the ratio is at most cosh(theta‖d‖) +
    t c sinh(theta‖d‖) <= 1 + t theta <x/‖x‖, d> + kappa(theta‖d‖), because t c <= 1 and sinh y >= y. E<x/‖x‖, d> is at most
    ‖E d‖ <= min(beta1(s), E(Z - s)_+) by Lemma B1; then (F1).
    """
    s, reach = threshold - norm, threshold + norm
    bias = clipping_bias(s, sigma, p) if bias is None else bias
    height = kappa(theta * reach)
    apart = theta * bias + (np.minimum(sigma, reach) / reach) ** p * height
    return 1 + np.minimum(apart, sigma**p * excess_supremum(theta, (s, reach), height, p))


@lru_cache(maxsize=256)
def _lower_side(p: float) -> tuple[float, float]:
    """(sup over y > 0 of kappa(-y) y^{-p}, rounded up, and a y below the maximiser)."""
    if p == 2:
        return 0.5, 0.0
    edges = np.concatenate([[0.0], np.geomspace(1e-9, 40 / (p - 1), 400)])

    def cell(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.minimum(kappa(-b) * np.maximum(a, 1e-100) ** -p, 0.5 * b ** (2 - p))

    grid = np.geomspace(1e-9, 40 / (p - 1), 4000)
    turn = grid[max(int(np.argmax(kappa(-grid) * grid**-p)) - 1, 0)]
    return certified_supremum(cell, edges, relative=1e-6), float(turn)


def line_constant(theta: FloatArray, down: FloatOrArray, up: FloatOrArray, p: float) -> FloatArray:
    """C1: E exp(theta h (clip(X) - g)) <= 1 + sigma^p C1 in one dimension, h = ±1.                            [proved]

    `down` and `up` are the distances D, U from g to the clip levels on the sides of -h and h, both positive.
    C1 = max{ kappa(theta U) U^{-p}, c_p theta^p (1 - e^{-theta D})^{1-p} if p(1 - e^{-theta D}) >= (p-1) theta D,
    sup_{z <= D} kappa(-theta z) z^{-p} }.

    Proof. Let w = X - g, E w = 0. Then e^{theta h (clip(X) - g)} - 1 - theta h w <= C1|w|^p pointwise: for h w >= 0 the left
    side is at most kappa(theta min(hw, U)), (F1); for h w = -z < 0 it is kappa(-theta z) if z <= D and theta z -
    (1 - e^{-theta D}) beyond. The last supremum is attained at D or before it: kappa(-y) y^{-p} rises and then falls, because
    y kappa'(y)/kappa decreases there: kappa(-y) is the integral of k(u) = 1 - e^{-u}, and y k'(y)/k(y) = y/(e^y - 1)
    decreases.
    """
    most, turn = _lower_side(p)
    y = theta * down
    with np.errstate(divide="ignore", invalid="ignore"):
        near = kappa(-y) * np.maximum(down, 1e-300) ** -p
    below = np.where(y <= turn, near, most * theta**p)
    return np.maximum(np.maximum(kappa(theta * up) * up**-p, _turning_term(theta, down, p)), below)
