// Exponents of the mean squared error of SClip-EF: clipbounds.bounds.yu2023 NearOptimumLaw, Rate (Theorem D1), StrongRate
// (Theorem 2 of growing thresholds) for three
// clients on the line with the curvatures 1, 1 and `third`.
"use strict";
Object.assign(clipboundsTheory, (() => {
  // C1 = max of (1 - (1 + z²)^(-3/2))/z, by golden section: flat at the maximum, so that the value has all digits
  const smoothing = (() => {
    const f = (z) => (1 - (1 + z * z) ** -1.5) / z, golden = (Math.sqrt(5) - 1) / 2;
    let low = 0.5, high = 2;
    for (let k = 0; k < 60; k++) {
      const left = high - golden * (high - low), right = low + golden * (high - low);
      if (f(left) > f(right)) high = right;
      else low = left;
    }
    return f(0.5 * (low + high));
  })();
  const curvature = ({ third }) => (1 + 1 + third) / 3;
  const cut = ({ alpha }) => Math.min(alpha, 2);
  const variance = (state) => 0.4 + 0.3 * cut(state);
  const start = (state) => 2 * state.theta * curvature(state);
  const bias = (state) => (state.unequal ? 0.6 * cut(state) : 1.2);
  const law = (state) => Math.min(variance(state), start(state), bias(state));

  // Theorem D1: every exponent below this is proved; NaN where its hypotheses fail
  function proved(state) {
    const { alpha, theta, third } = state, L = Math.max(third, 1);
    const rho = (5 / 3) * smoothing * L * theta, mu = curvature(state);
    return alpha > 1 && rho * L < mu ? Math.min(2 / 5, 2 * theta * (mu - rho * L)) : NaN;
  }
  // Theorem 2 of growing thresholds for the threshold T0 s^q; these clients are convex, so it has no condition on theta
  function strong(state) {
    const { power } = state, p = cut(state);
    return Math.min(start(state), state.unequal ? 2 * power * p : 4 * power, 1 - 2 * power + power * p);
  }
  const bestPower = (state) => (state.unequal ? 1 / (2 + cut(state)) : 1 / (6 - cut(state)));
  return { strong, bestPower, variance, startExponent: start, biasExponent: bias, law, proved, smoothing };
})());
