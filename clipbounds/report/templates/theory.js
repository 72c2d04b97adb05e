// The formulas of clipbounds.worst_case and clipbounds.bounds.koloskova2023 that the interactive page draws, with the same
// algorithms, so that both give the same numbers (tests/report/test_theory_js.py compares them to 1e-12).
// Symbols: u gradient norm, c threshold, sigma, eta step size, steps T, F0 = f(x0) - f*, (L0, L1) smoothness.
"use strict";
const clipboundsTheory = (() => {
  const MARGIN = 1e-12;

  const linspace = (start, stop, count) =>
    Array.from({ length: count }, (_, k) =>
      k === count - 1 ? stop : k * ((stop - start) / (count - 1)) + start);
  const geomspace = (start, stop, count) => {
    const values = linspace(Math.log10(start), Math.log10(stop), count).map((x) => 10 ** x);
    values[0] = start;
    values[count - 1] = stop;
    return values;
  };
  const argmax = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);
  const largestOf = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

  // m(u), the worst-case drift
  function drift(u, c, sigma) {
    const ceiling = Math.min(u, c);
    if (sigma === 0) return ceiling;
    if (u <= 3 * c && sigma <= Math.sqrt(Math.max(3 * c - u, 0)) * Math.sqrt(c + u)) {
      const root = 2 * Math.sqrt(c) * Math.sqrt(u);
      return Math.min((root - sigma) * ((root + sigma) / (2 * (c + u + Math.hypot(c - u, sigma)))), ceiling);
    }
    const top = Math.max(u + c, sigma);
    const t = (u + c) / top, s = sigma / top;
    return Math.min(c * (((t - s) * (t + s)) / (t * t + s * s)), ceiling);
  }

  // u*(c, sigma) for p = 2, u*_p(c, sigma_p) for 1 < p < 2
  function floor(c, sigma, p = 2) {
    if (p === 2 || sigma === 0) {
      return sigma <= 2 * c ? (sigma / Math.max(c, sigma / 2)) * (sigma / 4) : sigma - c;
    }
    const k = c / sigma;
    const objective = (s) =>
      Math.exp(s * (1 - 1 / p)) * ((1 + Math.exp(s)) / (1 + Math.exp(s * (p - 1)))) ** (1 / p) - k * Math.exp(s);
    let low = Math.min(p * Math.log((p - 1) / (2 * p * k)) - Math.log(2), -1), high = 0, value = 0;
    for (const count of [256, 32, 32, 32, 32, 32, 32]) {
      const grid = linspace(0, 1, count + 1).map((x) => low + (high - low) * x);
      const heights = grid.map(objective);
      const best = argmax(heights);
      value = heights[best];
      low = grid[Math.max(best - 1, 0)];
      high = grid[Math.min(best + 1, count)];
    }
    return sigma * value;
  }

  function fromDriftMean(eps, c, least) {
    const v = Math.max(least, Math.sqrt(eps));
    return v + eps / c + (v > 0 ? eps / v : 0);
  }

  // S1, for an L-smooth f
  function s1({ c, sigma, eta, steps, F0, L0 }) {
    return fromDriftMean(F0 / (eta * steps) + 0.5 * eta * L0 * c * c, c, floor(c, sigma));
  }

  // lam u - Psi(u) is at most largestOn(lam, cell) on the cell [a, b]: m increases, the majorant is affine
  function cellOf(a, b, { c, sigma, eta, L0, L1 }) {
    const half = 0.5 * eta * Math.min(c * c, b * b + sigma * sigma);
    return { a, b, r: drift(a, c, sigma) - half * L1, d: half * L0 };
  }
  function largestOn(lam, { a, b, r, d }) {
    const room = lam - r;
    return Math.max(a * room, b * room) + d + MARGIN * b * (Math.abs(r) + Math.abs(room));
  }

  // S0, the sharp bound: any slope lam is admissible; only its maximum over u must not be too small
  function s0(setting) {
    const { c, sigma, eta, steps, F0, L0, L1 } = setting;
    const budget = F0 / (eta * steps);
    const least = floor(c, sigma);
    const half = 0.5 * eta * (L0 + c * L1);
    const eps = budget + half * c * c;
    const v = Math.max(least, Math.sqrt(eps));
    const small = Math.max(least, Math.sqrt(budget + half * Math.min(c, sigma) ** 2), 1e-9 * v);
    const last = 1e3 * (c + sigma + v);
    const edges = Float64Array.from([0, ...geomspace(1e-4 * small, last, 4000)]);
    const tail = drift(last, c, sigma);
    const top = (tail - 0.5 * eta * L1 * c * c) * (1 - 1e-9);
    const low = (0.1 * c * small) / (c + small);
    const slopes = [(c * v) / (c + v), ...geomspace(Math.min(low, 0.1 * top), top, 200),
      ...geomspace(1e-5, 0.3, 40).map((x) => top * (1 - x))].filter((x) => x <= top).sort((x, y) => x - y);

    const gains = edges.map((u) =>
      u * drift(u, c, sigma) - 0.5 * eta * (L0 + L1 * u) * Math.min(c * c, u * u + sigma * sigma));
    let slope = 0, attained = 0, smallest = Infinity;
    for (const lam of slopes) {
      let reached = -Infinity;
      for (let k = 0; k < edges.length; k++) {
        const value = lam * edges[k] - gains[k];
        if (value > reached) reached = value;
      }
      if ((budget + reached) / lam < smallest) {
        smallest = (budget + reached) / lam;
        slope = lam;
        attained = reached;
      }
    }

    // only cells whose majorant reaches a value that is taken can hold the maximum; those are cut into 64
    const parts = linspace(0, 1, 65);
    let largest = last * (slope - tail + 0.5 * eta * L1 * c * c) + 0.5 * eta * L0 * c * c;
    for (let k = 0; k + 1 < edges.length; k++) {
      const a = edges[k], b = edges[k + 1];
      if (largestOn(slope, cellOf(a, b, setting)) < attained) continue;
      const fine = parts.map((x) => a + (b - a) * x);
      fine[64] = b;
      for (let j = 0; j < 64; j++) largest = Math.max(largest, largestOn(slope, cellOf(fine[j], fine[j + 1], setting)));
    }
    const value = ((budget + largest) / slope) * (1 + MARGIN);
    return L1 === 0 ? Math.min(value, fromDriftMean(eps, c, least)) : value;
  }

  // the finite lower bound for f = L x²/2, two-point noise of skewness q, started at its stationary point
  function finiteValue({ c, sigma, q, L, eta, steps }) {
    const drifted = Math.sqrt(steps * (eta * L * c) ** 2) / (eta * L * steps);
    const below = (eta * L * c * c) / (2 * c * (1 - q * q));
    return sigma * q - c * q * q - (1 + q * q) * (drifted + below);
  }

  // the skewness that makes it largest, on a grid
  function bestSkew({ c, sigma, L, eta, steps }) {
    const end = Math.min(1, sigma / c);
    const grid = [...linspace(0.001, 0.99, 2000), ...geomspace(1e-6, 1e-2, 200).map((x) => 1 - x)].map((x) => end * x);
    const values = grid.map((q) => finiteValue({ c, sigma, q, L, eta, steps }));
    const best = argmax(values);
    return { skew: grid[best], value: values[best] };
  }

  return { drift, floor, s0, s1, finiteValue, bestSkew, linspace, geomspace, largestOf };
})();
if (typeof module !== "undefined") module.exports = clipboundsTheory;
