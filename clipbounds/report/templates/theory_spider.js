// What SPIDER, mini-batch clipping and clipped SGD spend until eps: clipbounds.bounds.reisizadeh2023.plan on the ramp-valley
// problem (H0 = 1) with Gaussian-phase noise, and for clipped SGD Rademacher noise, of deviation sigma.
"use strict";
Object.assign(clipboundsTheory, (() => {
  const growth = (s) => (s > 0 ? Math.expm1(s) / s : 1);
  const ceiling = (value) => Math.max(1, Math.ceil(value * (1 - 1e-12)));
  const MEAN_ERROR = { 1: ((2 ** 1.5 - 1) * 2) / 3, 2: (5 ** 1.5 - 1) / 6 };

  function selfConsistent(constants, rate, delta) {
    let low = 1, high = growth((rate * delta) / constants(1)[0]);
    while (high - low > 4e-16 * high) {
      const middle = 0.5 * (low + high);
      if (middle === low || middle === high) break;
      if (growth((rate * delta) / constants(middle)[0]) > middle) low = middle;
      else high = middle;
    }
    return constants(high);
  }
  const averaged = ({ sigma, rate }, delta) =>
    selfConsistent((a) => [Math.hypot(a, sigma * (1 / sigma)), a * rate], rate, delta);
  const ofMean = ({ rate }, delta) => selfConsistent((a) => [a, a * rate], rate, delta);

  function meanError(first, delta, tau, reach, q) {
    let squared = first, total = 0;
    for (let j = 0; j < q; j++) {
      const root = Math.sqrt(squared);
      total += root;
      squared += (reach * delta + tau * root) ** 2 / q;
    }
    return total / q;
  }
  const leastSteps = (gap, L0, delta, room) => (room > 0 ? ceiling((gap * L0) / (delta * room)) : NaN);
  // F(x0) as the problem computes it: the ramp has the slope s = 2 eps outside |x| <= s
  function gapOf({ gap, eps }) {
    const s = 2 * eps;
    if (gap < s ** 2 / 2) return NaN;
    return 0.5 * s * s + s * ((gap - s ** 2 / 2) / s + s - s);
  }

  // rule H: reach 1; the paper's rule P: reach 2
  function spider(state, reach) {
    const { eps, sigma } = state, own = reach === 1 ? 0.5 : 1;
    const delta = (2 * eps) / (3 * (own + 2 * MEAN_ERROR[reach]));
    const S1 = ceiling((sigma / delta) ** 2), q = ceiling(sigma / delta);
    const [L0, L1] = averaged(state, delta), tau = (L1 * delta) / L0;
    if (tau > (reach === 1 ? 1 : 0.5) * (1 + 1e-9)) return NaN;
    const error = meanError(sigma ** 2 / S1, delta, tau, reach, q);
    const steps = leastSteps(gapOf(state), L0, delta, eps - own * delta - (2 + tau / 2) * error);
    const fresh = Math.ceil(steps / q);
    return fresh * S1 + 2 * q * (steps - fresh);
  }
  function miniBatch(state) {
    const { eps, sigma } = state, delta = eps / 2;
    const [L0, L1] = ofMean(state, delta), tau = (L1 * delta) / L0;
    if (tau > 1 + 1e-9) return NaN;
    const batch = ceiling((4 * sigma ** 2) / delta ** 2);
    return batch * leastSteps(gapOf(state), L0, delta, eps - delta / 2 - (2 + tau / 2) * Math.sqrt(sigma ** 2 / batch));
  }
  function clippedSgd(state) {
    const { eps, sigma } = state;
    if (eps > 1.6 * sigma) return NaN;
    const [L0, L1] = ofMean(state, (5 * eps ** 2) / (2 * sigma));
    const eta = eps ** 2 / (2 * L0 * sigma ** 2);
    if (eta * L0 > 0.1 * (1 + 1e-9) || 5 * sigma * eta * L1 > 0.1 * (1 + 1e-9)) return NaN;
    const room = 0.75 * eps ** 2 - (L0 * eta * sigma ** 2) / 2 - 0.391 * L1 ** 2 * eta ** 2 * sigma ** 4;
    return leastSteps(gapOf(state), 1, eta, room);
  }
  return { costH: (state) => spider(state, 1), costP: (state) => spider(state, 2), costM: miniBatch, costC: clippedSgd };
})());
