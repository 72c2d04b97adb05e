"""Lemma B1: the bias of a clipped sample with its exact constant beta1."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...worst_case import clipping_bias
from .constants import check_exponent, tail_constant
from .estimator import _checked

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray

TABLE = 6000  # nodes; chords between them are at most about 1e-6 of the value too large
LEAST, MOST = 1e-5, 1e6  # of s/sigma; beyond, c_p s^{1-p}


@lru_cache(maxsize=64)
def _table(p: float) -> tuple[FloatArray, FloatArray]:
    nodes = np.concatenate([[0.0], np.geomspace(LEAST, MOST, TABLE)])
    return nodes, clipping_bias(nodes, 1.0, p)


def sharp_bias(margin: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """beta1(s) of `worst_case.clipping_bias`, rounded up by chords of a table: 30 ns a value.

    beta1 is convex and beta1(-s) = s + beta1(s), so chords are above it; beyond the table c_p sigma^p s^{1-p} >= beta1.

    Parameters
    ----------
    margin : array_like s in (-inf, inf)
    sigma : float in [0, inf)
    p : float in (1, 2]
    """
    margin = np.asarray(margin, dtype=np.float64)
    if sigma == 0:
        return np.maximum(-margin, 0.0)
    far = np.abs(margin) / sigma
    nodes, values = _table(p)
    inside = np.interp(far, nodes, values)
    value = np.where(far <= MOST, inside, tail_constant(p) * np.maximum(far, 1.0) ** (1 - p))
    return np.maximum(-margin, 0.0) + sigma * value


def progress_of_mean(threshold: FloatOrArray, gradient_norm: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """l(G) = G - beta1(tau - G), for every G >= 0.

    **Lemma B1.** X in a Hilbert space, E X = g, G = ‖g‖, E‖X - g‖^p <= sigma^p.                                 [proved]

    (i) G <= tau: ‖E clip_tau(X) - g‖ <= beta1(tau - G); equality in one dimension for some law if sigma <= tau + G.
    (ii) any G: <g/G, E clip_tau(X)> >= min(G, tau) - beta1(|tau - G|) = l(G).
    (iii) any G: ‖E clip_tau(X) - clip_tau(g)‖ <= sigma.

    Proof. Notation of `clipping_bias`: for s >= 0 and each r, Q(t) = nu + alpha t + mu|t|^p >= (t - s)_+, 0 <= alpha <= 1/2.
    (i) h a unit vector, s = tau - G, w = X - g, rho = ‖w‖, T = X - clip X, t = ‖T‖. As E w = 0, E<h, T> = E<h, T - alpha w>
    <= E‖T - alpha w‖. If t > 0, ‖X‖ = t + tau <= G + rho, so t <= rho - s, and <w, T> >= t(‖X‖ - G) = t(t + s). So
    ‖T - alpha w‖² <= (1 - 2 alpha) t² - 2 alpha s t + alpha² rho², convex in t: at most the larger of its values (alpha rho)²
    at t = 0 and (rho - s - alpha rho)² at t = rho - s (only t = 0 occurs if rho < s). With N = nu + mu rho^p, Q(-rho) >= 0
    gives N >= alpha rho and Q(rho) >= rho - s gives N >= rho - s - alpha rho, whose negative is at most alpha rho. So
    E<h, T> <= nu + mu sigma^p, which is beta1(s) at the best r. The two-atom law of `clipping_bias` along g attains it: its
    lower atom is at G - y with y <= sigma, inside the ball if sigma <= tau + G.
    (ii) For G <= tau it follows from (i). For G > tau take Q for s' = G - tau, D(x) = tau - <u, clip x>, u = g/G, x1 = <u, x>.
    Claim: D <= nu - alpha (x1 - G) + mu‖x - g‖^p. If ‖x‖ <= tau, D = -(x1 - G) - s' <= Q(-(x1 - G)). On a sphere ‖x‖ = R >=
    tau, D and x1 are affine in x1 and ‖x - g‖^p = (R² + G² - 2 G x1)^{p/2} is concave in it, so the difference is concave and
    it is enough to look at x = ±R u: D = 0 <= Q, and D = 2 tau <= R + tau = -(x1 - G) - s' <= Q. Take expectations.
    (iii) clip is 1-Lipschitz. The two expressions in (ii) are equal because beta1(-s) = s + beta1(s).

    l is increasing and concave in G (its slope is at least 1/2 for G <= tau, and at least 0 beyond), and concave in tau.
    """
    gradient_norm = np.asarray(gradient_norm, dtype=np.float64)
    return gradient_norm - sharp_bias(threshold - gradient_norm, sigma, p)


def sharp_bias_bound(thresholds: FloatArray, gradient_norm: float, sigma: float, p: float) -> float:
    """(1/n) sum_k of the sharp bias: beta1(tau_k - G) for G <= tau_k, else sqrt((G - l)² + min(tau² - l_+², sigma²)).   [proved]

    An upper bound of ‖E ghat - g‖, never above `bias_bound`; arguments and errors as there.
    Proof. Lemma B1 (i). For G > tau, m = E clip X: ‖m‖ <= tau and (ii) give ‖m - g‖² <= tau² - 2 l G + G² = (G - l)² + tau² - l²
    (and tau² alone for l < 0); e = m - clip(g), ‖e‖ <= sigma, <u, e> >= -beta1 give ‖m - g‖² <= (G - l)² + sigma².
    """
    p = check_exponent("sharp_bias_bound", p)
    thresholds, norm = _checked("sharp_bias_bound", thresholds, gradient_norm, sigma)
    norm = norm[..., np.newaxis]
    miss = sharp_bias(thresholds - norm, sigma, p)
    mean = norm - miss
    beyond = np.sqrt(miss**2 + np.minimum(thresholds**2 - np.maximum(mean, 0.0) ** 2, sigma**2))
    return np.where(norm <= thresholds, miss, np.minimum(beyond, norm - thresholds + sigma)).mean(axis=-1)
