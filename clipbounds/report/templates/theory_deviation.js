// The error of per-sample clipping with probability 1 - delta: clipbounds.bounds.nobile2026 deviation_bound (Theorem 2, its two
// forms), deviation_star (Theorem 2*) and mean_estimation_lower_bound (two points, Gaussian). n samples, E‖X - g‖^p <= sigma^p, G = ‖g‖.
"use strict";
Object.assign(clipboundsTheory, (() => {
  const { linspace, geomspace, clippingBias } = clipboundsTheory;
  const tailConstant = (p) => (p - 1) ** (p - 1) / p ** p;

  function lowestPoint(f, low, high, count, rounds) {
    let best = low;
    for (let round = 0; round < rounds; round++) {
      const grid = geomspace(low, high, count), values = grid.map(f);
      const k = values.reduce((least, value, j) => (value < values[least] ? j : least), 0);
      best = grid[k];
      [low, high] = [grid[Math.max(k - 1, 0)], grid[Math.min(k + 1, count - 1)]];
    }
    return best;
  }

  function biasProfile(margin, sigma, p) {
    const knee = (sigma * (p - 1)) / p;
    return margin <= knee ? sigma - margin : tailConstant(p) * sigma ** p * Math.max(margin, knee) ** (1 - p);
  }
  function varianceProfile(threshold, norm, sigma, p) {
    const reach = threshold + Math.min(norm, threshold);
    return Math.min(reach ** (2 - p) * Math.min(sigma, reach) ** p, threshold ** 2);
  }
  const excess = (x) =>
    x < 0.02 ? x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x / 720)))) : Math.expm1(x) - x;

  const schedules = {
    constant: (scale, n, sigma, p) => [[scale * sigma * n ** (1 / p), n]],
    growing: (scale, n, sigma, p) => Array.from({ length: n }, (_, k) => [scale * sigma * (k + 1) ** (1 / p), 1]),
  };

  // Theorem 2 for thresholds [level, how many samples]
  function deviation({ n, p, delta, scale, norm, sigma = 1 }, schedule, form) {
    const levels = schedules[schedule](scale, n, sigma, p);
    const logTerm = Math.log(2 / delta);
    let bias = 0, spread = 0, top = 0;
    const parts = levels.map(([level, weight]) => {
      const size = level + Math.min(level, norm + biasProfile(level - norm, sigma, p));
      const variance = varianceProfile(level, norm, sigma, p);
      bias += weight * biasProfile(level - norm, sigma, p);
      spread += weight * variance;
      top = Math.max(top, size);
      return [size, (weight * variance) / size ** 2];
    });
    if (form === "bernstein") {
      const range = (top * logTerm) / (3 * n);
      return bias / n + range + Math.sqrt(range ** 2 + ((2 * spread) / n ** 2) * logTerm);
    }
    const total = (t) => {
      let sum = 0;
      for (const [size, share] of parts) sum += excess(t * size) * share;
      return (sum + logTerm) / t;
    };
    return bias / n + total(lowestPoint(total, 1e-6 / top, 600 / top, 25, 4)) / n;
  }

  // Theorem 2*, form (b): the smallest arccosh(prod of m_k / delta)/(n theta); NaN where G exceeds the smallest threshold
  const CHOOSING = 128;
  function factor(theta, { level, bias }, norm, sigma, p) {
    const s = level - norm, reach = level + norm, y = theta * reach;
    const height = y < 0.02 ? excess(y) + y ** 7 / 5040 : excess(y);
    const atReach = (theta * (reach - s) + height) * reach ** -p;
    const rest = theta * s - height, far = Math.max(reach, (p * rest) / ((p - 1) * theta));
    const beyond = (theta * far - rest) * far ** -p;
    const split = reach * (p - 1) <= p * s ? 0 : theta * tailConstant(p) * s ** (1 - p) + height * reach ** -p;
    const apart = theta * bias + (Math.min(sigma, reach) / reach) ** p * height;
    return 1 + Math.min(apart, sigma ** p * Math.max(atReach, beyond, split));
  }
  // a few of many thresholds, each for its neighbours: enough to choose theta by
  function thinned(levels) {
    if (levels.length <= CHOOSING) return levels;
    const starts = [...new Set(linspace(0, levels.length - 1, CHOOSING).map(Math.floor))];
    return starts.map((start, k) => {
      const group = levels.slice(start, starts[k + 1]);
      return { ...group[0], weight: group.reduce((sum, { weight }) => sum + weight, 0) };
    });
  }
  function deviationStar({ n, p, delta, scale, norm, sigma = 1 }, schedule) {
    const levels = schedules[schedule](scale, n, sigma, p).map(([level, weight]) => ({ level, weight, bias: clippingBias(level - norm, sigma, p) }));
    if (norm > levels[0].level) return NaN;
    const radius = (some) => (theta) => {
      let size = -Math.log(delta);
      for (const one of some) size += one.weight * Math.log(factor(theta, one, norm, sigma, p));
      return (size + Math.log1p(Math.sqrt(-Math.expm1(-2 * size)))) / (n * theta);
    };
    const top = levels[levels.length - 1].level;
    return radius(levels)(lowestPoint(radius(thinned(levels)), 1e-5 / top, 300 / top, 33, 4));
  }

  // the normal quantile: M. J. Wichura, algorithm AS 241 (1988), about 1e-16; its three pairs of polynomials
  const CENTRE = [[2.509080928730122672e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.387132872796366608],
  [5.226495278852854561e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1]];
  const MIDDLE = [[7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
    3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734],
  [1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1]];
  const FAR = [[2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
    2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720],
  [2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1]];
  const ratio = ([above, below], x) => {
    const at = (coefficients) => coefficients.reduce((sum, a) => sum * x + a, 0);
    return at(above) / at(below);
  };
  function normalQuantile(probability) {
    const q = probability - 0.5;
    if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
    const r = Math.sqrt(-Math.log(q < 0 ? probability : 1 - probability));
    return Math.sign(q) * (r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(FAR, r - 5));
  }
  // Lanczos, g = 7, nine terms: about 1e-15 for x in (1/2, 2)
  const LANCZOS = [0.99999999999980993227684700473478, 676.520368121885098567009190444019, -1259.13921672240287047156078755283,
    771.3234287776530788486528258894, -176.61502916214059906584551354, 12.507343278686904814458936853,
    -0.13857109526572011689554707, 9.984369578019570859563e-6, 1.50563273514931155834e-7];
  function gammaFunction(x) {
    const t = x + 6.5;
    const sum = LANCZOS.reduce((total, a, k) => (k ? total + a / (x - 1 + k) : a), 0);
    return Math.sqrt(2 * Math.PI) * t ** (x - 0.5) * Math.exp(-t) * sum;
  }

  // what no estimator can beat
  function leastError({ n, p, delta, sigma = 1 }) {
    const q = -Math.expm1(Math.log(2 * delta) / n);
    const two = (sigma * q ** ((p - 1) / p)) / ((1 - q) * ((1 - q) ** (p - 1) + q ** (p - 1))) ** (1 / p);
    const moment = (2 ** (p / 2) * gammaFunction((p + 1) / 2)) / Math.sqrt(Math.PI);
    const gaussian = ((-normalQuantile(delta / 2) * sigma) / (moment ** (1 / p) * Math.sqrt(n))) * (1 - 1e-12);
    return Math.max(two, gaussian);
  }

  return { deviation, deviationStar, leastError, lowestPoint };
})());
