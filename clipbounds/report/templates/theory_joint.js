// S0* and the kernels below it: clipbounds.worst_case.one_step and clipping_bias, koloskova2023.envelope and S0Star, with the
// same searches, so that both give the same numbers. Everything in `oneStep` is in units of the threshold.
"use strict";
Object.assign(clipboundsTheory, (() => {
  const { drift, floor, s0, geomspace } = clipboundsTheory;
  const EPS = Number.EPSILON, MARGIN = 1e-12, HALVINGS = 200, DOUBLINGS = 60, ROUNDS = 48, NEWTON_STEPS = 8;
  const power = (base, exponent) => (exponent === 1 ? base : exponent === 2 ? base * base : base ** exponent);

  // the local minimum in the convex zone around u: [below, value, y]
  function middle(u, a, kappa, p, beta, gamma) {
    const s = a - 2 * kappa * u - beta, side = s > 0 ? -1 : 1, size = Math.abs(s), none = [Infinity, Infinity, u];
    let zone = Infinity, w;
    if (p === 2) {
      if (gamma <= kappa) return none;
      w = size / (2 * (gamma - kappa));
    } else {
      w = power(size / (gamma * p), 1 / (p - 1));
      if (kappa > 0) {
        zone = ((gamma * p * (p - 1)) / (2 * kappa)) ** (1 / (2 - p));
        if (w >= zone || gamma * p * zone ** (p - 1) - 2 * kappa * zone < size) return none;
        for (let step = 0; step < NEWTON_STEPS; step++) {
          const pull = gamma * p * w ** (p - 1);
          const slope = w > 0 ? ((p - 1) * pull) / w - 2 * kappa : Infinity;
          const change = slope > 0 ? (size + 2 * kappa * w - pull) / slope : 0;
          w = Math.min(w + change, zone);
          if (change <= 4 * EPS * w) break;
        }
      }
    }
    const y = u + side * w;
    if (y < -1 || y > 1) return none;
    const value = a * y - kappa * y * y - beta * (y - u) + gamma * power(w, p);
    const slip = p < 2 && kappa > 0
      ? Math.abs(gamma * p * w ** (p - 1) - 2 * kappa * w - size) * Math.min(zone, 1 + u) : 0;
    return [value - slip, value, y];
  }

  // minimum over all y, rounded down, and a minimiser
  function lowest(u, a, kappa, p, beta, gamma) {
    const reach = power(Math.abs(beta) / (gamma * p), 1 / (p - 1));
    const gain = -Math.abs(beta) * reach * (1 - 1 / p);
    let best, y;
    if (beta < 0 && u - reach <= -1) [best, y] = [-a - kappa + gain, u - reach];
    else [best, y] = [-a - kappa + beta * (1 + u) + gamma * power(1 + u, p), -1];
    let free = beta > 0 ? u + reach : u - reach, right;
    if (free >= 1) right = a - kappa + gain;
    else {
      free = 1;
      right = a - kappa - beta * (1 - u) + gamma * power(Math.abs(1 - u), p);
    }
    if (right < best) [best, y] = [right, free];
    const [below, value, inner] = middle(u, a, kappa, p, beta, gamma);
    if (value < best) y = inner;
    best = Math.min(best, below);
    const size = a + kappa + (Math.abs(beta) + gamma * power(Math.abs(y - u), p - 1)) * Math.abs(y - u);
    return [best - EPS * (16 + 8 / (p - 1)) * size, y];
  }

  // for one gamma: the largest minimum over beta, and the minimisers on either side of u
  function overBeta(u, a, kappa, p, gamma) {
    let high = a + 2 * kappa + gamma, low = -high;
    let [atLow, yLow] = lowest(u, a, kappa, p, low, gamma);
    for (let k = 0; k < DOUBLINGS && !(yLow <= u); k++) {
      low *= 2;
      [atLow, yLow] = lowest(u, a, kappa, p, low, gamma);
    }
    let [atHigh, yHigh] = lowest(u, a, kappa, p, high, gamma);
    for (let k = 0; k < DOUBLINGS && !(yHigh >= u); k++) {
      high *= 2;
      [atHigh, yHigh] = lowest(u, a, kappa, p, high, gamma);
    }
    let best = Math.max(atLow, atHigh), width = high - low, patience = 3;
    for (let k = 0; k < HALVINGS; k++) {
      let beta = low + (atHigh - atLow + (high - low) * (yHigh - u)) / (yHigh - yLow);
      let model = atLow + (beta - low) * (u - yLow);
      if (patience === 0 || !(low < beta && beta < high)) {
        beta = 0.5 * (low + high);
        model = Infinity;
        width *= 0.5;
        patience = 3;
        if (beta <= low || beta >= high) break;
      }
      const [value, y] = lowest(u, a, kappa, p, beta, gamma);
      best = Math.max(best, value);
      if (value >= model - 4 * EPS * (Math.abs(model) + Math.abs(beta) * (1 + u))) break;
      if (y < u) [low, atLow, yLow] = [beta, value, y];
      else if (y > u) [high, atHigh, yHigh] = [beta, value, y];
      else {
        yLow = yHigh = u;
        break;
      }
      patience -= 1;
      if (high - low <= 0.5 * width) {
        width = high - low;
        patience = 3;
      }
    }
    return [best, yLow, yHigh];
  }

  function momentOf(u, p, low, high) {
    const below = u - low, above = high - u;
    if (below <= 0 || above <= 0) return 0;
    return (above / (below + above)) * power(below, p) + (below / (below + above)) * power(above, p);
  }
  function clippedGain(a, kappa, y) {
    const clipped = Math.min(1, Math.max(-1, y));
    return a * clipped - kappa * clipped * clipped;
  }
  function gainOf(u, a, kappa, low, high) {
    const below = u - low, above = high - u;
    if (below <= 0 || above <= 0) return clippedGain(a, kappa, u);
    return (above * clippedGain(a, kappa, low) + below * clippedGain(a, kappa, high)) / (below + above);
  }
  const shareOf = (moment, under, above) =>
    moment < above && above < Infinity ? Math.max(0, (moment - under) / (above - under)) : 0;

  // min E[a clip - kappa clip²] in units of c, from below
  function solve(u, a, moment, kappa, p) {
    const cost = moment * (1 + 4 * EPS), size = a + kappa;
    let best = -size, gamma = size / moment;
    let [found, low, high] = overBeta(u, a, kappa, p, gamma);
    best = Math.max(best, found - gamma * cost);
    let few = gamma, many = gamma, fewLow = low, fewHigh = high, manyLow = low, manyHigh = high;
    let above = momentOf(u, p, low, high), under = above;
    for (let k = 0; k < DOUBLINGS && !(under <= moment); k++) {
      [few, fewLow, fewHigh, above] = [many, manyLow, manyHigh, under];
      many *= 4;
      [found, manyLow, manyHigh] = overBeta(u, a, kappa, p, many);
      under = momentOf(u, p, manyLow, manyHigh);
      best = Math.max(best, found - many * cost);
    }
    for (let k = 0; k < DOUBLINGS && above <= moment; k++) {
      [many, manyLow, manyHigh, under] = [few, fewLow, fewHigh, above];
      few *= 0.25;
      [found, fewLow, fewHigh] = overBeta(u, a, kappa, p, few);
      above = momentOf(u, p, fewLow, fewHigh);
      best = Math.max(best, found - few * cost);
    }
    for (let k = 0; k < ROUNDS; k++) {
      const share = shareOf(moment, under, above);
      const value = share * gainOf(u, a, kappa, fewLow, fewHigh) + (1 - share) * gainOf(u, a, kappa, manyLow, manyHigh);
      if (value - best <= 64 * EPS * size) break;
      gamma = Math.sqrt(few * many);
      [found, low, high] = overBeta(u, a, kappa, p, gamma);
      best = Math.max(best, found - gamma * cost);
      const reached = momentOf(u, p, low, high);
      if (reached > moment) [few, fewLow, fewHigh, above] = [gamma, low, high, reached];
      else [many, manyLow, manyHigh, under] = [gamma, low, high, reached];
    }
    return best;
  }

  // Psi*(u), rounded down, for sigma > 0
  function oneStep(u, c, sigma, kappa, p) {
    if (u === 0) return -kappa * (c * (Math.min(sigma, c) / c) ** (p / 2)) ** 2 * (1 + 16 * EPS);
    const a = u / c, point = Math.min(a, 1), moment = (sigma / c) ** p;
    let value = Math.max(-a - kappa, a * point - kappa * point * point - (a + 2 * kappa) * (sigma / c));
    if (moment > 1e-250 && moment < 1e120 && a < 1e120) value = Math.max(value, solve(a, a, moment, kappa, p));
    return (value - 8 * EPS * (a + kappa)) * c * c;
  }

  // beta1(s): the largest mean excess of a centred variable over a level
  const softplusOf = (w) => Math.max(w, 0) + Math.log1p(Math.exp(-Math.abs(w)));
  function standardExcess(x, p) {
    let w = x - Math.log(p - 1);
    const constant = Math.log((p - 1) / p) - x;
    for (let k = 0; k < 6; k++) {
      const softplus = softplusOf(w), t = p * softplus, r = Math.exp(-t), R = Math.exp(-(p - 1) * t);
      const far = -Math.expm1(-p * t);
      const residual = constant + (Math.log1p(r) + t) / p - (1 + 1 / p) * Math.log1p(R) + Math.log(far);
      const slope = 1 / (p * (1 + r)) + ((1 + 1 / p) * (p - 1) * R) / (1 + R) + (p * r * R) / far;
      w -= residual / (slope * p * Math.exp(w - softplus));
    }
    const t = p * softplusOf(w), R = Math.exp(-(p - 1) * t);
    const logZ = x + Math.log((p * (1 + R)) / (p - 1)) - Math.log(-Math.expm1(-p * t));
    const logMu = (1 - p) * logZ - Math.log(p * (1 + R));
    const value = Math.exp(logMu) + (p - 1) * Math.exp(logMu + p * (logZ - t));
    return Math.min(value * (1 + EPS * (32 + 8 * (Math.abs(x) + Math.abs(logZ) + t))), 0.5);
  }
  function clippingBias(s, sigma, p) {
    const far = Math.abs(s);
    let value = 0.5 * sigma;
    if (far > 0 && p === 2) value = 0.5 * sigma * Math.min((sigma / (far + Math.hypot(far, sigma))) * (1 + 8 * EPS), 1);
    else if (far > 0) value = sigma * standardExcess(Math.log(far) - Math.log(sigma), p);
    return Math.max(-s, 0) + value;
  }
  function lowerDrift(u, c, sigma, p) {
    if (p === 2) return drift(u, c, sigma);
    const near = Math.max(u - clippingBias(c - u, sigma, p), -c);
    return Math.max(near, u >= c ? (c * (u + c - sigma)) / (u + c) : -c) - MARGIN * (u + c);
  }

  // Psi* from below by lines on cells, and the smallest mean gradient norm for which they leave room
  function envelope({ c, sigma, eta, L0, L1, p }, small) {
    const kappaAt = (u) => 0.5 * eta * (L0 + L1 * u);
    const scale = c + sigma, wanted = (0.01 * c * c) / (c + scale);
    const decades = geomspace(10 * scale, 1e90 * scale, 200);
    const enough = decades.findIndex((u) => c - lowerDrift(u, c, sigma, p) <= wanted);
    const last = decades[enough < 0 ? decades.length - 1 : enough];
    const first = Math.min(small, 0.1 * last);
    const valueAt = (u) => oneStep(u, c, sigma, kappaAt(u), p);
    let edges = [0, ...geomspace(first, last, Math.trunc(Math.log(last / first) / Math.log(1.25)) + 2)];
    let values = edges.map(valueAt);
    const tail = lowerDrift(last, c, sigma, p);
    const steepest = (tail - 0.5 * eta * L1 * c * c) * (1 - 1e-9);
    const end = last * tail - kappaAt(last) * c * c;
    const cornersOf = () => edges.slice(0, -1).map((a, k) => {
      const b = edges[k + 1], kappa = kappaAt(a);
      const bend = Math.min(Math.max(2 * kappa * c - a, 0), 2 * kappa * Math.min(c, b + 0.5 * sigma));
      const second = p === 2 ? b * b + sigma ** 2 : c ** (2 - p) * (b + sigma) ** p;
      return values[k] + (b - a) * (lowerDrift(a, c, sigma, p) - bend - 0.5 * eta * L1 * Math.min(c ** 2, second));
    });

    function least(budget, u, value) {
      let low = 1 / steepest, high = Infinity, theta = low;
      for (let k = 0; k < 200; k++) {
        let active = 0, top = -Infinity;
        for (let j = 0; j < u.length; j++) {
          const reached = u[j] + (budget - value[j]) * theta;
          if (reached > top) [top, active] = [reached, j];
        }
        if (budget - value[active] >= 0) high = theta;
        else low = theta;
        if (high <= low * (1 + 1e-13)) break;
        theta = high === Infinity ? 2 * low : Math.sqrt(low * high);
      }
      let top = -Infinity;
      for (let j = 0; j < u.length; j++) {
        const margin = MARGIN * (u[j] + (budget + Math.abs(value[j])) * theta);
        top = Math.max(top, u[j] + (budget - value[j]) * theta + margin);
      }
      return [top, theta];
    }

    return (budget) => {
      if (!(steepest > 0)) return Infinity;
      let upper = Infinity;
      for (let round = 0; round < 60; round++) {
        const right = edges.slice(1), corners = cornersOf();
        let theta;
        [upper, theta] = least(budget, [...edges, ...right, last], [...values, ...corners, end]);
        const [needed] = least(budget, edges, values);
        if (upper <= needed * (1 + 2e-4)) break;
        const slack = 0.25 * 2e-4 * needed, added = [];
        right.forEach((b, k) => {
          const reach = b + (budget - corners[k]) * theta;
          const excess = reach - (b + (budget - values[k + 1]) * theta);
          if (!(reach > needed + 0.25 * (upper - needed) && excess > slack)) return;
          for (const piece of [1, 2, 3]) added.push(edges[k] + ((b - edges[k]) * piece) / 4);
        });
        if (!added.length) break;
        const known = new Map(edges.map((u, k) => [u, values[k]]));
        edges = [...new Set([...edges, ...added])].sort((x, y) => x - y);
        values = edges.map((u) => known.get(u) ?? valueAt(u));
      }
      return upper;
    };
  }

  // S0*, for noise with E‖ξ‖^p at most sigma^p
  function s0star(setting) {
    const { c, sigma, eta, steps, F0, L0, L1, p } = setting;
    const budget = F0 / (eta * steps);
    const size = floor(c, sigma, p) + Math.sqrt(budget + 0.5 * eta * (L0 + c * L1) * Math.min(c, sigma) ** 2);
    const value = envelope(setting, Math.max(1e-3 * size, 1e-12 * (c + sigma)))(budget);
    return p === 2 ? Math.min(value, s0(setting)) : value;
  }

  return { oneStep, clippingBias, s0star };
})());
