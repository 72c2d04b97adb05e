"""Limits for a mean by betting against it: finite-sample, for any number of trajectories.

Theorem (after Waudby-Smith and Ramdas 2024; Ville). X_1..X_n independent with mean mu, X_i >= a. For a candidate m let
Y_i(m) <= X_i - m - (something) be such that E Y_i(mu) <= 0 and Y_i >= -f. Each product K(m) = prod (1 + lambda_i Y_i(m)) with
predictable lambda_i in [0, 1/f] has E K(mu) <= 1, and so has any average of such products with weights that sum to 1; so
P(K(mu) >= 1/delta) <= delta (Markov). Where K does not increase in m, {m: K(m) < 1/delta} is an interval (l, inf), and
mu >= l with probability at least 1 - delta. What is bet:

* Range. Y = X - m, f = m - a.
* Cut. Y = max(X - m, -B) - tau, f = B + tau, where E(mu - X - B)^+ <= tau is proved: E Y(mu) <= 0. It is used where m - a > B.
  There (Y)/f is at most its value without the cut, so K still does not increase in m.
* Catoni (2012). If Var X <= v is proved, the factor phi(lambda (X - m))/(1 + lambda² v/2) with phi(z) = 1 + z + z²/2 for z >= 0
  and 1/(1 - z + z²/2) <= 1 + z + z²/2 for z < 0 has expectation at most 1 at mu, decreases in m, and needs no range.

The bets are lambda_i = theta/f for theta = 0.9/2^j, j < 10, and the plug-in sqrt(2 ln(1/delta)/(n s²_{i-1})) (at most 0.5/f), s²
the variance of the values before. None of these choices looks at the values that it is bet on; the average pays for
the choice among them. The upper limit is the same for -X.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .wealth_kernels import log_wealth, plug_in

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray, FloatOrArray

FRACTIONS = 0.9 / 2.0 ** np.arange(10)
# shares of the wealth: plug-in, fractions together, Catoni; without a fact that a bet needs, the others have its share
SHARES = np.array([0.45, 0.2, 0.35])
SEARCH = 60  # evaluations at most


class Wealth:
    """The wealth K(m) of the bets against each candidate mean m.

    Parameters
    ----------
    x : array, (n,) or (n, samples), finite, independent along the first axis
    error : float delta in (0, 1)
    low : float, x >= low almost surely
    cut, excess : E(mu - X - cut)^+ <= excess
    variance : at least Var X
    prior : float > 0, a guess of the variance made without looking at x; 1 by default
    """

    def __init__(
        self,
        x: FloatArray,
        error: float,
        low: FloatOrArray = -np.inf,
        cut: FloatOrArray = np.inf,
        excess: FloatOrArray = 0.0,
        variance: FloatOrArray = np.inf,
        prior: FloatOrArray | None = None,
    ) -> None:
        self.x = np.maximum(x, low)  # rounding only: the range is proved
        self.low, self.cut, self.excess, self.variance = low, cut, excess, variance
        self.target = np.log(1 / error)
        self.bounded = np.isfinite(low) or (np.isfinite(cut) and np.isfinite(excess))
        self.known = 0 < variance < np.inf
        shares = SHARES * [self.bounded, self.bounded, self.known]
        self.shares = shares / shares.sum() if shares.any() else shares
        self.samples = max(int(np.prod(self.x.shape[1:])), 1)
        self.flat = np.ascontiguousarray(self.x, dtype=np.float64).ravel()
        self.bets = np.zeros_like(self.flat)
        if self.bounded and self.flat.size:
            guess = float(prior) if prior is not None and 0 < prior < np.inf else 1.0
            plug_in(self.flat, self.bets, self.samples, 2 * self.target / len(self.x), guess)
        if self.known:
            self.rate = np.sqrt(2 * self.target / (len(x) * variance))

    def log(self, m: float) -> Any:
        """log K(m), one a sample."""
        cut, excess, floor, plug, rate, growth = np.inf, 0.0, 1.0, 0.0, 0.0, 0.0
        if self.bounded and (m - self.low <= self.cut or np.isfinite(self.cut + self.excess)):
            plug = self.shares[0]
            if m - self.low <= self.cut:
                floor = m - self.low
            else:
                cut, excess, floor = self.cut, self.excess, self.cut + self.excess
        if self.known:
            rate, growth = self.rate, len(self.x) * np.log1p(0.5 * self.rate**2 * self.variance)
        out, work = np.empty(self.samples), np.empty(2 * (FRACTIONS.size + 2))
        log_wealth(
            self.flat, self.bets, FRACTIONS, work, out, self.samples, float(m), float(cut), float(excess), float(floor),
            float(plug), float(self.shares[1] / FRACTIONS.size), float(self.shares[2]), float(rate), float(growth),
        )  # fmt: skip
        return out.reshape(self.x.shape[1:]) if self.x.ndim > 1 else float(out[0])

    def rejects(self, m: float) -> bool:
        """Whether K(m) >= 1/delta: the mean is then larger than m, up to an error of probability delta."""
        return self.log(m) >= self.target

    def limit(self) -> float:
        """A lower limit of the mean, wrong with probability at most `error`; -inf where nothing is proved."""
        if not (self.bounded or self.known) or self.x.size == 0:
            return -np.inf
        return max(_last_rejected(self), self.low)


def _last_rejected(wealth: Wealth) -> float:
    """The largest m found that is rejected; K does not increase in m. -inf if there is none."""
    x, low, target, gain_at = wealth.x, wealth.low, wealth.target, wealth.log
    mean = float(x.mean())
    width = np.sqrt(2 * target / x.size) * float(x.std()) + 1e-15 * abs(mean) + 1e-300
    left, right, gain = None, mean, gain_at(mean) - target if mean > low else -target
    if gain >= 0:
        return mean
    loss = gain
    for _ in range(SEARCH):
        m = mean - width
        if m <= low or not np.isfinite(m):
            left = low
            break
        gain = gain_at(m) - target
        if gain >= 0:
            left = m
            break
        right, loss, width = m, gain, 2 * width
    if left is None or not np.isfinite(left):
        return -np.inf
    if left == low:
        gain = np.inf
    for turn in range(SEARCH):
        if right - left <= 1e-6 * (mean - left):
            break
        share = gain / (gain - loss) if turn % 3 and np.isfinite(gain) else 0.5
        m = left + min(max(share, 0.02), 0.98) * (right - left)
        if not left < m < right:
            break
        value = gain_at(m) - target
        if value >= 0:
            left, gain = m, value
        else:
            right, loss = m, value
    return left
