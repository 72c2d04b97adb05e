// Sliders and curves; the formulas are in theory.js.
(() => {
  const theory = clipboundsTheory;
  const byId = (name) => document.getElementById(name);
  const NAMES = ["c", "sigma", "eta", "steps", "p"];
  const GRAIN = 300; // positions of a slider; the starting values are among them
  const POINTS = 81, SHARP_POINTS = 33;
  const LINEAR = new Set(["p"]);
  const RANGE_C = [0.02, 50];

  const limits = {};
  for (const name of NAMES) {
    const { low, high, start } = byId(name).dataset;
    limits[name] = [Number(low), Number(high)];
    Object.assign(byId(name), { min: 0, max: GRAIN, step: 1, value: GRAIN * share(name, Number(start)) });
  }
  function share(name, value) {
    const [low, high] = limits[name];
    return LINEAR.has(name) ? (value - low) / (high - low) : Math.log(value / low) / Math.log(high / low);
  }
  function read(name) {
    const [low, high] = limits[name], x = Number(byId(name).value) / GRAIN;
    const value = LINEAR.has(name) ? low + x * (high - low) : low * (high / low) ** x;
    // three digits are what the page shows, so three digits are what it computes with
    return name === "steps" ? Math.round(Number(value.toPrecision(3))) : Number(value.toPrecision(3));
  }
  const raised = (k) => String(k).replace(/[-0-9]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);
  function shown(value) {
    if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)) return String(Number(value.toPrecision(4)));
    const [digits, exponent] = value.toExponential(2).split("e");
    return `${Number(digits)}·10${raised(Number(exponent))}`;
  }

  const settingAt = (state, c) => ({ ...state, c, L: 1, L0: 1, L1: 0, F0: theory.floor(c, state.sigma) ** 2 / 2 });
  const CURVES = {
    heavy: (state, c) => theory.floor(c, state.sigma, state.p),
    lower: (state, c) => theory.bestSkew(settingAt(state, c)).value,
    floor: (state, c) => theory.floor(c, state.sigma),
    s1: (state, c) => theory.s1(settingAt(state, c)),
    s0: (state, c) => theory.s0(settingAt(state, c)),
  };

  let timer = 0, drawnWidth = 0;
  function redraw() {
    const state = Object.fromEntries(NAMES.map((name) => [name, read(name)]));
    for (const name of NAMES) {
      byId(`${name}-value`).textContent = shown(state[name]);
      byId(name).setAttribute("aria-valuetext", shown(state[name]));
    }
    const large = state.c >= state.sigma / 2;
    byId("regime").textContent = large
      ? "Large threshold, c ≥ σ/2: the floor is u* = σ²/(4c)." : "Small threshold, c < σ/2: the floor is u* = σ − c.";
    const values = {};
    for (const name of Object.keys(CURVES)) {
      values[name] = CURVES[name](state, state.c);
      const vacuous = name === "lower" && values[name] <= 0;
      byId(`${name}-value`).textContent = vacuous ? "says nothing here" : shown(values[name]);
    }
    byId("plot-description").textContent =
      `At c = ${shown(state.c)}: floor ${shown(values.floor)}, S0 ${shown(values.s0)}, S1 ${shown(values.s1)}.`;

    const grid = theory.geomspace(...RANGE_C, POINTS);
    const lines = {};
    for (const name of Object.keys(CURVES)) {
      if (name !== "s0") lines[name] = grid.map((c) => [c, CURVES[name](state, c)]);
    }
    const axes = plotAxes(lines, state);
    for (const [name, points] of Object.entries(lines)) axes.path(name, points);
    // S0 is dearer: a few points at a time, so that the sliders stay smooth
    clearTimeout(timer);
    const sharp = theory.geomspace(...RANGE_C, SHARP_POINTS), points = [];
    const path = axes.path("s0", points);
    const advance = () => {
      const end = performance.now() + 12;
      while (points.length < sharp.length && performance.now() < end) {
        const c = sharp[points.length];
        points.push([c, CURVES.s0(state, c)]);
      }
      axes.update(path, points);
      if (points.length < sharp.length) timer = setTimeout(advance);
      else byId("plot").dataset.ready = "yes";
    };
    delete byId("plot").dataset.ready;
    advance();
  }

  function element(parent, tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  function plotAxes(lines, state) {
    const plot = byId("plot"), drawing = byId("drawing");
    const width = plot.clientWidth || 640, height = plot.clientHeight || 400;
    const left = 62, right = width - 14, top = 14, bottom = height - 46;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawnWidth = plot.clientWidth;
    drawing.replaceChildren();
    const highest = theory.largestOf([...lines.s1, ...lines.floor].map(([, y]) => y));
    const upper = Math.ceil(Math.log10(highest)), lower = Math.floor(Math.log10(theory.floor(RANGE_C[1], state.sigma) / 3));
    const [c0, c1] = RANGE_C.map(Math.log10);
    const X = (c) => left + ((Math.log10(c) - c0) / (c1 - c0)) * (right - left);
    const Y = (y) => bottom - ((Math.log10(y) - lower) / (upper - lower)) * (bottom - top);
    const power = (k) => (k >= -2 && k <= 2 ? String(Number((10 ** k).toFixed(2))) : `10${raised(k)}`);
    for (let k = Math.ceil(c0); k <= c1; k++) {
      element(drawing, "line", { class: "grid", x1: X(10 ** k), x2: X(10 ** k), y1: top, y2: bottom });
      element(drawing, "text", { x: X(10 ** k), y: bottom + 18, "text-anchor": "middle" }, power(k));
    }
    for (let k = lower; k <= upper; k++) {
      element(drawing, "line", { class: "grid", x1: left, x2: right, y1: Y(10 ** k), y2: Y(10 ** k) });
      element(drawing, "text", { x: left - 8, y: Y(10 ** k) + 4, "text-anchor": "end" }, power(k));
    }
    element(drawing, "text", { x: (left + right) / 2, y: height - 8, "text-anchor": "middle" }, "threshold c");
    const middle = (top + bottom) / 2;
    element(drawing, "text", { x: 15, y: middle, "text-anchor": "middle", transform: `rotate(-90 15 ${middle})` }, "mean ‖∇f‖");
    element(drawing, "line", { class: "mark", x1: X(state.c), x2: X(state.c), y1: top, y2: bottom });

    const clipped = (points) => {
      let pen = false;
      return points.map(([c, y]) => {
        if (!(y > 0) || Y(y) > bottom) { pen = false; return ""; }
        const command = `${pen ? "L" : "M"}${X(c).toFixed(1)} ${Y(y).toFixed(1)}`;
        pen = true;
        return command;
      }).join("");
    };
    return {
      path: (name, points) => element(drawing, "path", { class: name, d: clipped(points) }),
      update: (path, points) => path.setAttribute("d", clipped(points)),
    };
  }

  byId("sliders").addEventListener("input", redraw);
  byId("sliders").addEventListener("submit", (event) => event.preventDefault());
  redraw();
  new ResizeObserver(() => { if (byId("plot").clientWidth !== drawnWidth) redraw(); }).observe(byId("plot"));
})();
